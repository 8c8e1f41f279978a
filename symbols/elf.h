/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One ELF file by libelf, for the files of this room alone. */
#ifndef SYMBOLS_ELF_H
#define SYMBOLS_ELF_H

#include <libelf.h>

#include "symbols/symbols.h"

struct elf_file {
	int fd;
	Elf *elf;
	char *path;
	uint16_t machine;
	bool is_relocatable;
	struct section *sections;
	size_t nsections;
	struct segment *segments;       /* PT_LOADs */
	size_t nsegments;
	struct build_id build_id;
};

struct error *elf_file_open(const char *path, struct elf_file *ret) must_check;
void elf_file_close(struct elf_file *f);

/* A section's bytes, decompressed, borrowed. ERROR_NOT_FOUND for one without bytes. */
struct error *elf_file_data(struct elf_file *f, size_t index, const void **ret, size_t *len_ret) must_check;

#endif

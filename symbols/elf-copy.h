/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy of an ELF file with some sections emptied, replaced or added. Section numbers stay what
 * they are, so that symbols and links stay right; elf_copy_loaded_first() alone changes both.
 */
#ifndef SYMBOLS_ELF_COPY_H
#define SYMBOLS_ELF_COPY_H

#include <elf.h>

#include "stub/base/buffer.h"
#include "stub/base/error.h"
#include "stub/base/progress.h"
#include "symbols/elf.h"

struct elf_copy {
	Elf64_Ehdr header;
	Elf64_Shdr *sections;
	size_t nsections;
	struct buffer names;            /* .shstrtab, whole */
	int from, to;                   /* descriptors, borrowed */
	uint64_t from_size;
	uint64_t end;                   /* of what has been written */
};

/* Reads the headers of `f`; nothing is written yet. */
struct error *elf_copy_start(struct elf_file *f, int to, struct elf_copy *ret) must_check;
void elf_copy_deinit(struct elf_copy *c);

/* Makes section `index` one that is not there. */
void elf_copy_drop(struct elf_copy *c, size_t index);

/*
 * Writes headers of segments and all that has bytes: what segments load stays at its offset, the
 * rest is packed behind it. Sections whose type is SHT_NULL are left out.
 */
struct error *elf_copy_sections(struct elf_copy *c, struct progress *progress) must_check;

/*
 * Gives the ALLOC sections the first numbers, in the order that they have, and says so to
 * symbols, links and groups. After elf_copy_sections(), before anything is added.
 */
struct error *elf_copy_loaded_first(struct elf_copy *c) must_check;

/* Appends these bytes as the content of section `index`, or of a new one. */
struct error *elf_copy_put(struct elf_copy *c, size_t index, const void *bytes, size_t len) must_check;
struct error *elf_copy_add(struct elf_copy *c, const char *name, const void *bytes, size_t len) must_check;

/* A new section of Elf64_Rela for the last one that was added, by the file's symbols as they are. */
struct error *elf_copy_add_relocations(struct elf_copy *c, const char *name, const void *bytes,
				       size_t len) must_check;

/* Writes names and headers; may be followed by more sections and another finish. */
struct error *elf_copy_finish(struct elf_copy *c) must_check;

#endif

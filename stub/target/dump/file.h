/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of a dump file by their logical offset, whether they lie plainly in the file or in a
 * flattened one's records.
 */
#ifndef STUB_TARGET_DUMP_FILE_H
#define STUB_TARGET_DUMP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub/base/error.h"

struct flattened;

struct dump_file {
	int fd;
	char *path;                     /* owned */
	uint64_t real_size;             /* of the file itself */
	uint64_t size;                  /* logical: as if it were not flattened */
	struct flattened *flattened;    /* NULL: a plain file */
	bool cut_off;                   /* a flattened file that ends within a record */
};

/* Refuses what is no regular file, each with its own sentence. */
struct error *dump_file_open(const char *path, struct dump_file *ret) must_check;

/* Accepts a value with fd -1. */
void dump_file_close(struct dump_file *f);

/* Exactly len bytes; ERROR_TRUNCATED names the logical offset of the first that is missing. */
struct error *dump_file_read(struct dump_file *f, uint64_t offset, void *buf, size_t len) must_check;

#endif

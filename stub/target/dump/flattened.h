/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * makedumpfile's flattened format: a stream of {offset, size, bytes} records, what QEMU up to 8.1
 * and `virsh dump --format kdump-*` always write. Read in place by an index of the records.
 */
#ifndef STUB_TARGET_DUMP_FLATTENED_H
#define STUB_TARGET_DUMP_FLATTENED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub/base/error.h"

struct flattened;

/* True when these first bytes of a file are a flattened one's. */
bool flattened_magic(const void *bytes, size_t len);

/*
 * Reads the records' headers, one after the other. A file that ends early is indexed as far as
 * it goes, and *cut_off_ret is true.
 */
struct error *flattened_open(int fd, uint64_t file_size, struct flattened **ret,
			     uint64_t *logical_size_ret, bool *cut_off_ret) must_check;
void flattened_close(struct flattened *f);

/*
 * Where the logical bytes from `offset` on stand in the file: *file_offset_ret, *left_ret bytes
 * in one piece. False: no record has them; *left_ret is then the length of the gap (0: to the end).
 */
bool flattened_find(const struct flattened *f, uint64_t offset, uint64_t *file_offset_ret,
		    uint64_t *left_ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One page of a kdump file out of its compressed form, whichever of the format's four
 * compressions it has. What a library that is not built in would have unpacked is an error.
 */
#ifndef STUB_TARGET_DUMP_UNPACK_PAGE_H
#define STUB_TARGET_DUMP_UNPACK_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub/base/error.h"

/* page_desc.flags and disk_dump_header.status (makedumpfile's diskdump_mod.h) */
enum {
	PAGE_ZLIB = 0x1,
	PAGE_LZO = 0x2,
	PAGE_SNAPPY = 0x4,
	PAGE_ZSTD = 0x20,
	PAGE_COMPRESSED = PAGE_ZLIB | PAGE_LZO | PAGE_SNAPPY | PAGE_ZSTD,
};

struct unpacker;

struct error *unpacker_create(struct unpacker **ret) must_check;
void unpacker_destroy(struct unpacker *u);

/* "zlib", "lzo", ...; NULL when no such bit is set. */
const char *unpacker_name(uint32_t flags);

/* False when the library for these pages is not built in. */
bool unpacker_knows(uint32_t flags);

/*
 * Exactly `page` bytes into `out`; `pa` is for the error: ERROR_FORMAT when the bytes are
 * damaged, ERROR_UNSUPPORTED when the library is not built in.
 */
struct error *unpacker_run(struct unpacker *u, uint32_t flags, const void *in, size_t len, uint64_t pa,
			   void *out, size_t page) must_check;

#endif

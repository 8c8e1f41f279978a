/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two headers of a kdump-compressed file, of whatever version, as one struct: what the
 * versions before it lacked is filled in, and what could not be true is refused.
 */
#ifndef STUB_TARGET_DUMP_KDUMP_HEADER_H
#define STUB_TARGET_DUMP_KDUMP_HEADER_H

#include "stub/target/dump/file.h"

/* A piece of the file; offset 0: there is none. */
struct kdump_piece {
	uint64_t offset, size;
};

struct kdump_header {
	bool diskdump;                  /* the old "DISKDUMP": without kdump's second header */
	unsigned version;
	uint32_t status;                /* PAGE_* and KDUMP_INCOMPLETE */
	uint32_t page_shift;
	unsigned char identity[390 + 16]; /* utsname and time: equal in all parts of a set */
	int dump_level;                 /* -1: not known */
	bool split;
	uint64_t max_pfn;               /* pages in each bitmap: [0, max_pfn) */
	uint64_t start_pfn, end_pfn;    /* what this part of a split set has */
	uint64_t bitmap1, bitmap2;      /* file offsets; the same when there is but one */
	uint64_t descriptors;           /* file offset */
	struct kdump_piece vmcoreinfo, notes;
};

enum { KDUMP_INCOMPLETE = 0x8 };        /* status: makedumpfile's disk was full */

/* Errors name the file. */
struct error *kdump_header_read(struct dump_file *f, struct kdump_header *ret) must_check;

#endif

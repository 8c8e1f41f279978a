/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages an LKCD dump has whole. libkdumpfile does not tell, reads zeros behind the end of the
 * file, and unpacks a page of any size into a buffer of one page: it may have no page but these.
 */
#ifndef STUB_TARGET_DUMP_LKCD_MAP_H
#define STUB_TARGET_DUMP_LKCD_MAP_H

#include <stdbool.h>

#include "stub/target/target.h"

struct lkcd_map {
	bool is_lkcd;                   /* false: a file of another format, and nothing else is set */
	struct phys_range *ram;         /* sorted, disjoint; of whole pages; owned by the caller */
	size_t nram;
	bool cut_off;                   /* no descriptor at `end` where there should be one or the end marker */
	uint64_t end;
};

/*
 * Reads the descriptors of all pages; `fd` is borrowed. Refuses a file with one that libkdumpfile
 * must not meet.
 */
struct error *lkcd_map_read(int fd, struct lkcd_map *ret) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages a kdump file has and where: its two bitmaps and its table of page descriptors,
 * read piece by piece through a bounded cache. A count of pages per 4096 makes the n-th set bit
 * a matter of one short popcount, so memory stays at 1/4000 of a byte per page of the machine.
 */
#ifndef STUB_TARGET_DUMP_PAGE_MAP_H
#define STUB_TARGET_DUMP_PAGE_MAP_H

#include "stub/target/dump/kdump-header.h"
#include "stub/target/target.h"

struct page_map;

struct page_descriptor {
	uint64_t offset;                /* of the page's bytes in the file */
	uint32_t size;                  /* as they are there */
	uint32_t flags;                 /* PAGE_* */
};

enum page_state {
	PAGE_NO_RAM,
	PAGE_EXCLUDED,
	PAGE_DUMPED,
};

/*
 * `f` is borrowed. Reads the second bitmap once. *cut_off_ret: the file ends within its bitmaps,
 * and what is behind counts as no RAM.
 */
struct error *page_map_create(struct dump_file *f, const struct kdump_header *h, struct page_map **ret,
			      bool *cut_off_ret) must_check;
void page_map_destroy(struct page_map *m);

struct error *page_map_state(struct page_map *m, uint64_t pfn, enum page_state *ret) must_check;

/* Of a PAGE_DUMPED page within the part; ERROR_TRUNCATED when the file ends before. */
struct error *page_map_descriptor(struct page_map *m, uint64_t pfn, struct page_descriptor *ret) must_check;

/*
 * The first page whose bytes are behind the end of the file, found by bisection (pages lie in
 * the file in their order but for those that are equal); false when none is.
 */
bool page_map_first_missing(struct page_map *m, uint64_t *pfn_ret);

/* The stretches of RAM, sorted; those nearest to each other are joined when there are too many. */
struct error *page_map_ram(struct page_map *m, struct phys_range **ret, size_t *n_ret) must_check;

#endif

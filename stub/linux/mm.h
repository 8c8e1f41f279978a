/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory a process has: what /proc/PID/stat counts. */
#ifndef STUB_LINUX_MM_H
#define STUB_LINUX_MM_H

#include "stub/linux/kernel.h"

struct mm_layout {
	struct member total_vm, old_counts, new_counts, counter_sizeof, counter;
};

enum { MM_RESIDENT = 3 };                /* counters whose sum is resident memory */

struct mm_counts {
	struct mm_layout l;
	uint64_t counter[MM_RESIDENT];  /* offsets in struct mm_struct */
	bool knows_resident;            /* false: this kernel has other counters */
	uint64_t from, span;            /* what is read of a struct mm_struct */
	uint64_t total_ram;             /* pages; 0: not known */
};

struct mm_usage {
	uint64_t total, resident;       /* pages */
};

struct error *mm_counts_open(struct kernel *k, struct mm_counts *ret) must_check;

/* Of the struct mm_struct at `mm`. */
struct error *mm_counts_read(const struct mm_counts *c, struct kernel *k, uint64_t mm,
			     struct mm_usage *ret) must_check;

#endif

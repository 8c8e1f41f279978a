/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory a process has: what /proc/PID/stat counts. */
#ifndef STUB_LINUX_MM_H
#define STUB_LINUX_MM_H

#include "stub/linux/kernel.h"

struct mm_layout {
	struct member total_vm, old_counts, new_counts, counter_sizeof, counter;
};

struct mm_counts {
	struct mm_layout l;
	int64_t entry[3];               /* which of the kernel's counters are resident memory */
	unsigned nentries;              /* 0: not known in this kernel */
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

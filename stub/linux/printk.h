/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log out of its memory, in the form of dmesg: "[    1.234567] text". */
#ifndef STUB_LINUX_PRINTK_H
#define STUB_LINUX_PRINTK_H

#include "stub/linux/kernel.h"

struct log_record {
	uint64_t seq;
	uint64_t ts_nsec;
	unsigned level, facility;
	const char *text;               /* not NUL-terminated, borrowed for the call */
	size_t len;
};

/*
 * Calls `each` for every record, oldest first, until it returns false; both the lockless ring
 * buffer (5.10 and later) and the older log_buf. Damage ends the walk: *damage_ret is then a
 * sentence (caller frees), else NULL.
 */
struct error *printk_each(struct kernel *k, bool (*each)(void *arg, const struct log_record *r),
			  void *arg, char **damage_ret) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at every page of a target's RAM once, in large sequential reads. */
#ifndef STUB_LINUX_SCAN_H
#define STUB_LINUX_SCAN_H

#include "stub/target/target.h"

enum { SCAN_PAGE = 4096 };

/*
 * Calls `look` with each page of RAM that can be read, in rising order, until it returns false.
 * Pages that are missing from the dump are passed over. The bytes are valid during the call.
 */
struct error *scan_pages(struct target *t,
			 bool (*look)(void *arg, uint64_t pa, const unsigned char *page, size_t len),
			 void *arg) must_check;

#endif

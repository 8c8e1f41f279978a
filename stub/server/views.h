/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory behind `current` and `k` (symbols/windows.h): every pointer in it is computed when it
 * is read.
 */
#ifndef STUB_SERVER_VIEWS_H
#define STUB_SERVER_VIEWS_H

#include "stub/linux/kernel.h"

bool views_cover(uint64_t va);

/*
 * As many bytes as there are, at any address that views_cover() and of any length; an error only
 * when there is none. `current` is the struct task_struct of the selected thread, 0: none.
 */
struct error *views_read(struct kernel *k, uint64_t current, uint64_t va, void *buf, size_t len,
			 size_t *got_ret) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's tree of ranges (lib/maple_tree.c, since 6.1): interrupts are in one, and so is what
 * each process has mapped.
 */
#ifndef STUB_LINUX_MAPLE_H
#define STUB_LINUX_MAPLE_H

#include "stub/linux/kernel.h"

/* Called with each range of indices that has an entry; an error ends the walk. */
typedef struct error *maple_visit(void *arg, uint64_t first, uint64_t last, uint64_t entry);

/*
 * Every entry of the struct maple_tree at `root`, by ascending index. What is below a node that
 * cannot be read is left out, and the rest is visited all the same; the error is that of the first.
 * ERROR_FORMAT: a node whose ranges do not fit into that of the one above it.
 */
struct error *maple_walk(struct kernel *k, uint64_t root, maple_visit *visit, void *arg) must_check;

#endif

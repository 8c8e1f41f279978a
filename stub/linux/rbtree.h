/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's sorted binary trees (include/linux/rbtree.h). */
#ifndef STUB_LINUX_RBTREE_H
#define STUB_LINUX_RBTREE_H

#include "stub/linux/kernel.h"

/* Called with the address of each struct rb_node; an error ends the walk. */
typedef struct error *rbtree_visit(void *arg, uint64_t node);

/*
 * Every node of the tree whose struct rb_root is at `root`, in its order. What is below a node that
 * cannot be read is left out, and the rest is visited all the same; the error is that of the first.
 * ERROR_FORMAT: a node that is not the child of the one above it, so that the walk cannot run in a
 * circle.
 */
struct error *rbtree_walk(struct kernel *k, uint64_t root, rbtree_visit *visit, void *arg) must_check;

#endif

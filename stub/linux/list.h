/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks over the kernel's own containers. A damaged one ends the walk with a reason. */
#ifndef STUB_LINUX_LIST_H
#define STUB_LINUX_LIST_H

#include "stub/linux/kernel.h"

enum list_direction { LIST_FORWARD, LIST_BACKWARD };

/* Called with the address of each node; an error ends the walk. */
typedef struct error *list_visit(void *arg, uint64_t node);

/*
 * Every node of the circular list (struct list_head) at `head`, which is none itself.
 * ERROR_FORMAT: a node whose neighbour does not point back at it, so that the walk can neither
 * run in a circle nor leave the list unnoticed.
 */
struct error *list_walk(struct kernel *k, uint64_t head, enum list_direction d,
			list_visit *visit, void *arg) must_check;

/*
 * Every pointer in the XArray (or the radix tree, which is one since 4.20) whose struct xarray is
 * at `root`, by ascending index. Value entries are left out.
 */
typedef struct error *xarray_visit(void *arg, uint64_t index, uint64_t entry);
struct error *xarray_walk(struct kernel *k, uint64_t root, xarray_visit *visit, void *arg) must_check;

#endif

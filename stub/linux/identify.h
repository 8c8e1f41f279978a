/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding the kernel in a target: which build, which vmlinux, and where it put itself. */
#ifndef STUB_LINUX_IDENTIFY_H
#define STUB_LINUX_IDENTIFY_H

#include "stub/linux/kernel.h"

/*
 * Fills release, build_id, found_by, placement, vmlinux and types of `k`, by VMCOREINFO first,
 * then by registers and page tables, then by scanning RAM.
 */
struct error *identify_kernel(struct kernel *k, const struct kernel_options *o) must_check;

/* The self-check: every probe that can be made, independent of how the kernel was found. */
void identify_probe(struct kernel *k);

#endif

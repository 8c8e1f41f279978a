/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's CPUs: per-CPU areas, who panicked, and which register set is whose. */
#ifndef STUB_LINUX_CPUS_H
#define STUB_LINUX_CPUS_H

#include "stub/linux/kernel.h"

/* Fills percpu_offset, npercpu and panic_cpu. */
struct error *cpus_read(struct kernel *k) must_check;

/* Fills cpu_numbers: the CPU of each of the target's register sets. Never fails but for memory. */
struct error *cpus_number(struct kernel *k) must_check;

/*
 * The page tables for user addresses of the CPU that the target's n-th register set is of: those
 * that it was using, else those of the task that ran on it (dumps of /proc/vmcore have no control
 * registers). ERROR_NOT_FOUND when neither is known or a kernel thread ran there.
 */
struct error *cpus_paging(struct kernel *k, unsigned index, struct paging *ret) must_check;

#endif

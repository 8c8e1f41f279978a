/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's CPUs: per-CPU areas, who panicked, and which register set is whose. */
#ifndef STUB_LINUX_CPUS_H
#define STUB_LINUX_CPUS_H

#include "stub/linux/kernel.h"

/* Fills percpu_offset, npercpu and panic_cpu. */
struct error *cpus_read(struct kernel *k) must_check;

/* Fills cpu_numbers: the CPU of each of the target's register sets. Never fails but for memory. */
struct error *cpus_number(struct kernel *k) must_check;

/* Which of the target's register sets is of CPU `cpu`; false: none. */
bool cpus_regs(struct kernel *k, unsigned cpu, unsigned *ret);

/* The struct task_struct of the task that runs on a CPU. Needs types. */
struct error *cpus_current(struct kernel *k, unsigned cpu, uint64_t *ret) must_check;

/*
 * The numbers of the machine's CPUs, ascending; all that there may be where the kernel does not say.
 * (A panic takes all but one offline.) The caller frees *ret.
 */
struct error *cpus_present(struct kernel *k, unsigned **ret, size_t *n_ret) must_check;

/* Address of CPU `cpu`'s own copy of a per-CPU variable. ERROR_NOT_FOUND: no such symbol, or CPU. */
struct error *cpus_symbol(struct kernel *k, const char *name, unsigned cpu, uint64_t *ret) must_check;

/*
 * The page tables that the CPU of the target's n-th register set was using. ERROR_NOT_FOUND: no
 * such set, or no control registers in it (dumps of /proc/vmcore).
 */
struct error *cpus_paging(struct kernel *k, unsigned index, struct paging *ret) must_check;

#endif

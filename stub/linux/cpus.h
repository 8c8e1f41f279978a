/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's CPUs: per-CPU areas, who panicked, and which register set is whose. */
#ifndef STUB_LINUX_CPUS_H
#define STUB_LINUX_CPUS_H

#include "stub/linux/kernel.h"

/* Fills percpu_offset, npercpu and panic_cpu. */
struct error *cpus_read(struct kernel *k) must_check;

/* Fills cpu_numbers: the CPU of each of the target's register sets. Never fails but for memory. */
struct error *cpus_number(struct kernel *k) must_check;

#endif

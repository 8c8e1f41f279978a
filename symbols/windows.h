/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the variables that kstub invents live: in the middle of the addresses that no CPU can
 * use. The companion declares them for gdb, and the server computes what is read there.
 */
#ifndef SYMBOLS_WINDOWS_H
#define SYMBOLS_WINDOWS_H

#include <stdint.h>

/* Program counters of threads that have no stack: gdb shows the name and ends there. */
enum mark { MARK_STACK_FREED, MARK_STACK_DAMAGED, MARK_REGISTERS_NOT_SAVED, MARKS, MARK_SIZE = 0x10 };

static const uint64_t WINDOW_MARKS = 0x8000000000000000;

static inline uint64_t mark_address(enum mark m)
{
	return WINDOW_MARKS + (uint64_t)m * MARK_SIZE;
}

/* `current`, one pointer, and `k`, a struct kstub_view. */
static const uint64_t WINDOW_CURRENT = 0x8000000000001000, WINDOW_VIEW = 0x8000000000002000;

/* What its members point at: arrays of pointers, by PID, by CPU and variable, by number... */
static const uint64_t WINDOW_TASK = 0x8000000100000000, WINDOW_CPU = 0x8000000200000000,
		      WINDOW_MODULE = 0x8000000300000000;
/* ...and physical memory. */
static const uint64_t WINDOW_PHYS = 0x8800000000000000, WINDOW_PHYS_SIZE = 1ull << 52;

enum {
	WINDOW_TASKS = 4194304 + 1,     /* PID_MAX_LIMIT (include/linux/threads.h) is the first that is none */
	WINDOW_CPUS = 8192,             /* NR_CPUS has a maximum (arch/x86/Kconfig) */
	WINDOW_MODULES = 4096 + 1,
	PERCPU_MAX = 4096,              /* members of struct kstub_cpu: gdb prints a value of up to 64 KiB */
};

/* The members of struct kstub_view, 8 bytes each. */
enum view_member {
	VIEW_CURRENT, VIEW_TASK, VIEW_CPU, VIEW_MODULE, VIEW_PHYS, VIEW_KASLR_OFFSET, VIEW_MEMBERS,
};

#endif

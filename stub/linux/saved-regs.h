/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A task's registers: its CPU's while it runs, else what the switch to another task has saved. */
#ifndef STUB_LINUX_SAVED_REGS_H
#define STUB_LINUX_SAVED_REGS_H

#include "stub/linux/task.h"

enum saved_regs {
	SAVED_REGS_KNOWN,
	SAVED_REGS_NO_STACK,            /* it has exited, and its stack is freed */
	SAVED_REGS_BAD_STACK,           /* its saved stack pointer is outside of its stack, or unreadable */
	SAVED_REGS_NO_CPU,              /* it runs on a CPU that the target has no registers of */
};

/* Those that are not known are marked so in `ret`: all of them but with SAVED_REGS_KNOWN. */
enum saved_regs saved_regs(struct kernel *k, const struct task *t, struct regs *ret);

#endif

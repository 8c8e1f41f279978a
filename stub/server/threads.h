/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gdb's threads: the kernel's tasks, or the CPUs. A task's thread id is its PID, the idle task of
 * CPU n has 0x400001 + n, behind every PID, and behind those CPU n has 0x402001 + n where its registers
 * are known and its task is not. Where CPUs are the threads, a CPU's id is its number + 1.
 */
#ifndef STUB_SERVER_THREADS_H
#define STUB_SERVER_THREADS_H

#include "stub/base/buffer.h"
#include "stub/linux/task.h"

enum threads_view {
	THREADS_TASKS,
	THREADS_CPUS,           /* also where tasks are not known */
};

struct threads {
	struct kernel *k;       /* borrowed */
	enum threads_view view;
};

struct thread {
	int64_t id;
	const struct task *task;        /* of a CPU, the one that runs on it; NULL: not known */
	int index;                      /* the target's register set of the CPU that it runs on, -1: none */
	unsigned cpu;                   /* that it runs on, or ran on last */
};

/* CPUs where tasks are not known, whatever was wished. */
struct threads threads_open(struct kernel *k, enum threads_view wish);

/* At least 1: gdb wants a thread even where nobody's registers are known. */
size_t threads_count(const struct threads *t);
void threads_at(const struct threads *t, size_t index, struct thread *ret);

/* False for an id that no thread has. */
bool threads_find(const struct threads *t, int64_t id, struct thread *ret);

/* The one that panicked, else that of the first register set, else the first. */
int64_t threads_first_selected(const struct threads *t);

/*
 * Its registers; false when they are not to be had. Of a task there is a program counter then that
 * says why, and no more; of a CPU, zeros that are known.
 */
bool threads_regs(const struct threads *t, const struct thread *thread, struct regs *ret);

/* What gdb shows in brackets behind the name: "sleeping, CPU 1". */
void threads_extra(const struct threads *t, const struct thread *thread, struct buffer *ret);

/* The document of qXfer:threads. */
void threads_xml(const struct threads *t, struct buffer *ret);

#endif

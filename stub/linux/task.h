/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's tasks: who they are, where each one's registers were saved, and whose memory it
 * uses. They are read together, since the list is the only thing that says which there are.
 */
#ifndef STUB_LINUX_TASK_H
#define STUB_LINUX_TASK_H

#include "stub/linux/kernel.h"

enum { TASK_COMM_MAX = 32 };

struct task {
	uint64_t addr;                  /* of its struct task_struct */
	uint64_t stack;                 /* lowest address of its kernel stack; 0: freed, a zombie's */
	uint64_t sp;                    /* when it does not run: of the frame that __switch_to_asm left */
	uint64_t mm;                    /* its struct mm_struct; 0: a kernel thread, or exiting */
	uint32_t pid, tgid;             /* in the initial PID namespace; both 0: an idle task */
	uint32_t state;                 /* __state and exit_state together, as the kernel's bits */
	uint32_t flags;                 /* PF_* */
	uint32_t cpu;                   /* that it runs on, or ran on last */
	bool running;                   /* it is this CPU's current task */
	bool on_cpu;                    /* what the task itself says of that */
	char comm[TASK_COMM_MAX];       /* any bytes but NUL, always terminated */
};

/* From include/linux/sched.h; the same bits in 5.4 and in 7.2. */
enum { PF_KTHREAD = 0x00200000 };

struct tasks {
	struct task *task;              /* the idle tasks by CPU, then by ascending PID; no PID twice */
	size_t n;
	size_t nidle;
	const struct task **running;    /* by CPU, NULL: not known; k->npercpu of them */
	size_t nrunning;
	char *damage;                   /* what is wrong with the kernel's lists; NULL: nothing */
	uint64_t epoch;                 /* the target's, when they were read */
};

/*
 * All tasks as they are now. Read at the first call, and again when the target's epoch has
 * moved; owned by `k`. A damaged list gives those that can be reached from both its ends, the
 * run queues and the PID table, and `damage` says so. ERROR_NOT_FOUND: no types, no tasks.
 */
struct error *tasks_get(struct kernel *k, const struct tasks **ret) must_check;

/* NULL: no such task. The idle tasks have no PID: tasks_idle() finds them. */
const struct task *tasks_by_pid(const struct tasks *all, uint32_t pid);
const struct task *tasks_idle(const struct tasks *all, uint32_t cpu);
const struct task *tasks_by_address(const struct tasks *all, uint64_t addr);

/* That runs on a CPU, NULL: not known. */
const struct task *tasks_running(const struct tasks *all, uint32_t cpu);

/* The letter of /proc/PID/stat: R S D T t X Z P I. */
char task_state_letter(const struct task *t);

/* The word of /proc/PID/status behind that letter: "sleeping". */
const char *task_state_word(const struct task *t);

/* "comm", a kernel thread's in brackets; `ret` holds TASK_COMM_MAX + 2 bytes. */
void task_name(const struct task *t, char *ret);

/* Page tables for its user addresses. ERROR_FAULT: a kernel thread, or it has exited. */
struct error *task_paging(struct kernel *k, const struct task *t, struct paging *ret) must_check;

/*
 * The page tables that user addresses go through where `t` runs, or, without a task (NULL), those
 * of the target's n-th register set, -1: none.
 */
struct error *task_or_cpu_paging(struct kernel *k, const struct task *t, int index, struct paging *ret) must_check;

/* For kernel_close(). */
void tasks_free(struct tasks *all);

#endif

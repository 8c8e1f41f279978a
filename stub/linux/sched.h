/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each CPU is at: its run queue, and whether it may be preempted. */
#ifndef STUB_LINUX_SCHED_H
#define STUB_LINUX_SCHED_H

#include "stub/linux/task.h"

struct run_queue {
	unsigned cpu;
	const struct task *current, *idle;      /* NULL: not known */
	uint64_t nr_running;
	uint64_t preempt_count;                 /* preempt_count()'s bits, and nothing else */
	bool knows_running, knows_preempt;
};

/* For each CPU of the machine; the caller frees *ret. */
struct error *sched_run_queues(struct kernel *k, const struct tasks *all, struct run_queue **ret,
			       size_t *n_ret) must_check;

#endif

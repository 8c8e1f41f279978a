/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/sched.h"

#include <stdlib.h>

#include "stub/base/cleanup.h"
#include "stub/linux/cpus.h"
#include "stub/linux/layout.h"

struct sched_layout {
	struct member nr_running, hot_count;
};

static const struct layout_row rows[] = {
	{ "rq", "nr_running", offsetof(struct sched_layout, nr_running) },
	/* From 6.2 (commit 64701838bf05) to 6.14 a member; before and after a variable of its own. */
	{ "pcpu_hot", "preempt_count", offsetof(struct sched_layout, hot_count) },
};

/*
 * The top bit is "a reschedule is wanted", inverted, and no part of the count
 * (arch/x86/include/asm/preempt.h, PREEMPT_NEED_RESCHED).
 */
static struct error *read_preempt_count(struct kernel *k, const struct sched_layout *l, unsigned cpu,
					uint64_t *ret)
{
	struct symbol s;
	uint64_t at, size = l->hot_count.size, value;
	struct error *err = cpus_symbol(k, l->hot_count.present ? "pcpu_hot" : "__preempt_count", cpu, &at);
	/* An int, and in the newest kernels a long. */
	if (!l->hot_count.present)
		size = !err && symbols_lookup(k->vmlinux, "__preempt_count", &s) && s.size == 8 ? 8 : 4;
	if (!err)
		err = kernel_read_uint(k, at + l->hot_count.offset, size, &value);
	if (!err)
		*ret = value & ((1ull << (size * 8 - 1)) - 1);
	return err;
}

static struct error *read_running(struct kernel *k, const struct sched_layout *l, unsigned cpu, uint64_t *ret)
{
	uint64_t at;
	struct error *err = layout_need(&l->nr_running, &rows[0]);
	if (!err)
		err = cpus_symbol(k, "runqueues", cpu, &at);
	return err ? err : kernel_read_member(k, at, &l->nr_running, ret);
}

struct error *sched_run_queues(struct kernel *k, const struct tasks *all, struct run_queue **ret,
			       size_t *n_ret)
{
	struct sched_layout l;
	_cleanup_free_ unsigned *cpus = NULL;
	size_t n;
	struct error *err = layout_resolve(k->types, rows, sizeof(rows) / sizeof(rows[0]), &l);
	if (!err)
		err = cpus_present(k, &cpus, &n);
	if (err)
		return err;
	struct run_queue *queues = calloc(n ? n : 1, sizeof(*queues));
	if (!queues)
		return error_nomem();
	for (size_t i = 0; i < n; i++) {
		struct run_queue *q = &queues[i];
		q->cpu = cpus[i];
		q->current = tasks_running(all, q->cpu);
		q->idle = tasks_idle(all, q->cpu);
		err = read_running(k, &l, q->cpu, &q->nr_running);
		q->knows_running = !err;
		error_free(err);
		err = read_preempt_count(k, &l, q->cpu, &q->preempt_count);
		q->knows_preempt = !err;
		error_free(err);
	}
	*ret = queues;
	*n_ret = n;
	return NULL;
}

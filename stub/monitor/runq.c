/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/linux/sched.h"
#include "stub/monitor/monitor.h"
#include "stub/monitor/writer.h"

static const struct writer_column columns[] = {
	{ "CPU", "cpu", true },
	{ "NR_RUNNING", "nr_running", true },
	{ "PREEMPT", "preempt_count", true },
	{ "IDLE", "idle", true },
	{ "CURRENT", "current", true },
	{ "PID", "pid", true },
	{ "COMM", "comm", false },
};

static void show_queue(struct monitor_writer *w, const struct run_queue *q)
{
	char name[TASK_COMM_MAX + 2];
	writer_cell_uint(w, q->cpu);
	if (q->knows_running)
		writer_cell_uint(w, q->nr_running);
	else
		writer_cell_none(w);
	if (q->knows_preempt)
		writer_cell_hex(w, q->preempt_count);
	else
		writer_cell_none(w);
	if (q->idle)
		writer_cell_hex(w, q->idle->addr);
	else
		writer_cell_none(w);
	if (q->current) {
		task_name(q->current, name);
		writer_cell_hex(w, q->current->addr);
		writer_cell_uint(w, q->current->pid);
		writer_cell_both(w, name, json_new_text(q->current->comm, strlen(q->current->comm)));
	} else {
		writer_cell_none(w);
		writer_cell_none(w);
		writer_cell_none(w);
	}
	writer_row_end(w);
}

static struct error *run(const struct monitor_context *c, int argc, char **argv,
			 struct monitor_writer *w)
{
	_cleanup_free_ struct run_queue *queues = NULL;
	const struct tasks *all;
	size_t n;
	(void)argv;
	if (argc > 1)
		return monitor_usage(&monitor_runq);
	struct error *err = monitor_need_types(c, "tasks");
	if (!err)
		err = tasks_get(c->kernel, &all);
	if (!err)
		err = sched_run_queues(c->kernel, all, &queues, &n);
	if (err)
		return err;
	writer_table(w, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < n; i++)
		show_queue(w, &queues[i]);
	if (all->damage)
		writer_note(w, "%s", all->damage);
	return NULL;
}

const struct monitor_command monitor_runq = {
	.name = "runq",
	.args = "",
	.summary = "each CPU: what it runs, and how much waits for it",
	.details = "NR_RUNNING counts the tasks that run or want to; PREEMPT is the preempt count in hexadecimal\n"
		   "(0: may be preempted; its parts are in include/linux/preempt.h); IDLE and CURRENT are the\n"
		   "addresses of the CPU's idle task and of the one that it runs.\n\n"
		   "  (gdb) monitor runq",
	.run = run,
};

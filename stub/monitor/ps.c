/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "stub/arch/arch.h"
#include "stub/linux/layout.h"
#include "stub/linux/mm.h"
#include "stub/linux/task.h"
#include "stub/monitor/monitor.h"
#include "stub/monitor/writer.h"

/* The first one is of gdb's threads alone. */
static const struct writer_column columns[] = {
	{ "TGID", "tgid", true },
	{ "", "running", false },
	{ "PID", "pid", true },
	{ "PPID", "ppid", true },
	{ "CPU", "cpu", true },
	{ "TASK", "task", true },
	{ "ST", "state", false },
	{ "%MEM", "mem_percent", true },
	{ "VSZ", "vsz_kib", true },
	{ "RSS", "rss_kib", true },
	{ "COMM", "comm", false },
};
enum { NCOLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* crash's names of the letters of /proc/PID/stat. */
static const char states[][3] = {
	['R'] = "RU", ['S'] = "IN", ['D'] = "UN", ['T'] = "ST", ['t'] = "TR", ['X'] = "DE", ['Z'] = "ZO",
	['P'] = "PA", ['I'] = "ID",
};

struct parent_layout {
	struct member real_parent, tgid;
};
static const struct layout_row rows[] = {
	{ "task_struct", "real_parent", offsetof(struct parent_layout, real_parent) },
	{ "task_struct", "tgid", offsetof(struct parent_layout, tgid) },
};

enum which { PS_ALL, PS_PROCESSES, PS_THREADS };

struct show {
	struct kernel *k;
	struct monitor_writer *w;
	struct parent_layout parent;
	struct mm_counts counts;
	size_t unreadable;              /* tasks that lack a parent or memory counters */
	uint64_t last_parent, last_ppid;        /* many have the same one */
};

static struct error *read_ppid(struct show *s, const struct task *t, uint64_t *ret)
{
	uint64_t parent;
	struct error *err = kernel_read_member(s->k, t->addr, &s->parent.real_parent, &parent);
	if (!err && parent != s->last_parent) {
		err = kernel_read_member(s->k, parent, &s->parent.tgid, &s->last_ppid);
		s->last_parent = err ? 0 : parent;
	}
	if (!err)
		*ret = s->last_ppid;
	return err;
}

static void show_memory(struct show *s, const struct mm_usage *u)
{
	uint64_t kib = s->k->target->arch->page_size / 1024;
	char percent[32];
	if (s->counts.knows_resident && s->counts.total_ram) {
		snprintf(percent, sizeof(percent), "%.1f",
			 (double)u->resident * 100 / (double)s->counts.total_ram);
		writer_cell_both(s->w, percent, json_new_decimal(percent));
	} else {
		writer_cell_none(s->w);
	}
	writer_cell_uint(s->w, u->total * kib);
	if (s->counts.knows_resident)
		writer_cell_uint(s->w, u->resident * kib);
	else
		writer_cell_none(s->w);
}

static void show_task(struct show *s, const struct task *t, enum which which)
{
	struct monitor_writer *w = s->w;
	struct mm_usage usage = { .resident = 0 };
	char name[TASK_COMM_MAX + 2];
	uint64_t ppid = 0;
	struct error *no_parent = read_ppid(s, t, &ppid);
	struct error *no_usage = t->mm ? mm_counts_read(&s->counts, s->k, t->mm, &usage) : NULL;
	s->unreadable += no_parent || no_usage;
	task_name(t, name);
	if (which == PS_THREADS)
		writer_cell_uint(w, t->tgid);
	writer_cell_both(w, t->running ? ">" : "", json_new_bool(t->running));
	writer_cell_uint(w, t->pid);
	if (no_parent)
		writer_cell_none(w);
	else
		writer_cell_uint(w, ppid);
	writer_cell_uint(w, t->cpu);
	writer_cell_hex(w, t->addr);
	writer_cell(w, states[(unsigned char)task_state_letter(t)]);
	if (no_usage) {
		writer_cell_none(w);
		writer_cell_none(w);
		writer_cell_none(w);
	} else {
		show_memory(s, &usage);
	}
	writer_cell_both(w, name, json_new_text(t->comm, strlen(t->comm)));
	writer_row_end(w);
	error_free(no_parent);
	error_free(no_usage);
}

static struct error *show_tasks(const struct monitor_context *c, enum which which, struct monitor_writer *w)
{
	struct show s = { .k = c->kernel, .w = w };
	const struct tasks *all;
	struct error *err = monitor_need_types(c, "tasks");
	if (!err)
		err = tasks_get(c->kernel, &all);
	if (!err)
		err = layout_require(c->kernel->types, rows, sizeof(rows) / sizeof(rows[0]), &s.parent);
	if (!err)
		err = mm_counts_open(c->kernel, &s.counts);
	if (err)
		return err;
	writer_table(w, which == PS_THREADS ? columns : columns + 1, which == PS_THREADS ? NCOLUMNS : NCOLUMNS - 1);
	for (size_t i = 0; i < all->n; i++)
		if (which != PS_PROCESSES || all->task[i].pid == all->task[i].tgid)
			show_task(&s, &all->task[i], which);
	if (all->damage)
		writer_note(w, "%s", all->damage);
	if (s.unreadable)
		writer_note(w, "%zu tasks have a parent or memory counters that cannot be read", s.unreadable);
	if (!s.counts.knows_resident)
		writer_note(w, "this kernel has no member 'rss_stat' in struct mm_struct that kstub knows: "
			       "no RSS, no %%MEM");
	return NULL;
}

static struct error *run(const struct monitor_context *c, int argc, char **argv,
			 struct monitor_writer *w)
{
	(void)argv;
	return argc > 1 ? monitor_usage(&monitor_ps) : show_tasks(c, PS_ALL, w);
}

static struct error *run_processes(const struct monitor_context *c, int argc, char **argv,
				   struct monitor_writer *w)
{
	(void)argc;
	(void)argv;
	return show_tasks(c, PS_PROCESSES, w);
}

static struct error *run_threads(const struct monitor_context *c, int argc, char **argv,
				 struct monitor_writer *w)
{
	(void)argc;
	(void)argv;
	return show_tasks(c, PS_THREADS, w);
}

const struct monitor_command monitor_ps = {
	.name = "ps",
	.args = "",
	.summary = "every task: processes, their threads, kernel threads, idle tasks",
	.details = "'>' is a task that was running on its CPU. PPID is the parent's process. ST is RU running,\n"
		   "IN interruptible, UN uninterruptible, ID idle, ST stopped, TR traced, ZO zombie, DE dead,\n"
		   "PA parked. VSZ and RSS are KiB as /proc/PID/stat counts them. Kernel threads are in brackets.\n\n"
		   "  (gdb) pipe monitor ps | grep UN\n"
		   "  (gdb) info os processes\n"
		   "  (gdb) info os threads",
	.run = run,
};

const struct monitor_command monitor_processes = { .name = "processes", .run = run_processes };
const struct monitor_command monitor_threads = { .name = "threads", .run = run_threads };

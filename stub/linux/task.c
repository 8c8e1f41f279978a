/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/linux/cpus.h"
#include "stub/linux/layout.h"
#include "stub/linux/list.h"

/* PID_MAX_LIMIT of include/linux/threads.h; a struct task_struct of a kernel has some 10 KiB. */
enum { PID_LIMIT = 4 << 20, SPAN_MAX = 256 << 10 };

/* A damaged list is walked from both ends. */
enum { VISITS_MAX = 2 * PID_LIMIT + 2 * CPUS_MAX };

struct task_layout {
	struct member state, exit_state, flags, stack, pid, tgid, comm, mm, sp, tasks, thread_node, signal;
	struct member thread_head;
	/* Not in every kernel, or not needed when all is well. */
	struct member cpu, on_cpu, rq_idle, rq_curr, rq_stop, rq_tasks, group_node, pid_table, pid_tasks, pid_links;
};

#define ROW(type, member, field) { type, member, offsetof(struct task_layout, field) }
static const struct layout_row rows[] = {
	/* 5.14 (commit 2f064a59a11f) made all who read it learn that others write it. */
	ROW("task_struct", "__state|state", state),
	ROW("task_struct", "exit_state", exit_state),
	ROW("task_struct", "flags", flags),
	ROW("task_struct", "stack", stack),
	ROW("task_struct", "pid", pid),
	ROW("task_struct", "tgid", tgid),
	ROW("task_struct", "comm", comm),
	ROW("task_struct", "mm", mm),
	ROW("task_struct", "thread.sp", sp),
	ROW("task_struct", "tasks", tasks),
	ROW("task_struct", "thread_node", thread_node),
	ROW("task_struct", "signal", signal),
	ROW("signal_struct", "thread_head", thread_head),
};
static const struct layout_row more_rows[] = {
	/* 5.16 (commit bcf9033e5449) moved it; without CONFIG_SMP there is none. */
	ROW("task_struct", "thread_info.cpu|cpu", cpu),
	ROW("task_struct", "on_cpu", on_cpu),
	ROW("rq", "idle", rq_idle),
	ROW("rq", "curr", rq_curr),
	ROW("rq", "stop", rq_stop),
	ROW("rq", "cfs_tasks", rq_tasks),
	ROW("task_struct", "se.group_node", group_node),
	ROW("pid_namespace", "idr.idr_rt", pid_table),
	ROW("pid", "tasks", pid_tasks),
	ROW("task_struct", "pid_links", pid_links),
};
#undef ROW
enum { NROWS = sizeof(rows) / sizeof(rows[0]), MORE_ROWS = sizeof(more_rows) / sizeof(more_rows[0]) };

struct walk {
	struct kernel *k;
	struct task_layout l;
	struct tasks *all;
	size_t cap;
	unsigned char *raw;             /* the part of a struct task_struct that is read */
	size_t span;
	struct task last;               /* the last one that was read */
	uint64_t last_signal;           /* its struct signal_struct */
	uint64_t leader;                /* whose threads are being listed */
	uint32_t tgid;                  /* its */
	uint64_t stranger;              /* among them, of another process; 0: none */
	bool leader_seen;               /* among them */
	size_t left;                    /* tasks yet to be looked at: lists may share what they list */
	bool spent;                     /* there was one more: all walks end */
	char *damage;                   /* the first that was met */
};

/* Ends every walk, as no damage does. */
static bool is_final(const struct walk *w, const struct error *err)
{
	return err->code == ERROR_NOMEM || w->spent;
}

/* Keeps the first reason; out of memory goes on to the caller. */
static struct error *note_damage(struct walk *w, struct error *err, const char *what)
{
	if (!err || is_final(w, err))
		return err;
	if (!w->damage && asprintf(&w->damage, "%s: %s", what, err->text) < 0)
		w->damage = NULL;
	error_free(err);
	return w->damage ? NULL : error_nomem();
}

static void find_span(struct walk *w)
{
	w->span = 0;
	for (size_t i = 0; i < NROWS + MORE_ROWS; i++) {
		const struct layout_row *row = i < NROWS ? &rows[i] : &more_rows[i - NROWS];
		const struct member *m = (const struct member *)((const char *)&w->l + row->at);
		if (m->present && !strcmp(row->type, "task_struct") && m->offset + m->size > w->span)
			w->span = m->offset + m->size;
	}
}

static uint64_t get(const struct walk *w, const struct member *m)
{
	uint64_t value = 0;
	for (size_t i = m->size < 8 ? m->size : 8; m->present && i-- > 0;)
		value = value << 8 | w->raw[m->offset + i];
	return value;
}

static bool is_kernel_pointer(uint64_t va)
{
	return va >> 63 && !(va & 7);
}

/*
 * How much speaks for a task at an address: a neighbour in a list that points back at it, or no
 * more than one pointer.
 */
enum evidence { POINTED_AT, LISTED };

/*
 * What lies where a task was expected may be anything. One in a list stays one when a pointer of
 * its own is damaged: it may be the very task that died of that.
 */
static bool is_task(const struct walk *w, const struct task *t, enum evidence e)
{
	return t->pid <= PID_LIMIT && t->tgid <= PID_LIMIT && !t->pid == !t->tgid &&
	       (e == LISTED ||
		(is_kernel_pointer(get(w, &w->l.signal)) && (!t->stack || is_kernel_pointer(t->stack)) &&
		 (!t->mm || is_kernel_pointer(t->mm)) && t->cpu < CPUS_MAX));
}

static struct error *read_task(struct walk *w, uint64_t addr, enum evidence e, struct task *ret)
{
	const struct task_layout *l = &w->l;
	if (!is_kernel_pointer(addr))
		return error_at(ERROR_FORMAT, addr, "a pointer to a task that is none");
	struct error *err = kernel_read(w->k, addr, w->raw, w->span);
	if (err)
		return err;
	struct task t = {
		.addr = addr, .stack = get(w, &l->stack), .sp = get(w, &l->sp), .mm = get(w, &l->mm),
		.pid = (uint32_t)get(w, &l->pid), .tgid = (uint32_t)get(w, &l->tgid),
		.state = (uint32_t)(get(w, &l->state) | get(w, &l->exit_state)),
		.flags = (uint32_t)get(w, &l->flags), .cpu = (uint32_t)get(w, &l->cpu),
		.on_cpu = get(w, &l->on_cpu) != 0,
	};
	size_t len = l->comm.size < sizeof(t.comm) - 1 ? l->comm.size : sizeof(t.comm) - 1;
	memcpy(t.comm, w->raw + l->comm.offset, len);
	if (!is_task(w, &t, e))
		return error_at(ERROR_FORMAT, addr, "what is there is no task");
	*ret = t;
	return NULL;
}

static struct error *add_task(struct walk *w, uint64_t addr, enum evidence e)
{
	struct task t;
	if (!w->left) {
		w->spent = true;
		return error_at(ERROR_FORMAT, addr, "more tasks than kstub believes");
	}
	w->left--;
	struct error *err = read_task(w, addr, e, &t);
	if (err)
		return err;
	if (w->all->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 256;
		struct task *longer = reallocarray(w->all->task, cap, sizeof(*longer));
		if (!longer)
			return error_nomem();
		w->all->task = longer;
		w->cap = cap;
	}
	w->all->task[w->all->n++] = w->last = t;
	w->last_signal = get(w, &w->l.signal);
	return NULL;
}

/* The idle tasks are in no list. */
static struct error *add_listed(struct walk *w, uint64_t addr)
{
	struct error *err = add_task(w, addr, LISTED);
	if (!err && !w->last.pid) {
		w->all->n--;
		err = error_at(ERROR_FORMAT, addr, "what is there is an idle task");
	}
	return err;
}

static struct error *visit_thread(void *arg, uint64_t node)
{
	struct walk *w = arg;
	uint64_t addr = node - w->l.thread_node.offset;
	if (addr == w->leader) {
		w->leader_seen = true;
		return NULL;
	}
	struct error *err = add_listed(w, addr);
	if (!err && w->last.tgid != w->tgid) {
		w->all->n--;
		w->stranger = w->stranger ? w->stranger : addr;
	}
	return note_damage(w, err, "the list of a process's threads is damaged");
}

static struct error *visit_process(void *arg, uint64_t node)
{
	char what[96];
	struct walk *w = arg;
	struct error *err = add_listed(w, node - w->l.tasks.offset);
	if (err)
		return note_damage(w, err, "the task list is damaged");
	w->leader = w->last.addr;
	w->tgid = w->last.tgid;
	w->leader_seen = false;
	w->stranger = 0;
	snprintf(what, sizeof(what), "the list of the threads of PID %u is damaged", w->last.pid);
	err = list_walk(w->k, w->last_signal + w->l.thread_head.offset, LIST_FORWARD, visit_thread, w);
	if (!err && !w->leader_seen)
		err = error_at(ERROR_FORMAT, w->leader, "it lacks the process itself,");
	if (!err && w->stranger)
		err = error_at(ERROR_FORMAT, w->stranger, "it has a thread of another process,");
	return note_damage(w, err, what);
}

static struct error *walk_processes(struct walk *w, enum list_direction d)
{
	char what[96];
	uint64_t init_task;
	struct error *err = kernel_symbol(w->k, "init_task", &init_task);
	if (err)
		return err;
	size_t before = w->all->n;
	err = list_walk(w->k, init_task + w->l.tasks.offset, d, visit_process, w);
	if (w->all->n > before)
		snprintf(what, sizeof(what), "the task list is damaged behind PID %u", w->last.pid);
	else
		snprintf(what, sizeof(what), "the task list is damaged behind its head");
	return note_damage(w, err, what);
}

/* A pointer to a task in a CPU's run queue; what is not there is no error. */
static struct error *rq_task(struct walk *w, unsigned cpu, const struct member *m, uint64_t *ret)
{
	uint64_t rq;
	*ret = 0;
	struct error *err = kernel_symbol(w->k, "runqueues", &rq);
	if (!err && m->present && cpu < w->k->npercpu)
		err = kernel_read_u64(w->k, rq + w->k->percpu_offset[cpu] + m->offset, ret);
	if (err && err->code == ERROR_NOT_FOUND) {
		error_free(err);
		return NULL;
	}
	return err;
}

static struct error *add_idle_at(struct walk *w, unsigned cpu, uint64_t addr)
{
	struct error *err = add_task(w, addr, POINTED_AT);
	if (err)
		return err;
	if (w->last.pid) {
		w->all->n--;
		return error_at(ERROR_FORMAT, addr, "what is there is another task");
	}
	w->all->task[w->all->n - 1].cpu = cpu;
	return NULL;
}

/* Every CPU has an idle task, which is in no list (kernel/smpboot.c, idle_init); the first one's is known. */
static struct error *add_idle(struct walk *w, unsigned cpu)
{
	uint64_t addr;
	struct error *err = rq_task(w, cpu, &w->l.rq_idle, &addr);
	bool found = !err && addr;
	if (found)
		err = add_idle_at(w, cpu, addr);
	found = found && !err;
	err = note_damage(w, err, "an idle task");
	if (err || found || cpu)
		return err;
	err = kernel_symbol(w->k, "init_task", &addr);
	if (!err)
		err = add_idle_at(w, cpu, addr);
	return note_damage(w, err, "an idle task");
}

static struct error *visit_queued(void *arg, uint64_t node)
{
	struct walk *w = arg;
	struct error *err = add_listed(w, node - w->l.group_node.offset);
	if (err && is_final(w, err))
		return err;
	error_free(err);
	return NULL;
}

/* The list that load balancing keeps of a CPU's runnable tasks, and who has its CPU. */
static struct error *add_queued(struct walk *w, unsigned cpu)
{
	const struct member *const single[] = { &w->l.rq_curr, &w->l.rq_stop };
	struct error *err = NULL;
	uint64_t rq, addr;
	for (size_t i = 0; !err && i < 2; i++) {
		err = rq_task(w, cpu, single[i], &addr);
		if (!err && addr)
			err = add_task(w, addr, POINTED_AT);
		err = note_damage(w, err, "a run queue is damaged");
	}
	if (err || !w->l.rq_tasks.present || !w->l.group_node.present)
		return err;
	err = kernel_symbol(w->k, "runqueues", &rq);
	if (!err)
		err = list_walk(w->k, rq + w->k->percpu_offset[cpu] + w->l.rq_tasks.offset, LIST_FORWARD,
				visit_queued, w);
	return note_damage(w, err, "a run queue is damaged");
}

/* An entry of the PID table is a struct pid, whose first list is of the task with that PID. */
static struct error *visit_pid(void *arg, uint64_t pid, uint64_t entry)
{
	struct walk *w = arg;
	uint64_t node = 0, found = 0, addr;
	struct error *err = kernel_read_u64(w->k, entry + w->l.pid_tasks.offset, &node);
	addr = node - w->l.pid_links.offset;
	if (!err && node)
		err = kernel_read_member(w->k, addr, &w->l.pid, &found);
	if (!err && node && found == pid && pid)
		err = add_task(w, addr, POINTED_AT);
	if (err && is_final(w, err))
		return err;
	error_free(err);
	return NULL;
}

static struct error *add_from_pid_table(struct walk *w)
{
	uint64_t ns;
	if (!w->l.pid_table.present || !w->l.pid_tasks.present || !w->l.pid_links.present)
		return NULL;
	struct error *err = kernel_symbol(w->k, "init_pid_ns", &ns);
	if (!err)
		err = xarray_walk(w->k, ns + w->l.pid_table.offset, visit_pid, w);
	return note_damage(w, err, "the PID table is damaged");
}

/* By PID, the idle tasks by CPU; of one PID the one that was found first. */
struct found {
	struct task t;
	size_t order;
};

static int by_pid(const void *a, const void *b)
{
	const struct task *x = &((const struct found *)a)->t, *y = &((const struct found *)b)->t;
	size_t m = ((const struct found *)a)->order, n = ((const struct found *)b)->order;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (!x->pid && x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return m < n ? -1 : 1;
}

static struct error *sort(struct walk *w)
{
	size_t n = 0;
	_cleanup_free_ struct found *found = calloc(w->all->n ? w->all->n : 1, sizeof(*found));
	if (!found)
		return error_nomem();
	for (size_t i = 0; i < w->all->n; i++)
		found[i] = (struct found){ w->all->task[i], i };
	qsort(found, w->all->n, sizeof(*found), by_pid);
	for (size_t i = 0; i < w->all->n; i++) {
		const struct task *t = &found[i].t, *last = n ? &w->all->task[n - 1] : NULL;
		if (last && last->pid == t->pid && (t->pid || last->cpu == t->cpu)) {
			struct error *err = last->addr == t->addr ? NULL :
				note_damage(w, error_new(ERROR_FORMAT, "%u, of '%.16s' and '%.16s'", t->pid,
							 last->comm, t->comm), "two tasks have the same PID");
			if (err)
				return err;
			continue;
		}
		w->all->task[n++] = *t;
		w->all->nidle += !t->pid;
	}
	w->all->n = n;
	return NULL;
}

/*
 * Who runs is what the CPU says, and the scheduler where that is nobody. A CPU that was never
 * started says init_task, which runs on the first one (arch/x86/kernel/cpu/common.c).
 */
static struct error *find_running(struct walk *w, unsigned cpu, struct task **ret)
{
	uint64_t addr = 0, init_task = 0;
	struct task *t = NULL;
	for (unsigned from = 0; from < 2; from++) {
		struct error *err = from ? rq_task(w, cpu, &w->l.rq_curr, &addr) : cpus_current(w->k, cpu, &addr);
		if (!err)
			t = (struct task *)tasks_by_address(w->all, addr);
		if (t && w->l.cpu.present && t->cpu != cpu)
			t = NULL;
		if (!err && !from)
			err = kernel_symbol(w->k, "init_task", &init_task);
		if (err && err->code == ERROR_NOMEM)
			return err;
		error_free(err);
		if (t || addr == init_task)
			break;
	}
	*ret = t;
	return NULL;
}

/*
 * What the CPUs say can be missing: the per-CPU areas are near the end of memory, and of a file that
 * was cut off. The tasks know it, too, but for the one that was about to leave.
 */
static void find_running_by_tasks(struct walk *w)
{
	struct tasks *all = w->all;
	for (size_t i = 0; i < all->n; i++) {
		struct task *t = &all->task[i];
		if (!t->on_cpu || t->running || t->cpu >= all->nrunning || all->running[t->cpu])
			continue;
		t->running = true;
		all->running[t->cpu] = t;
	}
}

static struct error *mark_running(struct walk *w)
{
	struct tasks *all = w->all;
	all->nrunning = w->k->npercpu;
	all->running = calloc(all->nrunning ? all->nrunning : 1, sizeof(*all->running));
	if (!all->running)
		return error_nomem();
	for (unsigned cpu = 0; cpu < all->nrunning; cpu++) {
		struct task *t;
		struct error *err = find_running(w, cpu, &t);
		if (err)
			return err;
		all->running[cpu] = t;
		if (t)
			t->running = true;
	}
	find_running_by_tasks(w);
	return NULL;
}

/* One that exits is off the lists before it leaves its CPU. */
static struct error *add_current(struct walk *w, unsigned cpu)
{
	uint64_t addr;
	struct error *err = cpus_current(w->k, cpu, &addr);
	if (!err && addr && !tasks_by_address(w->all, addr))
		err = add_task(w, addr, POINTED_AT);
	return note_damage(w, err, "the current task of a CPU");
}

static struct error *gather(struct walk *w)
{
	struct error *err = NULL;
	for (unsigned cpu = 0; !err && cpu < w->k->npercpu; cpu++)
		err = add_idle(w, cpu);
	if (!err)
		err = walk_processes(w, LIST_FORWARD);
	for (unsigned cpu = 0; !err && cpu < w->k->npercpu; cpu++)
		err = add_current(w, cpu);
	if (err || !w->damage)
		return err;
	err = walk_processes(w, LIST_BACKWARD);
	for (unsigned cpu = 0; !err && cpu < w->k->npercpu; cpu++)
		err = add_queued(w, cpu);
	return err ? err : add_from_pid_table(w);
}

static struct error *read_all(struct walk *w)
{
	struct error *err = gather(w);
	if (err && w->spent && err->code != ERROR_NOMEM) {
		w->spent = false;       /* what was gathered is shown */
		err = note_damage(w, err, "the task list is damaged");
	}
	if (!err)
		err = sort(w);
	return err ? err : mark_running(w);
}

static struct error *tasks_read(struct kernel *k, struct tasks *all)
{
	struct walk w = { .k = k, .all = all, .left = VISITS_MAX };
	_cleanup_free_ unsigned char *raw = NULL;
	if (!k->types || !k->placed)
		return error_new(ERROR_NOT_FOUND, "tasks are not known without the kernel's %s: %s",
				 k->types ? "page tables" : "types",
				 k->missing ? k->missing : "they are not in this dump");
	struct error *err = layout_require(k->types, rows, NROWS, &w.l);
	if (!err)
		err = layout_resolve(k->types, more_rows, MORE_ROWS, &w.l);
	if (err)
		return err;
	find_span(&w);
	if (w.span > SPAN_MAX)
		return error_new(ERROR_FORMAT, "a struct task_struct of %zu bytes: not believed", w.span);
	w.raw = raw = malloc(w.span);
	if (!raw)
		return error_nomem();
	all->epoch = k->target->epoch;
	err = read_all(&w);
	if (!err && w.damage && asprintf(&all->damage, "%s; %zu tasks are reached, from both ends of the list, the "
					 "run queues and the PID table", w.damage, all->n) < 0) {
		all->damage = NULL;
		err = error_nomem();
	}
	free(w.damage);
	return err;
}

void tasks_free(struct tasks *all)
{
	if (!all)
		return;
	free(all->task);
	free(all->running);
	free(all->damage);
	free(all);
}

struct error *tasks_get(struct kernel *k, const struct tasks **ret)
{
	if (!k->tasks || k->tasks->epoch != k->target->epoch) {
		struct tasks *all = calloc(1, sizeof(*all));
		if (!all)
			return error_nomem();
		struct error *err = tasks_read(k, all);
		if (err) {
			tasks_free(all);
			return err;
		}
		tasks_free(k->tasks);
		k->tasks = all;
	}
	*ret = k->tasks;
	return NULL;
}

static int compare_pid(const void *key, const void *element)
{
	uint32_t pid = *(const uint32_t *)key, other = ((const struct task *)element)->pid;
	return pid < other ? -1 : pid > other;
}

const struct task *tasks_by_pid(const struct tasks *all, uint32_t pid)
{
	return bsearch(&pid, all->task + all->nidle, all->n - all->nidle, sizeof(*all->task), compare_pid);
}

const struct task *tasks_idle(const struct tasks *all, uint32_t cpu)
{
	for (size_t i = 0; i < all->nidle; i++)
		if (all->task[i].cpu == cpu)
			return &all->task[i];
	return NULL;
}

const struct task *tasks_by_address(const struct tasks *all, uint64_t addr)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->task[i].addr == addr)
			return &all->task[i];
	return NULL;
}

const struct task *tasks_running(const struct tasks *all, uint32_t cpu)
{
	return cpu < all->nrunning ? all->running[cpu] : NULL;
}

/*
 * include/linux/sched.h, __task_state_index(): the lowest bits up to TASK_PARKED are reported, the
 * highest of them; TASK_IDLE is two bits together. Waiting for a lock of PREEMPT_RT (5.16) and
 * frozen (6.1) count as uninterruptible.
 */
enum {
	STATE_UNINTERRUPTIBLE = 0x2, STATE_REPORTED = 0x7f, STATE_NOLOAD = 0x400, STATE_RTLOCK_WAIT = 0x1000,
	STATE_FROZEN = 0x8000,
};

static const struct {
	char letter;
	const char *word;
} states[] = {
	{ 'R', "running" }, { 'S', "sleeping" }, { 'D', "disk sleep" }, { 'T', "stopped" },
	{ 't', "tracing stop" }, { 'X', "dead" }, { 'Z', "zombie" }, { 'P', "parked" }, { 'I', "idle" },
};
enum { STATE_IDLE = 8 };

static size_t state_index(const struct task *t)
{
	uint32_t reported = t->state & STATE_REPORTED;
	if ((t->state & STATE_UNINTERRUPTIBLE) && (t->state & STATE_NOLOAD))
		return STATE_IDLE;
	if (t->state & (STATE_RTLOCK_WAIT | STATE_FROZEN))
		reported = STATE_UNINTERRUPTIBLE;
	size_t index = 0;
	for (; reported; reported >>= 1)
		index++;
	return index;
}

char task_state_letter(const struct task *t)
{
	return states[state_index(t)].letter;
}

const char *task_state_word(const struct task *t)
{
	return states[state_index(t)].word;
}

void task_name(const struct task *t, char *ret)
{
	snprintf(ret, TASK_COMM_MAX + 2, t->flags & PF_KTHREAD ? "[%s]" : "%s", t->comm);
}

struct error *task_paging(struct kernel *k, const struct task *t, struct paging *ret)
{
	static const struct layout_row row = { "mm_struct", "pgd", 0 };
	struct member pgd;
	struct mapping root;
	uint64_t va;
	if (!t->mm)
		return error_new(ERROR_FAULT, t->flags & PF_KTHREAD || !t->pid ?
				 "PID %u is a kernel thread: it has no user memory" :
				 "PID %u has exited: its user memory is gone", t->pid);
	if (!k->as)
		return error_new(ERROR_NOT_FOUND, "the kernel's page tables are not known");
	struct error *err = layout_require(k->types, &row, 1, &pgd);
	if (!err)
		err = kernel_read_u64(k, t->mm + pgd.offset, &va);
	if (!err)
		err = aspace_translate(k->as, va, NULL, &root);
	if (err)
		return err;
	*ret = k->paging;
	ret->root = root.pa;
	return NULL;
}

struct error *task_or_cpu_paging(struct kernel *k, const struct task *t, int index, struct paging *ret)
{
	if (t)
		return task_paging(k, t, ret);
	if (index < 0)
		return error_new(ERROR_NOT_FOUND, "neither a task nor a CPU is known whose memory it could be");
	return cpus_paging(k, (unsigned)index, ret);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/server/threads.h"

#include <string.h>

#include "stub/base/xml.h"
#include "stub/linux/cpus.h"
#include "stub/linux/saved-regs.h"
#include "symbols/windows.h"

/* The first number that is no PID (PID_MAX_LIMIT, include/linux/threads.h), + 1: 0 is no thread. */
enum { IDLE_FIRST = 0x400001, LOST_FIRST = IDLE_FIRST + CPUS_MAX };

/* NULL: not known. They were read when the view was chosen; a dump's never change. */
static const struct tasks *all_tasks(const struct threads *t)
{
	const struct tasks *all = NULL;
	struct error *err = tasks_get(t->k, &all);
	error_free(err);
	return all;
}

struct threads threads_open(struct kernel *k, enum threads_view wish)
{
	struct threads t = { k, wish };
	const struct tasks *all = all_tasks(&t);
	if (!all || !all->n)
		t.view = THREADS_CPUS;
	return t;
}

static unsigned cpu_of(const struct kernel *k, size_t index)
{
	return index < k->target->ncpus ? k->cpu_numbers[index] : (unsigned)index;
}

static void of_task(const struct threads *t, const struct task *task, struct thread *ret)
{
	unsigned index;
	*ret = (struct thread){
		.id = task->pid ? (int64_t)task->pid : IDLE_FIRST + (int64_t)task->cpu,
		.task = task, .cpu = task->cpu,
		.index = task->running && cpus_regs(t->k, task->cpu, &index) ? (int)index : -1,
	};
}

static void of_cpu(const struct threads *t, size_t index, struct thread *ret)
{
	const struct tasks *all = all_tasks(t);
	unsigned cpu = cpu_of(t->k, index);
	*ret = (struct thread){
		.id = (int64_t)cpu + 1, .cpu = cpu, .task = all ? tasks_running(all, cpu) : NULL,
		.index = index < t->k->target->ncpus ? (int)index : -1,
	};
}

/*
 * A CPU whose registers are there, and whose task is not: makedumpfile left it out, or a list is
 * damaged. It may be the one that panicked.
 */
static bool is_lost(const struct threads *t, size_t index, struct thread *ret)
{
	if (index >= t->k->target->ncpus)
		return false;
	of_cpu(t, index, ret);
	ret->id = LOST_FIRST + (int64_t)ret->cpu;
	return !ret->task;
}

size_t threads_count(const struct threads *t)
{
	struct thread lost;
	const struct tasks *all = t->view == THREADS_TASKS ? all_tasks(t) : NULL;
	size_t n = all ? all->n : t->k->target->ncpus;
	for (size_t i = 0; all && i < t->k->target->ncpus; i++)
		n += is_lost(t, i, &lost);
	return n ? n : 1;
}

void threads_at(const struct threads *t, size_t index, struct thread *ret)
{
	const struct tasks *all = t->view == THREADS_TASKS ? all_tasks(t) : NULL;
	if (!all) {
		of_cpu(t, index, ret);
		return;
	}
	if (index < all->n) {
		of_task(t, &all->task[index], ret);
		return;
	}
	size_t nth = index - all->n;
	for (size_t i = 0; i < t->k->target->ncpus; i++)
		if (is_lost(t, i, ret) && !nth--)
			return;
}

bool threads_find(const struct threads *t, int64_t id, struct thread *ret)
{
	if (t->view == THREADS_TASKS) {
		const struct tasks *all = all_tasks(t);
		const struct task *task = !all || id <= 0 ? NULL :
			id < IDLE_FIRST ? tasks_by_pid(all, (uint32_t)id) :
			id - IDLE_FIRST < CPUS_MAX ? tasks_idle(all, (uint32_t)(id - IDLE_FIRST)) : NULL;
		if (task)
			of_task(t, task, ret);
		for (size_t i = 0; !task && id >= LOST_FIRST && i < t->k->target->ncpus; i++)
			if (is_lost(t, i, ret) && ret->id == id)
				return true;
		return task;
	}
	for (size_t i = 0; i < threads_count(t); i++) {
		of_cpu(t, i, ret);
		if (ret->id == id)
			return true;
	}
	return false;
}

int64_t threads_first_selected(const struct threads *t)
{
	struct thread thread;
	unsigned index = 0;
	if (t->k->panic_cpu >= 0 && !cpus_regs(t->k, (unsigned)t->k->panic_cpu, &index))
		index = 0;
	of_cpu(t, index, &thread);
	if (t->view == THREADS_TASKS) {
		/* Who panicked is known of a dump without registers, too. */
		const struct tasks *all = all_tasks(t);
		const struct task *task = all && t->k->panic_cpu >= 0 ?
					  tasks_running(all, (uint32_t)t->k->panic_cpu) : NULL;
		if (!task)
			task = thread.task;
		if (task)
			of_task(t, task, &thread);
		else if (!is_lost(t, index, &thread))
			threads_at(t, 0, &thread);
	}
	return thread.id;
}

/* One frame that says why there is no other (symbols/windows.h); nothing else is known. */
static bool task_regs(const struct threads *t, const struct task *task, struct regs *ret)
{
	static const enum mark marks[] = {
		[SAVED_REGS_NO_STACK] = MARK_STACK_FREED,
		[SAVED_REGS_BAD_STACK] = MARK_STACK_DAMAGED,
		[SAVED_REGS_NO_CPU] = MARK_REGISTERS_NOT_SAVED,
	};
	enum saved_regs found = saved_regs(t->k, task, ret);
	if (found == SAVED_REGS_KNOWN)
		return true;
	memset(ret, 0, sizeof(*ret));
	regs_set(ret, t->k->target->arch->pc, mark_address(marks[found]));
	return false;
}

bool threads_regs(const struct threads *t, const struct thread *thread, struct regs *ret)
{
	if (t->view == THREADS_TASKS && thread->task)
		return task_regs(t, thread->task, ret);
	struct error *err = thread->index < 0 ? error_nomem() :
			    t->k->target->ops->read_regs(t->k->target, (unsigned)thread->index, ret);
	if (!err)
		return true;
	error_free(err);
	memset(ret->value, 0, sizeof(ret->value));
	memset(ret->known, 1, sizeof(ret->known));
	return false;
}

void threads_extra(const struct threads *t, const struct thread *thread, struct buffer *ret)
{
	const struct task *task = thread->task;
	bool panicked = (int)thread->cpu == t->k->panic_cpu;
	if (t->view == THREADS_CPUS) {
		if (thread->index < 0)
			buffer_puts(ret, "no registers in the dump");
		else
			buffer_puts(ret, panicked ? "panicked here" : "");
		return;
	}
	if (!task) {
		buffer_printf(ret, "its task is not in the dump%s", panicked ? ", panicked here" : "");
		return;
	}
	if (task->running)
		buffer_printf(ret, "running on CPU %u", task->cpu);
	else
		buffer_printf(ret, "%s, CPU %u", task_state_letter(task) == 'R' ? "runnable" : task_state_word(task),
			      task->cpu);
	if (task->tgid != task->pid)
		buffer_printf(ret, ", TGID %u", task->tgid);
	if (task->running && panicked)
		buffer_puts(ret, ", panicked here");
	if (task->running && thread->index < 0)
		buffer_puts(ret, ", no registers in the dump");
}

static void put_name(const struct threads *t, const struct thread *thread, struct buffer *ret)
{
	char name[TASK_COMM_MAX + 2];
	if (t->view == THREADS_CPUS || !thread->task) {
		buffer_printf(ret, "CPU %u", thread->cpu);
		return;
	}
	task_name(thread->task, name);
	xml_escape(ret, name);
}

void threads_xml(const struct threads *t, struct buffer *ret)
{
	size_t n = threads_count(t);
	buffer_puts(ret, "<?xml version=\"1.0\"?>\n<threads>\n");
	for (size_t i = 0; i < n; i++) {
		struct thread thread;
		threads_at(t, i, &thread);
		buffer_printf(ret, "<thread id=\"%llx\" core=\"%u\" name=\"", (unsigned long long)thread.id, thread.cpu);
		put_name(t, &thread, ret);
		buffer_puts(ret, "\">");
		threads_extra(t, &thread, ret);
		buffer_puts(ret, "</thread>\n");
	}
	buffer_puts(ret, "</threads>\n");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/server/views.h"

#include <string.h>

#include "stub/linux/module.h"
#include "stub/linux/task.h"
#include "symbols/windows.h"

/* What the words are computed from. */
struct view {
	struct kernel *k;
	uint64_t current;
	const struct tasks *tasks;      /* NULL: not known */
	const struct symbol *percpu;
	size_t npercpu;
};

struct window {
	uint64_t start, count;
	/* Pointer number `n`; false: there is none. */
	bool (*word)(const struct view *v, uint64_t n, uint64_t *ret);
};

static bool current_word(const struct view *v, uint64_t n, uint64_t *ret)
{
	(void)n;
	*ret = v->current;
	return true;
}

static bool view_word(const struct view *v, uint64_t n, uint64_t *ret)
{
	const uint64_t words[VIEW_MEMBERS] = {
		[VIEW_CURRENT] = v->current, [VIEW_TASK] = WINDOW_TASK, [VIEW_CPU] = WINDOW_CPU,
		[VIEW_MODULE] = WINDOW_MODULE, [VIEW_PHYS] = WINDOW_PHYS,
		[VIEW_KASLR_OFFSET] = v->k->kaslr_offset,
	};
	*ret = words[n];
	return true;
}

/* By PID; 0 is no PID and has the idle task of CPU 0. NULL: nobody. */
static bool task_word(const struct view *v, uint64_t n, uint64_t *ret)
{
	if (!v->tasks)
		return false;
	const struct task *t = n ? tasks_by_pid(v->tasks, (uint32_t)n) : tasks_idle(v->tasks, 0);
	*ret = t ? t->addr : 0;
	return true;
}

/* A struct kstub_cpu each: the address of the CPU's copy of each variable. */
static bool cpu_word(const struct view *v, uint64_t n, uint64_t *ret)
{
	if (!v->npercpu || n / v->npercpu >= v->k->npercpu)
		return false;
	uint64_t addr = v->percpu[n % v->npercpu].addr;
	/* As kernel_symbol(): those of a section linked at 0 do not move. */
	*ret = v->k->percpu_offset[n / v->npercpu] + (addr >> 63 ? addr + v->k->kaslr_offset : addr);
	return true;
}

/* In the kernel's order, as /proc/modules; NULL behind the last. */
static bool module_word(const struct view *v, uint64_t n, uint64_t *ret)
{
	*ret = n < v->k->nmodules ? v->k->modules[n].addr : 0;
	return true;
}

static const struct window windows[] = {
	{ WINDOW_CURRENT, 1, current_word },
	{ WINDOW_VIEW, VIEW_MEMBERS, view_word },
	{ WINDOW_TASK, WINDOW_TASKS, task_word },
	{ WINDOW_CPU, (uint64_t)WINDOW_CPUS * PERCPU_MAX, cpu_word },
	{ WINDOW_MODULE, WINDOW_MODULES, module_word },
};
enum { NWINDOWS = sizeof(windows) / sizeof(windows[0]) };

static const struct window *window_of(uint64_t va)
{
	for (size_t i = 0; i < NWINDOWS; i++)
		if (va - windows[i].start < windows[i].count * 8)
			return &windows[i];
	return NULL;
}

static bool is_phys(uint64_t va)
{
	return va - WINDOW_PHYS < WINDOW_PHYS_SIZE;
}

bool views_cover(uint64_t va)
{
	return is_phys(va) || window_of(va);
}

static struct error *read_phys(struct kernel *k, uint64_t pa, void *buf, size_t len, size_t *got_ret)
{
	if (len > WINDOW_PHYS_SIZE - pa)
		len = (size_t)(WINDOW_PHYS_SIZE - pa);
	return target_read_phys_some(k->target, pa, buf, len, got_ret);
}

struct error *views_read(struct kernel *k, uint64_t current, uint64_t va, void *buf, size_t len, size_t *got_ret)
{
	if (is_phys(va))
		return read_phys(k, va - WINDOW_PHYS, buf, len, got_ret);
	const struct window *w = window_of(va);
	struct view v = { .k = k, .current = current };
	if (w && w->word == task_word)
		error_free(tasks_get(k, &v.tasks));
	if (k->vmlinux)
		v.percpu = symbols_percpu(k->vmlinux, &v.npercpu);
	size_t got = 0;
	while (w && got < len && va + got - w->start < w->count * 8) {
		uint64_t word, at = va + got - w->start;
		if (!w->word(&v, at / 8, &word))
			break;
		size_t from = at % 8, n = 8 - from < len - got ? 8 - from : len - got;
		memcpy((char *)buf + got, (char *)&word + from, n);
		got += n;
	}
	if (!got && len)
		return error_at(ERROR_FAULT, va, "nothing is at this address of kstub's own");
	*got_ret = got;
	return NULL;
}

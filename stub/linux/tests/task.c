/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks of a kernel in small (tasks-fixture.c), in the layout of each era; with its lists damaged
 * in every way that one can think of; and a list of a million.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/linux/kernel.h"
#include "stub/linux/saved-regs.h"
#include "stub/linux/task.h"
#include "stub/linux/tests/small-kernel.h"

static struct error *read_regs(struct target *t, unsigned cpu, struct regs *ret)
{
	(void)t;
	memset(ret, 0, sizeof(*ret));
	regs_set(ret, X86_RIP, 0x1000 + cpu);
	return NULL;
}

static const struct target_ops ops = { "memory", close_nothing, read_ram, read_regs, NULL, NULL };
static const struct phys_range ranges[] = { { 0, RAM } };

/* The fixture and one kernel opened in it. */
struct scene {
	struct memory *m;
	struct kernel *k;
	struct symbols *s;
	struct types *types;
	char path[512];
};

static uint64_t symbol(struct scene *c, const char *name)
{
	struct symbol found = { .addr = 0 };
	if (!symbols_lookup(c->s, name, &found))
		tap_ok(false, "the fixture has %s", name);
	return found.addr;
}

static uint64_t offset(struct scene *c, const char *type, const char *member)
{
	struct member m = { .offset = 0 };
	_cleanup_error_ struct error *err = types_member(c->types, type, member, &m);
	if (err)
		tap_ok(false, "%s", err->text);
	return m.offset;
}

static uint64_t areas_size(struct scene *c)
{
	uint64_t size = 0;
	_cleanup_error_ struct error *err = types_sizeof(c->types, "percpu", &size);
	return size;
}

/* Overwrites the member of a struct in the kernel's memory. */
static void set(struct scene *c, const char *name, const char *type, const char *member, uint64_t value, size_t size)
{
	memcpy(c->m->ram + phys(symbol(c, name) + offset(c, type, member)), &value, size);
}

static void set_task(struct scene *c, const char *name, const char *member, uint64_t value)
{
	set(c, name, "task_struct", member, value, 8);
}

static bool open_scene(struct scene *c, struct memory *m, int era)
{
	const char *builddir = getenv("top_builddir");
	*c = (struct scene){ .m = m };
	snprintf(c->path, sizeof(c->path), "%s/stub/linux/tests/tasks-%d.elf", builddir ? builddir : ".", era);
	if (!load(m, c->path))
		return false;
	m->t.ncpus = era == 4 ? 1 : 2;
	m->t.vmcoreinfo = m->note;
	m->t.vmcoreinfo_len = strlen(m->note);
	struct error *err = symbols_open(c->path, &c->s);
	if (!err)
		err = symbols_types(c->s, TYPES_AUTO, &c->types);
	error_free(err);
	return !err;
}

static const struct tasks *tasks_of(struct scene *c)
{
	struct kernel_options o = { .find = { .vmlinux = c->path, .no_debuginfod = true } };
	const struct tasks *all = NULL;
	kernel_close(c->k);
	c->k = NULL;
	struct error *err = kernel_open(&c->m->t, &o, &c->k);
	if (!err)
		err = tasks_get(c->k, &all);
	if (err)
		tap_diag("%s", err->text);
	error_free(err);
	return all;
}

static void close_scene(struct scene *c)
{
	kernel_close(c->k);
	symbols_close(c->s);
}

/* "0/0 0/1 1 2 ...": the PIDs, of idle tasks 0 and the CPU. */
static void list_pids(const struct tasks *all, char *ret, size_t cap)
{
	size_t len = 0;
	ret[0] = '\0';
	for (size_t i = 0; i < all->n && len < cap; i++) {
		const struct task *t = &all->task[i];
		len += (size_t)snprintf(ret + len, cap - len, t->pid ? "%s%u" : "%s%u/%u", i ? " " : "", t->pid, t->cpu);
	}
}

static void check_regs(struct scene *c, const struct tasks *all, int era)
{
	struct regs r;
	const struct task *one = tasks_by_pid(all, 1), *two = tasks_by_pid(all, 412), *gone = tasks_by_pid(all, 500);
	static const unsigned kept[] = { X86_R15, X86_R14, X86_R13, X86_R12, X86_RBX, X86_RBP };
	static const uint64_t values[] = { 15, 14, 13, 12, 3, 5 };
	if (!one || !two || !gone)
		return;
	tap_ok(saved_regs(c->k, one, &r) == SAVED_REGS_KNOWN, "era %d: a sleeping task has registers", era);
	tap_is_u64(r.value[X86_RIP], LINK, "its program counter");
	tap_is_u64(r.value[X86_RSP], one->sp + (era == 1 ? 64 : 56), "its stack pointer, behind the frame");
	for (size_t i = 0; i < 6; i++)
		tap_ok(r.known[kept[i]] && r.value[kept[i]] == values[i], "register %u was saved", kept[i]);
	tap_ok(!r.known[X86_RAX] && !r.known[X86_CR3] && !r.known[X86_EFLAGS], "the others are not known");
	tap_ok(saved_regs(c->k, two, &r) == SAVED_REGS_KNOWN && r.value[X86_RIP] == 0x1000 && !r.known[X86_RBX],
	       "a running task has its CPU's");
	tap_ok(saved_regs(c->k, gone, &r) == SAVED_REGS_NO_STACK && !r.known[X86_RIP], "a zombie has none");
}

static void check_scene(struct scene *c, int era)
{
	char text[256], name[TASK_COMM_MAX + 2];
	struct paging paging;
	const struct tasks *all = tasks_of(c);
	if (!tap_ok(all != NULL, "era %d: tasks are read", era))
		return;
	list_pids(all, text, sizeof(text));
	tap_is_str(text, era == 4 ? "0/0 1 2 412 413 500" : "0/0 0/1 1 2 412 413 500", "all of them, in order");
	tap_is_str(all->damage ? all->damage : "whole", "whole", "nothing is damaged");
	const struct task *one = tasks_by_pid(all, 1), *kernel = tasks_by_pid(all, 2), *second = tasks_by_pid(all, 413);
	if (!one || !kernel || !second)
		return;
	tap_ok(tasks_running(all, 0) == tasks_by_pid(all, 412), "CPU 0 runs PID 412");
	tap_ok(tasks_running(all, 1) == (era == 4 ? NULL : tasks_idle(all, 1)), "CPU 1 is idle");
	tap_ok(!tasks_by_pid(all, 0) && !tasks_by_pid(all, 3) && !tasks_idle(all, 7), "who is not there");
	tap_ok(tasks_by_address(all, symbol(c, "second")) == second, "by address");
	tap_is_u64(second->tgid, 412, "a thread's process");
	tap_is_u64(second->cpu, era == 4 ? 0 : 1, "its CPU");
	char letters[] = { task_state_letter(one), task_state_letter(kernel), task_state_letter(second),
			   task_state_letter(tasks_by_pid(all, 500)), task_state_letter(tasks_by_pid(all, 412)), 0 };
	tap_is_str(letters, "SIDZR", "states as /proc says them");
	task_name(kernel, name);
	tap_is_str(name, "[kernel_thread_16]", "a name without a NUL, of a kernel thread");
	task_name(second, name);
	tap_is_str(name, "a (b) c", "a name with brackets");
	_cleanup_error_ struct error *err = task_paging(c->k, one, &paging);
	tap_ok(!err && paging.root == phys(symbol(c, "init_top_pgt")), "a process's page tables");
	_cleanup_error_ struct error *none = task_paging(c->k, kernel, &paging);
	tap_ok(none && none->code == ERROR_FAULT && strstr(none->text, "kernel thread"), "a kernel thread's: %s",
	       none ? none->text : "");
	check_regs(c, all, era);
}

static const uint64_t NOWHERE = 0xffffffffa0000000;

static void loops(struct scene *c)
{
	set_task(c, "two", "tasks.next", symbol(c, "one") + offset(c, "task_struct", "tasks"));
}

static void leaves_ram(struct scene *c)
{
	set_task(c, "one", "tasks.next", NOWHERE);
}

static void is_user_memory(struct scene *c)
{
	set_task(c, "one", "tasks.next", 0x1000);
}

static void breaks_twice(struct scene *c)
{
	set_task(c, "one", "tasks.next", NOWHERE);
	set_task(c, "gone", "tasks.prev", NOWHERE);
}

static void breaks_in_pid_table_too(struct scene *c)
{
	breaks_twice(c);
	set(c, "init_pid_ns", "pid_namespace", "idr.idr_rt.xa_head", NOWHERE + 2, 8);
}

static void has_a_circle_in_pid_table_too(struct scene *c)
{
	breaks_twice(c);
	uint64_t top = symbol(c, "top") + 2;
	memcpy(c->m->ram + phys(symbol(c, "six") + offset(c, "xa_node", "slots")), &top, 8);
}

static void is_queued(struct scene *c)
{
	breaks_in_pid_table_too(c);
	uint64_t queue = symbol(c, "areas") + offset(c, "rq", "cfs_tasks");
	uint64_t node = symbol(c, "kernel") + offset(c, "task_struct", "se.group_node");
	put(c->m, phys(queue), node);
	put(c->m, phys(queue) + 8, node);
	put(c->m, phys(node), queue);
	put(c->m, phys(node) + 8, queue);
}

static void is_freed(struct scene *c)
{
	uint64_t size = 0;
	_cleanup_error_ struct error *err = types_sizeof(c->types, "task_struct", &size);
	memset(c->m->ram + phys(symbol(c, "kernel")), 0x6b, size);
}

static void is_reused(struct scene *c)
{
	set(c, "kernel", "task_struct", "pid", 0x6b6b6b6b, 4);
}

static void is_twice(struct scene *c)
{
	set(c, "gone", "task_struct", "pid", 1, 4);
	set(c, "gone", "task_struct", "tgid", 1, 4);
}

static void loses_a_thread(struct scene *c)
{
	set_task(c, "two", "thread_node.next", NOWHERE);
}

static void has_no_head(struct scene *c)
{
	set_task(c, "init_task", "tasks.next", 0);
	set_task(c, "init_task", "tasks.prev", 0);
}

static void loses_its_current(struct scene *c)
{
	put(c->m, phys(symbol(c, "areas") + offset(c, "percpu", "current_task")), 0x1234);
}

/* It exits, and is off the lists already. */
static void exits_on_its_cpu(struct scene *c)
{
	uint64_t tasks = offset(c, "task_struct", "tasks");
	set_task(c, "kernel", "tasks.next", symbol(c, "gone") + tasks);
	set_task(c, "gone", "tasks.prev", symbol(c, "kernel") + tasks);
}

/* The file ends before the areas: what is there is not known. */
static void lost_its_areas(struct scene *c)
{
	put(c->m, phys(symbol(c, "__per_cpu_offset")), 0x1000000);
	put(c->m, phys(symbol(c, "__per_cpu_offset")) + 8, 0x2000000);
}

static const uint64_t NONSENSE = 0x4141414141414141;

/* What is overwritten in it is its own business: it stays in the lists. */
static void has_a_damaged_mm(struct scene *c)
{
	set_task(c, "two", "mm", NONSENSE);
}

static void has_a_damaged_stack(struct scene *c)
{
	set_task(c, "second", "stack", NONSENSE);
}

static void has_no_signal(struct scene *c)
{
	set_task(c, "two", "signal", 0);
}

static void has_the_signal_of_another(struct scene *c)
{
	set_task(c, "two", "signal", symbol(c, "signal_one"));
}

static void has_a_stranger(struct scene *c)
{
	set(c, "second", "task_struct", "tgid", 1, 4);
}

static void has_no_idle_task(struct scene *c)
{
	put(c->m, phys(symbol(c, "areas") + offset(c, "rq", "idle")), symbol(c, "one"));
}

static void was_never_started(struct scene *c)
{
	put(c->m, phys(symbol(c, "areas") + areas_size(c) + offset(c, "percpu", "current_task")), symbol(c, "init_task"));
}

/* What the lists still lead to, by whatever way; a sentence that names the place. */
static const struct {
	const char *name;
	void (*damage)(struct scene *c);
	const char *left, *says;
} damages[] = {
	{ "a list in a circle", loops, "0/0 0/1 1 2 412 413 500", "behind PID 413" },
	{ "a list that leaves RAM", leaves_ram, "0/0 0/1 1 2 412 413 500", "behind PID 1" },
	{ "a list into user memory", is_user_memory, "0/0 0/1 1 2 412 413 500", "behind PID 1" },
	{ "a list broken at both ends", breaks_twice, "0/0 0/1 1 2 412 413 500", "behind PID 1" },
	{ "and a PID table that leads nowhere", breaks_in_pid_table_too, "0/0 0/1 1 412 500", "behind PID 1" },
	{ "and a PID table with a circle", has_a_circle_in_pid_table_too, "0/0 0/1 1 2 412 500", "behind PID 1" },
	{ "and a task that waits for a CPU", is_queued, "0/0 0/1 1 2 412 500", "behind PID 1" },
	{ "a task that was freed while listed", is_freed, "0/0 0/1 1 412 413 500", "behind PID 1" },
	{ "a task whose memory is another's", is_reused, "0/0 0/1 1 412 413 500", "no task" },
	{ "one PID for two tasks", is_twice, "0/0 0/1 1 2 412 413", "same PID: 1, of 'one' and 'gone'" },
	{ "a thread that is off its list", loses_a_thread, "0/0 0/1 1 2 412 413 500", "threads of PID 412" },
	{ "a list without a head", has_no_head, "0/0 0/1 1 2 412 413 500", "behind its head" },
	{ "CPUs whose areas are not there", lost_its_areas, "0/0 1 2 412 413 500", "an idle task" },
	{ "a running task whose mm is nonsense", has_a_damaged_mm, "0/0 0/1 1 2 412 413 500", NULL },
	{ "a thread whose stack is nonsense", has_a_damaged_stack, "0/0 0/1 1 2 412 413 500", NULL },
	{ "a process without a signal_struct", has_no_signal, "0/0 0/1 1 2 412 413 500", "threads of PID 412" },
	{ "a process with another's", has_the_signal_of_another, "0/0 0/1 1 2 412 413 500", "lacks the process itself" },
	{ "a thread that says it is another process's", has_a_stranger, "0/0 0/1 1 2 412 413 500", "of another process" },
	{ "a CPU whose idle task is another", has_no_idle_task, "0/0 0/1 1 2 412 413 500", "another task" },
	{ "a task that exits on its CPU", exits_on_its_cpu, "0/0 0/1 1 2 412 500", NULL },
	{ "a CPU that was never started", was_never_started, "0/0 0/1 1 2 412 413 500", NULL },
	{ "a CPU that says nonsense", loses_its_current, "0/0 0/1 1 2 412 413 500", "current task of a CPU" },
};

static void check_damages(struct memory *m)
{
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct scene c;
		char text[256] = "";
		if (!open_scene(&c, m, 2)) {
			tap_ok(false, "%s: the fixture is loaded", damages[i].name);
			continue;
		}
		damages[i].damage(&c);
		const struct tasks *all = tasks_of(&c);
		if (all)
			list_pids(all, text, sizeof(text));
		tap_is_str(text, damages[i].left, damages[i].name);
		const char *damage = all && all->damage ? all->damage : "nothing";
		tap_ok(damages[i].says ? strstr(damage, damages[i].says) != NULL : !strcmp(damage, "nothing"),
		       "and says so: %s", damage);
		tap_ok(!all || !tasks_running(all, 1) || tasks_running(all, 1)->cpu == 1, "nobody runs on two CPUs");
		const struct task *running = all ? tasks_running(all, 0) : NULL;
		tap_ok(running && running->pid == 412, "and PID 412 runs");
		close_scene(&c);
	}
}

/* A stack pointer that is not in the task's own stack leads nowhere. */
static void check_stacks(struct memory *m)
{
	static const struct { const char *name; int64_t from_stack; uint64_t caller; enum saved_regs want; } cases[] = {
		{ "at the lowest address", 0, LINK, SAVED_REGS_KNOWN },
		{ "below the stack", -8, LINK, SAVED_REGS_BAD_STACK },
		{ "a frame that ends with the stack", 4096 - 56, LINK, SAVED_REGS_KNOWN },
		{ "a frame beyond the stack's end", 4096 - 48, LINK, SAVED_REGS_BAD_STACK },
		{ "in another's stack", 8192, LINK, SAVED_REGS_BAD_STACK },
		{ "in user memory", -0x7fffffff00000000, LINK, SAVED_REGS_BAD_STACK },
		{ "between two words", 1027, LINK, SAVED_REGS_BAD_STACK },
		{ "at a frame that returns to NULL", 1024, 0, SAVED_REGS_BAD_STACK },
		{ "at a frame that returns to user memory", 1024, 0x401000, SAVED_REGS_BAD_STACK },
		{ "at a frame that returns to data", 1024, LINK + 8 * PAGE, SAVED_REGS_BAD_STACK },
	};
	for (size_t n = 0; n < 2 * sizeof(cases) / sizeof(cases[0]); n++) {
		struct scene c;
		struct regs r;
		size_t i = n / 2;
		int era = 2 + n % 2;    /* they name the end of a stack differently */
		if (!open_scene(&c, m, era))
			continue;
		uint64_t stack = symbol(&c, "stacks") + 4096;
		set_task(&c, "one", "thread.sp", stack + (uint64_t)cases[i].from_stack);
		if (cases[i].from_stack >= 0 && cases[i].from_stack <= 4096 - 56)
			put(c.m, phys(stack) + (uint64_t)cases[i].from_stack + 48, cases[i].caller);
		const struct tasks *all = tasks_of(&c);
		const struct task *one = all ? tasks_by_pid(all, 1) : NULL;
		tap_ok(one && saved_regs(c.k, one, &r) == cases[i].want, "era %d: a stack pointer %s", era, cases[i].name);
		close_scene(&c);
	}
}

/*
 * A million tasks, made when they are read: number I is in block I behind 4 GiB, its signal_struct
 * in the middle of the block.
 */
enum { MILLION = 1000000, BLOCK = 512, SIGNAL_AT = 256 };
static const uint64_t CROWD_PA = 4ull << 30, CROWD_VA = 0xffff888000000000;

struct crowd {
	struct memory m;                /* first: it is the target */
	unsigned char block[BLOCK];     /* number 0 */
	uint64_t tasks, node, pid, tgid, signal, head, init_tasks;
	bool share;                     /* one list of threads, of all of them, for each */
};

static void put_block(struct crowd *w, uint64_t i, unsigned char *block)
{
	uint64_t at = CROWD_VA + i * BLOCK, node = at + w->node, head = at + SIGNAL_AT + w->head;
	uint64_t next = i + 1 < MILLION ? at + BLOCK + w->tasks : w->init_tasks;
	uint64_t prev = i ? at - BLOCK + w->tasks : w->init_tasks, signal = at + SIGNAL_AT;
	uint32_t pid = (uint32_t)i + 1;
	uint64_t after = node + BLOCK, before = node - BLOCK;
	if (w->share) {                 /* the head is number 0's; number 0 is no thread */
		signal = CROWD_VA + SIGNAL_AT;
		head = signal + w->head;
		after = i + 1 < MILLION ? after : head;
		before = i > 1 ? before : head;
	}
	memcpy(block, w->block, BLOCK);
	memcpy(block + w->tasks, &next, 8);
	memcpy(block + w->tasks + 8, &prev, 8);
	memcpy(block + w->node, w->share ? &after : &head, 8);
	memcpy(block + w->node + 8, w->share ? &before : &head, 8);
	memcpy(block + w->pid, &pid, 4);
	memcpy(block + w->tgid, &pid, 4);
	memcpy(block + w->signal, &signal, 8);
	uint64_t first = w->share ? CROWD_VA + BLOCK + w->node : node;
	uint64_t last = w->share ? CROWD_VA + (MILLION - 1) * (uint64_t)BLOCK + w->node : node;
	memcpy(block + SIGNAL_AT + w->head, &first, 8);
	memcpy(block + SIGNAL_AT + w->head + 8, &last, 8);
}

static struct error *read_crowd(struct target *t, uint64_t pa, void *buf, size_t len)
{
	struct crowd *w = (struct crowd *)t;
	unsigned char block[BLOCK];
	if (pa < CROWD_PA)
		return read_ram(t, pa, buf, len);
	uint64_t i = (pa - CROWD_PA) / BLOCK, at = (pa - CROWD_PA) % BLOCK;
	if (i >= MILLION || len > BLOCK - at)
		return error_at(ERROR_FAULT, pa, "no memory");
	put_block(w, i, block);
	memcpy(buf, block + at, len);
	return NULL;
}

static const struct target_ops crowd_ops = { "crowd", close_nothing, read_crowd, read_regs, NULL, NULL };

static void check_crowd(const struct memory *m)
{
	struct scene c;
	struct crowd *w = calloc(1, sizeof(*w));
	if (!w)
		return;
	w->m = *m;
	w->m.t.ops = &crowd_ops;
	if (!tap_ok(open_scene(&c, &w->m, 2), "the fixture of the crowd")) {
		free(w);
		return;
	}
	w->tasks = offset(&c, "task_struct", "tasks");
	w->node = offset(&c, "task_struct", "thread_node");
	w->pid = offset(&c, "task_struct", "pid");
	w->tgid = offset(&c, "task_struct", "tgid");
	w->signal = offset(&c, "task_struct", "signal");
	w->head = offset(&c, "signal_struct", "thread_head");
	w->init_tasks = symbol(&c, "init_task") + w->tasks;
	memcpy(w->block + offset(&c, "task_struct", "comm"), "crowd", 5);
	set_task(&c, "init_task", "tasks.next", CROWD_VA + w->tasks);
	set_task(&c, "init_task", "tasks.prev", CROWD_VA + (MILLION - 1) * (uint64_t)BLOCK + w->tasks);
	/* Pages of 1 GiB in one of the tables' pages that nobody uses. */
	uint64_t top = phys(w->m.top_va);
	put(&w->m, top + (CROWD_VA >> 39 & 511) * 8, (top + 5 * PAGE) | 0x67);
	put(&w->m, top + 5 * PAGE, CROWD_PA | 0xe3);
	const struct tasks *all = tasks_of(&c);
	/* "two" runs on CPU 0 and is of PID 412, as one of the crowd is. */
	tap_ok(all && all->n == MILLION + 2 && tasks_by_pid(all, MILLION), "a million tasks (%zu)", all ? all->n : 0);
	const char *damage = all && all->damage ? all->damage : "";
	tap_ok(strstr(damage, "same PID: 412, of 'crowd' and 'two'") || strstr(damage, "of 'two' and 'crowd'"),
	       "and one that is none of them: %s", damage);
	/* Who would walk the list of each of them would walk for weeks. */
	w->share = true;
	all = tasks_of(&c);
	tap_ok(all && all->damage && all->n <= MILLION + 2 && strstr(all->damage, "PID 1 is damaged"),
	       "a million processes that share one list of threads: %s", all && all->damage ? all->damage : "");
	close_scene(&c);
	free(w);
}

int main(void)
{
	struct memory m = { .t = { .ops = &ops, .arch = &arch_x86_64, .ncpus = 2, .ram = ranges, .nram = 1 } };
	m.ram = malloc(RAM);
	if (!m.ram)
		return 1;
	for (int era = 1; era <= 4; era++) {
		struct scene c;
		if (!tap_ok(open_scene(&c, &m, era), "era %d is loaded", era))
			continue;
		check_scene(&c, era);
		close_scene(&c);
	}
	check_damages(&m);
	check_stacks(&m);
	check_crowd(&m);
	free(m.ram);
	return tap_done();
}

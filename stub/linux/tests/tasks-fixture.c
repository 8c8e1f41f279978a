/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel's tasks in small, in the layout of one era of Linux; linked and read like fixture.c.
 *
 * ERA 1: before 5.14 and 5.16 (state, cpu of the task itself, a frame with flags); 2: up to 6.1;
 * 3: from 6.2 to 6.14 (pcpu_hot). 4 is a configuration: one CPU (CONFIG_SMP=n).
 *
 * CPU 0 runs "two", CPU 1 its idle task. Lists, in the kernel's order: one (1), kernel (2), two
 * (412) with its thread "second" (413), gone (500), a zombie whose stack is freed.
 */
typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned char u8;

struct list_head {
	struct list_head *next, *prev;
};
struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct hlist_head {
	struct hlist_node *first;
};

struct inactive_task_frame {
#if ERA == 1
	u64 flags;
#endif
	u64 r15, r14, r13, r12, bx, bp, ret_addr;
};

struct inactive_task_frame frame_type; /* for its DWARF */

struct mm_struct {
	u64 pad[3];
	u64 *pgd;
};

struct signal_struct {
	u32 nr_threads;
	struct list_head thread_head;
};

struct thread_info {
	u64 flags;
#if ERA == 2 || ERA == 3
	u32 cpu;
#endif
};

struct thread_struct {
	u64 pad, sp;
};

struct sched_entity {
	u64 weight;
	struct list_head group_node;
};

struct task_struct {
	struct thread_info thread_info;
#if ERA == 1
	volatile long state;
#else
	u32 __state;
#endif
	void *stack;
	u32 flags;
#if ERA == 1
	u32 cpu;
#endif
#if ERA != 4
	int on_cpu;
#endif
	struct sched_entity se;
	struct list_head tasks;
	struct mm_struct *mm;
	int exit_state;
	u32 pid, tgid;
	struct hlist_node pid_links[4];
	struct list_head thread_node;
	char comm[16];
	struct signal_struct *signal;
	struct thread_struct thread;
};

struct xa_node {
	u8 shift, offset, count;
	void *parent;
	void *slots[64];
};
struct xarray {
	u32 lock, flags;
	void *xa_head;
};
struct idr {
	struct xarray idr_rt;
	u32 base;
};
struct pid {
	u32 count, level;
	struct hlist_head tasks[4];
};
struct pid_namespace {
	u32 count;
	struct idr idr;
};

struct rq {
	u32 lock, nr_running;
	struct task_struct *curr, *idle, *stop;
#if ERA != 4
	struct list_head cfs_tasks;
#endif
};

struct percpu {
	struct rq rq;
	struct task_struct *current_task;
};

#if ERA == 3
struct pcpu_hot {
	struct task_struct *current_task;
} hot;
#define CURRENT "pcpu_hot"
#else
#define CURRENT "current_task"
#endif

/* The linker script names the ends of the first stack; per-CPU symbols are offsets from 0. */
__attribute__((section(".text.head"))) void _text(void)
{
#if ERA != 4
	__asm__(".globl runqueues, " CURRENT "\nrunqueues = percpu\n" CURRENT " = percpu + %c0"
		: : "i"(__builtin_offsetof(struct percpu, current_task)));
#endif
#if ERA == 3
	__asm__(".globl __end_init_stack\n__end_init_stack = init_stack + 4096");
#else
	__asm__(".globl __end_init_task\n__end_init_task = init_stack + 4096");
#endif
}

__attribute__((section(".data.page"), aligned(4096))) u64 init_top_pgt[512 * 8] = { 1 };

/*
 * Stacks of 4 KiB each. Where a task was switched out is 16 words below its stack's top; in the
 * oldest era the flags come first.
 */
enum { AT = 512 - 16, F = ERA == 1 };
__attribute__((aligned(4096))) u64 init_stack[512] = { 1 };
__attribute__((aligned(4096))) u64 stacks[6][512] = {
	[1][AT] = 99, [1][AT + F] = 15, [1][AT + F + 1] = 14, [1][AT + F + 2] = 13, [1][AT + F + 3] = 12,
	[1][AT + F + 4] = 3, [1][AT + F + 5] = 5, [1][AT + F + 6] = 0xffffffff81000000,
};
#define FRAME(n) ((u64)&stacks[n][AT])

extern struct task_struct init_task, idle_one, one, kernel, two, second, gone;
extern struct percpu areas[2];

struct mm_struct mm_one = { .pgd = init_top_pgt }, mm_two = { .pgd = init_top_pgt };

#define SIGNAL(name, first, last) \
	struct signal_struct signal_##name = { 1, { &first.thread_node, &last.thread_node } }
SIGNAL(init, init_task, init_task);
SIGNAL(idle, idle_one, idle_one);
SIGNAL(one, one, one);
SIGNAL(kernel, kernel, kernel);
SIGNAL(two, two, second);
SIGNAL(gone, gone, gone);

#if ERA == 1
#define STATE(n) .state = n
#define CPU(n) .cpu = n
#elif ERA == 4
#define STATE(n) .__state = n
#define CPU(n) .thread_info = { 0 }
#else
#define STATE(n) .__state = n
#define CPU(n) .thread_info = { .cpu = n }
#endif
#if ERA != 4
#define ON_CPU .on_cpu = 1,
#else
#define ON_CPU
#endif
#define THREADS(name, after, before) \
	.signal = &signal_##name, .thread_node = { after, before }
#define ALONE(name) THREADS(name, &signal_##name.thread_head, &signal_##name.thread_head)
#define TASKS(after, before) .tasks = { &after.tasks, &before.tasks }
#define ID(p, t, c) .pid = p, .tgid = t, .comm = c

struct task_struct init_task = {
	ID(0, 0, "swapper/0"), STATE(0), CPU(0), .flags = 0x200000, .stack = init_stack, ALONE(init),
	TASKS(one, gone), .thread = { .sp = (u64)&init_stack[AT] },
};
struct task_struct idle_one = {
	ID(0, 0, "swapper/1"), STATE(0), CPU(1), ON_CPU .flags = 0x200000, .stack = stacks[0], ALONE(idle),
	TASKS(idle_one, idle_one),
};
struct task_struct one = {
	ID(1, 1, "one"), STATE(1), CPU(1), .stack = stacks[1], .mm = &mm_one, ALONE(one), TASKS(kernel, init_task),
	.thread = { .sp = FRAME(1) },
};
/* A name without a NUL, as a kernel from before 4.x could leave it. */
struct task_struct kernel = {
	ID(2, 2, "kernel_thread_16"), STATE(0x402), CPU(0), .flags = 0x200000, .stack = stacks[2], ALONE(kernel),
	TASKS(two, one), .thread = { .sp = FRAME(2) },
};
struct task_struct two = {
	ID(412, 412, "two"), STATE(0), CPU(0), ON_CPU .stack = stacks[3], .mm = &mm_two,
	THREADS(two, &second.thread_node, &signal_two.thread_head), TASKS(gone, kernel),
};
struct task_struct second = {
	ID(413, 412, "a (b) c"), STATE(0x102), CPU(1), .stack = stacks[4], .mm = &mm_two,
	THREADS(two, &signal_two.thread_head, &two.thread_node), .thread = { .sp = FRAME(4) - 8192 },
};
struct task_struct gone = {
	ID(500, 500, "gone"), STATE(0x80), .exit_state = 0x20, CPU(1), ALONE(gone), TASKS(init_task, two),
	.thread = { .sp = FRAME(5) },
};

#define PID(name) struct pid pid_##name = { 1, 0, { { &name.pid_links[0] } } }
PID(one);
PID(kernel);
PID(two);
PID(second);
PID(gone);
#define NODE(name) ((void *)((char *)&name + 2))
struct xa_node low = { .shift = 0, .slots = { [1] = &pid_one, [2] = &pid_kernel } };
/* 412 and 413 are 6 * 64 + 28 and 29; 500 is 7 * 64 + 52. A value entry and a sibling are none. */
struct xa_node six = { .shift = 0, .slots = { [3] = (void *)9, [4] = (void *)258, [28] = &pid_two, [29] = &pid_second } };
struct xa_node seven = { .shift = 0, .slots = { [52] = &pid_gone } };
struct xa_node top = { .shift = 6, .slots = { [0] = NODE(low), [6] = NODE(six), [7] = NODE(seven) } };
struct pid_namespace init_pid_ns = { .idr = { .idr_rt = { 0, 0, NODE(top) } } };

#if ERA != 4
#define QUEUE(n, runs, idles) \
	{ { 0, 1, &runs, &idles, 0, { &areas[n].rq.cfs_tasks, &areas[n].rq.cfs_tasks } }, &runs }
u32 nr_cpu_ids = 2;
__attribute__((section(".percpu"))) struct percpu percpu = { { 1 } };
struct percpu areas[2] = { QUEUE(0, two, init_task), QUEUE(1, idle_one, idle_one) };
u64 __per_cpu_offset[2] = { (u64)&areas[0], (u64)&areas[1] };
#else
struct rq runqueues = { 1, 1, &two, &init_task };
struct task_struct *current_task = &two;
#endif

int panic_cpu = 0;

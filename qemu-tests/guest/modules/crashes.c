// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One module, several ways for a kernel to die. A write to /proc/crashes does what the
 * parameter how= says, inside the write system call:
 *
 *   timer     a timer (softirq) faults on top of the writing task
 *   softirq   the same, run when the task enables softirqs again: the switch to the stack of
 *             interrupts is then made by a function, not by an interrupt's entry
 *   ipi       an inter-processor interrupt faults on a CPU whose task wrote "spin"
 *   bug       BUG()
 *   overflow  a recursion overflows the stack: double fault
 *   nmi       the task says that it spins and waits to be shot by an NMI
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/smp.h>
#include <linux/timer.h>
#include <linux/uaccess.h>

static char *how = "bug";
module_param(how, charp, 0444);
MODULE_PARM_DESC(how, "timer, softirq, ipi, bug, overflow or nmi");

/* Each call stays a frame, and what is passed stays passed. */
#define __frame noinline __attribute__((noipa))

struct crash_request {
	const char *how;
	int depth;
	struct timer_list timer;
};

static int spinning_cpu = -1;
static bool released;
static DEFINE_PER_CPU(unsigned int, crash_calls);

static __frame void crash_store(struct crash_request *req, int value)
{
	int *ptr = NULL;

	OPTIMIZER_HIDE_VAR(ptr);
	this_cpu_inc(crash_calls);
	req->depth++;
	*ptr = value;
}

static __frame void crash_spin(struct crash_request *req)
{
	req->depth++;
	while (!READ_ONCE(released))
		cpu_relax();
	req->depth--;
}

static void crash_timer(struct timer_list *t)
{
	struct crash_request *req = container_of(t, struct crash_request, timer);

	crash_store(req, 7);
	WRITE_ONCE(released, true);
}

static void crash_ipi(void *info)
{
	crash_store(info, 9);
	WRITE_ONCE(released, true);
}

/* The bytes of each frame are used after the call, so that it stays a recursion. */
static __frame int crash_recurse(struct crash_request *req, int depth)
{
	volatile char frame[256];

	frame[0] = depth;
	req->depth = depth;
	if (released)
		return 0;
	return crash_recurse(req, depth + 1) + frame[0];
}

static __frame void crash_now(struct crash_request *req)
{
	if (!strcmp(req->how, "spin")) {
		preempt_disable();
		WRITE_ONCE(spinning_cpu, smp_processor_id());
		crash_spin(req);
		preempt_enable();
	} else if (!strcmp(req->how, "timer")) {
		/* While ksoftirqd wants to run, an interrupt leaves the timers to it: let it. */
		msleep(20);
		preempt_disable();
		timer_setup(&req->timer, crash_timer, TIMER_PINNED);
		mod_timer(&req->timer, jiffies + 2);
		crash_spin(req);
		preempt_enable();
	} else if (!strcmp(req->how, "softirq")) {
		unsigned long end = jiffies + 20;

		local_bh_disable();
		timer_setup(&req->timer, crash_timer, TIMER_PINNED);
		mod_timer(&req->timer, jiffies + 2);
		while (time_before(jiffies, end)) /* the tick that finds it expired is among these */
			cpu_relax();
		local_bh_enable();
		WRITE_ONCE(released, true); /* or the call would be a jump */
	} else if (!strcmp(req->how, "ipi")) {
		while (READ_ONCE(spinning_cpu) < 0)
			msleep(1);
		smp_call_function_single(spinning_cpu, crash_ipi, req, 1);
	} else if (!strcmp(req->how, "overflow")) {
		crash_recurse(req, 0);
	} else if (!strcmp(req->how, "nmi")) {
		local_irq_disable(); /* or a timer tick may be what the NMI finds */
		pr_emerg("crashes: spinning, send the NMI\n");
		crash_spin(req);
		local_irq_enable();
	} else {
		BUG();
	}
}

static ssize_t crashes_write(struct file *file, const char __user *buf, size_t len,
			     loff_t *pos)
{
	struct crash_request req = {};
	char text[16] = "";

	if (copy_from_user(text, buf, min(len, sizeof(text) - 1)))
		return -EFAULT;
	req.how = strncmp(text, "spin", 4) ? how : "spin";
	crash_now(&req);
	return len;
}

static const struct proc_ops crashes_ops = {
	.proc_write = crashes_write,
};

static int __init crashes_init(void)
{
	return proc_create("crashes", 0200, NULL, &crashes_ops) ? 0 : -ENOMEM;
}

static void __exit crashes_exit(void)
{
	remove_proc_entry("crashes", NULL);
}

module_init(crashes_init);
module_exit(crashes_exit);
MODULE_DESCRIPTION("Several ways for a kernel to die, for debuggers to look at");
MODULE_LICENSE("GPL");

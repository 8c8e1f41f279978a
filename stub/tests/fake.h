/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crashed kernel of a few pages for tests of the server: two CPUs with registers (numbers 0
 * and 2; the latter panicked), page tables of its own, and one page that the dump left out.
 *
 * Page number P (two hex digits) begins with "page P of fake." and is P in every other byte.
 *
 *   kernel   ffffffff81000000 20, ...1000 21, ...2000 22, ...3000 nothing, ...4000 left out,
 *            ffffffff82000000 25, 16 times, then 26, 16 times; fffffffffffff000 22, 0 23
 *   user     400000 is 30 on CPU 0 and 31 on CPU 2
 *
 * Its one module's file went away after it was found. With fake_add_tasks() it has tasks: the idle
 * ones, PID 1 that sleeps on a stack which cannot be read, PID 7 that runs on CPU 2 and panicked,
 * and its thread 9, a zombie; each one's struct is at ffffffff90000000 + PID * 1000. The per-CPU area
 * of CPU N is at N00000.
 */
#ifndef STUB_TESTS_FAKE_H
#define STUB_TESTS_FAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/arch/x86_64.h"
#include "stub/linux/module.h"
#include "stub/linux/task.h"

enum {
	FAKE_PAGE = 4096, FAKE_RAM = 0x40 * FAKE_PAGE, FAKE_LEFT_OUT = 0x24 * FAKE_PAGE,
	FAKE_KERNEL_ROOT = 0x1000, FAKE_USER_ROOT = 0x10000, FAKE_CPUS = 2,
};

struct fake {
	struct target t;
	struct kernel k;
	struct regs regs[FAKE_CPUS];
	unsigned numbers[FAKE_CPUS];
	uint64_t percpu[3];
	char path[32], format[32], companion[32], module_path[32];
	struct module module;
	uint64_t next_table;
	unsigned char ram[FAKE_RAM];
};

static struct error *fake_read(struct target *t, uint64_t pa, void *buf, size_t len)
{
	struct fake *f = (struct fake *)t;
	if (pa > FAKE_RAM || len > FAKE_RAM - pa) {
		if (pa < FAKE_RAM)
			memcpy(buf, f->ram + pa, FAKE_RAM - pa);
		return error_at(ERROR_FAULT, pa < FAKE_RAM ? FAKE_RAM : pa, "no memory");
	}
	if (pa < FAKE_LEFT_OUT)
		memcpy(buf, f->ram + pa, pa + len > FAKE_LEFT_OUT ? FAKE_LEFT_OUT - pa : len);
	if (pa < FAKE_LEFT_OUT && pa + len > FAKE_LEFT_OUT)     /* what is before it comes */
		memcpy(buf, f->ram + pa, FAKE_LEFT_OUT - pa);
	if (pa + len > FAKE_LEFT_OUT && pa < FAKE_LEFT_OUT + FAKE_PAGE)
		return error_at(ERROR_EXCLUDED, pa < FAKE_LEFT_OUT ? FAKE_LEFT_OUT : pa,
				"the dump leaves this page out");
	memcpy(buf, f->ram + pa, len);
	return NULL;
}

static struct error *fake_regs(struct target *t, unsigned cpu, struct regs *ret)
{
	*ret = ((struct fake *)t)->regs[cpu];
	return NULL;
}

static void fake_close(struct target *t)
{
	(void)t;
}

static const struct target_ops fake_ops = { "fake", fake_close, fake_read, fake_regs, NULL, NULL };

/* One entry on each of four levels, tables as needed. */
static void fake_map(struct fake *f, uint64_t root, uint64_t va, uint64_t pa)
{
	uint64_t table = root;
	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t entry, where = table + (va >> shift & 511) * 8;
		memcpy(&entry, f->ram + where, 8);
		if (!entry) {
			entry = f->next_table | 7;
			f->next_table += FAKE_PAGE;
			memcpy(f->ram + where, &entry, 8);
		}
		table = entry & ~7ull;
	}
	uint64_t entry = pa | 7;
	memcpy(f->ram + table + (va >> 12 & 511) * 8, &entry, 8);
}

static void fake_cpu(struct fake *f, unsigned index, unsigned number, uint64_t root)
{
	f->numbers[index] = number;
	regs_set(&f->regs[index], X86_RAX, 0x1122334455667788);
	regs_set(&f->regs[index], X86_RSP, 0xffffffff81001000 + number);
	regs_set(&f->regs[index], X86_RIP, 0xffffffff81000100 + number);
	regs_set(&f->regs[index], X86_CR3, root);
	regs_set(&f->regs[index], X86_CR4, 0x20);
	fake_map(f, root, 0x400000, (0x30 + index) * (uint64_t)FAKE_PAGE);
}

/* The caller frees by fake_free(); NULL when out of memory. */
static struct fake *fake_make(void)
{
	static const struct paging paging = {
		.root = FAKE_KERNEL_ROOT, .levels = 4, .addr_mask = 0x000ffffffffff000,
	};
	struct fake *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	for (uint64_t page = 0x20; page < 0x40; page++) {
		char text[17];
		snprintf(text, sizeof(text), "page %02x of fake.", (unsigned)page & 0xff);
		memset(f->ram + page * FAKE_PAGE, (int)page, FAKE_PAGE);
		memcpy(f->ram + page * FAKE_PAGE, text, 16);
	}
	f->next_table = FAKE_KERNEL_ROOT + FAKE_PAGE;
	for (uint64_t i = 0; i < 5; i++)
		if (i != 3)
			fake_map(f, FAKE_KERNEL_ROOT, 0xffffffff81000000 + i * FAKE_PAGE, (0x20 + i) * FAKE_PAGE);
	fake_map(f, FAKE_KERNEL_ROOT, 0xfffffffffffff000, 0x22000);
	fake_map(f, FAKE_KERNEL_ROOT, 0, 0x23000);
	for (uint64_t i = 0; i < 32; i++)
		fake_map(f, FAKE_KERNEL_ROOT, 0xffffffff82000000 + i * FAKE_PAGE, i < 16 ? 0x25000 : 0x26000);
	f->next_table = FAKE_USER_ROOT + FAKE_CPUS * FAKE_PAGE;
	fake_cpu(f, 0, 0, FAKE_USER_ROOT);
	fake_cpu(f, 1, 2, FAKE_USER_ROOT + FAKE_PAGE);
	f->t.ops = &fake_ops;
	f->t.arch = &arch_x86_64;
	f->t.ncpus = FAKE_CPUS;
	snprintf(f->path, sizeof(f->path), "/dumps/vmcore");
	snprintf(f->format, sizeof(f->format), "fake");
	f->t.path = f->path;
	f->t.format = f->format;
	f->t.dump_level = -1;
	f->k.target = &f->t;
	f->k.placed = true;
	f->k.paging = paging;
	f->k.panic_cpu = 2;
	f->k.cpu_numbers = f->numbers;
	snprintf(f->companion, sizeof(f->companion), "/a cache/<companion> $1");
	f->k.companion_path = f->companion;
	snprintf(f->module.name, sizeof(f->module.name), "gone");
	f->module.path = f->module_path;
	snprintf(f->module_path, sizeof(f->module_path), "/nonexistent/gone.ko");
	f->module.addr = 0xffffffffc0000080;
	f->k.modules = &f->module;
	f->k.nmodules = 1;
	struct error *err = aspace_create(&f->t, &paging, &f->k.as);
	if (err) {
		error_free(err);
		free(f);
		return NULL;
	}
	return f;
}

__attribute__((unused)) static bool fake_add_tasks(struct fake *f)
{
	static const struct task rows[] = {
		{ .addr = 0xffffffff90000000, .flags = PF_KTHREAD, .running = true, .comm = "swapper/0" },
		{ .addr = 0xffffffff90000800, .flags = PF_KTHREAD, .cpu = 2, .comm = "swapper/2" },
		{ .addr = 0xffffffff90001000, .pid = 1, .tgid = 1, .state = 1, .stack = 0xffffffffa0000000,
		  .sp = 0xffffffffa0000f00, .comm = "<init> & \"co\"" },
		{ .addr = 0xffffffff90007000, .pid = 7, .tgid = 7, .cpu = 2, .running = true,
		  .mm = 0xffffffff81000000, .comm = "a\xff\x01z" },
		{ .addr = 0xffffffff90009000, .pid = 9, .tgid = 7, .state = 0xa0, .comm = "gone" },
	};
	struct tasks *all = f->k.tasks = calloc(1, sizeof(*all));
	if (!all)
		return false;
	all->task = malloc(sizeof(rows));
	all->running = calloc(3, sizeof(*all->running));
	if (!all->task || !all->running)
		return false;
	memcpy(all->task, rows, sizeof(rows));
	all->n = sizeof(rows) / sizeof(rows[0]);
	all->nidle = 2;
	all->nrunning = 3;
	for (unsigned i = 0; i < 3; i++)
		f->percpu[i] = i << 20;
	f->k.percpu_offset = f->percpu;
	f->k.npercpu = 3;
	all->running[0] = &all->task[0];
	all->running[2] = &all->task[3];
	return true;
}

static void fake_free(struct fake *f)
{
	if (f) {
		tasks_free(f->k.tasks);
		aspace_destroy(f->k.as);
	}
	free(f);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/cpus.h"

#include <stdlib.h>

#include "stub/base/cleanup.h"
#include "stub/linux/layout.h"

/* Without CONFIG_SMP there is one CPU, whose variables stand where they are linked. */
static struct error *only_cpu(struct kernel *k)
{
	k->percpu_offset = calloc(1, sizeof(*k->percpu_offset));
	if (!k->percpu_offset)
		return error_nomem();
	k->npercpu = 1;
	return NULL;
}

static struct error *read_percpu_offsets(struct kernel *k)
{
	uint64_t va, offsets_va;
	uint32_t count = 0;
	struct error *err = kernel_symbol(k, "__per_cpu_offset", &offsets_va);
	if (err && err->code == ERROR_NOT_FOUND) {
		error_free(err);
		return only_cpu(k);
	}
	if (err)
		return err;
	err = kernel_symbol(k, "nr_cpu_ids", &va);
	if (!err)
		err = kernel_read_u32(k, va, &count);
	if (err) {
		/* A constant of the build with CONFIG_FORCE_NR_CPUS (6.1 and later). */
		error_free(err);
		count = k->target->ncpus;
	}
	if (!count || count > CPUS_MAX)
		return error_new(ERROR_FORMAT, "nr_cpu_ids is %u: not believed", count);
	_cleanup_free_ uint64_t *offsets = calloc(count, sizeof(*offsets));
	if (!offsets)
		return error_nomem();
	err = kernel_read(k, offsets_va, offsets, count * sizeof(*offsets));
	if (err)
		return error_prefix(err, "__per_cpu_offset");
	k->percpu_offset = steal(offsets);
	k->npercpu = count;
	return NULL;
}

struct error *cpus_read(struct kernel *k)
{
	struct error *err = read_percpu_offsets(k);
	if (err)
		return err;
	/* panic_cpu is -1 (PANIC_CPU_INVALID) until someone panics; crashing_cpu is x86's own, set
	 * on the way into a kdump kernel. */
	static const char *const names[] = { "panic_cpu", "crashing_cpu" };
	for (size_t i = 0; i < 2 && k->panic_cpu < 0; i++) {
		uint64_t va;
		uint32_t cpu;
		err = kernel_symbol(k, names[i], &va);
		if (!err)
			err = kernel_read_u32(k, va, &cpu);
		if (!err && cpu < k->npercpu)
			k->panic_cpu = (int)cpu;
		error_free(err);
	}
	return NULL;
}

/* Does CPU `cpu` have a note in crash_notes, where kdump's kernel saved its registers? */
static bool has_crash_note(struct kernel *k, uint64_t notes, unsigned cpu)
{
	uint32_t name_size = 0;
	struct error *err = kernel_read_u32(k, notes + k->percpu_offset[cpu], &name_size);
	error_free(err);
	return !err && name_size;
}

struct error *cpus_number(struct kernel *k)
{
	unsigned n = k->target->ncpus;
	k->cpu_numbers = calloc(n ? n : 1, sizeof(*k->cpu_numbers));
	if (!k->cpu_numbers)
		return error_nomem();
	for (unsigned i = 0; i < n; i++)
		k->cpu_numbers[i] = i;
	if (!k->npercpu)
		return NULL;

	/* /proc/vmcore lists the notes of those CPUs that saved one, and skips the others
	 * (fs/proc/vmcore.c, get_note_number_and_size), so their order alone is no CPU number. */
	uint64_t where, notes;
	struct error *err = kernel_symbol(k, "crash_notes", &where);
	if (!err)
		err = kernel_read_u64(k, where, &notes);
	if (err) {
		error_free(err);
		return NULL;
	}
	unsigned saved = 0;
	for (unsigned cpu = 0; cpu < k->npercpu; cpu++)
		saved += has_crash_note(k, notes, cpu);
	if (saved != n)
		return NULL;
	for (unsigned cpu = 0, i = 0; cpu < k->npercpu && i < n; cpu++)
		if (has_crash_note(k, notes, cpu))
			k->cpu_numbers[i++] = cpu;
	return NULL;
}

/* From 6.2 (commit e57ef2ed97c1) to 6.14 a member; before and after a variable of its own. */
static const struct layout_row hot_task_row = { "pcpu_hot", "current_task", 0 };

struct error *cpus_current(struct kernel *k, unsigned cpu, uint64_t *ret)
{
	uint64_t va;
	if (cpu >= k->npercpu)
		return error_new(ERROR_NOT_FOUND, "CPU %u has no per-CPU area", cpu);
	struct error *err = kernel_symbol(k, "current_task", &va);
	if (err && err->code == ERROR_NOT_FOUND) {
		struct member hot;
		error_free(err);
		err = layout_require(k->types, &hot_task_row, 1, &hot);
		if (!err)
			err = kernel_symbol(k, "pcpu_hot", &va);
		if (!err)
			va += hot.offset;
	}
	return err ? err : kernel_read_u64(k, va + k->percpu_offset[cpu], ret);
}

struct error *cpus_paging(struct kernel *k, unsigned index, struct paging *ret)
{
	struct regs regs;
	if (index >= k->target->ncpus)
		return error_new(ERROR_NOT_FOUND, "the dump has no registers of this CPU");
	struct error *err = k->target->ops->read_regs(k->target, index, &regs);
	if (!err && !k->target->arch->paging(&regs, ret))
		err = error_new(ERROR_NOT_FOUND, "the page tables of CPU %u are not in the dump",
				k->cpu_numbers[index]);
	return err;
}

bool cpus_regs(struct kernel *k, unsigned cpu, unsigned *ret)
{
	for (unsigned i = 0; i < k->target->ncpus; i++) {
		if (k->cpu_numbers[i] == cpu) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* kernel/cpu.c: struct cpumask __cpu_present_mask, nr_cpu_ids bits. */
struct error *cpus_present(struct kernel *k, unsigned **ret, size_t *n_ret)
{
	uint64_t at, word = 0;
	size_t n = 0;
	_cleanup_free_ unsigned *cpus = calloc(k->npercpu ? k->npercpu : 1, sizeof(*cpus));
	if (!cpus)
		return error_nomem();
	_cleanup_error_ struct error *err = kernel_symbol(k, "__cpu_present_mask", &at);
	for (unsigned cpu = 0; cpu < k->npercpu && !err; cpu++) {
		if (cpu % 64 == 0)
			err = kernel_read_u64(k, at + cpu / 8, &word);
		if (!err && (word >> cpu % 64 & 1))
			cpus[n++] = cpu;
	}
	if (err || !n)
		for (n = 0; n < k->npercpu; n++)
			cpus[n] = (unsigned)n;
	*ret = steal(cpus);
	*n_ret = n;
	return NULL;
}

struct error *cpus_symbol(struct kernel *k, const char *name, unsigned cpu, uint64_t *ret)
{
	uint64_t at;
	struct error *err = kernel_symbol(k, name, &at);
	if (err)
		return err;
	if (cpu >= k->npercpu)
		return error_new(ERROR_NOT_FOUND, "CPU %u has no memory of its own", cpu);
	*ret = at + k->percpu_offset[cpu];
	return NULL;
}

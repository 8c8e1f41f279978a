/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/mm.h"

#include "stub/base/bytes.h"
#include "stub/linux/layout.h"

static const struct layout_row rows[] = {
	{ "mm_struct", "total_vm", offsetof(struct mm_layout, total_vm) },
	/* An array of atomic_long_t in a struct; from 6.2 (commit f1a7941243c1) of percpu_counter. */
	{ "mm_struct", "rss_stat.count", offsetof(struct mm_layout, old_counts) },
	{ "mm_struct", "rss_stat", offsetof(struct mm_layout, new_counts) },
	{ "percpu_counter", NULL, offsetof(struct mm_layout, counter_sizeof) },
	{ "percpu_counter", "count", offsetof(struct mm_layout, counter) },
};

/* What get_mm_rss() adds up (include/linux/mm.h). */
static const char *const entries[MM_RESIDENT] = { "MM_FILEPAGES", "MM_ANONPAGES", "MM_SHMEMPAGES" };

/* Far more than is between the members of any kernel. */
enum { SPAN_MAX = 4096, COUNTER = 8 };

/* Where in struct mm_struct each counter is; elements of another type are not taken for these. */
static struct error *find_counters(struct kernel *k, struct mm_counts *c)
{
	const struct mm_layout *l = &c->l;
	bool old = l->old_counts.present;
	if (!old && (!l->new_counts.count || !l->counter.present ||
		     l->new_counts.size != l->new_counts.count * l->counter_sizeof.size))
		return NULL;
	uint64_t n = old ? l->old_counts.count : l->new_counts.count;
	for (unsigned i = 0; i < MM_RESIDENT; i++) {
		int64_t entry;
		struct error *err = types_enumerator(k->types, entries[i], &entry);
		if (err)
			return err;
		if (entry < 0 || (uint64_t)entry >= n)
			return error_new(ERROR_FORMAT, "no counter %s in mm_struct.rss_stat", entries[i]);
		c->counter[i] = old ? l->old_counts.offset + (uint64_t)entry * COUNTER :
			l->new_counts.offset + (uint64_t)entry * l->counter_sizeof.size + l->counter.offset;
	}
	c->knows_resident = true;
	return NULL;
}

static struct error *find_span(struct mm_counts *c)
{
	uint64_t end = c->l.total_vm.offset + c->l.total_vm.size;
	c->from = c->l.total_vm.offset;
	for (unsigned i = 0; i < MM_RESIDENT && c->knows_resident; i++) {
		c->from = c->counter[i] < c->from ? c->counter[i] : c->from;
		end = c->counter[i] + COUNTER > end ? c->counter[i] + COUNTER : end;
	}
	c->span = end - c->from;
	if (c->span > SPAN_MAX || c->l.total_vm.size != COUNTER)
		return error_new(ERROR_FORMAT, "struct mm_struct as this kernel's debug info has it is not believed");
	return NULL;
}

struct error *mm_counts_open(struct kernel *k, struct mm_counts *ret)
{
	struct mm_counts c = { .span = 0 };
	uint64_t at;
	struct error *err = layout_resolve(k->types, rows, sizeof(rows) / sizeof(rows[0]), &c.l);
	if (!err)
		err = layout_need(&c.l.total_vm, &rows[0]);
	if (!err)
		err = find_counters(k, &c);
	if (!err)
		err = find_span(&c);
	if (err)
		return err;
	/* Since 5.0 (commit ca79b0c211af) an atomic_long_t of this name. */
	err = kernel_symbol(k, "_totalram_pages", &at);
	if (!err)
		err = kernel_read_u64(k, at, &c.total_ram);
	error_free(err);
	*ret = c;
	return NULL;
}

/*
 * get_mm_counter(): what a CPU has not yet added to a percpu_counter is not counted there either,
 * and a negative sum is none.
 */
struct error *mm_counts_read(const struct mm_counts *c, struct kernel *k, uint64_t mm, struct mm_usage *ret)
{
	unsigned char bytes[SPAN_MAX];
	struct error *err = kernel_read(k, mm + c->from, bytes, c->span);
	if (err)
		return err;
	struct mm_usage usage = { .total = u64_at(bytes + c->l.total_vm.offset - c->from) };
	for (unsigned i = 0; i < MM_RESIDENT && c->knows_resident; i++) {
		int64_t value = (int64_t)u64_at(bytes + c->counter[i] - c->from);
		usage.resident += value > 0 ? (uint64_t)value : 0;
	}
	*ret = usage;
	return NULL;
}

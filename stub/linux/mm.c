/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/mm.h"

#include "stub/linux/layout.h"

static const struct layout_row rows[] = {
	{ "mm_struct", "total_vm", offsetof(struct mm_layout, total_vm) },
	/* An array of atomic_long_t in a struct; from 6.2 (commit f1a7941243c1) of percpu_counter. */
	{ "mm_struct", "rss_stat.count", offsetof(struct mm_layout, old_counts) },
	{ "mm_struct", "rss_stat", offsetof(struct mm_layout, new_counts) },
	{ "percpu_counter", NULL, offsetof(struct mm_layout, counter_sizeof) },
	{ "percpu_counter", "count", offsetof(struct mm_layout, counter) },
};

/* Until 6.1 shared memory counts since 4.5; there is no kernel of this era without these. */
static const char *const entries[] = { "MM_FILEPAGES", "MM_ANONPAGES", "MM_SHMEMPAGES" };

struct error *mm_counts_open(struct kernel *k, struct mm_counts *ret)
{
	struct mm_counts c = { .nentries = 0 };
	uint64_t at;
	struct error *err = layout_resolve(k->types, rows, sizeof(rows) / sizeof(rows[0]), &c.l);
	if (!err)
		err = layout_need(&c.l.total_vm, &rows[0]);
	for (unsigned i = 0; i < 3 && !err; i++)
		err = types_enumerator(k->types, entries[i], &c.entry[i]);
	if (err)
		return err;
	/* Elements of another type, should there ever be one, are not taken for these. */
	if (c.l.old_counts.present || (c.l.new_counts.count && c.l.counter.present &&
				       c.l.new_counts.size == c.l.new_counts.count * c.l.counter_sizeof.size))
		c.nentries = 3;
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
static struct error *read_counter(const struct mm_counts *c, struct kernel *k, uint64_t mm, int64_t entry,
				  uint64_t *ret)
{
	const struct mm_layout *l = &c->l;
	uint64_t value, n = l->old_counts.present ? l->old_counts.count : l->new_counts.count;
	if (entry < 0 || (uint64_t)entry >= n)
		return error_new(ERROR_FORMAT, "no counter %lld in mm_struct.rss_stat", (long long)entry);
	uint64_t at = l->old_counts.present ? mm + l->old_counts.offset + (uint64_t)entry * 8 :
		mm + l->new_counts.offset + (uint64_t)entry * l->counter_sizeof.size + l->counter.offset;
	struct error *err = kernel_read_u64(k, at, &value);
	if (!err)
		*ret = (int64_t)value > 0 ? value : 0;
	return err;
}

struct error *mm_counts_read(const struct mm_counts *c, struct kernel *k, uint64_t mm, struct mm_usage *ret)
{
	struct mm_usage usage = { .resident = 0 };
	struct error *err = kernel_read_member(k, mm, &c->l.total_vm, &usage.total);
	for (unsigned i = 0; i < c->nentries && !err; i++) {
		uint64_t value = 0;
		err = read_counter(c, k, mm, c->entry[i], &value);
		usage.resident += value;
	}
	if (!err)
		*ret = usage;
	return err;
}

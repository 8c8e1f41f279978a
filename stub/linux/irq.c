/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/irq.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/linux/layout.h"
#include "stub/linux/list.h"
#include "stub/linux/maple.h"

/* Handlers that share one line; nobody has so many. */
enum { ACTIONS_MAX = 256 };

/* What kstub believes, of all interrupts together: text, and descriptors. */
enum { DESCRIPTORS_MAX = 1 << 20, TEXT_MAX = 64 << 20 };

struct irq_layout {
	struct member counts, action, name, status, hwirq, chip, domain;
	struct member chip_name, action_name, action_next;
	struct member count;
};

#define ROW(type, member, field) { type, member, offsetof(struct irq_layout, field) }
static const struct layout_row rows[] = {
	ROW("irq_desc", "kstat_irqs", counts),
	ROW("irq_desc", "action", action),
	ROW("irq_desc", "name", name),
	ROW("irq_desc", "status_use_accessors", status),
	ROW("irq_desc", "irq_data.hwirq", hwirq),
	ROW("irq_desc", "irq_data.chip", chip),
	ROW("irq_desc", "irq_data.domain", domain),
	ROW("irq_chip", "name", chip_name),
	ROW("irqaction", "name", action_name),
	ROW("irqaction", "next", action_next),
};
static const struct layout_row count_rows[] = {
	/* 6.10 (commit 86d2a2f51fba) put the count, a bare unsigned int, into a struct. */
	ROW("irqstat", "cnt", count),
};
#undef ROW
#define COUNT(rows) (sizeof(rows) / sizeof(rows[0]))

struct descriptors {
	struct irqs *w;
	struct irq_layout l;
	int64_t hidden, valid;          /* IRQ_HIDDEN, _IRQ_PROC_VALID; 0: this kernel has none */
	unsigned seen;                  /* a tree may lead to one of them again and again */
	size_t text;                    /* bytes of what handles all of them */
	uint64_t chained;               /* the action of a line that leads to others; 0: none */
};

struct error *irqs_note(struct irqs *w, struct error *err, const char *what)
{
	if (!err || err->code == ERROR_NOMEM)
		return err;
	if (!w->damage && asprintf(&w->damage, "%s: %s", what, err->text) < 0)
		w->damage = NULL;
	error_free(err);
	return w->damage ? NULL : error_nomem();
}

struct error *irqs_count(struct irqs *w, uint64_t at, uint64_t *total_ret)
{
	uint64_t total = 0;
	for (size_t i = 0; i < w->ncpus; i++) {
		uint32_t count;
		struct error *err = kernel_read_u32(w->k, at + w->k->percpu_offset[w->cpus[i]], &count);
		if (err)
			return err;
		w->counts[i] = count;
		total += count;
	}
	*total_ret = total;
	return NULL;
}

/* A text behind a pointer, "" behind NULL. */
static struct error *read_name(struct kernel *k, uint64_t base, const struct member *m, char *ret, size_t cap)
{
	uint64_t at;
	struct error *err = kernel_read_member(k, base, m, &at);
	if (err)
		return err;
	ret[0] = '\0';
	return at ? kernel_read_text(k, at, ret, cap) : NULL;
}

static struct error *read_actions(struct descriptors *d, uint64_t action)
{
	struct irqs *w = d->w;
	struct error *err = NULL;
	char name[128];
	buffer_clear(&w->actions);
	for (unsigned n = 0; action && !err; n++) {
		if (n == ACTIONS_MAX)
			return error_at(ERROR_FORMAT, action, "more handlers of an interrupt than kstub believes");
		err = read_name(w->k, action, &d->l.action_name, name, sizeof(name));
		if (!err)
			err = kernel_read_member(w->k, action, &d->l.action_next, &action);
		if (!err)
			buffer_printf(&w->actions, "%s%s", n ? ", " : "", name);
	}
	return err;
}

/* show_interrupts() (kernel/irq/proc.c): "IO-APIC", and "2-edge". */
static struct error *read_chip(struct descriptors *d, uint64_t desc, struct irq *irq)
{
	const struct irq_layout *l = &d->l;
	uint64_t chip, domain, hwirq;
	char name[32];
	struct error *err = kernel_read_member(d->w->k, desc, &l->chip, &chip);
	snprintf(irq->chip, sizeof(irq->chip), chip ? "-" : "None");
	if (!err && chip)
		err = read_name(d->w->k, chip, &l->chip_name, irq->chip, sizeof(irq->chip));
	if (!err && !irq->chip[0])
		snprintf(irq->chip, sizeof(irq->chip), "-");
	if (!err)
		err = kernel_read_member(d->w->k, desc, &l->domain, &domain);
	if (!err)
		err = kernel_read_member(d->w->k, desc, &l->hwirq, &hwirq);
	if (!err)
		err = read_name(d->w->k, desc, &l->name, name, sizeof(name));
	if (err)
		return err;
	int len = domain ? snprintf(irq->type, sizeof(irq->type), "%" PRIu64, hwirq) : 0;
	if (name[0])
		snprintf(irq->type + len, sizeof(irq->type) - (size_t)len, "-%s", name);
	return NULL;
}

/*
 * Not the hidden ones; and of those without a handler, or that lead to others, what ever came. The
 * newest kernels have a flag of those that they show, which all have a handler.
 */
static bool is_shown(const struct descriptors *d, uint64_t status, uint64_t action, uint64_t total)
{
	if (d->valid)
		return status & (uint64_t)d->valid;
	if (status & (uint64_t)d->hidden)
		return false;
	return total || (action && action != d->chained);
}

/* With what can be read of it, once its counts can; the error is of the rest. */
static struct error *show_descriptor(struct descriptors *d, uint64_t number, uint64_t desc)
{
	struct irqs *w = d->w;
	const struct irq_layout *l = &d->l;
	uint64_t status, counts, action;
	struct irq irq = { .total = 0 };
	struct error *err = kernel_read_member(w->k, desc, &l->status, &status);
	if (!err)
		err = kernel_read_member(w->k, desc, &l->counts, &counts);
	if (!err)
		err = kernel_read_member(w->k, desc, &l->action, &action);
	if (err || !is_shown(d, status, action, 1))
		return err;
	if (counts)
		err = irqs_count(w, counts + l->count.offset, &irq.total);
	else
		memset(w->counts, 0, w->ncpus * sizeof(*w->counts));
	if (err || !is_shown(d, status, action, irq.total))
		return err;
	snprintf(irq.name, sizeof(irq.name), "%" PRIu64, number);
	irq.counts = w->counts;
	_cleanup_error_ struct error *damage = NULL;
	err = error_keep(&damage, read_chip(d, desc, &irq));
	if (!err)
		err = error_keep(&damage, read_actions(d, action));
	if (!err)
		err = buffer_error(&w->actions);
	if (err)
		return err;
	irq.actions = buffer_text(&w->actions);
	d->text += w->actions.len;
	w->visit(w->arg, &irq);
	return steal(damage);
}

static struct error *visit_index(void *arg, uint64_t index, uint64_t entry)
{
	struct descriptors *d = arg;
	char what[48];
	if (++d->seen > DESCRIPTORS_MAX || d->text > TEXT_MAX)
		return error_at(ERROR_FORMAT, entry, "more interrupts than kstub believes");
	snprintf(what, sizeof(what), "interrupt %" PRIu64, index);
	return irqs_note(d->w, show_descriptor(d, index, entry), what);
}

static struct error *visit_range(void *arg, uint64_t first, uint64_t last, uint64_t entry)
{
	(void)last;
	return visit_index(arg, first, entry);
}

/* 6.5 (commit 721255b9826b) put a maple tree in the place of the radix tree. */
static struct error *walk_descriptors(struct descriptors *d)
{
	struct kernel *k = d->w->k;
	uint64_t root;
	struct error *err = kernel_symbol(k, "sparse_irqs", &root);
	if (!err)
		return maple_walk(k, root, visit_range, d);
	error_free(err);
	err = kernel_symbol(k, "irq_desc_tree", &root);
	return err ? err : xarray_walk(k, root, visit_index, d);
}

static struct error *show_descriptors(struct irqs *w)
{
	struct descriptors d = { .w = w };
	struct kernel *k = w->k;
	struct error *err = layout_require(k->types, rows, COUNT(rows), &d.l);
	if (!err)
		err = layout_resolve(k->types, count_rows, COUNT(count_rows), &d.l);
	if (err)
		return err;
	err = types_enumerator(k->types, "IRQ_HIDDEN", &d.hidden);
	error_free(err);
	err = types_enumerator(k->types, "_IRQ_PROC_VALID", &d.valid);
	error_free(err);
	err = kernel_symbol(k, "chained_action", &d.chained);
	error_free(err);
	err = walk_descriptors(&d);
	if (err && err->code == ERROR_NOT_FOUND)
		return err;
	return irqs_note(w, err, "the interrupts are not all here");
}

struct error *irqs_each(struct kernel *k, const unsigned *cpus, size_t ncpus,
			void (*visit)(void *arg, const struct irq *irq), void *arg, char **damage_ret)
{
	_cleanup_free_ uint64_t *counts = calloc(ncpus ? ncpus : 1, sizeof(*counts));
	struct irqs w = {
		.k = k, .cpus = cpus, .ncpus = ncpus, .visit = visit, .arg = arg, .counts = counts,
		.actions = BUFFER_INIT,
	};
	if (!counts)
		return error_nomem();
	struct error *err = show_descriptors(&w);
	if (!err)
		err = irq_stats_each(&w);
	buffer_deinit(&w.actions);
	*damage_ret = w.damage;
	return err;
}

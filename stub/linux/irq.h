/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's interrupts, and how often each CPU took them: what /proc/interrupts shows. */
#ifndef STUB_LINUX_IRQ_H
#define STUB_LINUX_IRQ_H

#include "stub/base/buffer.h"
#include "stub/linux/kernel.h"

struct irq {
	char name[16];                  /* "24", "NMI" */
	uint64_t total;
	const uint64_t *counts;         /* one for each of the CPUs that were asked for; NULL: only a total */
	char chip[64];                  /* "IO-APIC"; "" for the architecture's */
	char type[80];                  /* "2-edge": its number there, and how it is handled; may be "" */
	const char *actions;            /* who handles it, "a, b", or what the architecture counts; of any bytes */
};

struct irqs {
	struct kernel *k;               /* borrowed, as are the rest */
	const unsigned *cpus;
	size_t ncpus;
	void (*visit)(void *arg, const struct irq *irq);
	void *arg;
	uint64_t *counts;               /* owned; ncpus of them */
	struct buffer actions;          /* owned */
	char *damage;                   /* the first that was met; the caller takes it */
};

/*
 * Calls `visit` for each line of /proc/interrupts, with the counts of the CPUs in `cpus`. Damage
 * gives the others, and `*damage_ret`, which the caller frees.
 */
struct error *irqs_each(struct kernel *k, const unsigned *cpus, size_t ncpus,
			void (*visit)(void *arg, const struct irq *irq), void *arg,
			char **damage_ret) must_check;

/* For irq-stats.c: the lines of the architecture, which have no descriptor. */
struct error *irq_stats_each(struct irqs *w) must_check;

/* The unsigned int at `at` in each CPU's memory, into w->counts, and their sum. */
struct error *irqs_count(struct irqs *w, uint64_t at, uint64_t *total_ret) must_check;

/* Keeps the first reason; out of memory goes on to the caller. */
struct error *irqs_note(struct irqs *w, struct error *err, const char *what) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/linux/cpus.h"
#include "stub/linux/irq.h"
#include "stub/monitor/monitor.h"
#include "stub/monitor/writer.h"

static const struct writer_column columns[] = {
	{ "IRQ", "irq", true },
	{ "TOTAL", "total", true },
	{ "CPUS", "cpus", false },
	{ "CHIP", "chip", false },
	{ "TYPE", "type", false },
	{ "ACTIONS", "actions", false },
};

struct show {
	struct monitor_writer *w;
	const unsigned *cpus;
	size_t ncpus;
	struct buffer text;
};

/* "0:12 1:30"; in JSON an array by CPU number, null where there is no such CPU. */
static void show_counts(struct show *s, const uint64_t *counts)
{
	buffer_clear(&s->text);
	struct json *array = json_new_array();
	for (size_t i = 0, number = 0; i < s->ncpus; i++) {
		buffer_printf(&s->text, "%s%u:%" PRIu64, i ? " " : "", s->cpus[i], counts[i]);
		for (; number < s->cpus[i]; number++)
			json_add(array, NULL);
		json_add(array, json_new_uint(counts[i]));
		number++;
	}
	writer_cell_both(s->w, buffer_text(&s->text), array);
}

static void show_irq(void *arg, const struct irq *irq)
{
	struct show *s = arg;
	struct monitor_writer *w = s->w;
	writer_cell(w, irq->name);
	writer_cell_uint(w, irq->total);
	if (irq->counts)
		show_counts(s, irq->counts);
	else
		writer_cell_none(w);
	if (*irq->chip)
		writer_cell(w, irq->chip);
	else
		writer_cell_none(w);
	if (*irq->type)
		writer_cell(w, irq->type);
	else
		writer_cell_none(w);
	writer_cell(w, irq->actions);
	writer_row_end(w);
}

static struct error *run(const struct monitor_context *c, int argc, char **argv,
			 struct monitor_writer *w)
{
	_cleanup_free_ char *damage = NULL;
	_cleanup_free_ unsigned *cpus = NULL;
	struct show s = { .w = w, .text = BUFFER_INIT };
	(void)argv;
	if (argc > 1)
		return monitor_usage(&monitor_irq);
	struct error *err = monitor_need_types(c, "interrupts");
	if (!err)
		err = cpus_present(c->kernel, &cpus, &s.ncpus);
	if (err)
		return err;
	s.cpus = cpus;
	writer_table(w, columns, sizeof(columns) / sizeof(columns[0]));
	err = irqs_each(c->kernel, s.cpus, s.ncpus, show_irq, &s, &damage);
	if (!err)
		err = buffer_error(&s.text);
	buffer_deinit(&s.text);
	if (!err && damage)
		writer_note(w, "%s", damage);
	return err;
}

const struct monitor_command monitor_irq = {
	.name = "irq",
	.args = "",
	.summary = "interrupts, and how often each CPU took them",
	.details = "What /proc/interrupts shows, with a total, and the counts of each CPU as CPU:COUNT; TYPE is\n"
		   "the number at the chip and how the interrupt is handled. Behind them are those that the\n"
		   "architecture counts: NMI, LOC, ...\n\n"
		   "  (gdb) monitor irq",
	.run = run,
};

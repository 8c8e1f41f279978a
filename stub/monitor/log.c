/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/linux/printk.h"
#include "stub/monitor/monitor.h"
#include "stub/monitor/writer.h"

static const struct writer_column columns[] = {
	{ NULL, "time", false },
	{ NULL, "level", false },
	{ NULL, "facility", false },
	{ NULL, "text", false },
};

struct show {
	struct monitor_writer *w;
	bool no_time, levels;
};

/* A record of several lines gets its head on each, as dmesg does. */
static bool show_record(void *arg, const struct log_record *r)
{
	struct show *s = arg;
	const char *text = r->text, *end = r->text + r->len;
	do {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((newline ? newline : end) - text);
		char level[16];
		snprintf(level, sizeof(level), "<%u>", r->level);
		if (s->no_time)
			writer_cell_json(s->w, NULL);
		else
			writer_cell_time(s->w, r->ts_nsec);
		if (s->levels)
			writer_cell(s->w, level);
		else
			writer_cell_json(s->w, json_new_uint(r->level));
		writer_cell_json(s->w, json_new_uint(r->facility));
		writer_cell_bytes(s->w, text, len);
		writer_row_end(s->w);
		text += len + 1;
	} while (text < end);
	return true;
}

static struct error *run(const struct monitor_context *c, int argc, char **argv,
			 struct monitor_writer *w)
{
	struct show show = { .w = w };
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-t"))
			show.no_time = true;
		else if (!strcmp(argv[i], "-m"))
			show.levels = true;
		else
			return monitor_usage(&monitor_log);
	}
	_cleanup_free_ char *damage = NULL;
	writer_table(w, columns, sizeof(columns) / sizeof(columns[0]));
	struct error *err = printk_each(c->kernel, show_record, &show, &damage);
	if (!err && damage)
		writer_note(w, "%s", damage);
	return err;
}

const struct monitor_command monitor_log = {
	.name = "log",
	.args = "[-t] [-m]",
	.summary = "the kernel's log, as dmesg shows it",
	.details = "Every record that is still in the kernel's log buffer, oldest first.\n\n"
		   "  -t  without time stamps\n"
		   "  -m  with each record's level, as <LEVEL>\n\n"
		   "  (gdb) pipe monitor log | tail -n 40",
	.run = run,
};

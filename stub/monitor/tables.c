/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/monitor/tables.h"

#include <stdio.h>
#include <string.h>

#include "stub/base/xml.h"
#include "stub/monitor/writer.h"

static const struct table {
	const char *name;
	const struct monitor_command *command;
	const char *description;
} tables[] = {
	{ "processes", &monitor_processes, "Processes" },
	{ "threads", &monitor_threads, "Tasks: all threads of all processes" },
	{ "modules", &monitor_mod, "Loaded modules" },
	{ "cpus", &monitor_runq, "What each CPU runs" },
	{ "log", &monitor_log, "Records of the kernel's log" },
	{ "mounts", &monitor_mount, "What the selected thread sees mounted" },
	{ "files", &monitor_files, "Files that the selected thread has open" },
	{ "interrupts", &monitor_irq, "Interrupts, by CPU" },
};
enum { NTABLES = sizeof(tables) / sizeof(tables[0]) };

/* gdb's own names of these columns. */
static const struct writer_column columns[] = {
	{ "Type", "type", false },
	{ "Description", "description", false },
	{ "Title", "title", false },
};

static struct error *list_tables(const struct monitor_context *c, int argc, char **argv,
				 struct monitor_writer *w)
{
	(void)c;
	(void)argc;
	(void)argv;
	writer_table(w, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < NTABLES; i++) {
		char title[32];
		snprintf(title, sizeof(title), "%s", tables[i].name);
		title[0] = (char)(title[0] - 'a' + 'A');
		writer_cell(w, tables[i].name);
		writer_cell(w, tables[i].description);
		writer_cell(w, title);
		writer_row_end(w);
	}
	return NULL;
}

static const struct monitor_command list = { .name = "tables", .run = list_tables };

static struct error *put_failure(struct error *err, struct buffer *ret)
{
	if (!err || err->code == ERROR_NOMEM)
		return err;
	buffer_puts(ret, "<item><column name=\"NOTE\">");
	xml_escape(ret, err->text);
	buffer_puts(ret, "</column></item>\n");
	error_free(err);
	return NULL;
}

struct error *tables_document(const struct monitor_context *c, const char *name, struct buffer *ret)
{
	const struct monitor_command *command = *name ? NULL : &list;
	struct error *err = NULL;
	for (size_t i = 0; i < NTABLES && !command; i++)
		if (!strcmp(tables[i].name, name))
			command = tables[i].command;
	buffer_puts(ret, "<?xml version=\"1.0\"?>\n<osdata type=\"");
	xml_escape(ret, *name ? name : "types");
	buffer_puts(ret, "\">\n");
	if (command) {
		char *argv[] = { (char *)(uintptr_t)command->name, NULL };
		err = put_failure(monitor_run_command(c, command, 1, argv, MONITOR_OSDATA, ret), ret);
	}
	buffer_puts(ret, "</osdata>\n");
	return err ? err : buffer_error(ret);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "stub/monitor/monitor.h"
#include "stub/monitor/writer.h"

static const struct writer_column columns[] = {
	{ "COMMAND", "name", false },
	{ "ARGUMENTS", "args", false },
	{ "DOES", "summary", false },
};

static struct error *run(const struct monitor_context *c, int argc, char **argv,
			 struct monitor_writer *w)
{
	(void)c;
	const struct monitor_command *const *all = monitor_commands();
	if (argc > 2)
		return monitor_usage(&monitor_help);
	if (argc == 2) {
		while (*all && strcmp((*all)->name, argv[1]))
			all++;
		if (!*all)
			return error_new(ERROR_USAGE, "no command '%.64s'; 'help' lists them", argv[1]);
		writer_note(w, "%s%s%s - %s\n\n%s", (*all)->name, (*all)->args[0] ? " " : "",
			    (*all)->args, (*all)->summary, (*all)->details);
		return NULL;
	}
	writer_table(w, columns, sizeof(columns) / sizeof(columns[0]));
	for (; *all; all++) {
		writer_cell(w, (*all)->name);
		writer_cell(w, (*all)->args);
		writer_cell(w, (*all)->summary);
		writer_row_end(w);
	}
	return NULL;
}

const struct monitor_command monitor_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "lists the commands, or explains one",
	.details = "In gdb, put 'monitor' before a command; in the shell, 'kstub cmd TARGET'.\n\n"
		   "  (gdb) monitor help vtop\n"
		   "  $ kstub cmd vmcore help vtop",
	.run = run,
};

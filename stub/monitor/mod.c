/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/module.h"
#include "stub/monitor/monitor.h"
#include "stub/monitor/writer.h"

static const struct writer_column columns[] = {
	{ "MODULE", "module", true },
	{ "NAME", "name", false },
	{ "BASE", "base", true },
	{ "SIZE", "size", true },
	{ "OBJECT FILE", "file", false },
};

static struct error *run(const struct monitor_context *c, int argc, char **argv,
			 struct monitor_writer *w)
{
	(void)argv;
	struct kernel *k = c->kernel;
	if (argc > 1)
		return monitor_usage(&monitor_mod);
	if (!k->vmlinux)
		return error_new(ERROR_NOT_FOUND, "modules are not known without a vmlinux: %s",
				 k->missing ? k->missing : "none was found");
	writer_table(w, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < k->nmodules; i++) {
		const struct module *m = &k->modules[i];
		writer_cell_hex(w, m->addr);
		writer_cell(w, m->name);
		writer_cell_hex(w, m->base);
		writer_cell_uint(w, m->size);
		if (m->path)
			writer_cell(w, m->path);
		else
			writer_cell_none(w);
		writer_row_end(w);
	}
	for (size_t i = 0; i < k->nmodules; i++)
		if (!k->modules[i].path && k->modules[i].missing)
			writer_note(w, "%s: %s", k->modules[i].name, k->modules[i].missing);
	if (k->modules_damage)
		writer_note(w, "%s", k->modules_damage);
	if (!k->nmodules && !k->modules_damage)
		writer_note(w, "no modules are loaded");
	return NULL;
}

const struct monitor_command monitor_mod = {
	.name = "mod",
	.args = "",
	.summary = "loaded modules, their addresses and files",
	.details = "MODULE is the address of its struct module, BASE that of its text, SIZE bytes of all\n"
		   "of it as /proc/modules counts them, OBJECT FILE what gdb has read for it; '-' is a\n"
		   "module whose file was not found, and the reason stands below the table.\n\n"
		   "  (gdb) monitor mod",
	.run = run,
};

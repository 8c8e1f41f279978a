/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/linux/mount.h"
#include "stub/monitor/monitor.h"
#include "stub/monitor/writer.h"

static const struct writer_column columns[] = {
	{ "MOUNT", "mount", true },
	{ "SUPERBLK", "super_block", true },
	{ "TYPE", "type", false },
	{ "DEVNAME", "device", false },
	{ "DIRNAME", "directory", false },
};

static void show_text(struct monitor_writer *w, const char *text, size_t len)
{
	if (len)
		writer_cell_bytes(w, text, len);
	else
		writer_cell_none(w);
}

static void show_mount(void *arg, const struct mount *m)
{
	struct monitor_writer *w = arg;
	writer_cell_hex(w, m->addr);
	if (m->sb)
		writer_cell_hex(w, m->sb);
	else
		writer_cell_none(w);
	show_text(w, m->type, strlen(m->type));
	show_text(w, m->device, strlen(m->device));
	show_text(w, m->dir, m->dir_len);
	writer_row_end(w);
}

static struct error *run(const struct monitor_context *c, int argc, char **argv,
			 struct monitor_writer *w)
{
	_cleanup_free_ char *damage = NULL;
	(void)argv;
	if (argc > 1)
		return monitor_usage(&monitor_mount);
	struct error *err = monitor_need_task(c);
	if (err)
		return err;
	writer_table(w, columns, sizeof(columns) / sizeof(columns[0]));
	err = mounts_each(c->kernel, c->task, show_mount, w, &damage);
	if (!err && damage)
		writer_note(w, "%s", damage);
	return err;
}

const struct monitor_command monitor_mount = {
	.name = "mount",
	.args = "",
	.summary = "what the selected task sees mounted",
	.details = "What /proc/PID/mounts of that task lists, in its order: the addresses of the struct mount and\n"
		   "the struct super_block, the type of the file system, the device, and the directory as seen\n"
		   "from the task's root. Names are shown as they are; what is no printable UTF-8 as \\xHH.\n\n"
		   "  (gdb) thread find sleeper\n"
		   "  (gdb) monitor mount\n"
		   "  $ kstub cmd vmcore mount",
	.looks_at_task = true,
	.run = run,
};

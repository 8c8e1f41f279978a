/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "stub/base/cleanup.h"
#include "stub/linux/file.h"
#include "stub/monitor/monitor.h"
#include "stub/monitor/writer.h"

static const struct writer_column columns[] = {
	{ "FD", "fd", true },
	{ "FILE", "file", true },
	{ "DENTRY", "dentry", true },
	{ "INODE", "inode", true },
	{ "TYPE", "type", false },
	{ "PATH", "path", false },
};

static void show_address(struct monitor_writer *w, uint64_t addr)
{
	if (addr)
		writer_cell_hex(w, addr);
	else
		writer_cell_none(w);
}

static void show_file(void *arg, const struct open_file *f)
{
	struct monitor_writer *w = arg;
	writer_cell_uint(w, f->fd);
	writer_cell_hex(w, f->file);
	show_address(w, f->dentry);
	show_address(w, f->inode);
	writer_cell(w, f->type);
	if (f->path)
		writer_cell_bytes(w, f->path, f->path_len);
	else
		writer_cell_none(w);
	writer_row_end(w);
}

static struct error *show_places(const struct monitor_context *c, struct monitor_writer *w)
{
	_cleanup_buffer_ struct buffer root = BUFFER_INIT, cwd = BUFFER_INIT;
	struct error *err = files_places(c->kernel, c->task, &root, &cwd);
	if (err && (err->code == ERROR_NOMEM || err->code == ERROR_NOT_FOUND))
		return err;
	writer_field(w, "ROOT", "root", root.len ? buffer_text(&root) : "not readable");
	writer_field(w, "CWD", "cwd", cwd.len ? buffer_text(&cwd) : "not readable");
	if (err)
		writer_note(w, "root or working directory: %s", err->text);
	error_free(err);
	return NULL;
}

static struct error *run(const struct monitor_context *c, int argc, char **argv,
			 struct monitor_writer *w)
{
	_cleanup_free_ char *damage = NULL;
	char name[TASK_COMM_MAX + 2];
	(void)argv;
	if (argc > 1)
		return monitor_usage(&monitor_files);
	struct error *err = monitor_need_task(c);
	if (err)
		return err;
	task_name(c->task, name);
	writer_field_uint(w, "PID", "pid", c->task->pid);
	writer_field_hex(w, "TASK", "task", c->task->addr);
	writer_field_uint(w, "CPU", "cpu", c->task->cpu);
	writer_field(w, "COMMAND", "comm", name);
	err = show_places(c, w);
	if (err)
		return err;
	writer_table(w, columns, sizeof(columns) / sizeof(columns[0]));
	err = files_each(c->kernel, c->task, show_file, w, &damage);
	if (!err && damage)
		writer_note(w, "%s", damage);
	return err;
}

const struct monitor_command monitor_files = {
	.name = "files",
	.args = "",
	.summary = "the files that the selected task has open",
	.details = "Its root and working directory, then each descriptor with the addresses of its struct file,\n"
		   "dentry and inode, its kind, and its name as readlink of /proc/PID/fd/N gives it to a process\n"
		   "whose root is the machine's.\n\n"
		   "  (gdb) thread find sleeper\n"
		   "  (gdb) monitor files",
	.looks_at_task = true,
	.run = run,
};

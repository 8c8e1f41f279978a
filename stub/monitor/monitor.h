/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands with crash's names, the same for `monitor` in gdb and `kstub cmd` in the shell: one
 * file per group, one table row per command; help is the table. A command writes rows or text
 * through one writer, which makes text or JSON of them; it cannot see the wire.
 */
#ifndef STUB_MONITOR_MONITOR_H
#define STUB_MONITOR_MONITOR_H

#include "stub/base/buffer.h"
#include "stub/base/error.h"
#include "stub/linux/task.h"

/* MONITOR_OSDATA: the items of a document that monitor/tables.h makes. */
enum monitor_format { MONITOR_TEXT, MONITOR_JSON, MONITOR_OSDATA };

/* What a command may look at; borrowed for the call. */
struct monitor_context {
	struct target *target;
	struct kernel *kernel;          /* never NULL; its fields may be empty */
	const struct task *task;        /* the selected thread's, NULL: it has none that is known */
	int cpu;                        /* the selected thread's register set in the target, -1: none */
};

struct monitor_writer;                  /* monitor/writer.h */

struct monitor_command {
	const char *name;
	const char *args;               /* "[-r] ADDR", "" */
	const char *summary;            /* one line for help */
	const char *details;            /* paragraphs for `help NAME`, with an example */
	bool looks_at_task;             /* it looks at monitor_context.task */
	struct error *(*run)(const struct monitor_context *c, int argc, char **argv,
			     struct monitor_writer *w);
};

/*
 * Runs one command line ("log -t", words separated by blanks, '...' and "..." as in a shell) and
 * appends its output to `ret`. ERROR_USAGE: no such command, or wrong arguments, with what is right.
 */
struct error *monitor_run(const struct monitor_context *c, const char *line,
			  enum monitor_format format, struct buffer *ret) must_check;

/* The same for words that a shell has split already. */
struct error *monitor_run_words(const struct monitor_context *c, int argc, char **argv,
				enum monitor_format format, struct buffer *ret) must_check;

/* The same for one command, which need not be one of those that a line may name. */
struct error *monitor_run_command(const struct monitor_context *c, const struct monitor_command *command,
				  int argc, char **argv, enum monitor_format format,
				  struct buffer *ret) must_check;

/* Every command, group by group, ended by NULL. */
const struct monitor_command *const *monitor_commands(void);

/* Is there a command of that name? */
bool monitor_knows(const char *name);

/* Does it look at the selected task? */
bool monitor_looks_at_task(const char *name);

/* ERROR_USAGE with what `command` wants; for its own run(). */
struct error *monitor_usage(const struct monitor_command *command) must_check;

/* ERROR_NOT_FOUND where the kernel's types are not known, without which there are no `things`. */
struct error *monitor_need_types(const struct monitor_context *c, const char *things) must_check;

/* The same for a command of the selected task: ERROR_NOT_FOUND where there is none. */
struct error *monitor_need_task(const struct monitor_context *c) must_check;

/* The groups: one file each. */
extern const struct monitor_command monitor_files, monitor_help, monitor_irq, monitor_log, monitor_mod,
	monitor_mount, monitor_ps, monitor_runq, monitor_sys, monitor_vtop;
extern const struct monitor_command monitor_gpa2hva, monitor_gva2gpa, monitor_info, monitor_xp;	/* qemu.c */

/* Of gdb's tables alone: monitor_ps's rows of processes, and those of threads. */
extern const struct monitor_command monitor_processes, monitor_threads;

/*
 * The words of a command line; quotes are taken off. The caller frees `*ret`, one allocation.
 * ERROR_USAGE: a quote that does not end, or a line that no one types.
 */
struct error *monitor_split(const char *line, int *n_ret, char ***ret) must_check;

#endif

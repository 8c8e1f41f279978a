/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/monitor/monitor.h"

#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/monitor/writer.h"

/* gdb's packets end at 16 KiB; a word is at least one byte and a blank. */
enum { LINE_MAX_LEN = 16384, WORDS_MAX = 256 };

static const struct monitor_command *const commands[] = {
	&monitor_files,
	&monitor_gpa2hva,
	&monitor_gva2gpa,
	&monitor_help,
	&monitor_info,
	&monitor_irq,
	&monitor_log,
	&monitor_mod,
	&monitor_mount,
	&monitor_ps,
	&monitor_runq,
	&monitor_sys,
	&monitor_vtop,
	&monitor_xp,
	NULL,
};

const struct monitor_command *const *monitor_commands(void)
{
	return commands;
}

/* xp alone may have its format in the same word, as x in gdb has: "xp/4gx". */
static const struct monitor_command *find_command(const char *name)
{
	if (!strncmp(name, "xp/", 3))
		return &monitor_xp;
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

bool monitor_knows(const char *name)
{
	return find_command(name) != NULL;
}

bool monitor_looks_at_task(const char *name)
{
	const struct monitor_command *command = find_command(name);
	return command && command->looks_at_task;
}

struct error *monitor_need_types(const struct monitor_context *c, const char *things)
{
	if (c->kernel->types)
		return NULL;
	return error_new(ERROR_NOT_FOUND, "%s are not known without a vmlinux: %s", things,
			 c->kernel->missing ? c->kernel->missing : "none was found");
}

struct error *monitor_need_task(const struct monitor_context *c)
{
	const struct tasks *all;
	struct error *err = monitor_need_types(c, "tasks");
	if (!err && !c->task)
		err = tasks_get(c->kernel, &all);
	if (err || c->task)
		return err;
	return error_new(ERROR_NOT_FOUND, "no task is selected: 'info threads' lists them");
}

struct error *monitor_usage(const struct monitor_command *command)
{
	return error_new(ERROR_USAGE, "usage: %s%s%s; 'help %s' says more", command->name,
			 command->args[0] ? " " : "", command->args, command->name);
}

/* Copies one word to `out`, without its quotes; NULL at a quote that does not end. */
static const char *split_word(const char *in, char **out)
{
	while (*in && !strchr(" \t\n", *in)) {
		if (*in != '\'' && *in != '"') {
			*(*out)++ = *in++;
			continue;
		}
		const char *close = strchr(in + 1, *in);
		if (!close)
			return NULL;
		memcpy(*out, in + 1, (size_t)(close - in - 1));
		*out += close - in - 1;
		in = close + 1;
	}
	*(*out)++ = '\0';
	return in;
}

struct error *monitor_split(const char *line, int *n_ret, char ***ret)
{
	size_t len = strnlen(line, LINE_MAX_LEN + 1);
	if (len > LINE_MAX_LEN)
		return error_new(ERROR_USAGE, "a command of more than %d characters", LINE_MAX_LEN);
	/* The pointers, a NULL, then the words, which never get longer than the line. */
	_cleanup_free_ char **words = malloc((WORDS_MAX + 1) * sizeof(*words) + len + 1);
	if (!words)
		return error_nomem();
	char *out = (char *)(words + WORDS_MAX + 1);
	int n = 0;
	for (;;) {
		line += strspn(line, " \t\n");
		if (!*line)
			break;
		if (n == WORDS_MAX)
			return error_new(ERROR_USAGE, "a command of more than %d words", WORDS_MAX);
		words[n++] = out;
		line = split_word(line, &out);
		if (!line)
			return error_new(ERROR_USAGE, "a quote in the command does not end");
	}
	words[n] = NULL;
	*n_ret = n;
	*ret = steal(words);
	return NULL;
}

struct error *monitor_run_command(const struct monitor_context *c, const struct monitor_command *command,
				  int argc, char **argv, enum monitor_format format,
				  struct buffer *ret)
{
	_cleanup_writer_ struct monitor_writer *w = NULL;
	struct error *err = writer_create(format, &w);
	if (!err)
		err = command->run(c, argc, argv, w);
	if (!err)
		err = writer_finish(w, ret);
	return err;
}

struct error *monitor_run_words(const struct monitor_context *c, int argc, char **argv,
				enum monitor_format format, struct buffer *ret)
{
	const struct monitor_command *command = argc ? find_command(argv[0]) : &monitor_help;
	if (!command)
		return error_new(ERROR_USAGE, "no command '%.64s'; 'help' lists them", argv[0]);
	return monitor_run_command(c, command, argc, argv, format, ret);
}

struct error *monitor_run(const struct monitor_context *c, const char *line,
			  enum monitor_format format, struct buffer *ret)
{
	_cleanup_free_ char **words = NULL;
	int n;
	struct error *err = monitor_split(line, &n, &words);
	return err ? err : monitor_run_words(c, n, words, format, ret);
}

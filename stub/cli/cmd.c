/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "stub/base/json.h"
#include "stub/cli/cli.h"
#include "stub/cli/load.h"
#include "stub/cli/message.h"
#include "stub/linux/task.h"
#include "stub/monitor/monitor.h"

/* Who panicked, else what runs on CPU 0; NULL: tasks are not known, as the command will say. */
static const struct task *find_task(struct kernel *k)
{
	const struct tasks *all;
	struct error *err = tasks_get(k, &all);
	const struct task *found = err ? NULL : tasks_running(all, k->panic_cpu < 0 ? 0 : (unsigned)k->panic_cpu);
	error_free(err);
	return found;
}

/* The command's output for one dump, appended to `ret`. */
static struct error *run_on(const struct options *o, const char *path, struct buffer *ret)
{
	_cleanup_loaded_ struct loaded l = { .target = NULL };
	enum load_depth depth = strcmp(o->words[0], "mod") ? LOAD_KERNEL : LOAD_MODULES;
	struct error *err = load_open(o, path, depth, NULL, &l);
	if (err)
		return err;
	/* `mod` shows the modules' own troubles in its table. */
	for (size_t i = 0; i < l.target->nwarnings; i++)
		message_warning(l.target->warnings[i]);
	for (size_t i = 0; i < l.kernel->nwarnings; i++)
		message_warning(l.kernel->warnings[i]);
	struct monitor_context c = {
		.target = l.target,
		.kernel = l.kernel,
		.cpu = load_panic_cpu(&l),
	};
	if (monitor_looks_at_task(o->words[0]))
		c.task = find_task(l.kernel);
	return monitor_run_words(&c, o->nwords, o->words, o->json ? MONITOR_JSON : MONITOR_TEXT, ret);
}

/* One dump of several: text under a head, or one line of JSON. */
static struct error *run_each(const struct options *o, const char *path)
{
	_cleanup_buffer_ struct buffer out = BUFFER_INIT, name = BUFFER_INIT;
	struct error *err = run_on(o, path, &out);
	if (err && strncmp(err->text, path, strlen(path)))
		err = error_prefix(err, "%s", path);
	if (err)
		return err;
	if (!o->json) {
		printf("==> %s <==\n%s\n", path, buffer_text(&out));
		return NULL;
	}
	_cleanup_json_ struct json *text = json_new_text(path, strlen(path));
	err = json_write(text, false, &name);
	if (!err)       /* both end in a newline */
		printf("{ \"dump\": %.*s, \"output\": %.*s }\n", (int)name.len - 1, name.data,
		       (int)out.len - 1, out.data);
	return err;
}

static struct error *run(const struct options *o, int *exit_ret)
{
	if (!o->nwords)
		return error_new(ERROR_USAGE, "cmd: which COMMAND? 'kstub cmd TARGET help' lists them");
	if (!monitor_knows(o->words[0]))        /* before the work */
		return error_new(ERROR_USAGE, "cmd: no command '%.64s'; 'kstub cmd TARGET help' lists them",
				 o->words[0]);
	for (int i = 1; i < o->nwords; i++)
		if (!strcmp(o->words[i], "--json"))
			return error_new(ERROR_USAGE, "cmd: --json stands before COMMAND, which takes all that is behind it");
	if (!o->each) {
		_cleanup_buffer_ struct buffer out = BUFFER_INIT;
		struct error *err = run_on(o, o->target, &out);
		if (!err)
			fwrite(out.data, 1, out.len, stdout);
		return err;
	}
	for (int i = 0; i < o->ndumps; i++) {
		struct error *err = run_each(o, o->dumps[i]);
		if (err && err->code == ERROR_USAGE)
			return err;
		if (err) {
			message("%s", err->text);
			error_free(err);
			*exit_ret = EXIT_FAILED;
		}
	}
	return NULL;
}

const struct cli_command cli_cmd = {
	.name = "cmd",
	.args = "TARGET COMMAND... | --each DUMP... -- COMMAND...",
	.summary = "one of the monitor commands, without gdb",
	.details = "COMMAND is what follows 'monitor' in gdb; what stands behind it is the command's own.\n"
		   "With --each, a dump that cannot be opened is named and the next one is taken.\n\n"
		   "  $ kstub cmd vmcore log\n"
		   "  $ kstub cmd --json vmcore mod\n"
		   "  $ kstub cmd --each /var/crash/*/vmcore -- sys",
	.options = OPTIONS_TARGET | OPTIONS_JSON | OPTIONS_EACH,
	.words = WORDS_TARGET_COMMAND,
	.run = run,
};

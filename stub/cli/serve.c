/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stub/base/cleanup.h"
#include "stub/cli/cli.h"
#include "stub/cli/message.h"
#include "stub/cli/serving.h"

/* $XDG_RUNTIME_DIR is the user's alone; elsewhere the socket's mode guards it. */
static struct error *default_listen(char **ret)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	if (!dir || dir[0] != '/' || access(dir, W_OK))
		dir = getenv("TMPDIR");
	if (!dir || dir[0] != '/' || access(dir, W_OK))
		dir = "/tmp";
	return asprintf(ret, "unix:%s/kstub-%d.sock", dir, (int)getpid()) < 0 ? error_nomem() : NULL;
}

/* On stdio the protocol owns stdout, and a person reads stderr. */
static struct error *print_how(const struct options *o, const char *listen, const struct server *s)
{
	if (!strcmp(listen, "stdio"))
		return NULL;
	if (o->allow_remote && !strncmp(listen, "tcp:", 4))
		message_warning("gdb's protocol has no password: whoever reaches this port reads the whole dump");
	if (printf("target remote %s\n", server_address(s)) < 0 || fflush(stdout))
		return error_os(errno, "standard output cannot be written, and nobody would know where to connect");
	return NULL;
}

static struct error *run(const struct options *o, int *exit_ret)
{
	_cleanup_free_ char *listen = o->listen ? strdup(o->listen) : NULL;
	_cleanup_loaded_ struct loaded l = { .target = NULL };
	_cleanup_server_ struct server *s = NULL;
	struct error *err = NULL;
	if (!o->listen)
		err = default_listen(&listen);
	else if (!listen)
		err = error_nomem();
	/* Before the work, so that a wrong or taken address is known at once. */
	if (!err)
		err = serving_listen(listen, o, &s);
	if (!err)
		err = load_open(o, o->target, LOAD_FILES, s, &l);
	if (err)
		return err;
	load_print_warnings(&l);
	err = print_how(o, listen, s);
	if (err)
		return err;
	return serving_run(s, &l, exit_ret);
}

const struct cli_command cli_serve = {
	.name = "serve",
	.args = "TARGET",
	.summary = "serves a dump to gdb over a socket or stdin and stdout",
	.details = "Opens and identifies TARGET, prints the line to type in gdb, and serves one gdb after the\n"
		   "other until ^C.\n\n"
		   "  $ kstub serve vmcore\n"
		   "  target remote /run/user/1000/kstub-4711.sock\n"
		   "  $ kstub serve --listen tcp:localhost:1234 vmcore\n"
		   "  (gdb) target remote | ssh host kstub serve --listen stdio vmcore",
	.options = OPTIONS_TARGET | OPTIONS_LISTEN | OPTIONS_GDB,
	.words = WORDS_TARGET,
	.run = run,
};

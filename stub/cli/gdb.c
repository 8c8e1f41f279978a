/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "stub/base/cleanup.h"
#include "stub/cli/cli.h"
#include "stub/cli/message.h"
#include "stub/cli/serving.h"

/* What a shell answers for a program that cannot be run. */
enum { EXIT_NOT_RUN = 127 };

static bool is_program(const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* Looked for before any work is done, so that its absence is known at once. */
static struct error *find_gdb(const char *name, char **ret)
{
	const char *path = getenv("PATH");
	if (strchr(name, '/')) {
		if (!is_program(name))
			return error_new(ERROR_NOT_FOUND, "%s is no program that can be run; give --gdb the path of a gdb",
					 name);
		*ret = strdup(name);
		return *ret ? NULL : error_nomem();
	}
	for (path = path ? path : "/usr/bin:/bin"; path; path = strchr(path, ':') ? strchr(path, ':') + 1 : NULL) {
		_cleanup_free_ char *candidate = NULL;
		if (asprintf(&candidate, "%.*s/%s", (int)strcspn(path, ":"), path, name) < 0) {
			candidate = NULL;
			return error_nomem();
		}
		if (candidate[0] == '/' && is_program(candidate)) {
			*ret = steal(candidate);
			return NULL;
		}
	}
	return error_new(ERROR_NOT_FOUND, "%s is not installed: install the package gdb, or name one with --gdb PATH; "
					  "'kstub serve' needs none", name);
}

/* Becomes gdb, attached to `socket`. */
static void be_gdb(const struct options *o, const char *gdb, const char *socket, const sigset_t *mask)
{
	_cleanup_free_ char *attach = NULL;
	char **argv = calloc((size_t)o->nwords + 11, sizeof(*argv));
	if (!argv || asprintf(&attach, "target remote %s", socket) < 0)
		_exit(EXIT_NOT_RUN);
	int n = 0;
	argv[n++] = (char *)gdb;
	argv[n++] = (char *)"-q";
	/* All files are local. With the default, "target:", gdb would try to fetch them and warn. */
	argv[n++] = (char *)"-iex";
	argv[n++] = (char *)"set sysroot /";
	/* Else gdb looks for a main() among all of the kernel's symbols before it goes up a frame. */
	argv[n++] = (char *)"-iex";
	argv[n++] = (char *)"set backtrace past-main on";
	/* Else `attach 108` would attach to a process of this host, and stop it. */
	argv[n++] = (char *)"-iex";
	argv[n++] = (char *)"set auto-connect-native-target off";
	argv[n++] = (char *)"-ex";
	argv[n++] = attach;
	for (int i = 0; i < o->nwords; i++)
		argv[n++] = o->words[i];
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execv(gdb, argv);
	message("%s cannot be run: %s", gdb, strerror(errno));
	_exit(EXIT_NOT_RUN);
}

/* The server and gdb side by side; both have ended afterwards. */
static struct error *run_both(const struct options *o, const struct loaded *l, const char *gdb,
			      const char *dir, struct server *s, const sigset_t *before, int *exit_ret)
{
	pid_t server_pid;
	struct error *err = serving_start(s, l, dir, &server_pid);
	if (err)
		return err;
	pid_t gdb_pid = fork();
	if (!gdb_pid)
		be_gdb(o, gdb, server_address(s), before);
	if (gdb_pid < 0) {
		err = error_os(errno, "gdb cannot be started");
		error_free(serving_stop(server_pid));
		return err;
	}
	int status = 0;
	signal(SIGQUIT, SIG_IGN);       /* ^\ is gdb's */
	serving_wait(gdb_pid, false, &status);
	err = serving_stop(server_pid);
	*exit_ret = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return err;
}

static struct error *run(const struct options *o, int *exit_ret)
{
	_cleanup_free_ char *gdb = NULL, *dir = NULL, *socket = NULL;
	_cleanup_loaded_ struct loaded l = { .target = NULL };
	sigset_t before;
	struct error *err = find_gdb(o->gdb ? o->gdb : "gdb", &gdb);
	/*
	 * From here on a signal finds this program where it can tidy up. It must come before
	 * server_listen(), which blocks them, too: gdb gets the mask of before, or would be deaf to ^C.
	 */
	serving_hold_signals(&before);
	if (!err)
		err = load_open(o, o->target, LOAD_FILES, NULL, &l);
	if (err)
		return err;
	load_print_warnings(&l);
	err = serving_private_dir(&dir);
	if (err)
		return err;
	if (asprintf(&socket, "unix:%s/socket", dir) < 0) {
		socket = NULL;
		err = error_nomem();
	}
	struct server *s = NULL;
	if (!err)
		err = serving_listen(socket, o, &s);
	if (!err)
		err = run_both(o, &l, gdb, dir, s, &before, exit_ret);
	server_close(s);
	rmdir(dir);
	return err;
}

const struct cli_command cli_gdb = {
	.name = "gdb",
	.args = "TARGET [-- GDB-ARGS]",
	.summary = "opens a dump in stock gdb, attached and with its symbols",
	.details = "Opens and identifies TARGET, then runs gdb on it over a private socket. What follows '--'\n"
		   "is gdb's own; the exit status is gdb's.\n\n"
		   "  $ kstub gdb vmcore\n"
		   "  $ kstub gdb vmcore -- -batch -ex bt",
	.options = OPTIONS_TARGET | OPTIONS_GDB,
	.words = WORDS_TARGET_ARGS,
	.run = run,
};

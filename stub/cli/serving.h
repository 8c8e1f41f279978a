/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server as a process of its own: sandboxed, out of reach of the terminal's ^C, and ended by
 * the one that started it, which also removes what is left in the file system.
 */
#ifndef STUB_CLI_SERVING_H
#define STUB_CLI_SERVING_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "stub/cli/load.h"
#include "stub/server/server.h"

/* SIGCHLD and what ends this process are from now on seen by serving_wait() alone. */
void serving_hold_signals(sigset_t *before_ret);

/* Listens at `listen` ("unix:PATH", "tcp:HOST:PORT", "stdio"). */
struct error *serving_listen(const char *listen, const struct options *o, struct server **ret) must_check;

/*
 * Forks the server; its pid. It ends when this process does, and then removes its socket and
 * `dir`, where that is; NULL: nowhere of its own.
 */
struct error *serving_start(struct server *s, const struct loaded *l, const char *dir,
			    pid_t *ret) must_check;

/*
 * Waits until `child` ends, whose wait status is *status_ret. A signal that asks this process to
 * end is passed on to `child` and waited out; SIGINT only when told so, since the terminal sends
 * it to gdb, too.
 */
void serving_wait(pid_t child, bool pass_interrupt, int *status_ret);

/*
 * All of it for `kstub serve`: the server runs in a child, in its sandbox, so that this process
 * can remove what was made for it. The server's exit code is *exit_ret; it has said why.
 */
struct error *serving_run(struct server *s, const struct loaded *l, int *exit_ret) must_check;

/* Ends a server that may still run. An error when it had ended by itself, badly. */
struct error *serving_stop(pid_t server) must_check;

/*
 * Creates a directory of mode 0700 under $XDG_RUNTIME_DIR, $TMPDIR or /tmp whose name leaves room
 * for a socket's; the caller frees and removes.
 */
struct error *serving_private_dir(char **ret) must_check;

#endif

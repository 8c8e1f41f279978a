/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server as a process of its own: sandboxed, out of reach of the terminal's ^C, and ended by
 * the one that started it, which also removes what is left in the file system.
 */
#ifndef STUB_CLI_SERVING_H
#define STUB_CLI_SERVING_H

#include <signal.h>
#include <sys/types.h>

#include "stub/cli/load.h"
#include "stub/server/server.h"

/* SIGCHLD and what ends this process are from now on seen by serving_wait() alone. */
void serving_hold_signals(sigset_t *before_ret);

/* Listens at `listen` ("unix:PATH", "tcp:HOST:PORT", "stdio"). */
struct error *serving_listen(const char *listen, const struct options *o, struct server **ret) must_check;

/* Forks the server; its pid. It ends when this process does. */
struct error *serving_start(struct server *s, const struct loaded *l, pid_t *ret) must_check;

/*
 * Waits until `child` ends, whose wait status is *status_ret, or until a signal asks this process
 * to end, which is then passed on to `child` and waited out.
 */
void serving_wait(pid_t child, int *status_ret);

/* Ends a server that may still run. An error when it had ended by itself, badly. */
struct error *serving_stop(pid_t server) must_check;

/*
 * Creates a directory of mode 0700 under $XDG_RUNTIME_DIR, $TMPDIR or /tmp whose name leaves room
 * for a socket's; the caller frees and removes.
 */
struct error *serving_private_dir(char **ret) must_check;

#endif

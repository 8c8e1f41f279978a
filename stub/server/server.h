/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket and the poll loop: the only file that touches gdb's bytes. One client at a time; a
 * client that vanishes or sends garbage costs only its own session.
 */
#ifndef STUB_SERVER_SERVER_H
#define STUB_SERVER_SERVER_H

#include <signal.h>
#include <stdbool.h>

#include "stub/linux/kernel.h"
#include "stub/server/session.h"

struct server_options {
	/* "unix:PATH", "tcp:HOST:PORT" or "stdio" */
	const char *listen;
	bool allow_remote;              /* HOST may be other than loopback */
	bool once;                      /* server_run() returns after the first client that says something */
	int until_closed;               /* a descriptor: end when it hangs up; -1: none */
	struct session_options session;
};

struct server;

/*
 * Listens; nobody is answered yet. A unix socket is made with mode 0600; a path that somebody
 * listens on is refused, a dead socket there is replaced. ERROR_USAGE for a bad `listen`.
 */
struct error *server_listen(const struct server_options *o, struct server **ret) must_check;

/* What to type behind `target remote`: "/path", "localhost:1234"; "" for stdio. Borrowed. */
const char *server_address(const struct server *srv);

/* SIGINT, SIGTERM, SIGHUP, but for what was ignored when the program was started (nohup). */
void server_signals(sigset_t *ret);

/*
 * Serves clients, one after the other, until one of server_signals() (blocked for the caller from
 * server_listen() on), until `until_closed` hangs up, or as `once` says.
 */
struct error *server_run(struct server *srv, struct kernel *k) must_check;

/* Closes, and unlinks a unix socket of its own. Accepts NULL. */
void server_close(struct server *srv);
static inline void server_close_ptr(struct server **srv)
{
	server_close(*srv);
}
#define _cleanup_server_ __attribute__((cleanup(server_close_ptr)))

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One gdb connection: requests in, exactly one reply each out. It owns no socket, so the
 * transcripts under stub/tests/session run it on fake memory.
 */
#ifndef STUB_SERVER_SESSION_H
#define STUB_SERVER_SESSION_H

#include <stdbool.h>

#include "rsp/reply.h"
#include "stub/linux/kernel.h"
#include "stub/server/threads.h"

struct session;

/* The largest packet, in either direction, without its framing: what qSupported announces. */
enum { SESSION_PACKET = 0x20000 };

struct session_options {
	/*
	 * This gdb may have the companion of an earlier session as its exec-file; it then asks as
	 * one does whose user brought a vmlinux.
	 */
	bool may_have_companion;
	enum threads_view threads;
	/* A line for the user on the server's terminal; NULL: nobody there. */
	void (*notice)(void *arg, const char *line);
	void *arg;
};

/* `k` is borrowed. */
struct error *session_create(struct kernel *k, const struct session_options *o,
			     struct session **ret) must_check;
void session_destroy(struct session *s);

/* What the server does after it has sent the reply. */
enum session_next {
	SESSION_GO_ON,
	SESSION_NO_ACKS,        /* from now on neither side acknowledges packets */
	SESSION_END,            /* detached or killed: close the connection */
};

/* True when gdb took the companion as its exec-file. */
bool session_gave_companion(const struct session *s);

/*
 * Answers one packet's body, which may be changed in place; `out` is empty before.
 */
enum session_next session_answer(struct session *s, char *body, size_t len, struct rsp_reply *out);

/* A line for gdb's console, that goes before the reply to what would have run; NULL: none. */
const char *session_console(const struct session *s);

#endif

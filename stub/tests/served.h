/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server on a fake kernel in a process of its own, and a client that never waits for ever: for
 * tests that look at the bytes between gdb and the server.
 */
#ifndef STUB_TESTS_SERVED_H
#define STUB_TESTS_SERVED_H

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stub/base/tests/child.h"
#include "stub/base/tests/tap.h"
#include "stub/server/server.h"
#include "stub/tests/client.h"
#include "stub/tests/fake.h"

/* What the server's process tells this one; shared memory. */
struct notices {
	unsigned count;
	char last[512];
};

struct served {
	char dir[64], path[96];
	struct fake *fake;
	struct server *server;
	struct notices *notices;
	pid_t pid;
};

static void served_notice(void *arg, const char *line)
{
	struct notices *n = arg;
	n->count++;
	snprintf(n->last, sizeof(n->last), "%s", line);
}

static bool served_start(struct served *s, bool tasks)
{
	sigset_t before;
	*s = (struct served){ .dir = "/tmp/kstub-test-XXXXXX", .pid = -1 };
	s->fake = fake_make();
	s->notices = mmap(NULL, sizeof(*s->notices), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!s->fake || s->notices == MAP_FAILED || !mkdtemp(s->dir) || (tasks && !fake_add_tasks(s->fake)))
		return false;
	snprintf(s->path, sizeof(s->path), "%s/socket", s->dir);
	char listen_at[128];
	snprintf(listen_at, sizeof(listen_at), "unix:%s", s->path);
	struct server_options o = {
		.listen = listen_at, .until_closed = -1,
		.session = { .notice = served_notice, .arg = s->notices },
	};
	sigprocmask(SIG_BLOCK, NULL, &before);
	struct error *err = server_listen(&o, &s->server);
	if (err) {
		tap_diag("%s", err->text);
		error_free(err);
		return false;
	}
	s->pid = fork();
	if (!s->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		err = server_run(s->server, &s->fake->k);
		server_close(s->server);
		fake_free(s->fake);
		int status = err ? 1 : 0;
		error_free(err);
		exit(status);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return s->pid > 0;
}

/* Asks the server to end; its wait status, -1 when it did not within the time. */
static int served_stop(struct served *s)
{
	int status = -1;
	if (s->pid > 0) {
		kill(s->pid, SIGTERM);
		if (!child_wait(s->pid, CLIENT_MS, &status)) {
			kill(s->pid, SIGKILL);
			waitpid(s->pid, NULL, 0);
		}
	}
	server_close(s->server);
	fake_free(s->fake);
	munmap(s->notices, sizeof(*s->notices));
	rmdir(s->dir);
	return status;
}

#endif

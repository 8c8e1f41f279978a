/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `kstub serve` and who comes: one client at a time, clients that vanish, signals, and what is
 * left behind by each end.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "stub/cli/tests/program.h"
#include "stub/tests/client.h"

/* Starts `script`, which prints where to connect; true when that is `where`. */
static bool serve(struct program *p, const char *script, const char *where)
{
	char line[256] = "";
	*p = program_start(script, true, 0);
	bool good = program_line(p, line, sizeof(line), PATIENCE_MS) && !strcmp(line, where);
	if (!good)
		tap_diag("said '%s', not '%s'", line, where);
	return good;
}

/* Ends it by a signal: the wait status must be `status`, and nothing be left. */
static void end(struct program *p, int number, int status, const char *name)
{
	kill(p->pid, number);
	program_end(p);
	program_ended(p, status, name);
	tap_ok(access("socket", F_OK), "%s: no socket is left", name);
	program_free(p);
}

static bool answers(int fd)
{
	const char *reply = fd >= 0 ? client_ask(fd, "?") : NULL;
	return reply && !strncmp(reply, "T05thread:2;", 12);
}

static bool answers_somebody_new(void)
{
	int fd = client_connect("socket");
	bool good = answers(fd);
	if (fd >= 0)
		close(fd);
	return good;
}

static const char ON_SOCKET[] = "exec $K serve --listen unix:socket vmcore";

static void check_clients(void)
{
	struct program p;
	struct stat st;
	char byte;
	if (!tap_ok(serve(&p, ON_SOCKET, "target remote socket"), "it says where to connect"))
		return;
	tap_ok(!lstat("socket", &st) && (st.st_mode & 0777) == 0600, "its socket is its user's alone");
	int first = client_connect("socket");
	tap_ok(answers(first), "a client is answered");
	int second = client_connect("socket");
	tap_ok(client_read(second, &byte, 1) == 0, "a second one is turned away");
	close(second);
	tap_ok(answers(first), "and does not disturb the first");
	static const struct row taken = {
		"another server at the same path", "$K serve --listen unix:socket vmcore", 1,
		{ "socket is taken: another server listens there; choose another path" }, 0,
	};
	program_check_row(&taken);
	tap_ok(answers(first), "does not disturb the client either");
	tap_ok(send(first, "$m0,", 4, MSG_NOSIGNAL) == 4, "half a packet");
	close(first);
	tap_ok(answers_somebody_new(), "and its client's end let the next one in");
	unsigned good = 0;
	for (int i = 0; i < 20; i++)
		good += answers_somebody_new();
	tap_is_u64(good, 20, "twenty in a row");
	int gone = client_connect("socket");
	for (int i = 0; i < 1000; i++)
		send(gone, "$m0,4000#00$?#3f", 16, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(gone);
	tap_ok(answers_somebody_new(), "one that asks much and does not listen");
	int detaching = client_connect("socket");
	const char *reply = client_ask(detaching, "D");
	tap_ok(reply && !strcmp(reply, "OK"), "one that detaches");
	close(detaching);
	tap_ok(answers_somebody_new(), "is not the last");
	end(&p, SIGTERM, 0, "SIGTERM");
}

static void check_ends(void)
{
	struct program p;
	tap_ok(serve(&p, ON_SOCKET, "target remote socket"), "once more");
	end(&p, SIGINT, 0, "SIGINT");
	tap_ok(serve(&p, ON_SOCKET, "target remote socket"), "once more");
	end(&p, SIGHUP, 0, "SIGHUP");
	tap_ok(serve(&p, ON_SOCKET, "target remote socket"), "once more");
	int fd = client_connect("socket");
	tap_ok(answers(fd), "with a client");
	end(&p, SIGTERM, 0, "SIGTERM while one is served");
	close(fd);
	tap_ok(serve(&p, ON_SOCKET, "target remote socket"), "once more");
	kill(p.pid, SIGKILL);
	program_end(&p);
	program_ended(&p, 128 + SIGKILL, "SIGKILL");
	program_free(&p);
	tap_ok(serve(&p, "trap '' HUP INT; exec $K serve --listen unix:socket vmcore", "target remote socket"),
	       "under nohup, in the background");
	kill(p.pid, SIGHUP);
	kill(p.pid, SIGINT);
	tap_ok(answers_somebody_new(), "a signal that was ignored stays so");
	end(&p, SIGTERM, 0, "but not SIGTERM");
	tap_ok(serve(&p, "XDG_CACHE_HOME=$D/vmcore exec $K serve --listen unix:socket vmcore", "target remote socket"),
	       "without a cache");
	end(&p, SIGTERM, 0, "SIGTERM without a cache");
}

/* A server that was killed in the bad old days, or with its whole group. */
static void check_dead_socket(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "socket" };
	struct program p;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	tap_ok(fd >= 0 && !bind(fd, (const struct sockaddr *)&at, sizeof(at)) && !close(fd) && !access("socket", F_OK),
	       "a dead socket");
	tap_ok(serve(&p, "exec $K serve --once --listen unix:socket vmcore", "target remote socket"), "is replaced");
	fd = client_connect("socket");
	close(fd);
	tap_ok(answers_somebody_new(), "--once waits for one that says something");
	program_end(&p);
	program_ended(&p, 0, "--once ends after it");
	program_free(&p);
}

static void check_tcp(void)
{
	struct program p = program_start("exec $K serve --once --listen tcp:localhost:0 vmcore", true, 0);
	char line[256] = "";
	unsigned port = 0;
	program_line(&p, line, sizeof(line), PATIENCE_MS);
	tap_ok(sscanf(line, "target remote localhost:%u", &port) == 1 && port, "tcp:localhost:0 prints the port: %s", line);
	bool good = false;
	static const int families[] = { AF_INET, AF_INET6 };
	for (int i = 0; i < 2 && !good; i++) {
		struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
					  .sin_addr = { htonl(INADDR_LOOPBACK) } };
		struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port),
					   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
		int fd = socket(families[i], SOCK_STREAM | SOCK_CLOEXEC, 0);
		int failed = i ? connect(fd, (struct sockaddr *)&v6, sizeof(v6)) :
				 connect(fd, (struct sockaddr *)&v4, sizeof(v4));
		good = !failed && answers(fd);
		close(fd);
	}
	tap_ok(good, "and answers there");
	program_end(&p);
	program_ended(&p, 0, "a TCP server");
	program_free(&p);
}

static void check_stdio(void)
{
	struct program p = program_start("exec $K serve --listen stdio vmcore", true, 0);
	char got[64] = "";
	ssize_t n = 0;
	tap_ok(write(p.in, "$?#3f", 5) == 5, "a question on stdin");
	for (struct pollfd ready = { p.out, POLLIN, 0 }; n < 10 && poll(&ready, 1, PATIENCE_MS) == 1;) {
		ssize_t more = read(p.out, got + n, sizeof(got) - 1 - (size_t)n);
		if (more <= 0)
			break;
		n += more;
	}
	tap_ok(!strncmp(got, "+$T05thread:2;", 10), "stdout has the answer and nothing else: %s", got);
	close(p.in);
	p.in = -1;
	program_end(&p);
	program_ended(&p, 0, "the end of stdin");
	program_free(&p);
}

/* Whoever is impatient: a signal while files are made; here a gdb that never ends. */
static void check_impatience(const char *script)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	for (size_t i = 0; i < 3; i++) {
		int status = -1, started = open("started", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		struct pollfd ready = { started, POLLIN, 0 };
		struct program p = program_start(script, true, 0);
		tap_ok(poll(&ready, 1, PATIENCE_MS) == 1 && (ready.revents & POLLIN), "files are being made");
		close(started);
		kill(p.pid, numbers[i]);
		if (!child_wait(p.pid, PATIENCE_MS / 4, &status))
			status = 0;
		kill(-p.pid, SIGKILL);  /* its gdb */
		tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == numbers[i], "signal %d ends it at once", numbers[i]);
		tap_ok(program_left_nothing() && access("socket", F_OK), "and nothing is left");
		close(p.in);
		close(p.out);
	}
}

int main(void)
{
	struct memory m = { .ram = NULL };
	if (!tap_ok(program_setup(&m), "small dumps are made"))
		return tap_done();
	check_clients();
	check_ends();
	check_dead_socket();
	check_tcp();
	check_stdio();
	/* It says that it has begun, and then waits for somebody who never comes. */
	if (system("mkfifo started never && printf '#!/bin/sh\\necho >started; exec cat never\\n' >slow && "
		   "chmod +x slow"))
		return 1;
	check_impatience("XDG_CACHE_HOME=$D/vmcore exec $K serve --listen unix:socket --gdb ./slow vmcore");
	check_impatience("XDG_CACHE_HOME=$D/vmcore exec $K gdb --gdb ./slow vmcore");
	program_cleanup(&m);
	return tap_done();
}

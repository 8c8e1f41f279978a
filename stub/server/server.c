/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "rsp/hex.h"
#include "rsp/packet.h"
#include "stub/base/cleanup.h"
#include "stub/base/log.h"

enum { INPUT = 1 << 16, TURNS = 256, AWAKE_NS = 200000, ERRNO_TOO_LONG = 0x22, CONSOLE_MAX = 256 };

struct server {
	struct server_options options;
	int listen_fd;                  /* -1: stdio */
	int signal_fd;
	char *address;
	char *socket_path;              /* to be unlinked; NULL: none of ours */
	dev_t socket_dev;
	ino_t socket_ino;
	bool ended;
	bool companion_given;           /* to some client */
	pid_t companion_pid;            /* to whom last; 0: not known (TCP) */
};

/* One connection's bytes. */
struct client {
	struct server *srv;
	int in, out;
	bool is_socket;
	bool no_acks;
	bool spoke;                     /* it sent something */
	struct rsp_decoder decoder;
	struct rsp_reply reply;
	char *packet;                   /* the last reply with its framing, for a NAK */
	size_t packet_len;
	char input[INPUT];
};

/* --- listening --------------------------------------------------------------------------- */

void server_signals(sigset_t *ret)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	sigemptyset(ret);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction now;
		/* A blocked signal is queued even when it is ignored, and would be taken. */
		if (!sigaction(numbers[i], NULL, &now) && now.sa_handler != SIG_IGN)
			sigaddset(ret, numbers[i]);
	}
}

static struct error *take_signals(struct server *srv)
{
	sigset_t set;
	server_signals(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return error_os(errno, "sigprocmask");
	signal(SIGPIPE, SIG_IGN);
	srv->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return srv->signal_fd < 0 ? error_os(errno, "signalfd") : NULL;
}

/* A socket that nobody listens on any more is left over from a killed server. */
static struct error *clear_path(const struct sockaddr_un *at)
{
	struct stat st;
	if (lstat(at->sun_path, &st))
		return NULL;
	if (!S_ISSOCK(st.st_mode))
		return error_new(ERROR_OS, "%s is there already and no socket; choose another path with "
					   "--listen unix:PATH", at->sun_path);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) && errno == ECONNREFUSED) {
		unlink(at->sun_path);
		return NULL;
	}
	return error_new(ERROR_OS, "%s is taken: another server listens there; choose another path with "
				   "--listen unix:PATH", at->sun_path);
}

static struct error *listen_unix(struct server *srv, const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct stat st;
	if (!*path || strlen(path) >= sizeof(at.sun_path))
		return error_new(ERROR_USAGE, "--listen unix:PATH takes a path of 1 to %zu bytes, not of %zu: '%s'",
				 sizeof(at.sun_path) - 1, strlen(path), path);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	struct error *err = clear_path(&at);
	if (err)
		return err;
	srv->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (srv->listen_fd < 0)
		return error_os(errno, "a unix socket");
	/* The mode that bind() gives it is the one that counts from the first moment on. */
	mode_t old = umask(0177);
	int failed = bind(srv->listen_fd, (struct sockaddr *)&at, sizeof(at));
	int bind_errno = errno;
	umask(old);
	if (failed)
		return error_os(bind_errno, "no socket can be made at %s; choose another path with --listen "
					    "unix:PATH", path);
	srv->socket_path = strdup(path);
	srv->address = strdup(path);
	if (!srv->socket_path || !srv->address)
		return error_nomem();
	if (!lstat(path, &st)) {
		srv->socket_dev = st.st_dev;
		srv->socket_ino = st.st_ino;
	}
	return listen(srv->listen_fd, 8) ? error_os(errno, "%s", path) : NULL;
}

static bool is_loopback(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
	return a->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static struct error *listen_on(struct server *srv, const struct addrinfo *a, const char *where)
{
	int yes = 1;
	if (!is_loopback(a->ai_addr) && !srv->options.allow_remote)
		return error_new(ERROR_USAGE, "tcp:%s is no loopback address: anybody who reaches it could read "
					      "the whole dump; use localhost and ssh, or --allow-remote", where);
	srv->listen_fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (srv->listen_fd < 0)
		return error_os(errno, "tcp:%s", where);
	setsockopt(srv->listen_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(srv->listen_fd, a->ai_addr, a->ai_addrlen) || listen(srv->listen_fd, 8))
		return error_os(errno, "tcp:%s", where);
	return NULL;
}

/* With port 0 the kernel chooses one. */
static struct error *tell_address(struct server *srv, const char *host)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	if (getsockname(srv->listen_fd, (struct sockaddr *)&at, &len))
		return error_os(errno, "getsockname");
	unsigned port = ntohs(at.ss_family == AF_INET6 ?
			      ((struct sockaddr_in6 *)(void *)&at)->sin6_port :
			      ((struct sockaddr_in *)(void *)&at)->sin_port);
	if (asprintf(&srv->address, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port) < 0) {
		srv->address = NULL;
		return error_nomem();
	}
	return NULL;
}

/* getaddrinfo() takes any number and cuts off what is too much. */
static bool is_port(const char *text)
{
	char *end;
	return text[0] >= '0' && text[0] <= '9' && strtoul(text, &end, 10) <= UINT16_MAX && !*end;
}

static struct error *listen_tcp(struct server *srv, const char *where)
{
	const char *colon = strrchr(where, ':');
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE }, *found;
	if (!colon || !is_port(colon + 1))
		return error_new(ERROR_USAGE, "--listen takes tcp:HOST:PORT with a PORT up to 65535 (0: any), as in "
					      "tcp:localhost:1234, not 'tcp:%s'", where);
	const char *name = where;
	size_t host_len = (size_t)(colon - where);
	if (host_len >= 2 && where[0] == '[' && where[host_len - 1] == ']') {
		name++;
		host_len -= 2;
	}
	_cleanup_free_ char *host = host_len ? strndup(name, host_len) : strdup("localhost");
	if (!host)
		return error_nomem();
	int failed = getaddrinfo(host, colon + 1, &hints, &found);
	if (failed)
		return error_new(ERROR_USAGE, "--listen tcp:%s: %s; give an address of this host, as in "
					      "tcp:localhost:1234", where, gai_strerror(failed));
	struct error *err = listen_on(srv, found, where);
	freeaddrinfo(found);
	return err ? err : tell_address(srv, host);
}

struct error *server_listen(const struct server_options *o, struct server **ret)
{
	struct server *srv = calloc(1, sizeof(*srv));
	if (!srv)
		return error_nomem();
	srv->options = *o;
	srv->listen_fd = srv->signal_fd = -1;
	struct error *err = take_signals(srv);
	if (!err && !strncmp(o->listen, "unix:", 5))
		err = listen_unix(srv, o->listen + 5);
	else if (!err && !strncmp(o->listen, "tcp:", 4))
		err = listen_tcp(srv, o->listen + 4);
	else if (!err && strcmp(o->listen, "stdio"))
		err = error_new(ERROR_USAGE, "--listen takes unix:PATH, tcp:HOST:PORT or stdio, not '%s'", o->listen);
	if (!err && !srv->address && !(srv->address = strdup("")))
		err = error_nomem();
	if (err) {
		server_close(srv);
		return err;
	}
	*ret = srv;
	return NULL;
}

const char *server_address(const struct server *srv)
{
	return srv->address;
}

void server_close(struct server *srv)
{
	struct stat st;
	if (!srv)
		return;
	if (srv->socket_path && !lstat(srv->socket_path, &st) && st.st_dev == srv->socket_dev &&
	    st.st_ino == srv->socket_ino)
		unlink(srv->socket_path);
	if (srv->listen_fd >= 0)
		close(srv->listen_fd);
	if (srv->signal_fd >= 0)
		close(srv->signal_fd);
	free(srv->socket_path);
	free(srv->address);
	free(srv);
}

/* --- one client -------------------------------------------------------------------------- */

/* Somebody comes while another is served: closed at once, so that a second gdb says so. */
static void refuse_another(struct server *srv)
{
	int fd = accept4(srv->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		log_line(LOG_SESSION, "a second client was turned away");
		if (srv->options.session.notice)
			srv->options.session.notice(srv->options.session.arg,
						    "another gdb was turned away: one is connected");
		close(fd);
	}
}

/*
 * Waits until `fd` is ready for `events`. False: the server is to end. Serves those who come
 * meanwhile by turning them away.
 */
static bool wait_for(struct server *srv, int fd, short events, bool busy)
{
	struct pollfd p[] = {
		{ fd, events, 0 },
		{ srv->signal_fd, POLLIN, 0 },
		{ busy ? srv->listen_fd : -1, POLLIN, 0 },
		{ srv->options.until_closed, 0, 0 },
	};
	for (;;) {
		if (poll(p, 4, -1) < 0 && errno != EINTR)
			return false;
		if (p[1].revents || (p[3].revents & (POLLHUP | POLLERR))) {
			srv->ended = true;
			return false;
		}
		/*
		 * First the one who is served: it may be gone, and its successor be there. Looked at
		 * again, since poll() looks at one after the other.
		 */
		if (p[0].revents || (p[2].revents && poll(p, 1, 0) > 0))
			return true;
		if (p[2].revents)
			refuse_another(srv);
	}
}

/* Somebody asks the server to end. */
static bool asked_to_end(struct server *srv)
{
	struct pollfd p[] = {
		{ srv->signal_fd, POLLIN, 0 },
		{ srv->options.until_closed, 0, 0 },
	};
	srv->ended = srv->ended || poll(p, 2, 0) > 0;
	return srv->ended;
}

/* False: the client is gone, or the server is to end. */
static bool send_all(struct client *c, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = c->is_socket ? send(c->out, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) :
					   write(c->out, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (!wait_for(c->srv, c->out, POLLOUT, true))
				return false;
			continue;
		}
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool send_reply(struct client *c)
{
	c->packet_len = rsp_frame_in_place(c->packet, c->reply.len);
	return send_all(c, c->packet, c->packet_len);
}

/* What gdb shows its user as the target's output. */
static bool send_console(struct client *c, const char *text)
{
	char body[1 + 2 * CONSOLE_MAX], packet[sizeof(body) + RSP_FRAME_HEAD + RSP_FRAME_TAIL];
	size_t len = strnlen(text, CONSOLE_MAX);
	body[0] = 'O';
	hex_encode(text, len, body + 1);
	return send_all(c, packet, rsp_frame(body, 1 + 2 * len, packet, sizeof(packet)));
}

/* False: end of this client. */
static bool take_event(struct client *c, struct session *s, enum rsp_event event)
{
	enum session_next next;
	switch (event) {
	case RSP_PACKET:
		/* The + goes with the reply, in one write where the socket's buffer allows. */
		if (!c->no_acks && !send_all(c, "+", 1))
			return false;
		next = session_answer(s, c->decoder.body, c->decoder.len, &c->reply);
		if (session_console(s) && !send_console(c, session_console(s)))
			return false;
		if (!send_reply(c))
			return false;
		if (next == SESSION_NO_ACKS)
			c->no_acks = c->decoder.no_checksum = true;
		return next != SESSION_END;
	case RSP_NAK:
		return c->no_acks || !c->packet_len || send_all(c, c->packet, c->packet_len);
	case RSP_DAMAGED:
		log_line(LOG_RSP, "a damaged packet of %zu bytes", c->decoder.len);
		if (!c->decoder.too_long)
			return c->no_acks || send_all(c, "-", 1);
		/* To ask for it again would not make it shorter. */
		if (!c->no_acks && !send_all(c, "+", 1))
			return false;
		reply_error_number(&c->reply, ERRNO_TOO_LONG);
		return send_reply(c);
	default:                /* + needs nothing; ^C at a stopped target neither */
		return true;
	}
}

/*
 * The next question comes within microseconds while gdb works, and to be woken costs tens of them:
 * the server lets others run for a while before it sleeps. -1 and EAGAIN: nothing came.
 */
static ssize_t receive(struct client *c)
{
	struct timespec start, now;
	ssize_t got = recv(c->in, c->input, sizeof(c->input), MSG_DONTWAIT);
	if (got >= 0 || errno != EAGAIN)
		return got;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		sched_yield();
		got = recv(c->in, c->input, sizeof(c->input), MSG_DONTWAIT);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (got < 0 && errno == EAGAIN &&
		 (now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec - start.tv_nsec < AWAKE_NS);
	return got;
}

static void talk(struct client *c, struct session *s)
{
	/* A client that always has more to say would keep the server from ever waiting. */
	for (unsigned turn = 1; turn % TURNS || !asked_to_end(c->srv); turn++) {
		bool at_work = c->is_socket && c->spoke;
		ssize_t got = at_work ? receive(c) : -1;
		if (got < 0) {
			if (at_work && errno != EAGAIN && errno != EINTR)
				return;
			if (!wait_for(c->srv, c->in, POLLIN, true))
				return;
			got = read(c->in, c->input, sizeof(c->input));
			if (got < 0 && (errno == EAGAIN || errno == EINTR))
				continue;
		}
		if (got <= 0)
			return;
		c->spoke = true;
		const char *p = c->input, *end = c->input + got;
		enum rsp_event event;
		while ((event = rsp_decode(&c->decoder, &p, end)) != RSP_MORE)
			if (!take_event(c, s, event))
				return;
	}
}

/* The process at the other end of a unix socket; 0: not known. */
static pid_t peer_of(int fd)
{
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) ? 0 : peer.pid;
}

static struct error *serve_client(struct server *srv, struct kernel *k, int in, int out, bool is_socket,
				  bool *spoke_ret)
{
	struct session *s = NULL;
	pid_t peer = is_socket ? peer_of(in) : 0;
	struct session_options options = srv->options.session;
	options.may_have_companion = srv->companion_given && peer == srv->companion_pid;
	_cleanup_free_ struct client *c = calloc(1, sizeof(*c));
	_cleanup_free_ char *body = malloc(SESSION_PACKET);
	/* More than a packet: monitor's one reply may be longer than what was announced. */
	const size_t cap = 64u * SESSION_PACKET;
	_cleanup_free_ char *packet = malloc(cap + RSP_FRAME_HEAD + RSP_FRAME_TAIL);
	struct error *err = c && body && packet ? session_create(k, &options, &s) : error_nomem();
	if (err)
		return err;
	c->srv = srv;
	c->in = in;
	c->out = out;
	c->is_socket = is_socket;
	c->decoder.body = body;
	c->decoder.cap = SESSION_PACKET;
	c->packet = packet;
	c->reply.body = packet + RSP_FRAME_HEAD;
	c->reply.cap = cap;
	log_line(LOG_SESSION, "a client has come");
	talk(c, s);
	*spoke_ret = c->spoke;
	log_line(LOG_SESSION, "the client has gone");
	if (session_gave_companion(s)) {
		srv->companion_given = true;
		srv->companion_pid = peer;
	}
	session_destroy(s);
	return NULL;
}

struct error *server_run(struct server *srv, struct kernel *k)
{
	bool spoke = false;
	if (srv->listen_fd < 0)
		return serve_client(srv, k, STDIN_FILENO, STDOUT_FILENO, false, &spoke);
	while (!srv->ended && wait_for(srv, srv->listen_fd, POLLIN, false)) {
		int yes = 1;
		_cleanup_close_ int fd = accept4(srv->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;       /* it went away again */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		struct error *err = serve_client(srv, k, fd, fd, true, &spoke);
		if (err)
			return err;
		/* Another server that wants this path, and looks who is there, is no client. */
		if (srv->options.once && spoke)
			break;
	}
	return NULL;
}

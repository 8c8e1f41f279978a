/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of a server's unix socket that never waits for ever. */
#ifndef STUB_TESTS_CLIENT_H
#define STUB_TESTS_CLIENT_H

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENT_MS = 5000 };

/* A client of `path`; -1 with errno. */
__attribute__((unused)) static int client_connect(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at))) {
		int why = errno;
		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

/* At most cap bytes that come within CLIENT_MS; 0: closed, -1: nothing came. */
__attribute__((unused)) static ssize_t client_read(int fd, void *buf, size_t cap)
{
	struct pollfd p = { fd, POLLIN, 0 };
	if (poll(&p, 1, CLIENT_MS) != 1)
		return -1;
	ssize_t n = read(fd, buf, cap);
	return n < 0 && errno == ECONNRESET ? 0 : n;
}

/* Sends `body` as a packet and awaits the reply's body; NULL when there is none. */
__attribute__((unused)) static const char *client_ask(int fd, const char *body)
{
	static char reply[4096];
	char packet[256];
	unsigned char sum = 0;
	size_t n = 0;
	for (const char *c = body; *c; c++)
		sum = (unsigned char)(sum + *c);
	int len = snprintf(packet, sizeof(packet), "$%s#%02x", body, sum);
	if (send(fd, packet, (size_t)len, MSG_NOSIGNAL) != len)
		return NULL;
	while (n + 1 < sizeof(reply)) {
		ssize_t got = client_read(fd, reply + n, sizeof(reply) - 1 - n);
		if (got <= 0)
			return NULL;
		n += (size_t)got;
		reply[n] = '\0';
		char *start = strchr(reply, '$'), *end = start ? strchr(start, '#') : NULL;
		if (end && end[1] && end[2]) {
			*end = '\0';
			send(fd, "+", 1, MSG_NOSIGNAL);         /* it may have closed */
			return start + 1;
		}
	}
	return NULL;
}

#endif

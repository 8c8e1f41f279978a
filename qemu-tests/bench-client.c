/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bare client of a gdb server on a unix socket, to time it without gdb:
 *
 *   bench-client SOCKET ADDRESS COUNT     the median of COUNT reads of 64 bytes there, in us
 *   bench-client SOCKET ADDRESS MEGS m    the rate of reading MEGS MiB from there, in MiB/s
 *   bench-client COUNT                    the median of COUNT round trips of as many bytes to a
 *                                         process that only answers: the floor of the first
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char reply[1 << 22];
static int server;
static bool acks = true;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Sends a packet; returns the length of the reply's body, which is in reply[1...]. */
static size_t ask(const char *body)
{
	char packet[256];
	unsigned char sum = 0;
	size_t have = 0;
	ssize_t n;
	int len;

	for (const char *c = body; *c; c++)
		sum += *c;
	len = snprintf(packet, sizeof(packet), "$%s#%02x", body, sum);
	if (write(server, packet, len) != len)
		fail("write");
	do {
		n = read(server, reply + have, sizeof(reply) - have);
		if (n <= 0)
			fail("read");
		have += n;
		/* Acknowledgements, until the server was told to send none. */
		while (have && reply[0] == '+')
			memmove(reply, reply + 1, --have);
	} while (have < 4 || reply[have - 3] != '#');
	reply[have - 3] = 0;
	if (acks && write(server, "+", 1) != 1)
		fail("write");
	return have - 4;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int latency(uint64_t address, size_t count)
{
	double *times = calloc(count, sizeof(*times));
	char body[64];

	if (!count || !times)
		fail("count");
	snprintf(body, sizeof(body), "m%" PRIx64 ",40", address);
	for (size_t n = 0; n < count; n++) {
		double start = now();

		if (ask(body) != 128) {
			fprintf(stderr, "%s: %s\n", body, reply + 1);
			return 1;
		}
		times[n] = now() - start;
	}
	qsort(times, count, sizeof(*times), ascending);
	printf("%.2f\n", times[count / 2] * 1e6);
	free(times);
	return 0;
}

/* A read of 64 bytes asks with some 25 bytes and is answered with 132. */
static int floor_of(size_t count)
{
	double *times = calloc(count, sizeof(*times));
	int ends[2];

	if (!count || !times || socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		fail("socketpair");
	if (!fork()) {
		close(ends[0]);
		while (read(ends[1], reply, sizeof(reply)) > 0)
			if (write(ends[1], reply, 132) != 132)
				break;
		_exit(0);
	}
	close(ends[1]);
	for (size_t n = 0; n < count; n++) {
		double start = now();

		if (write(ends[0], reply, 25) != 25)
			fail("write");
		for (ssize_t have = 0, got; have < 132; have += got)
			if ((got = read(ends[0], reply, 132)) <= 0)
				fail("read");
		times[n] = now() - start;
	}
	qsort(times, count, sizeof(*times), ascending);
	printf("%.2f\n", times[count / 2] * 1e6);
	free(times);
	return 0;
}

static int rate(uint64_t address, size_t megs, size_t packet_size)
{
	uint64_t end = address + (megs << 20);
	size_t most = (packet_size - 4) / 2 & ~(size_t)4095;
	double start = now();
	char body[64];

	if (!most)
		most = (packet_size - 4) / 2;
	for (uint64_t at = address; at < end;) {
		size_t want = end - at < most ? end - at : most, got;

		snprintf(body, sizeof(body), "m%" PRIx64 ",%zx", at, want);
		got = ask(body) / 2;
		if (got == 0 || reply[1] == 'E') {
			fprintf(stderr, "%s: %s\n", body, reply + 1);
			return 1;
		}
		at += got;
	}
	printf("%.0f\n", megs / (now() - start));
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t packet_size = 4096;
	uint64_t address;
	char *size;

	if (argc == 2)
		return floor_of(strtoul(argv[1], NULL, 0));
	if (argc < 4 || strlen(argv[1]) >= sizeof(to.sun_path)) {
		fprintf(stderr, "usage: bench-client SOCKET ADDRESS COUNT [m], or bench-client COUNT\n");
		return 2;
	}
	strcpy(to.sun_path, argv[1]);
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	if (server < 0 || connect(server, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail(argv[1]);
	ask("qSupported:multiprocess+;swbreak+;hwbreak+");
	size = strstr(reply, "PacketSize=");
	if (size)
		packet_size = strtoul(size + 11, NULL, 16);
	if (packet_size > sizeof(reply) / 2)
		packet_size = sizeof(reply) / 2;
	ask("QStartNoAckMode");
	acks = strcmp(reply + 1, "OK") != 0;
	address = strtoull(argv[2], NULL, 0);
	if (argc > 4)
		return rate(address, strtoul(argv[3], NULL, 0), packet_size);
	return latency(address, strtoul(argv[3], NULL, 0));
}

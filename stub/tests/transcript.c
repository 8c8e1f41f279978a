/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plays stub/tests/session/NAME.rsp against a server on a fake kernel (fake.h), one client each; a
 * kernel with tasks for NAMEs that begin with "tasks-":
 *
 *   > BODY      sends a packet with its checksum
 *   < BODY      the next thing that comes is a packet with this body; "..." at the end: and more
 *   >> BYTES    sends bytes as they are
 *   << BYTES    the next bytes that come, as they are
 *   ! N         the user was told N things so far
 *   closed      the server closes the connection
 *
 * \xHH is a byte, \r{N}{C} N times the character C. Until `> QStartNoAckMode` was answered, a + is
 * expected for each `>` and sent for each `<`.
 */
#include <glob.h>

#include "stub/base/cleanup.h"
#include "stub/tests/served.h"

enum { TEXT = 1 << 20 };

struct player {
	int fd;
	bool no_acks, ends_acks, wants_ack;
	char got[TEXT];
	size_t have;
	char text[TEXT];        /* of the line, without escapes */
	size_t len;
	struct notices *notices;
};

static bool unescape(struct player *p, const char *line)
{
	unsigned value;
	int used;
	char c;
	for (p->len = 0; *line;) {
		used = 0;
		if (sscanf(line, "\\x%2x%n", &value, &used) == 1 && used == 4) {
			p->text[p->len++] = (char)value;
		} else if (sscanf(line, "\\r{%u}{%c}%n", &value, &c, &used) == 2 && used &&
			   value < TEXT - p->len) {
			memset(p->text + p->len, c, value);
			p->len += value;
		} else {
			used = 1;
			p->text[p->len++] = *line;
		}
		line += used;
		if (p->len > TEXT - 8)
			return false;
	}
	return true;
}

/* At least n bytes in p->got. */
static bool fill(struct player *p, size_t n)
{
	while (p->have < n) {
		ssize_t more = client_read(p->fd, p->got + p->have, sizeof(p->got) - p->have);
		if (more <= 0)
			return false;
		p->have += (size_t)more;
	}
	return true;
}

static void drop(struct player *p, size_t n)
{
	p->have -= n;
	memmove(p->got, p->got + n, p->have);
}

static bool send_bytes(struct player *p, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(p->fd, bytes, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool send_packet(struct player *p)
{
	char sum[4];
	unsigned char total = 0;
	for (size_t i = 0; i < p->len; i++)
		total += (unsigned char)p->text[i];
	snprintf(sum, sizeof(sum), "#%02x", total);
	p->wants_ack = !p->no_acks;
	p->ends_acks = p->len == 15 && !memcmp(p->text, "QStartNoAckMode", 15);
	return send_bytes(p, "$", 1) && send_bytes(p, p->text, p->len) && send_bytes(p, sum, 3);
}

/* What came instead goes into the report. */
static bool differs(const struct player *p, size_t n)
{
	tap_diag("got '%.*s'", (int)(n < 400 ? n : 400), p->got);
	return false;
}

static bool expect_packet(struct player *p)
{
	size_t end = 0;
	unsigned char total = 0;
	char sum[3];
	if (p->wants_ack) {
		if (!fill(p, 1) || p->got[0] != '+')
			return differs(p, p->have);
		drop(p, 1);
		p->wants_ack = false;
	}
	do {
		end++;
		if (!fill(p, end + 1))
			return differs(p, p->have);
	} while (p->got[end] != '#');
	if (!fill(p, end + 3) || p->got[0] != '$')
		return differs(p, p->have);
	for (size_t i = 1; i < end; i++)
		total += (unsigned char)p->got[i];
	snprintf(sum, sizeof(sum), "%02x", total);
	size_t len = end - 1, want = p->len;
	bool more = want >= 3 && !memcmp(p->text + want - 3, "...", 3);
	if (more)
		want -= 3;
	if ((more ? len < want : len != want) || memcmp(p->got + 1, p->text, want) ||
	    memcmp(p->got + end + 1, sum, 2))
		return differs(p, end + 3);
	drop(p, end + 3);
	/* Nobody may be there any more who hears it. */
	if (!p->no_acks)
		send_bytes(p, "+", 1);
	p->no_acks |= p->ends_acks;
	return true;
}

static bool play_line(struct player *p, const char *line)
{
	if (!strcmp(line, "closed"))
		return !p->have && !client_read(p->fd, p->got, sizeof(p->got));
	if (!strncmp(line, "! ", 2)) {
		bool right = p->notices->count == strtoul(line + 2, NULL, 10);
		if (!right)
			tap_diag("%u: %s", p->notices->count, p->notices->last);
		return right;
	}
	bool raw = (line[0] == '<' || line[0] == '>') && line[1] == line[0];
	const char *rest = line + (raw ? 2 : 1);
	if (!unescape(p, *rest == ' ' ? rest + 1 : rest))
		return false;
	if (line[0] == '>')
		return raw ? send_bytes(p, p->text, p->len) : send_packet(p);
	if (line[0] == '<' && !raw)
		return expect_packet(p);
	if (line[0] != '<')
		return false;
	if (!fill(p, p->len) || memcmp(p->got, p->text, p->len))
		return differs(p, p->have);
	drop(p, p->len);
	return true;
}

static void play(struct served *s, const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "r");
	_cleanup_free_ struct player *p = calloc(1, sizeof(*p));
	_cleanup_free_ char *line = NULL;
	size_t cap = 0, number = 0;
	ssize_t n;
	const char *name = strrchr(path, '/') + 1;
	if (!f || !p) {
		tap_ok(false, "%s can be read", name);
		return;
	}
	s->notices->count = 0;
	p->notices = s->notices;
	p->fd = client_connect(s->path);
	bool good = p->fd >= 0;
	while (good && (n = getline(&line, &cap, f)) > 0) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		if (*line && *line != '#')
			good = play_line(p, line);
	}
	/* Nothing may be left over that nobody asked for. */
	good = good && !p->have;
	tap_ok(good, "%s", name);
	if (!good)
		tap_diag("%s:%zu: %.200s", path, number, line ? line : "no connection");
	if (p->fd >= 0)
		close(p->fd);
}

/* Those whose name begins with "tasks-", or the others. */
static void play_all(const glob_t *found, bool tasks)
{
	struct served s;
	if (!tap_ok(served_start(&s, tasks), "a server on a fake kernel%s", tasks ? " with tasks" : ""))
		return;
	for (size_t i = 0; i < found->gl_pathc; i++)
		if (!strncmp(strrchr(found->gl_pathv[i], '/'), "/tasks-", 7) == tasks)
			play(&s, found->gl_pathv[i]);
	tap_ok(served_stop(&s) == 0, "after all of that the server ends when it is asked to");
}

int main(void)
{
	const char *top = getenv("top_srcdir");
	char pattern[4096];
	glob_t found = { 0 };
	snprintf(pattern, sizeof(pattern), "%s/stub/tests/session/*.rsp", top ? top : ".");
	tap_ok(!glob(pattern, 0, NULL, &found), "there are transcripts: %s", pattern);
	play_all(&found, false);
	play_all(&found, true);
	globfree(&found);
	return tap_done();
}

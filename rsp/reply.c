/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rsp/reply.h"

#include <string.h>

#include "rsp/hex.h"

void reply_clear(struct rsp_reply *r)
{
	r->len = 0;
	r->overflow = false;
}

static char *room(struct rsp_reply *r, size_t len)
{
	if (r->overflow || len > r->cap - r->len) {
		r->overflow = true;
		return NULL;
	}
	char *at = r->body + r->len;
	r->len += len;
	return at;
}

void reply_bytes(struct rsp_reply *r, const void *bytes, size_t len)
{
	char *at = room(r, len);
	if (at)
		memcpy(at, bytes, len);
}

void reply_text(struct rsp_reply *r, const char *text)
{
	reply_bytes(r, text, strlen(text));
}

void reply_hex(struct rsp_reply *r, const void *bytes, size_t len)
{
	char *at = len > SIZE_MAX / 2 ? NULL : room(r, len * 2);
	if (at)
		hex_encode(bytes, len, at);
}

void reply_hex_number(struct rsp_reply *r, uint64_t number)
{
	char text[16];
	size_t n = 0;
	do {
		text[sizeof(text) - ++n] = "0123456789abcdef"[number & 15];
		number >>= 4;
	} while (number);
	reply_bytes(r, text + sizeof(text) - n, n);
}

void reply_unavailable(struct rsp_reply *r, size_t len)
{
	char *at = room(r, len * 2);
	if (at)
		memset(at, 'x', len * 2);
}

void reply_error_number(struct rsp_reply *r, unsigned number)
{
	unsigned char byte = (unsigned char)number;
	reply_clear(r);
	reply_text(r, "E");
	reply_hex(r, &byte, 1);
}

void reply_error_text(struct rsp_reply *r, const char *text)
{
	reply_clear(r);
	reply_text(r, "E.");
	reply_text(r, text);
}

static bool must_escape(char c)
{
	return c == '$' || c == '#' || c == '}' || c == '*';
}

void reply_xfer(struct rsp_reply *r, const char *document, size_t size, uint64_t offset, uint64_t len)
{
	char *start = room(r, 1);
	if (!start)
		return;
	uint64_t left = offset < size ? size - offset : 0, sent = 0;
	if (len > left)
		len = left;
	for (; sent < len && r->cap - r->len >= 2; sent++) {
		char c = document[offset + sent];
		if (must_escape(c)) {
			reply_bytes(r, "}", 1);
			c ^= 0x20;
		}
		reply_bytes(r, &c, 1);
	}
	*start = sent == left ? 'l' : 'm';
}

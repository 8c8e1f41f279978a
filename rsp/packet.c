/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rsp/packet.h"

#include <stdint.h>
#include <string.h>

#include "rsp/hex.h"

static void start_body(struct rsp_decoder *d)
{
	d->state = RSP_BODY;
	d->len = 0;
	d->sum = 0;
	d->too_long = false;
}

static void take_body(struct rsp_decoder *d, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		d->sum += (unsigned char)bytes[i];
	if (len > d->cap - d->len) {
		d->too_long = true;
		return;
	}
	memcpy(d->body + d->len, bytes, len);
	d->len += len;
}

static enum rsp_event finish(struct rsp_decoder *d)
{
	unsigned char sum;
	d->state = RSP_IDLE;
	if (d->too_long)
		return RSP_DAMAGED;
	if (!hex_decode((const char *)d->digits, 2, &sum))
		return RSP_DAMAGED;
	return sum == d->sum || d->no_checksum ? RSP_PACKET : RSP_DAMAGED;
}

enum rsp_event rsp_decode(struct rsp_decoder *d, const char **in, const char *end)
{
	while (*in < end) {
		char c = **in;
		switch (d->state) {
		case RSP_IDLE:
			++*in;
			if (c == '$')
				start_body(d);
			else if (c == '+')
				return RSP_ACK;
			else if (c == '-')
				return RSP_NAK;
			else if (c == 3)
				return RSP_INTERRUPT;
			break;          /* anything else between packets is noise */
		case RSP_BODY: {
			const char *p = *in;
			while (p < end && *p != '#' && *p != '$')
				p++;
			take_body(d, *in, (size_t)(p - *in));
			*in = p;
			if (p == end)
				return RSP_MORE;
			++*in;
			if (*p == '#') {
				d->state = RSP_SUM_HIGH;
			} else {        /* the rest of that packet never came */
				start_body(d);
				return RSP_DAMAGED;
			}
			break;
		}
		case RSP_SUM_HIGH:
			d->digits[0] = (unsigned char)c;
			d->state = RSP_SUM_LOW;
			++*in;
			break;
		case RSP_SUM_LOW:
			d->digits[1] = (unsigned char)c;
			++*in;
			return finish(d);
		}
	}
	return RSP_MORE;
}

size_t rsp_unescape(char *body, size_t len)
{
	size_t out = 0;
	for (size_t i = 0; i < len; i++) {
		if (body[i] == '}' && i + 1 < len)
			body[out++] = (char)(body[++i] ^ 0x20);
		else
			body[out++] = body[i];
	}
	return out;
}

bool rsp_expand(const char *body, size_t len, char *out, size_t cap, size_t *len_ret)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		if (body[i] == '*') {
			/* The count is a printable byte: 29 more than how often to repeat. */
			if (!n || i + 1 == len || body[i + 1] < ' ' || body[i + 1] > '~')
				return false;
			size_t more = (size_t)(body[++i] - 29);
			if (more > cap - n)
				return false;
			memset(out + n, out[n - 1], more);
			n += more;
		} else {
			if (n == cap)
				return false;
			out[n++] = body[i];
		}
	}
	*len_ret = n;
	return true;
}

/* Modulo 256 sixteen sums are as good as one until the end. */
static unsigned char sum_of(const char *p, size_t len)
{
	typedef unsigned char lanes __attribute__((vector_size(16)));
	lanes sums = { 0 };
	unsigned char sum = 0;
	for (; len >= sizeof(sums); len -= sizeof(sums), p += sizeof(sums)) {
		lanes x;
		memcpy(&x, p, sizeof(x));
		sums += x;
	}
	for (size_t i = 0; i < sizeof(sums); i++)
		sum += sums[i];
	for (; len; len--)
		sum += (unsigned char)*p++;
	return sum;
}

size_t rsp_frame_in_place(char *packet, size_t body_len)
{
	unsigned char sum = sum_of(packet + RSP_FRAME_HEAD, body_len);
	packet[0] = '$';
	packet[RSP_FRAME_HEAD + body_len] = '#';
	hex_encode(&sum, 1, packet + RSP_FRAME_HEAD + body_len + 1);
	return RSP_FRAME_HEAD + body_len + RSP_FRAME_TAIL;
}

size_t rsp_frame(const char *body, size_t len, char *out, size_t cap)
{
	if (cap < RSP_FRAME_HEAD + RSP_FRAME_TAIL || len > cap - RSP_FRAME_HEAD - RSP_FRAME_TAIL)
		return 0;
	memcpy(out + RSP_FRAME_HEAD, body, len);
	return rsp_frame_in_place(out, len);
}

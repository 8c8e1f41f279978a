/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Framing: bytes in, events out; a body in, bytes out. A decoder is a value; there is no I/O
 * and no allocation here.
 */
#ifndef RSP_PACKET_H
#define RSP_PACKET_H

#include <stdbool.h>
#include <stddef.h>

enum rsp_event {
	RSP_MORE,       /* all input is used up, no event */
	RSP_PACKET,     /* a whole packet with a right checksum: d->body, d->len */
	RSP_ACK,        /* + */
	RSP_NAK,        /* - */
	RSP_INTERRUPT,  /* the byte 3 between packets */
	RSP_DAMAGED,    /* a packet with a wrong checksum, over size, or cut off by the next one */
};

/* Zeroed but for `body` and `cap`, which the caller owns. */
struct rsp_decoder {
	char *body;             /* the packet's bytes without framing; escapes are left as they are */
	size_t cap;
	size_t len;
	unsigned char sum;
	unsigned char digits[2];
	enum { RSP_IDLE, RSP_BODY, RSP_SUM_HIGH, RSP_SUM_LOW } state;
	bool too_long;
	bool no_checksum;       /* in no-ack mode checksums are not looked at */
};

/* Uses up *in as far as the first event; call until it answers RSP_MORE. */
enum rsp_event rsp_decode(struct rsp_decoder *d, const char **in, const char *end);

/* Undoes the escapes (`}` and byte xor 0x20) of a binary body in place; the new length. */
size_t rsp_unescape(char *body, size_t len);

/* Undoes run-length encoding, which stubs send and gdb does not; false when it does not fit. */
bool rsp_expand(const char *body, size_t len, char *out, size_t cap, size_t *len_ret);

/*
 * Makes a packet in place: `packet` has 1 free byte before the body and 3 behind it. The bytes
 * to send.
 */
enum { RSP_FRAME_HEAD = 1, RSP_FRAME_TAIL = 3 };
size_t rsp_frame_in_place(char *packet, size_t body_len);

/* "$body#xx" into `out`; the bytes written, 0 when they do not fit. */
size_t rsp_frame(const char *body, size_t len, char *out, size_t cap);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Building one reply in a buffer that the session owns. What does not fit is noted and becomes
 * an error reply; nothing is written behind the end.
 */
#ifndef RSP_REPLY_H
#define RSP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rsp_reply {
	char *body;
	size_t len, cap;
	bool overflow;
};

void reply_clear(struct rsp_reply *r);
void reply_text(struct rsp_reply *r, const char *text);
void reply_bytes(struct rsp_reply *r, const void *bytes, size_t len);
void reply_hex(struct rsp_reply *r, const void *bytes, size_t len);
void reply_hex_number(struct rsp_reply *r, uint64_t number);

/* `len` unavailable bytes of a register: xx. */
void reply_unavailable(struct rsp_reply *r, size_t len);

/* "Exx": for packets whose error text gdb does not understand. */
void reply_error_number(struct rsp_reply *r, unsigned number);

/* "E.text": only for those where gdb does (docs/PROTOCOL.md). */
void reply_error_text(struct rsp_reply *r, const char *text);

/*
 * The part [offset, offset + len) of a document as a qXfer answer: "m" or "l" and the bytes,
 * escaped; less than was asked for when the buffer is short.
 */
void reply_xfer(struct rsp_reply *r, const char *document, size_t size, uint64_t offset, uint64_t len);

#endif

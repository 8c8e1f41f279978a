/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A byte buffer that grows. Out of memory is remembered and asked for once, at the end, so that
 * a writer of many pieces stays readable.
 */
#ifndef STUB_BASE_BUFFER_H
#define STUB_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub/base/error.h"

struct buffer {
	char *data;     /* NULL while empty; not NUL-terminated (see buffer_text) */
	size_t len;
	size_t cap;
	bool failed;    /* an allocation failed; every later call does nothing */
};

#define BUFFER_INIT { NULL, 0, 0, false }

void buffer_deinit(struct buffer *b);
#define _cleanup_buffer_ __attribute__((cleanup(buffer_deinit)))

/* Makes `more` bytes at the end writable without counting them; NULL when out of memory. */
char *buffer_reserve(struct buffer *b, size_t more);

void buffer_put(struct buffer *b, const void *bytes, size_t len);
void buffer_fill(struct buffer *b, int byte, size_t len);
void buffer_puts(struct buffer *b, const char *text);
void buffer_putc(struct buffer *b, char c);
void buffer_printf(struct buffer *b, const char *fmt, ...) printf_like(2, 3);
void buffer_clear(struct buffer *b);

/* NUL-terminated text, borrowed until the next change; "" when empty or out of memory. */
const char *buffer_text(struct buffer *b);

/* Hands the NUL-terminated bytes to the caller, who frees; the buffer is empty afterwards. */
struct error *buffer_steal(struct buffer *b, char **ret) must_check;

/* The out-of-memory error, if one happened. */
struct error *buffer_error(const struct buffer *b) must_check;

#endif

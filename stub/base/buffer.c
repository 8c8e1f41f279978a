/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_deinit(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer)BUFFER_INIT;
}

char *buffer_reserve(struct buffer *b, size_t more)
{
	if (b->failed)
		return NULL;
	if (more > SIZE_MAX / 4 || b->len > SIZE_MAX / 4) {
		b->failed = true;
		return NULL;
	}
	if (!b->data || b->cap - b->len < more) {
		size_t cap = b->cap ? b->cap * 2 : 256;
		if (cap < b->len + more)
			cap = b->len + more;
		char *data = realloc(b->data, cap);
		if (!data) {
			b->failed = true;
			return NULL;
		}
		b->data = data;
		b->cap = cap;
	}
	return b->data + b->len;
}

void buffer_put(struct buffer *b, const void *bytes, size_t len)
{
	char *end = buffer_reserve(b, len);
	if (!end || !len)
		return;
	memcpy(end, bytes, len);
	b->len += len;
}

void buffer_fill(struct buffer *b, int byte, size_t len)
{
	char *end = buffer_reserve(b, len);
	if (!end)
		return;
	memset(end, byte, len);
	b->len += len;
}

void buffer_puts(struct buffer *b, const char *text)
{
	buffer_put(b, text, strlen(text));
}

void buffer_putc(struct buffer *b, char c)
{
	buffer_put(b, &c, 1);
}

void buffer_printf(struct buffer *b, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0) {
		b->failed = true;
		return;
	}
	char *end = buffer_reserve(b, (size_t)len + 1);
	if (!end)
		return;
	va_start(args, fmt);
	vsnprintf(end, (size_t)len + 1, fmt, args);
	va_end(args);
	b->len += (size_t)len;
}

void buffer_clear(struct buffer *b)
{
	b->len = 0;
	b->failed = false;
}

const char *buffer_text(struct buffer *b)
{
	char *end = buffer_reserve(b, 1);
	if (!end)
		return "";
	*end = '\0';
	return b->data;
}

struct error *buffer_steal(struct buffer *b, char **ret)
{
	buffer_text(b);
	if (b->failed)
		return error_nomem();
	*ret = b->data;
	*b = (struct buffer)BUFFER_INIT;
	return NULL;
}

struct error *buffer_error(const struct buffer *b)
{
	return b->failed ? error_nomem() : NULL;
}

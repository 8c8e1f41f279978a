/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for the longest sentence of error_at() with its address. */
enum { STATIC_TEXT = 128, TEXT_MAX = 4096 };

static union {
	struct error err;
	char room[sizeof(struct error) + 16];
} nomem = { .room = { 0 } };

static _Thread_local union {
	struct error err;
	char room[sizeof(struct error) + STATIC_TEXT];
} fault;

struct error *error_nomem(void)
{
	nomem.err.code = ERROR_NOMEM;
	memcpy(nomem.room + sizeof(struct error), "out of memory", sizeof("out of memory"));
	return &nomem.err;
}

static struct error *error_vnew(enum error_code code, uint64_t addr, const char *tail,
				const char *fmt, va_list args)
{
	va_list again;
	va_copy(again, args);
	int head = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (head < 0)
		return error_nomem();
	size_t head_len = head < TEXT_MAX ? (size_t)head : TEXT_MAX;
	size_t tail_len = tail ? strlen(tail) + 2 : 0;
	struct error *err = malloc(sizeof(*err) + head_len + tail_len + 1);
	if (!err)
		return error_nomem();
	err->code = code;
	err->addr = addr;
	vsnprintf(err->text, head_len + 1, fmt, args);
	if (tail)
		snprintf(err->text + head_len, tail_len + 1, ": %s", tail);
	return err;
}

struct error *error_new(enum error_code code, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	struct error *err = error_vnew(code, 0, NULL, fmt, args);
	va_end(args);
	return err;
}

struct error *error_os(int errno_value, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	struct error *err = error_vnew(ERROR_OS, 0, strerror(errno_value), fmt, args);
	va_end(args);
	return err;
}

struct error *error_at(enum error_code code, uint64_t addr, const char *what)
{
	fault.err.code = code;
	fault.err.addr = addr;
	snprintf(fault.room + sizeof(struct error), STATIC_TEXT, "%s at 0x%llx", what,
		 (unsigned long long)addr);
	return &fault.err;
}

struct error *error_prefix(struct error *err, const char *fmt, ...)
{
	if (!err)
		return NULL;
	va_list args;
	va_start(args, fmt);
	struct error *longer = error_vnew(err->code, err->addr, err->text, fmt, args);
	va_end(args);
	error_free(err);
	return longer;
}

struct error *error_keep(struct error **first, struct error *err)
{
	if (!err || err->code == ERROR_NOMEM)
		return err;
	if (!*first)
		*first = error_new(err->code, "%s", err->text);
	error_free(err);
	return NULL;
}

void error_free(struct error *err)
{
	if (err && err != &nomem.err && err != &fault.err)
		free(err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why something failed. NULL is success; anything else is a sentence for the user, with a code
 * that the caller may act upon. Faults and out-of-memory allocate nothing, so that a failed
 * read of guest memory costs nothing and error paths cannot fail themselves.
 */
#ifndef STUB_BASE_ERROR_H
#define STUB_BASE_ERROR_H

#include <stdarg.h>
#include <stdint.h>

enum error_code {
	ERROR_OTHER,
	ERROR_NOMEM,
	ERROR_OS,          /* a system call failed; text has strerror() */
	ERROR_FAULT,       /* no memory there: no mapping, or outside of RAM; addr is set */
	ERROR_EXCLUDED,    /* makedumpfile left that page out of the dump; addr is set */
	ERROR_TRUNCATED,   /* the file ends before the bytes that it promises; addr is set */
	ERROR_NOT_FOUND,   /* no such file, symbol, type, member, thread */
	ERROR_UNSUPPORTED, /* right input, but not built in or not known to this program */
	ERROR_FORMAT,      /* damaged or hostile input */
	ERROR_MISMATCH,    /* two things that do not belong together (vmlinux of another build) */
	ERROR_USAGE,       /* the user typed something wrong: exit code 2 */
};

struct error {
	enum error_code code;
	uint64_t addr;
	char text[];
};

#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, first) __attribute__((format(printf, fmt, first)))

/* Never returns NULL: falls back to the static out-of-memory error. */
struct error *error_new(enum error_code code, const char *fmt, ...) must_check printf_like(2, 3);

/* `fmt` and its arguments, then ": " and strerror(errno_value). */
struct error *error_os(int errno_value, const char *fmt, ...) must_check printf_like(2, 3);

/*
 * Static, per thread: the next error_at() of this thread overwrites it, so look at it or free it
 * before reading on. `what` must be a string literal; `addr` is what could not be read.
 */
struct error *error_at(enum error_code code, uint64_t addr, const char *what) must_check;

struct error *error_nomem(void) must_check;

/* Puts a clause and ": " before the text of `err`, which it takes; NULL stays NULL. */
struct error *error_prefix(struct error *err, const char *fmt, ...) must_check printf_like(2, 3);

/*
 * For those who go on behind an error: keeps the first of several in `*first`, with a text of its
 * own, and frees `err`. Returns `err` when that is want of memory, which nobody goes on behind.
 */
struct error *error_keep(struct error **first, struct error *err) must_check;

/* Accepts NULL and the static errors. */
void error_free(struct error *err);

static inline void error_free_ptr(struct error **err)
{
	error_free(*err);
}
#define _cleanup_error_ __attribute__((cleanup(error_free_ptr)))

#endif

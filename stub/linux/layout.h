/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The members that a file of this room reads, as a table at its top, resolved once per kernel
 * from the debug info. A member that is absent makes the one command that needs it say so.
 */
#ifndef STUB_LINUX_LAYOUT_H
#define STUB_LINUX_LAYOUT_H

#include "stub/base/error.h"
#include "symbols/types.h"

struct layout_row {
	const char *type;               /* "module"; alternatives separated by '|' */
	const char *member;             /* "mem[0].base|core_layout.base": newest first; NULL: sizeof(type) */
	size_t at;                      /* offsetof() in the caller's struct of struct member */
};

/*
 * Resolves every row; what is absent has `present` false. Out of memory or damage: error.
 * ERROR_NOT_FOUND: no types at all (`t` NULL).
 */
struct error *layout_resolve(struct types *t, const struct layout_row *rows, size_t nrows,
			     void *ret) must_check;

/* The same, where an absent member is an error that names it. */
struct error *layout_require(struct types *t, const struct layout_row *rows, size_t nrows,
			     void *ret) must_check;

/* ERROR_NOT_FOUND "this kernel has no member 'list' in struct module" for an absent one. */
struct error *layout_need(const struct member *m, const struct layout_row *row) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a source of types (BTF, DWARF) tells about one type; types.c makes member paths of it.
 * For the files of this room alone.
 */
#ifndef SYMBOLS_TYPES_SOURCE_H
#define SYMBOLS_TYPES_SOURCE_H

#include "symbols/types.h"

enum type_kind { TYPE_STRUCT, TYPE_ARRAY, TYPE_SCALAR };

/* A type with its typedefs and qualifiers taken off. */
struct type_info {
	enum type_kind kind;
	uint64_t size;
	bool is_signed;
	uint64_t element, count;        /* of an array: id of the element's type, elements */
};

struct type_member {
	const char *name;               /* "" for an anonymous struct or union; borrowed */
	uint64_t bits;                  /* offset from the start of the struct */
	unsigned bit_size;              /* 0: no bit-field */
	uint64_t type;
};

struct types_ops {
	const char *name;
	void (*destroy)(struct types *t);

	/* A struct, union, or typedef with a body; ids are the source's own. */
	bool (*find)(struct types *t, const char *name, uint64_t *ret);
	bool (*describe)(struct types *t, uint64_t type, struct type_info *ret);

	/* Calls `each` until it returns false. */
	void (*members)(struct types *t, uint64_t type,
			bool (*each)(void *arg, const struct type_member *m), void *arg);
	bool (*enumerator)(struct types *t, const char *name, int64_t *ret);
};

enum { TYPE_STEPS_MAX = 1 << 15, TYPE_DEPTH_MAX = 16, TYPE_CHAIN_MAX = 64 };

/* The first member of every source's own struct. */
struct types {
	const struct types_ops *source;
};

#endif

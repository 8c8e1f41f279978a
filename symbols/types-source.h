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

/* What a type looks like from outside, with its qualifiers taken off, for who writes it down again. */
enum shape_kind {
	SHAPE_VOID,                     /* and what the source does not say */
	SHAPE_BASE, SHAPE_POINTER, SHAPE_ARRAY, SHAPE_STRUCT, SHAPE_UNION, SHAPE_ENUM, SHAPE_TYPEDEF,
	SHAPE_FUNCTION,
};

struct type_shape {
	enum shape_kind kind;
	const char *name;               /* "" for none; borrowed */
	uint64_t size;                  /* bytes; 0: not said */
	unsigned encoding;              /* of a base type: DW_ATE_* */
	uint64_t target;                /* pointed to, of an element, behind a typedef, returned */
	uint64_t count;                 /* elements of an array, of one dimension */
};

struct type_variable {
	const char *name;               /* borrowed */
	uint64_t addr;                  /* as linked */
	uint64_t type;
};

/* One section's place as linked. */
struct type_section {
	const char *name;
	uint64_t addr, size;
};

struct types_ops {
	const char *name;
	bool variables_are_slow;        /* variables() takes seconds for a vmlinux */
	void (*destroy)(struct types *t);

	/* A struct, union, or typedef with a body; ids are the source's own. */
	bool (*find)(struct types *t, const char *name, uint64_t *ret);
	bool (*describe)(struct types *t, uint64_t type, struct type_info *ret);

	/* Calls `each` until it returns false. */
	void (*members)(struct types *t, uint64_t type,
			bool (*each)(void *arg, const struct type_member *m), void *arg);
	bool (*enumerator)(struct types *t, const char *name, int64_t *ret);

	/* Those of one enum, by the id that has its shape. */
	void (*enumerators)(struct types *t, uint64_t type,
			    bool (*each)(void *arg, const char *name, int64_t value), void *arg);

	/* Type 0 is void. */
	void (*shape)(struct types *t, uint64_t type, struct type_shape *ret);

	/* Variables of that section, outside of functions, in no order; until `each` returns false. */
	void (*variables)(struct types *t, const struct type_section *in,
			  bool (*each)(void *arg, const struct type_variable *v), void *arg);
};

enum { TYPE_STEPS_MAX = 1 << 15, TYPE_DEPTH_MAX = 16, TYPE_CHAIN_MAX = 64 };

/* The first member of every source's own struct. */
struct types {
	const struct types_ops *source;
};

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One small model of C types, filled from BTF or from DWARF: enough to say where a member is and
 * how large it is. Those who read guest memory ask here for every offset.
 */
#ifndef SYMBOLS_TYPES_H
#define SYMBOLS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub/base/error.h"

struct types;

struct member {
	uint64_t offset;                /* bytes from the start of the outermost struct */
	uint64_t size;                  /* bytes of the member's type, whole array included */
	uint64_t count;                 /* elements of an array, 0: no array */
	unsigned bit_offset, bit_size;  /* of a bit-field, counted from `offset`; bit_size 0: none */
	bool is_signed;
	bool present;                   /* false: a row of a layout table that this kernel lacks */
};

/* `data` is copied or kept as `keep` says; hostile input is checked first. ERROR_FORMAT. */
struct error *types_from_btf(const void *data, size_t len, struct types **ret) must_check;

/* `elf_path`: the file is opened again and kept open; types are looked up when asked for. */
struct error *types_from_dwarf(const char *elf_path, struct types **ret) must_check;

void types_destroy(struct types *t);

/* "BTF" or "DWARF". */
const char *types_origin(const struct types *t);

/*
 * `path` is "comm", "thread.sp", "mem[0].base" (a constant index), through anonymous structs and
 * unions. ERROR_NOT_FOUND: "no member 'on_cpu' in struct task_struct". `type` is a struct, union
 * or typedef name.
 */
struct error *types_member(struct types *t, const char *type, const char *path,
			   struct member *ret) must_check;

/* Bytes; ERROR_NOT_FOUND. */
struct error *types_sizeof(struct types *t, const char *type, uint64_t *ret) must_check;

/* Value of an enumerator by its name; ERROR_NOT_FOUND. */
struct error *types_enumerator(struct types *t, const char *name, int64_t *ret) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's ORC unwind tables, in every dialect, as unwind rules for an address. The dialect
 * is read off the table and its type; an unknown one is refused rather than guessed.
 */
#ifndef SYMBOLS_ORC_H
#define SYMBOLS_ORC_H

#include <stddef.h>
#include <stdint.h>

#include "stub/base/error.h"
#include "symbols/types.h"

enum orc_kind {
	ORC_KIND_UNDEFINED,     /* ORC does not know */
	ORC_KIND_END,           /* the outermost frame */
	ORC_KIND_CALL,
	ORC_KIND_REGS,          /* a whole pt_regs at the CFA */
	ORC_KIND_REGS_PARTIAL,  /* only the hardware's frame at the CFA */
};

/* Registers as DWARF numbers them for x86-64; -1 where there is none. */
struct orc_rule {
	enum orc_kind kind;
	int cfa_reg;            /* 7 rsp, 6 rbp, 10 r10, 13 r13, 0 rax, 1 rdx, 5 rdi */
	int cfa_offset;
	unsigned char cfa_deref;        /* 1: *(reg) + offset; 2: *(reg + offset) */
	int rbp_offset;         /* CFA-relative, when rbp_saved */
	unsigned char rbp_saved;
	unsigned char rbp_deref;        /* rbp is at *(rbp + rbp_offset) instead */
};

struct orc_entry {
	uint64_t start, end;    /* as linked, or absolute when read from memory */
	struct orc_rule rule;
};

struct orc {
	struct orc_entry *entries;      /* sorted by start */
	size_t n;
};

/*
 * `ip`: .orc_unwind_ip (s32, each relative to its own address), which is linked at `ip_addr`;
 * `table`: .orc_unwind; `types`: knows struct orc_entry. ERROR_UNSUPPORTED: unknown dialect;
 * ERROR_FORMAT: empty tables, or tables of different lengths.
 */
struct error *orc_parse(const void *ip, size_t ip_len, uint64_t ip_addr, const void *table,
			size_t table_len, struct types *types, struct orc *ret) must_check;
void orc_deinit(struct orc *o);

/* Index of the first entry that ends behind `addr`; o->n: none. */
size_t orc_first_behind(const struct orc *o, uint64_t addr);

/* The entry that covers `addr`, or NULL. */
const struct orc_entry *orc_find(const struct orc *o, uint64_t addr);

#endif

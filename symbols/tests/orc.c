/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ORC tables as kernels from 4.14 on have them, written with the kernel's own struct of each
 * time, and asked for the rule of every kind of row. Unknown dialects and damage are refused.
 */
#include "symbols/orc.h"

#include <stdlib.h>

#include "stub/base/cleanup.h"
#include "symbols/tests/orc-types.h"
#include "symbols/tests/trees.h"

/* arch/x86/include/asm/orc_types.h of 4.14, 4.18, 6.3 and 6.4. */
struct orc_4_14 {
	int16_t sp_offset, bp_offset;
	unsigned sp_reg : 4, bp_reg : 4, type : 2;
} __attribute__((packed));
struct orc_4_18 {
	int16_t sp_offset, bp_offset;
	unsigned sp_reg : 4, bp_reg : 4, type : 2, end : 1;
} __attribute__((packed));
struct orc_6_3 {
	int16_t sp_offset, bp_offset;
	unsigned sp_reg : 4, bp_reg : 4, type : 2, signal : 1, end : 1;
} __attribute__((packed));
struct orc_6_4 {
	int16_t sp_offset, bp_offset;
	unsigned sp_reg : 4, bp_reg : 4, type : 3, signal : 1;
} __attribute__((packed));

/* ORC_REG_* up to 7.0, and from 7.1 on. */
enum { O_NONE, O_PREV_SP, O_DX, O_DI, O_BP, O_SP, O_R10, O_R13, O_BP_INDIRECT, O_SP_INDIRECT };
enum { N_NONE, N_AX, N_DX, N_SP, N_BP, N_DI, N_R10, N_R13, N_PREV_SP, N_SP_INDIRECT, N_BP_INDIRECT };

/* ORC_TYPE_* up to 6.3, and from 6.4 on. */
enum { OT_CALL, OT_REGS, OT_PARTIAL };
enum { NT_UNDEFINED, NT_END, NT_CALL, NT_REGS, NT_PARTIAL };

/* DWARF's numbers. */
enum { RAX = 0, RDX = 1, RDI = 5, RBP = 6, RSP = 7, R10 = 10, R13 = 13 };

struct row {
	const char *name;
	unsigned type, end, sp_reg, bp_reg;
	int sp_offset, bp_offset;
	struct orc_rule rule;
};

enum { BASE = 0x1000, STEP = 16, ROWS_MAX = 64 };

/* --- tables ---------------------------------------------------------------------------------- */

struct table {
	int32_t ip[ROWS_MAX];
	unsigned char entries[ROWS_MAX * 6];
	size_t n;
};

static void put_row(struct table *t, enum layout layout, uint64_t addr, const struct row *r)
{
	unsigned char *to = t->entries + t->n * 6;
	int16_t sp = (int16_t)r->sp_offset, bp = (int16_t)r->bp_offset;
	unsigned a = r->sp_reg & 15, b = r->bp_reg & 15;
	/* `signal` is set: it says nothing of the rule. */
	if (layout == V4_14)
		memcpy(to, &(struct orc_4_14){ sp, bp, a, b, r->type & 3 }, 6);
	else if (layout == V4_18)
		memcpy(to, &(struct orc_4_18){ sp, bp, a, b, r->type & 3, r->end & 1 }, 6);
	else if (layout == V6_3)
		memcpy(to, &(struct orc_6_3){ sp, bp, a, b, r->type & 3, 1, r->end & 1 }, 6);
	else
		memcpy(to, &(struct orc_6_4){ sp, bp, a, b, r->type & 7, 1 }, 6);
	t->ip[t->n] = (int32_t)(addr - (BASE + t->n * 4));
	t->n++;
}

static struct error *parse(const struct table *t, struct types *types, struct orc *ret)
{
	return orc_parse(t->ip, t->n * 4, BASE, t->entries, t->n * 6, types, ret);
}

#define CALL(reg, off) { .kind = ORC_KIND_CALL, .cfa_reg = reg, .cfa_offset = off }
#define REGS(reg, off) { .kind = ORC_KIND_REGS, .cfa_reg = reg, .cfa_offset = off }
#define PARTIAL(reg, off) { .kind = ORC_KIND_REGS_PARTIAL, .cfa_reg = reg, .cfa_offset = off }

static const struct row old_rows[] = {
	{ "rsp", OT_CALL, 0, O_SP, O_NONE, 8, 0, CALL(RSP, 8) },
	{ "rsp, rbp saved", OT_CALL, 0, O_SP, O_PREV_SP, 264, -16,
	  { ORC_KIND_CALL, RSP, 264, 0, -16, 1, 0 } },
	{ "rbp", OT_CALL, 0, O_BP, O_PREV_SP, 16, -16, { ORC_KIND_CALL, RBP, 16, 0, -16, 1, 0 } },
	{ "rbp at rbp", OT_CALL, 0, O_BP_INDIRECT, O_BP, -8, 0, { ORC_KIND_CALL, RBP, -8, 2, 0, 0, 1 } },
	{ "the old stack pointer at the top of the stack", OT_CALL, 0, O_SP_INDIRECT, O_PREV_SP, 8, -16,
	  { ORC_KIND_CALL, RSP, 8, 1, -16, 1, 0 } },
	{ "the same of entry code", OT_REGS, 0, O_SP_INDIRECT, O_NONE, 8, 0,
	  { .kind = ORC_KIND_REGS, .cfa_reg = RSP, .cfa_offset = 8, .cfa_deref = 2 } },
	{ "rdx", OT_REGS, 0, O_DX, O_NONE, 0, 0, REGS(RDX, 0) },
	{ "rdi", OT_REGS, 0, O_DI, O_NONE, 0, 0, REGS(RDI, 0) },
	{ "r10", OT_CALL, 0, O_R10, O_NONE, 0, 0, CALL(R10, 0) },
	{ "r13", OT_CALL, 0, O_R13, O_NONE, 0, 0, CALL(R13, 0) },
	{ "all registers", OT_REGS, 0, O_SP, O_NONE, 16, 0, REGS(RSP, 16) },
	{ "registers above the stack", OT_REGS, 0, O_SP, O_NONE, -32768, 0, REGS(RSP, -32768) },
	{ "the hardware's registers", OT_PARTIAL, 0, O_SP, O_NONE, 32767, 0, PARTIAL(RSP, 32767) },
	{ "`end` with a frame", OT_CALL, 1, O_SP, O_NONE, 8, 0, CALL(RSP, 8) },
	{ "the end", OT_CALL, 1, O_NONE, O_NONE, 0, 0, { .kind = ORC_KIND_END } },
	{ "unknown", OT_CALL, 0, O_NONE, O_NONE, 0, 0, { .kind = ORC_KIND_UNDEFINED } },
	{ "a type that there is not", 3, 0, O_SP, O_NONE, 8, 0, { .kind = ORC_KIND_UNDEFINED } },
	{ "the caller's stack pointer as base", OT_CALL, 0, O_PREV_SP, O_NONE, 8, 0,
	  { .kind = ORC_KIND_UNDEFINED } },
	{ "a base that there is not", OT_CALL, 0, 10, O_NONE, 8, 0, { .kind = ORC_KIND_UNDEFINED } },
	{ "rbp at a register that there is not", OT_CALL, 0, O_SP, O_R10, 8, -16,
	  { .kind = ORC_KIND_UNDEFINED } },
};

static const struct row new_rows[] = {
	{ "rsp", NT_CALL, 0, N_SP, N_NONE, 8, 0, CALL(RSP, 8) },
	{ "rsp, rbp saved", NT_CALL, 0, N_SP, N_PREV_SP, 264, -16, { ORC_KIND_CALL, RSP, 264, 0, -16, 1, 0 } },
	{ "rbp", NT_CALL, 0, N_BP, N_PREV_SP, 16, -16, { ORC_KIND_CALL, RBP, 16, 0, -16, 1, 0 } },
	{ "rbp at rbp", NT_CALL, 0, N_BP_INDIRECT, N_BP, -8, 0, { ORC_KIND_CALL, RBP, -8, 2, 0, 0, 1 } },
	{ "the old stack pointer at the top of the stack", NT_CALL, 0, N_SP_INDIRECT, N_PREV_SP, 8, -16,
	  { ORC_KIND_CALL, RSP, 8, 1, -16, 1, 0 } },
	{ "rax", NT_CALL, 0, N_AX, N_NONE, 0, 0, CALL(RAX, 0) },
	{ "rdx", NT_REGS, 0, N_DX, N_NONE, 0, 0, REGS(RDX, 0) },
	{ "rdi", NT_REGS, 0, N_DI, N_NONE, 0, 0, REGS(RDI, 0) },
	{ "r10", NT_CALL, 0, N_R10, N_NONE, 0, 0, CALL(R10, 0) },
	{ "r13", NT_CALL, 0, N_R13, N_NONE, 0, 0, CALL(R13, 0) },
	{ "all registers", NT_REGS, 0, N_SP, N_NONE, 16, 0, REGS(RSP, 16) },
	{ "the hardware's registers", NT_PARTIAL, 0, N_SP, N_NONE, 136, 0, PARTIAL(RSP, 136) },
	{ "the end", NT_END, 0, N_NONE, N_NONE, 0, 0, { .kind = ORC_KIND_END } },
	{ "unknown", NT_UNDEFINED, 0, N_NONE, N_NONE, 0, 0, { .kind = ORC_KIND_UNDEFINED } },
	{ "a call of which nothing is known", NT_CALL, 0, N_NONE, N_NONE, 0, 0,
	  { .kind = ORC_KIND_UNDEFINED } },
	{ "types that there are not", 5, 0, N_SP, N_NONE, 8, 0, { .kind = ORC_KIND_UNDEFINED } },
	{ "types that there are not", 7, 0, N_SP, N_NONE, 8, 0, { .kind = ORC_KIND_UNDEFINED } },
	{ "the caller's stack pointer as base", NT_CALL, 0, N_PREV_SP, N_NONE, 8, 0,
	  { .kind = ORC_KIND_UNDEFINED } },
	{ "a base that there is not", NT_CALL, 0, 11, N_NONE, 8, 0, { .kind = ORC_KIND_UNDEFINED } },
};

static bool same_rule(const struct orc_rule *a, const struct orc_rule *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind < ORC_KIND_CALL)
		return true;
	return a->cfa_reg == b->cfa_reg && a->cfa_offset == b->cfa_offset && a->cfa_deref == b->cfa_deref &&
	       a->rbp_saved == b->rbp_saved && a->rbp_deref == b->rbp_deref && a->rbp_offset == b->rbp_offset;
}

/* Many plain frames, which is what tells the registers' numbering, and each row once. */
static void test_rows(const char *name, enum layout layout, const struct row *rows, size_t n)
{
	struct types *types = types_of("orc_entry", 6, fields_of[layout]);
	struct table t = { .n = 0 };
	struct orc orc;
	for (size_t i = 0; i < n; i++)
		put_row(&t, layout, 0x100000 + i * STEP, &rows[i]);
	for (size_t i = 0; i < 8; i++)
		put_row(&t, layout, 0x100000 + (n + i) * STEP, &rows[0]);
	if (tap_ok(fine(parse(&t, types, &orc)) && orc.n == t.n, "%s", name)) {
		for (size_t i = 0; i < n; i++) {
			struct orc_rule want = rows[i].rule;
			if (layout == V4_14 && want.kind == ORC_KIND_END)
				want.kind = ORC_KIND_UNDEFINED;         /* it cannot say so */
			tap_ok(same_rule(&orc.entries[i].rule, &want), "%s: %s", name, rows[i].name);
		}
		orc_deinit(&orc);
	}
	types_destroy(types);
}

/* 6.4 to 7.0: the new types with the old numbers. */
static void test_middle(void)
{
	struct row rows[sizeof(old_rows) / sizeof(*old_rows)];
	size_t n = 0;
	for (size_t i = 0; i < sizeof(old_rows) / sizeof(*old_rows); i++) {
		if (old_rows[i].end || old_rows[i].type == 3)
			continue;
		rows[n] = old_rows[i];
		rows[n].type += NT_CALL;
		n++;
	}
	test_rows("6.4", V6_4, rows, n);
}

/* --- addresses ------------------------------------------------------------------------------- */

static const struct row plain = { "", NT_CALL, 0, O_SP, O_NONE, 8, 0, CALL(RSP, 8) };
static const struct row pushed = { "", NT_CALL, 0, O_SP, O_NONE, 16, 0, CALL(RSP, 16) };
static const struct row end_mark = { "", NT_UNDEFINED, 0, O_NONE, O_NONE, 0, 0, { .kind = ORC_KIND_UNDEFINED } };

/* The CFA's offset from rsp there, 0: no rule, -1: no entry. */
static int offset_at(const struct orc *orc, uint64_t addr)
{
	const struct orc_entry *e = orc_find(orc, addr);
	return !e ? -1 : e->rule.kind == ORC_KIND_CALL ? e->rule.cfa_offset : 0;
}

static void test_addresses(struct types *types)
{
	static const uint64_t kernel = 0xffffffff81000000;
	struct table t = { .n = 0 };
	struct orc orc;
	put_row(&t, V6_4, 0x2000, &plain);
	put_row(&t, V6_4, 0x2001, &pushed);
	put_row(&t, V6_4, 0x2010, &end_mark);
	put_row(&t, V6_4, 0x2020, &plain);
	put_row(&t, V6_4, 0x2030, &end_mark);
	if (!tap_ok(fine(parse(&t, types, &orc)), "five entries"))
		return;
	tap_ok(offset_at(&orc, 0x1fff) == -1 && offset_at(&orc, 0) == -1, "nothing before the first");
	tap_ok(offset_at(&orc, 0x2000) == 8 && offset_at(&orc, 0x2001) == 16 && offset_at(&orc, 0x200f) == 16,
	       "each from its address to the next");
	tap_ok(offset_at(&orc, 0x2010) == 0 && offset_at(&orc, 0x201f) == 0 && offset_at(&orc, 0x2020) == 8,
	       "the end of a section is an entry");
	tap_ok(offset_at(&orc, 0x2030) == -1 && offset_at(&orc, UINT64_MAX) == -1, "nothing behind the last");
	orc_deinit(&orc);
	/* As linked: in the kernel's half, before and behind the table. */
	t.n = 0;
	for (int i = 0; i < 4; i++) {
		uint64_t addr = kernel + (uint64_t)i * 0x10000000;
		put_row(&t, V6_4, addr, &plain);
		t.ip[i] = (int32_t)(addr - (kernel + 0x20000000 + (uint64_t)i * 4));
	}
	struct error *err = orc_parse(t.ip, 16, kernel + 0x20000000, t.entries, 24, types, &orc);
	if (tap_ok(fine(err), "a kernel's addresses")) {
		tap_is_u64(orc.entries[0].start, kernel, "before the table");
		tap_is_u64(orc.entries[3].start, kernel + 0x30000000, "behind the table");
		orc_deinit(&orc);
	}
}

/* Before 5.6 the kernel sorted at boot. */
static void test_unsorted(struct types *types)
{
	static const unsigned order[] = { 7, 2, 9, 0, 4, 1, 8, 6, 3, 5 };
	struct table t = { .n = 0 };
	struct orc orc;
	bool right = true;
	for (unsigned i = 0; i < 10; i++)
		put_row(&t, V6_4, 0x3000 + order[i] * STEP, order[i] % 2 ? &pushed : &plain);
	if (tap_ok(fine(parse(&t, types, &orc)), "tables that are not sorted")) {
		for (unsigned i = 0; i < 9; i++)
			right &= offset_at(&orc, 0x3000 + i * STEP) == (i % 2 ? 16 : 8) &&
				 orc.entries[i].end == 0x3000 + (i + 1) * STEP;
		tap_ok(right, "are sorted, each with its rule");
		orc_deinit(&orc);
	}
	/* The mark behind one file's code is at the start of the next one's. */
	for (int swap = 0; swap < 2; swap++) {
		t.n = 0;
		put_row(&t, V6_4, 0x4020, &end_mark);
		put_row(&t, V6_4, 0x4000, &plain);
		put_row(&t, V6_4, 0x4010, swap ? &pushed : &end_mark);
		put_row(&t, V6_4, 0x4010, swap ? &end_mark : &pushed);
		if (tap_ok(fine(parse(&t, types, &orc)), "an end mark and code at one address")) {
			tap_ok(offset_at(&orc, 0x4010) == 16, "it is the code's rule");
			orc_deinit(&orc);
		}
	}
	t.n = 0;
	put_row(&t, V6_4, 0x4000, &plain);
	put_row(&t, V6_4, 0x4010, &pushed);
	put_row(&t, V6_4, 0x4010, &end_mark);
	put_row(&t, V6_4, 0x4020, &end_mark);
	if (tap_ok(fine(parse(&t, types, &orc)), "the same but for that in order")) {
		tap_ok(offset_at(&orc, 0x4010) == 16, "it is the code's rule");
		orc_deinit(&orc);
	}
}

/* --- refused --------------------------------------------------------------------------------- */

static bool refused(struct error *err, enum error_code code, struct orc *orc)
{
	bool right = err && err->code == code;
	if (err)
		tap_diag("%s", err->text);
	else
		orc_deinit(orc);
	error_free(err);
	return right;
}

static void test_unknown_structs(void)
{
	static const struct {
		const char *what, *name;
		unsigned size;
		struct orc_field fields[8];
	} structs[] = {
		{ "no struct orc_entry", "orc_entries", 6, { { "type", 40, 3 } } },
		{ "one without a type", "orc_entry", 6, { { "sp_offset", 0, 0 }, { "bp_offset", 16, 0 },
		  { "sp_reg", 32, 4 }, { "bp_reg", 36, 4 } } },
		{ "one of 4 bits of type", "orc_entry", 6, { { "sp_offset", 0, 0 }, { "bp_offset", 16, 0 },
		  { "sp_reg", 32, 4 }, { "bp_reg", 36, 4 }, { "type", 40, 4 } } },
		{ "one of both times", "orc_entry", 6, { { "sp_offset", 0, 0 }, { "bp_offset", 16, 0 },
		  { "sp_reg", 32, 4 }, { "bp_reg", 36, 4 }, { "type", 40, 3 }, { "end", 43, 1 } } },
		{ "one of more registers", "orc_entry", 6, { { "sp_offset", 0, 0 }, { "bp_offset", 16, 0 },
		  { "sp_reg", 32, 5 }, { "bp_reg", 37, 4 }, { "type", 41, 3 } } },
		{ "one of another architecture", "orc_entry", 8, { { "sp_offset", 0, 0 }, { "fp_offset", 16, 0 },
		  { "ra_offset", 32, 0 }, { "sp_reg", 48, 4 }, { "fp_reg", 52, 4 }, { "ra_reg", 56, 4 },
		  { "type", 60, 3 } } },
		{ "a larger one", "orc_entry", 12, { { "sp_offset", 0, 0 }, { "bp_offset", 16, 0 },
		  { "sp_reg", 64, 4 }, { "bp_reg", 68, 4 }, { "type", 72, 3 } } },
		{ "one whose members are outside of it", "orc_entry", 4, { { "sp_offset", 0, 0 },
		  { "bp_offset", 16, 0 }, { "sp_reg", 32, 4 }, { "bp_reg", 36, 4 }, { "type", 40, 3 } } },
		{ "an empty one", "orc_entry", 0, { { NULL, 0, 0 } } },
	};
	struct table t = { .n = 0 };
	struct orc orc;
	for (int i = 0; i < 8; i++)
		put_row(&t, V6_4, 0x2000 + (uint64_t)i, &plain);
	for (size_t i = 0; i < sizeof(structs) / sizeof(*structs); i++) {
		struct types *types = types_of(structs[i].name, structs[i].size, structs[i].fields);
		struct error *err = orc_parse(t.ip, 16, BASE, t.entries, 4ul * structs[i].size, types, &orc);
		tap_ok(refused(err, ERROR_UNSUPPORTED, &orc), "%s is refused", structs[i].what);
		types_destroy(types);
	}
	tap_ok(refused(parse(&t, NULL, &orc), ERROR_UNSUPPORTED, &orc), "no types at all");
}

static void test_unknown_numbers(struct types *types)
{
	struct row row = plain;
	struct orc orc;
	for (unsigned reg = 0; reg < 16; reg++) {
		struct table t = { .n = 0 };
		row.sp_reg = reg;
		for (unsigned i = 0; i < 8; i++)
			put_row(&t, V6_4, 0x2000 + i, &row);
		put_row(&t, V6_4, 0x2100, &end_mark);
		if (reg == O_SP || reg == N_SP)
			continue;
		tap_ok(refused(parse(&t, types, &orc), ERROR_UNSUPPORTED, &orc),
		       "a kernel whose stack pointer is number %u is refused", reg);
	}
}

/* In memory of exactly that size, for ASan to watch. */
static bool parse_bytes(struct types *types, const struct table *t, size_t ip_len, size_t table_len)
{
	_cleanup_free_ char *ip = malloc(ip_len ? ip_len : 1), *entries = malloc(table_len ? table_len : 1);
	struct orc orc;
	memcpy(ip, t->ip, ip_len);
	memcpy(entries, t->entries, table_len);
	struct error *err = orc_parse(ip, ip_len, BASE, entries, table_len, types, &orc);
	if (!err) {
		for (uint64_t addr = 0x1ff0; addr < 0x2100; addr++)
			offset_at(&orc, addr);
		orc_deinit(&orc);
	}
	bool taken = !err;
	error_free(err);
	return taken;
}

static void test_damage(struct types *types)
{
	struct table whole = { .n = 0 }, t;
	unsigned taken = 0, tried = 0;
	uint32_t seed = 1;
	for (unsigned i = 0; i < 8; i++)
		put_row(&whole, V6_4, 0x2000 + i * STEP, i % 2 ? &pushed : &plain);
	for (size_t ip_len = 0; ip_len <= 32; ip_len++)
		for (size_t table_len = 0; table_len <= 48; table_len++)
			taken += parse_bytes(types, &whole, ip_len, table_len) &&
				 (ip_len % 4 || !ip_len || table_len != ip_len / 4 * 6);
	tap_is_u64(taken, 0, "tables that are cut, empty or of different lengths are refused");
	taken = 0;
	for (int i = 0; i < 5000; i++, tried++) {
		t = whole;
		for (int k = 0; k < 4; k++) {
			seed = seed * 1664525 + 1013904223;
			((unsigned char *)t.entries)[(seed >> 8) % 48] = (unsigned char)(seed >> 24);
			seed = seed * 1664525 + 1013904223;
			((unsigned char *)t.ip)[(seed >> 8) % 32] = (unsigned char)(seed >> 24);
		}
		taken += parse_bytes(types, &t, 32, 48);
	}
	tap_ok(taken, "damaged tables: %u of %u still make sense", taken, tried);
}

int main(void)
{
	static const size_t old_n = sizeof(old_rows) / sizeof(*old_rows);
	test_rows("4.14", V4_14, old_rows, old_n);
	test_rows("4.18 to 6.2", V4_18, old_rows, old_n);
	test_rows("6.3", V6_3, old_rows, old_n);
	test_middle();
	test_rows("7.1", V6_4, new_rows, sizeof(new_rows) / sizeof(*new_rows));
	struct types *types = types_of("orc_entry", 6, fields_of[V6_4]);
	test_addresses(types);
	test_unsorted(types);
	test_unknown_structs();
	test_unknown_numbers(types);
	test_damage(types);
	types_destroy(types);
	return tap_done();
}

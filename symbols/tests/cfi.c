/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwind rules of a compiler and of ORC merged for the functions of frames.c and frames-asm.S.
 * libdw reads the result at every byte; what it must say is the compiler's own rule, or ORC's,
 * as this test wrote it down.
 */
#include "symbols/cfi.h"

#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>

#include "symbols/companion.h"
#include "symbols/tests/trees.h"

enum { RBX = 3, RBP = 6, RSP = 7, R12 = 12, R15 = 15, RIP = 16, REGS = 17, TEXT_MAX = 4096, RULE_LEN = 400 };

static char root[] = "/tmp/kstub-test-XXXXXX";
static char fixture[4096];
static struct symbols *symbols;
static struct elf_file file;
static const void *frame;
static size_t frame_len, frame_index;
static uint64_t text_start, text_end;

/* --- rules as text ---------------------------------------------------------------------------- */

struct reader {
	struct elf_file file;
	Dwarf *dwarf;
	Dwarf_CFI *cfi;
};

static bool reader_open(struct reader *r, const char *path)
{
	*r = (struct reader){ .file = { .fd = -1 } };
	if (!fine(elf_file_open(path, &r->file)))
		return false;
	r->dwarf = dwarf_begin_elf(r->file.elf, DWARF_C_READ, NULL);
	r->cfi = r->dwarf ? dwarf_getcfi(r->dwarf) : NULL;
	return r->cfi;
}

static void reader_close(struct reader *r)
{
	if (r->dwarf)
		dwarf_end(r->dwarf);
	elf_file_close(&r->file);
}

static size_t put_ops(char *ret, size_t at, const Dwarf_Op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(ret + at, RULE_LEN - at, "%02x(%ld,%ld) ", ops[i].atom,
				       (long)ops[i].number, (long)ops[i].number2);
	return at;
}

/* The rule of one register, or of the CFA with reg -1: "" none, "u" undefined, "s" same value. */
static void rule_text(Dwarf_Frame *f, int reg, char *ret)
{
	Dwarf_Op memory[3], *ops = NULL;
	size_t n = 0;
	ret[0] = '\0';
	if (reg < 0 ? dwarf_frame_cfa(f, &ops, &n) : dwarf_frame_register(f, reg, memory, &ops, &n))
		strcpy(ret, "error");
	else if (n)
		put_ops(ret, 0, ops, n);
	else if (reg >= 0)
		strcpy(ret, ops == memory ? "u" : "s");
}

/* False when nothing covers `pc`. */
static bool rule_at(struct reader *r, uint64_t pc, int reg, char *ret, bool *signal_ret)
{
	Dwarf_Frame *f = NULL;
	Dwarf_Addr start, end;
	bool signal = false;
	strcpy(ret, "no frame");
	if (dwarf_cfi_addrframe(r->cfi, pc, &f))
		return false;
	dwarf_frame_info(f, &start, &end, &signal);
	rule_text(f, reg, ret);
	free(f);
	if (signal_ret)
		*signal_ret = signal;
	return true;
}

static bool has_rule(struct reader *r, uint64_t pc, int reg, const char *want)
{
	char text[RULE_LEN];
	rule_at(r, pc, reg, text, NULL);
	if (strcmp(text, want))
		tap_diag("at %lx register %d: %s, not %s", (unsigned long)pc, reg, text, want);
	return !strcmp(text, want);
}

/* As libdw tells about "register plus offset" and "at the CFA plus offset". */
static const char *base_rule(char *ret, int reg, long offset)
{
	put_ops(ret, 0, &(Dwarf_Op){ .atom = DW_OP_bregx, .number = (Dwarf_Word)reg, .number2 = (Dwarf_Word)offset }, 1);
	return ret;
}

static const char *saved_rule(char *ret, long offset)
{
	Dwarf_Op ops[] = { { .atom = DW_OP_call_frame_cfa },
			   { .atom = DW_OP_plus_uconst, .number = (Dwarf_Word)offset } };
	put_ops(ret, 0, ops, offset ? 2 : 1);
	return ret;
}

static bool is_base(struct reader *r, uint64_t pc, int reg, long offset)
{
	char want[RULE_LEN];
	return has_rule(r, pc, -1, base_rule(want, reg, offset));
}

static bool is_saved(struct reader *r, uint64_t pc, int reg, long offset)
{
	char want[RULE_LEN];
	return has_rule(r, pc, reg, saved_rule(want, offset));
}

static bool is_expression(struct reader *r, uint64_t pc, const Dwarf_Op *ops, size_t n)
{
	char want[RULE_LEN];
	put_ops(want, 0, ops, n);
	return has_rule(r, pc, -1, want);
}

/* True when all registers' rules (and the CFA's) are the compiler's. */
static bool same_rules(struct reader *got, struct reader *compiler, uint64_t pc, bool with_cfa, int but)
{
	char a[RULE_LEN], b[RULE_LEN];
	for (int reg = with_cfa ? -1 : 0; reg < REGS; reg++) {
		if (reg == RSP || reg == but)
			continue;
		rule_at(got, pc, reg, a, NULL);
		rule_at(compiler, pc, reg, b, NULL);
		if (strcmp(a, b)) {
			tap_diag("at %lx register %d: %s, not %s", (unsigned long)pc, reg, a, b);
			return false;
		}
	}
	return true;
}

/* --- ORC ------------------------------------------------------------------------------------- */

static uint64_t address(const char *name)
{
	struct symbol s;
	if (!symbols_lookup(symbols, name, &s)) {
		printf("Bail out! no symbol %s\n", name);
		exit(99);
	}
	return s.addr;
}

/* One entry a byte; the merging has to put together what belongs together. */
static struct orc_entry entries[TEXT_MAX];
static struct orc orc = { entries, 0 };

static void orc_set(const char *from, const char *to, struct orc_rule rule)
{
	for (uint64_t pc = address(from); pc < address(to); pc++)
		entries[pc - text_start].rule = rule;
}

/* What the compiler says where that is as simple as ORC: an agreeing ORC. */
static void orc_agree(struct reader *compiler)
{
	orc.n = text_end - text_start;
	for (uint64_t pc = text_start; pc < text_end; pc++) {
		struct orc_entry *e = &entries[pc - text_start];
		Dwarf_Frame *f = NULL;
		Dwarf_Op *ops;
		size_t n;
		*e = (struct orc_entry){ pc, pc + 1, { .kind = ORC_KIND_UNDEFINED } };
		if (dwarf_cfi_addrframe(compiler->cfi, pc, &f))
			continue;
		if (!dwarf_frame_cfa(f, &ops, &n) && n == 1 && ops[0].atom == DW_OP_bregx)
			e->rule = (struct orc_rule){ .kind = ORC_KIND_CALL, .cfa_reg = (int)ops[0].number,
						     .cfa_offset = (int)ops[0].number2 };
		free(f);
	}
}

/* The merged section as a file, which libdw reads back. */
static bool merge(struct elf_file *f, const void *bytes, size_t len, const struct orc *o, struct reader *ret,
		  struct cfi_stats *stats)
{
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	char path[128];
	snprintf(path, sizeof(path), "%s/merged", root);
	return fine(cfi_merge(f, bytes, len, o, &b, stats)) && fine(companion_write(root, "merged", &b)) &&
	       reader_open(ret, path);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void test_agree(struct reader *compiler)
{
	struct reader r;
	struct cfi_stats stats;
	bool same = true, silent = true;
	char text[RULE_LEN];
	orc_agree(compiler);
	if (!tap_ok(merge(&file, frame, frame_len, &orc, &r, &stats), "an ORC that agrees"))
		return;
	tap_ok(stats.kept > 8 && !stats.remade && !stats.corrected, "changes no function");
	for (uint64_t pc = text_start; pc < text_end; pc++) {
		if (rule_at(compiler, pc, -1, text, NULL))
			same &= same_rules(&r, compiler, pc, true, -1);
		else
			silent &= has_rule(&r, pc, RIP, "u") && is_base(&r, pc, RSP, 8);
	}
	tap_ok(same, "every byte has the compiler's rule");
	tap_ok(silent, "where nobody knows, a stack ends");
	reader_close(&r);
}

static bool lies_in(const char *from, const char *to, uint64_t pc)
{
	return pc >= address(from) && pc < address(to);
}

static const struct orc_rule switched = { .kind = ORC_KIND_CALL, .cfa_reg = RSP, .cfa_offset = 64, .cfa_deref = 1 };

/*
 * gdb takes a frame that lies below the one before for the end of the stack, unless it is a signal
 * frame or that of an inlined call, which keeps its name.
 */
static void check_signals(struct reader *r, uint64_t middle)
{
	bool switched = true, others = false, signal = false;
	char text[RULE_LEN];
	for (uint64_t pc = text_start; pc < text_end; pc++) {
		if (!rule_at(r, pc, -1, text, &signal))
			continue;
		if (pc == middle || lies_in("frames_switched_from", "frames_switched_to", pc))
			switched &= signal;
		else
			others |= signal;
	}
	tap_ok(switched, "a call on another stack is a signal's frame");
	tap_ok(!others, "one that is inlined is none, nor any other");
}

/* Where inline assembly pushes or is on another stack: ORC's CFA, the compiler's registers. */
static void test_corrections(struct reader *compiler)
{
	static const Dwarf_Op deref[] = { { .atom = DW_OP_breg7 }, { .atom = DW_OP_deref },
					  { .atom = DW_OP_consts, .number = 64 }, { .atom = DW_OP_plus } };
	uint64_t pushed = address("frames_pushed_from"), pushed_end = address("frames_pushed_to");
	struct reader r;
	struct cfi_stats stats;
	orc_agree(compiler);
	int depth = entries[pushed - text_start].rule.cfa_offset + 8;
	orc_set("frames_pushed_from", "frames_pushed_to",
		(struct orc_rule){ .kind = ORC_KIND_CALL, .cfa_reg = RSP, .cfa_offset = depth, .rbp_saved = 1,
				   .rbp_offset = -depth });
	orc_set("frames_switched_from", "frames_switched_to", switched);
	orc_set("frames_inlined_from", "frames_inlined_to", switched);
	/* In a function whose other rows are expressions. */
	uint64_t middle = address("frames_aligned") + 0x30;
	entries[middle - text_start].rule = switched;
	if (!tap_ok(merge(&file, frame, frame_len, &orc, &r, &stats), "an ORC that knows of inline assembly"))
		return;
	tap_ok(stats.remade == 4 && stats.corrected == 4, "four functions are made anew");
	bool cfa = true, rbp = true, others = true;
	for (uint64_t pc = pushed; pc < pushed_end; pc++) {
		cfa &= is_base(&r, pc, RSP, depth);
		rbp &= is_saved(&r, pc, RBP, -depth);
		others &= same_rules(&r, compiler, pc, false, RBP);
	}
	tap_ok(cfa, "a push: ORC's frame");
	tap_ok(rbp, "a push of rbp: ORC knows where it is");
	tap_ok(others, "the other registers are where the compiler put them");
	cfa = others = true;
	for (uint64_t pc = address("frames_switched_from"); pc < address("frames_switched_to"); pc++) {
		cfa &= is_expression(&r, pc, deref, 4);
		others &= same_rules(&r, compiler, pc, false, -1);
	}
	tap_ok(cfa, "on another stack: the frame is found through its top");
	tap_ok(others, "the registers are where the compiler put them");
	tap_ok(is_expression(&r, middle, deref, 4), "the same among expressions");
	check_signals(&r, middle);
	bool rest = true;
	char text[RULE_LEN];
	for (uint64_t pc = text_start; pc < text_end; pc++)
		if (rule_at(compiler, pc, -1, text, NULL) && pc != middle &&
		    !lies_in("frames_pushed_from", "frames_pushed_to", pc) &&
		    !lies_in("frames_switched_from", "frames_switched_to", pc) &&
		    !lies_in("frames_inlined_from", "frames_inlined_to", pc))
			rest &= same_rules(&r, compiler, pc, true, -1);
	tap_ok(rest, "all other bytes have the compiler's rule");
	reader_close(&r);
}

/* gdb takes the address before the one that a call pushed: all of a function has its rule. */
static void test_last_byte(struct reader *compiler)
{
	static const char *const names[] = { "frames_outside", "frames_no_return", "frames_saved", "frames_aligned",
					     "frames_of_size", "frames_pushed", "frames_switched",
					     "frames_stopped", "_start" };
	struct reader r;
	struct cfi_stats stats;
	orc_agree(compiler);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		entries[address(names[i]) + 1 - text_start].rule = switched;     /* all are made anew */
	if (!tap_ok(merge(&file, frame, frame_len, &orc, &r, &stats), "every function made anew"))
		return;
	tap_ok(stats.remade == sizeof(names) / sizeof(*names), "all of them");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct symbol s;
		bool good = symbols_lookup(symbols, names[i], &s) && s.size > 2;
		for (uint64_t pc = s.addr; pc < s.addr + s.size; pc++)
			good &= pc == s.addr + 1 || same_rules(&r, compiler, pc, true, -1);
		tap_ok(good, "%s has its rules to its last byte", names[i]);
	}
	reader_close(&r);
}

static bool are_undefined(struct reader *r, uint64_t pc)
{
	bool good = has_rule(r, pc, RBX, "u");
	for (int reg = R12; reg <= R15; reg++)
		good &= has_rule(r, pc, reg, "u");
	return good;
}

/* Where only ORC speaks. */
static void test_assembly(struct reader *compiler)
{
	static const unsigned char pt_regs[][2] = { { 15, 0 }, { 14, 8 }, { 13, 16 }, { 12, 24 }, { 6, 32 }, { 3, 40 },
						    { 11, 48 }, { 10, 56 }, { 9, 64 }, { 8, 72 }, { 0, 80 }, { 2, 88 },
						    { 1, 96 }, { 4, 104 }, { 5, 112 }, { 16, 128 }, { 7, 152 },
						    { 51, 136 }, { 49, 144 }, { 52, 160 } };
	struct reader r;
	struct cfi_stats stats;
	bool good = true, signal = false;
	char text[RULE_LEN];
	orc_agree(compiler);
	orc_set("frames_asm", "frames_asm_end", (struct orc_rule){ .kind = ORC_KIND_CALL, .cfa_reg = RSP, .cfa_offset = 8 });
	orc_set("frames_asm_pushed", "frames_asm_popped",
		(struct orc_rule){ .kind = ORC_KIND_CALL, .cfa_reg = RSP, .cfa_offset = 16, .rbp_saved = 1, .rbp_offset = -16 });
	orc_set("frames_entry", "frames_entry_pushed",
		(struct orc_rule){ .kind = ORC_KIND_REGS_PARTIAL, .cfa_reg = RSP, .cfa_offset = 8 });
	orc_set("frames_entry_pushed", "frames_entry_end",
		(struct orc_rule){ .kind = ORC_KIND_REGS, .cfa_reg = RSP, .cfa_offset = -16 });
	orc_set("frames_first", "frames_first_end", (struct orc_rule){ .kind = ORC_KIND_END });
	if (!tap_ok(merge(&file, frame, frame_len, &orc, &r, &stats), "an ORC that knows of assembly"))
		return;
	tap_ok(!stats.remade && stats.orc_only >= 4, "rules are added");
	uint64_t pushed = address("frames_asm_pushed"), popped = address("frames_asm_popped");
	for (uint64_t pc = address("frames_asm"); pc < address("frames_asm_end"); pc++) {
		bool inside = pc >= pushed && pc < popped;
		good &= is_base(&r, pc, RSP, inside ? 16 : 8) && is_saved(&r, pc, RIP, -8) && are_undefined(&r, pc) &&
			(inside ? is_saved(&r, pc, RBP, -16) : has_rule(&r, pc, RBP, "s"));
		good &= rule_at(&r, pc, RIP, text, &signal) && !signal;
	}
	tap_ok(good, "a function: what ORC does not follow is undefined");
	good = true;
	for (uint64_t pc = address("frames_entry"); pc < address("frames_entry_pushed"); pc++)
		good &= is_base(&r, pc, RSP, 8) && is_saved(&r, pc, RIP, 0) && is_saved(&r, pc, RSP, 24) &&
			is_saved(&r, pc, 51, 8) && is_saved(&r, pc, 49, 16) && is_saved(&r, pc, 52, 32) &&
			rule_at(&r, pc, RIP, text, &signal) && signal;
	tap_ok(good, "the hardware's registers are a signal's frame");
	good = true;
	for (uint64_t pc = address("frames_entry_pushed"); pc < address("frames_entry_end"); pc++) {
		good &= is_base(&r, pc, RSP, -16) && rule_at(&r, pc, RIP, text, &signal) && signal;
		for (size_t i = 0; i < sizeof(pt_regs) / sizeof(*pt_regs); i++)
			good &= is_saved(&r, pc, pt_regs[i][0], pt_regs[i][1]);
	}
	tap_ok(good, "all registers are a signal's frame with each in its place");
	good = true;
	for (uint64_t pc = address("frames_first"); pc < address("frames_first_end"); pc++)
		good &= is_base(&r, pc, RSP, 8) && has_rule(&r, pc, RIP, "u");
	tap_ok(good, "a stack's first function has no caller, but a frame");
	reader_close(&r);
}

/* Odd numbers are in no kernel, but in hostile tables. */
static void test_odd(void)
{
	static const struct orc_rule odd = { .kind = ORC_KIND_CALL, .cfa_reg = RSP, .cfa_offset = -13, .rbp_saved = 1,
					     .rbp_offset = -7 };
	static const Dwarf_Op cfa[] = { { .atom = DW_OP_breg7, .number = (Dwarf_Word)-13 } };
	static const struct orc_rule at_rbp = { .kind = ORC_KIND_CALL, .cfa_reg = RBP, .cfa_offset = -8, .cfa_deref = 2,
						.rbp_deref = 1, .rbp_offset = -24 };
	static const Dwarf_Op deref[] = { { .atom = DW_OP_breg6, .number = (Dwarf_Word)-8 }, { .atom = DW_OP_deref } };
	struct reader r;
	struct cfi_stats stats;
	struct orc_entry e[] = { { text_start, text_start + 8, odd }, { text_start + 8, text_start + 16, at_rbp } };
	if (!tap_ok(merge(&file, NULL, 0, &(struct orc){ e, 2 }, &r, &stats), "no compiler's rules at all"))
		return;
	char text[RULE_LEN], want[RULE_LEN];
	tap_ok(is_expression(&r, text_start, cfa, 1), "an odd frame is computed");
	Dwarf_Op place[] = { { .atom = DW_OP_call_frame_cfa }, { .atom = DW_OP_consts, .number = (Dwarf_Word)-7 },
			     { .atom = DW_OP_plus } };
	put_ops(want, 0, place, 3);
	tap_ok(has_rule(&r, text_start, RBP, want), "and an odd place");
	tap_ok(is_expression(&r, text_start + 8, deref, 2), "a realigned stack's frame");
	rule_at(&r, text_start + 8, RBP, text, NULL);
	put_ops(want, 0, (Dwarf_Op[]){ { .atom = DW_OP_call_frame_cfa },
				       { .atom = DW_OP_breg6, .number = (Dwarf_Word)-24 } }, 2);
	tap_is_str(text, want, "and its rbp");
	reader_close(&r);
}

/* An entry begins before a function and goes on behind it, over others. */
static void test_long_entries(struct reader *compiler)
{
	struct reader r;
	struct cfi_stats stats;
	uint64_t from = address("frames_pushed") - 4, to = address("frames_stopped") + 2;
	struct orc_entry e[] = {
		{ text_start, from, { .kind = ORC_KIND_UNDEFINED } },
		{ from, to, { .kind = ORC_KIND_CALL, .cfa_reg = RSP, .cfa_offset = 4096 } },
	};
	if (!tap_ok(merge(&file, frame, frame_len, &(struct orc){ e, 2 }, &r, &stats), "an entry over functions"))
		return;
	bool good = true;
	for (uint64_t pc = from; pc < to; pc++)
		good &= is_base(&r, pc, RSP, 4096);
	tap_ok(good, "corrects all of them, and the gaps");
	tap_ok(same_rules(&r, compiler, to, true, -1) && same_rules(&r, compiler, address("frames_of_size"), true, -1),
	       "and nothing before and behind");
	reader_close(&r);
}

/* A frame of registers within a function that the compiler covers: an annotation said so. */
static void test_registers_within(struct reader *compiler)
{
	struct reader r;
	struct cfi_stats stats;
	bool signal = false;
	char text[RULE_LEN];
	uint64_t pc = address("frames_saved") + 8;
	orc_agree(compiler);
	entries[pc - text_start].rule = (struct orc_rule){ .kind = ORC_KIND_REGS, .cfa_reg = RSP, .cfa_offset = 32 };
	if (!tap_ok(merge(&file, frame, frame_len, &orc, &r, &stats), "registers on the stack of a C function"))
		return;
	tap_ok(is_base(&r, pc, RSP, 32) && is_saved(&r, pc, RIP, 128) && is_saved(&r, pc, RBX, 40) &&
	       rule_at(&r, pc, -1, text, &signal) && signal, "are a signal's frame there");
	tap_ok(same_rules(&r, compiler, pc - 1, true, -1) && same_rules(&r, compiler, pc + 1, true, -1) &&
	       rule_at(&r, pc + 1, -1, text, &signal) && !signal, "and not before and behind");
	reader_close(&r);
}

/* --- damage ---------------------------------------------------------------------------------- */

static struct bytes image;
static size_t frame_at;

static uint32_t u32_at(size_t at)
{
	uint32_t value;
	memcpy(&value, image.data + frame_at + at, 4);
	return value;
}

/* Offset of FDE number n in the section. */
static size_t fde_at(unsigned n)
{
	size_t at = 0;
	for (;; at += 4 + u32_at(at))
		if (u32_at(at + 4) != UINT32_MAX && !n--)
			return at;
}

/* Merges the fixture with this change to its frame section; true and the reader when it was taken. */
static bool merge_changed(size_t at, const void *bytes, size_t len, struct reader *ret)
{
	char path[128], old[64];
	struct elf_file f = { .fd = -1 };
	struct cfi_stats stats;
	const void *data;
	size_t data_len;
	memcpy(old, image.data + frame_at + at, len);
	memcpy(image.data + frame_at + at, bytes, len);
	tree_put(root, "changed", image.data, image.len);
	memcpy(image.data + frame_at + at, old, len);
	snprintf(path, sizeof(path), "%s/changed", root);
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	bool good = fine(elf_file_open(path, &f)) && fine(elf_file_data(&f, frame_index, &data, &data_len));
	struct error *refused = good ? cfi_merge(&f, data, data_len, &orc, &b, &stats) : NULL;
	good = good && (refused ? refused->code == ERROR_UNSUPPORTED : fine(companion_write(root, "merged", &b)));
	if (!good)
		tap_ok(false, "a changed frame section");
	good = good && !refused;
	error_free(refused);
	elf_file_close(&f);
	snprintf(path, sizeof(path), "%s/merged", root);
	return good && reader_open(ret, path);
}

static void test_ranges(struct reader *compiler)
{
	struct reader r;
	uint64_t zero = 0, all = text_end - text_start, far = UINT64_MAX;
	uint64_t outside = address("frames_outside"), saved = address("frames_saved");
	char text[RULE_LEN];
	orc_agree(compiler);
	orc_set("frames_switched_from", "frames_switched_to", switched);
	if (tap_ok(merge_changed(fde_at(2) + 16, &zero, 8, &r), "a function of no size")) {
		tap_ok(is_base(&r, saved, RSP, 8) && are_undefined(&r, saved), "has ORC's rules");
		tap_ok(same_rules(&r, compiler, outside, true, -1), "the others have theirs");
		reader_close(&r);
	}
	if (tap_ok(merge_changed(fde_at(0) + 16, &all, 8, &r), "a function as large as all others")) {
		tap_ok(rule_at(&r, address("frames_asm"), -1, text, NULL) && *text, "covers what is silent");
		reader_close(&r);
	}
	if (tap_ok(merge_changed(fde_at(0) + 16, &far, 8, &r), "a function as large as memory"))
		reader_close(&r);
	if (tap_ok(merge_changed(fde_at(1) + 8, &saved, 8, &r), "two functions at one address")) {
		tap_ok(rule_at(&r, saved, -1, text, NULL) && *text, "have a rule");
		reader_close(&r);
	}
}

static void test_damage(struct reader *compiler)
{
	static const struct {
		const char *what;
		unsigned fde, at;
		uint32_t value;
	} bad[] = {
		{ "64-bit DWARF", 0, 0, 0xffffffff },
		{ "an entry longer than the section", 3, 0, 0x10000 },
		{ "an entry of no length", 2, 0, 0 },
		{ "an entry too short for its addresses", 2, 0, 8 },
		{ "a CIE that there is not", 1, 4, 0x7ffffffc },
		{ "a CIE that is none", 1, 4, 0x18 },
		{ "a CIE at an odd place", 1, 4, 2 },
	};
	struct reader r;
	orc_agree(compiler);
	orc_set("frames_switched_from", "frames_switched_to", switched);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		tap_ok(!merge_changed(fde_at(bad[i].fde) + bad[i].at, &bad[i].value, 4, &r), "%s is refused",
		       bad[i].what);
	unsigned taken = 0, without_cfa = 0;
	uint32_t seed = 1;
	for (int i = 0; i < 500; i++) {
		seed = seed * 1664525 + 1013904223;
		size_t at = (seed >> 8) % (frame_len - 4);
		seed = seed * 1664525 + 1013904223;
		unsigned char byte = (unsigned char)(seed >> 24);
		if (!merge_changed(at, &byte, 1, &r))
			continue;
		taken++;
		for (uint64_t pc = address("frames_switched"); pc < address("frames_stopped"); pc++) {
			char text[RULE_LEN];
			without_cfa += rule_at(&r, pc, -1, text, NULL) && !*text;
		}
		reader_close(&r);
	}
	tap_ok(taken, "a damaged section: %u of 500 still make sense, %u addresses without a frame", taken, without_cfa);
}

static bool open_fixture(void)
{
	fixture_path("frames.elf", fixture, sizeof(fixture));
	if (!fine(symbols_open(fixture, &symbols)) || !fine(elf_file_open(fixture, &file)))
		return false;
	const struct section *text = symbols_section(symbols, ".text");
	const struct section *s = symbols_section(symbols, ".debug_frame");
	if (!text || !s || text->size > TEXT_MAX)
		return false;
	text_start = text->addr;
	text_end = text->addr + text->size;
	frame_index = (size_t)(s - symbols_sections(symbols, &(size_t){ 0 }));
	frame_at = s->offset;
	return fine(elf_file_data(&file, frame_index, &frame, &frame_len));
}

int main(void)
{
	struct reader compiler;
	if (!mkdtemp(root))
		return 99;
	if (!tap_ok(open_fixture() && reader_open(&compiler, fixture), "the fixture and its rules"))
		return tap_done();
	image = fixture_read("frames.elf");
	test_agree(&compiler);
	test_corrections(&compiler);
	test_last_byte(&compiler);
	test_assembly(&compiler);
	test_odd();
	test_long_entries(&compiler);
	test_registers_within(&compiler);
	test_ranges(&compiler);
	test_damage(&compiler);
	reader_close(&compiler);
	elf_file_close(&file);
	symbols_close(symbols);
	free(image.data);
	cache_remove_tree(root);
	return tap_done();
}

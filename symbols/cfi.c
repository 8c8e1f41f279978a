/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/cfi.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/bytes.h"
#include "stub/base/cleanup.h"

enum { RSP = 7, RBP = 6, RIP = 16, REGS = 17, ROWS_PER_FDE = 48 };

/* Kernels: 25 MB of rules, 10 KB for the largest function. What is more is hostile. */
enum { FRAME_MAX = 256 << 20, FDE_MAX = 1 << 16 };

struct range {
	uint64_t start, end;
};

/* Where ORC's frame replaces the compiler's. */
struct correction {
	struct range at;
	struct orc_rule rule;
};

struct fde {
	struct range at;
	const unsigned char *bytes;     /* borrowed: with its length */
	size_t len;
	uint32_t cie;                   /* offset in the compiler's section */
};

struct merge {
	struct elf_file *file;
	const unsigned char *frame;
	size_t frame_len;
	const struct orc *orc;
	Dwarf *dwarf;
	Dwarf_CFI *cfi;
	struct buffer *out;
	struct cfi_stats stats;
	struct fde *fdes;               /* sorted by start */
	size_t nfdes;
	uint32_t *cie_moved;            /* by old offset / 4: the new one + 1 */
	struct correction *fixes;       /* sorted */
	size_t nfixes;
	uint32_t call_cie, signal_cie;
};

static int compare_fdes(const void *a, const void *b)
{
	const struct fde *x = a, *y = b;
	return x->at.start < y->at.start ? -1 : x->at.start > y->at.start;
}

/*
 * Every entry of the compiler's section, 32-bit DWARF with 8-byte addresses. False: not
 * understood; the section is then left out of the game.
 */
static bool list_entries(struct merge *m)
{
	size_t n = 0, at = 0;
	m->cie_moved = calloc(m->frame_len / 4 + 1, sizeof(*m->cie_moved));
	if (!m->cie_moved)
		return false;
	for (; m->frame_len - at >= 4; n++) {
		uint32_t len = u32_at(m->frame + at);
		if (len < 4 || len >= 0xfffffff0 || len > m->frame_len - at - 4)
			return false;
		if (u32_at(m->frame + at + 4) == UINT32_MAX && at % 4 == 0)
			m->cie_moved[at / 4] = 1;       /* copy_cies() will say where to */
		at += 4 + (size_t)len;
	}
	m->fdes = calloc(n ? n : 1, sizeof(*m->fdes));
	if (!m->fdes)
		return false;
	for (at = 0; m->frame_len - at >= 4;) {
		uint32_t len = u32_at(m->frame + at), id = u32_at(m->frame + at + 4);
		if (id != UINT32_MAX) {
			if (len < 20 || id % 4 || id >= m->frame_len || !m->cie_moved[id / 4])
				return false;
			uint64_t start = u64_at(m->frame + at + 8), size = u64_at(m->frame + at + 16);
			m->fdes[m->nfdes++] = (struct fde){
				{ start, start + size < start ? UINT64_MAX : start + size },
				m->frame + at, 4 + (size_t)len, id,
			};
		}
		at += 4 + (size_t)len;
	}
	qsort(m->fdes, m->nfdes, sizeof(*m->fdes), compare_fdes);
	return true;
}

static void copy_cies(struct merge *m)
{
	for (size_t at = 0; m->frame_len - at >= 8;) {
		size_t len = 4 + (size_t)u32_at(m->frame + at);
		if (u32_at(m->frame + at + 4) == UINT32_MAX && at % 4 == 0) {
			m->cie_moved[at / 4] = (uint32_t)m->out->len + 1;
			buffer_put(m->out, m->frame + at, len);
		}
		at += len;
	}
}

/* --- ORC's rules as instructions ------------------------------------------------------- */

/* rflags, cs, ss (System V ABI, AMD64 supplement, DWARF register numbers): saved at an entry alone. */
enum { RFLAGS = 49, CS = 51, SS = 52 };
static const unsigned char entry_only[] = { RFLAGS, CS, SS };

/* arch/x86/include/uapi/asm/ptrace.h, struct pt_regs: {DWARF register, offset}. */
static const unsigned char pt_regs[][2] = {
	{ 15, 0 }, { 14, 8 }, { 13, 16 }, { 12, 24 }, { 6, 32 }, { 3, 40 }, { 11, 48 }, { 10, 56 },
	{ 9, 64 }, { 8, 72 }, { 0, 80 }, { 2, 88 }, { 1, 96 }, { 4, 104 }, { 5, 112 }, { RIP, 128 },
	{ CS, 136 }, { RFLAGS, 144 }, { RSP, 152 }, { SS, 160 },
};

static void put_register_op(struct buffer *b, char op, unsigned reg)
{
	buffer_putc(b, op);
	cfi_uleb(b, reg);
}

static void put_block(struct buffer *b, const struct buffer *expression)
{
	cfi_uleb(b, expression->len);
	buffer_put(b, expression->data, expression->len);
	b->failed |= expression->failed;
}

static void put_plus(struct buffer *expression, int offset)
{
	buffer_putc(expression, DW_OP_consts);
	cfi_sleb(expression, offset);
	buffer_putc(expression, DW_OP_plus);
}

/* CFI counts in units of 8 (cfi_cie()); what does not fit, never seen in a kernel, is computed. */
static void put_offset(struct buffer *b, unsigned reg, int offset)
{
	if (offset % 8) {
		_cleanup_buffer_ struct buffer e = BUFFER_INIT;
		put_plus(&e, offset);           /* the CFA is on the stack already */
		put_register_op(b, DW_CFA_expression, reg);
		put_block(b, &e);
		return;
	}
	put_register_op(b, DW_CFA_offset_extended_sf, reg);
	cfi_sleb(b, offset / 8);
}

static void put_cfa(struct buffer *b, const struct orc_rule *r)
{
	if (!r->cfa_deref && r->cfa_offset % 8 == 0) {
		put_register_op(b, DW_CFA_def_cfa_sf, (unsigned)r->cfa_reg);
		cfi_sleb(b, r->cfa_offset / 8);
		return;
	}
	_cleanup_buffer_ struct buffer e = BUFFER_INIT;
	buffer_putc(&e, (char)(DW_OP_breg0 + r->cfa_reg));
	cfi_sleb(&e, r->cfa_deref == 1 ? 0 : r->cfa_offset);
	if (r->cfa_deref)
		buffer_putc(&e, DW_OP_deref);
	if (r->cfa_deref == 1 && r->cfa_offset)
		put_plus(&e, r->cfa_offset);
	buffer_putc(b, DW_CFA_def_cfa_expression);
	put_block(b, &e);
}

static void put_rbp(struct buffer *b, const struct orc_rule *r)
{
	if (r->rbp_saved) {
		put_offset(b, RBP, r->rbp_offset);
	} else if (r->rbp_deref) {
		_cleanup_buffer_ struct buffer e = BUFFER_INIT;
		buffer_putc(&e, DW_OP_breg6);
		cfi_sleb(&e, r->rbp_offset);
		put_register_op(b, DW_CFA_expression, RBP);
		put_block(b, &e);
	} else {
		put_register_op(b, DW_CFA_same_value, RBP);
	}
}

static void put_entry_only_kept(struct buffer *b)
{
	for (size_t i = 0; i < sizeof(entry_only); i++)
		put_register_op(b, DW_CFA_same_value, entry_only[i]);
}

/*
 * A whole row: every column that another row of the same FDE may set is set. Always a CFA: gdb
 * 13 aborts on an FDE without one ("Unknown CFA rule", dwarf2/frame.c).
 */
static void put_orc_row(struct buffer *b, const struct orc_rule *r)
{
	/* The callee-saved registers that ORC does not follow: gdb shows <not saved>, never a guess. */
	static const unsigned char unknown[] = { 3, 12, 13, 14, 15 };
	switch (r->kind) {
	case ORC_KIND_REGS:
		put_cfa(b, r);
		for (size_t i = 0; i < sizeof(pt_regs) / sizeof(pt_regs[0]); i++)
			put_offset(b, pt_regs[i][0], pt_regs[i][1]);
		break;
	case ORC_KIND_REGS_PARTIAL:     /* the hardware's frame: rip, cs, rflags, rsp, ss */
		put_cfa(b, r);
		put_offset(b, RIP, 0);
		put_offset(b, CS, 8);
		put_offset(b, RFLAGS, 16);
		put_offset(b, RSP, 24);
		put_offset(b, SS, 32);
		break;
	case ORC_KIND_CALL:
		put_cfa(b, r);
		put_offset(b, RIP, -8);
		put_rbp(b, r);
		for (size_t i = 0; i < sizeof(unknown); i++)
			put_register_op(b, DW_CFA_undefined, unknown[i]);
		put_entry_only_kept(b);
		break;
	default:
		put_cfa(b, &(struct orc_rule){ .cfa_reg = RSP, .cfa_offset = 8 });
		put_register_op(b, DW_CFA_undefined, RIP);
		put_register_op(b, DW_CFA_same_value, RBP);
		for (size_t i = 0; i < sizeof(unknown); i++)
			put_register_op(b, DW_CFA_undefined, unknown[i]);
		put_entry_only_kept(b);
	}
}

/* --- where the compiler is wrong --------------------------------------------------------- */

/* The CFA as register plus offset, when it is that simple. */
static bool simple_cfa(Dwarf_Frame *frame, int *reg, int64_t *offset)
{
	Dwarf_Op *ops;
	size_t n;
	if (dwarf_frame_cfa(frame, &ops, &n) || n != 1)
		return false;
	if (ops[0].atom == DW_OP_bregx) {
		*reg = (int)ops[0].number;
		*offset = (int64_t)ops[0].number2;
		return true;
	}
	if (ops[0].atom < DW_OP_breg0 || ops[0].atom > DW_OP_breg31)
		return false;
	*reg = ops[0].atom - DW_OP_breg0;
	*offset = (int64_t)ops[0].number;
	return true;
}

/*
 * The compiler does not see inline assembly: a switch to another stack (SP_INDIRECT), a push, a
 * frame of registers. Where it follows rbp or a realigned stack by an expression it is right, as
 * is ORC; where ORC knows nothing, behind calls that do not return, it is right alone.
 */
static bool is_wrong(const struct orc_rule *r, Dwarf_Frame *frame)
{
	int reg;
	int64_t offset;
	if (r->kind == ORC_KIND_REGS || r->kind == ORC_KIND_REGS_PARTIAL)
		return true;
	if (r->kind != ORC_KIND_CALL)
		return false;
	if (r->cfa_deref == 1)
		return true;
	return !r->cfa_deref && r->cfa_reg == RSP && simple_cfa(frame, &reg, &offset) && reg == RSP &&
	       offset != r->cfa_offset;
}

/* Field by field: what is between them has any value. */
static bool same_rule(const struct orc_rule *a, const struct orc_rule *b)
{
	return a->kind == b->kind && a->cfa_reg == b->cfa_reg && a->cfa_offset == b->cfa_offset &&
	       a->cfa_deref == b->cfa_deref && a->rbp_offset == b->rbp_offset && a->rbp_saved == b->rbp_saved &&
	       a->rbp_deref == b->rbp_deref;
}

static bool add_fix(struct merge *m, uint64_t start, uint64_t end, const struct orc_rule *rule)
{
	if (m->nfixes && m->fixes[m->nfixes - 1].at.end == start &&
	    same_rule(&m->fixes[m->nfixes - 1].rule, rule)) {
		m->fixes[m->nfixes - 1].at.end = end;
		return true;
	}
	struct correction *longer = reallocarray(m->fixes, m->nfixes + 1, sizeof(*longer));
	if (!longer)
		return false;
	m->fixes = longer;
	m->fixes[m->nfixes++] = (struct correction){ { start, end }, *rule };
	m->stats.corrected++;
	return true;
}

/* Compares one ORC entry with the compiler's rows in a range that lies in both. */
static bool compare_range(struct merge *m, const struct orc_entry *e, uint64_t pc, uint64_t limit)
{
	while (pc < limit) {
		Dwarf_Frame *frame = NULL;
		Dwarf_Addr start, end;
		bool signal;
		if (dwarf_cfi_addrframe(m->cfi, pc, &frame))
			return true;            /* damaged: what is there stays */
		if (dwarf_frame_info(frame, &start, &end, &signal) < 0 || end <= pc || end > limit)
			end = limit;
		bool wrong = is_wrong(&e->rule, frame);
		free(frame);
		if (wrong && !add_fix(m, pc, end, &e->rule))
			return false;
		pc = end;
	}
	return true;
}

/* An ORC entry may begin before a function and go on behind it; FDEs may overlap. */
static bool find_fixes(struct merge *m)
{
	uint64_t done = 0;
	size_t first = 0;
	for (size_t i = 0; i < m->orc->n; i++) {
		const struct orc_entry *e = &m->orc->entries[i];
		while (first < m->nfdes && m->fdes[first].at.end <= e->start)
			first++;
		for (size_t f = first; f < m->nfdes && done < e->end && m->fdes[f].at.start < e->end; f++) {
			struct range at = m->fdes[f].at;
			if (at.start < e->start)
				at.start = e->start;
			if (at.start < done)
				at.start = done;
			if (at.end > e->end)
				at.end = e->end;
			if (at.start >= at.end || m->fdes[f].len > FDE_MAX)
				continue;
			if (!compare_range(m, e, at.start, at.end))
				return false;
			done = at.end;
		}
	}
	return true;
}

static size_t first_fix(const struct merge *m, uint64_t pc)
{
	size_t low = 0, high = m->nfixes;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (m->fixes[middle].at.end <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* --- the compiler's rows, made anew ------------------------------------------------------ */

/* The operations that compilers use for the CFA of a realigned stack. */
static bool put_expression(struct buffer *b, const Dwarf_Op *ops, size_t n)
{
	_cleanup_buffer_ struct buffer e = BUFFER_INIT;
	for (size_t i = 0; i < n; i++) {
		buffer_putc(&e, (char)ops[i].atom);
		if (ops[i].atom >= DW_OP_breg0 && ops[i].atom <= DW_OP_breg31)
			cfi_sleb(&e, (int64_t)ops[i].number);
		else if (ops[i].atom == DW_OP_plus_uconst || ops[i].atom == DW_OP_constu)
			cfi_uleb(&e, ops[i].number);
		else if (ops[i].atom == DW_OP_consts)
			cfi_sleb(&e, (int64_t)ops[i].number);
		else if (ops[i].atom != DW_OP_deref && ops[i].atom != DW_OP_plus &&
			 ops[i].atom != DW_OP_minus && ops[i].atom != DW_OP_and &&
			 !(ops[i].atom >= DW_OP_lit0 && ops[i].atom <= DW_OP_lit31))
			return false;
	}
	put_block(b, &e);
	return true;
}

static bool put_compiler_cfa(struct buffer *b, Dwarf_Frame *frame)
{
	Dwarf_Op *ops;
	size_t n;
	int reg;
	int64_t offset;
	if (simple_cfa(frame, &reg, &offset)) {
		if (offset < 0)
			return false;
		buffer_putc(b, DW_CFA_def_cfa);
		cfi_uleb(b, (unsigned)reg);
		cfi_uleb(b, (uint64_t)offset);
		return true;
	}
	if (dwarf_frame_cfa(frame, &ops, &n) || !n)
		return false;
	buffer_putc(b, DW_CFA_def_cfa_expression);
	return put_expression(b, ops, n);
}

/* Every register's rule; those relative to the CFA stay right under ORC's CFA. */
static bool put_compiler_registers(struct buffer *b, Dwarf_Frame *frame)
{
	put_entry_only_kept(b);
	for (int reg = 0; reg < REGS; reg++) {
		Dwarf_Op memory[3], *ops = NULL;
		size_t n = 0;
		if (reg == RSP)
			continue;
		if (dwarf_frame_register(frame, reg, memory, &ops, &n))
			return false;
		if (!n) {
			/* libdw: an empty list is "undefined", none at all "same value". */
			put_register_op(b, ops == memory ? DW_CFA_undefined : DW_CFA_same_value, (unsigned)reg);
			continue;
		}
		int64_t offset = n == 2 ? (int64_t)ops[1].number : 0;
		if (ops[0].atom == DW_OP_call_frame_cfa && offset % 8 == 0 &&
		    (n == 1 || (n == 2 && ops[1].atom == DW_OP_plus_uconst))) {
			put_offset(b, (unsigned)reg, (int)offset);
		} else {                /* an expression: rbp's in a function with a realigned stack */
			/* libdw says aloud what every such expression starts with */
			size_t said = ops[0].atom == DW_OP_call_frame_cfa;
			put_register_op(b, DW_CFA_expression, (unsigned)reg);
			if (!put_expression(b, ops + said, n - said))
				return false;
		}
	}
	return true;
}

static bool remake_row(struct merge *m, uint64_t pc, uint64_t limit, const struct correction *fix,
		       struct buffer *row, uint64_t *end_ret)
{
	Dwarf_Frame *frame = NULL;
	Dwarf_Addr start, end;
	bool signal;
	if (dwarf_cfi_addrframe(m->cfi, pc, &frame))
		return false;
	bool good = dwarf_frame_info(frame, &start, &end, &signal) >= 0 && end > pc;
	if (good) {
		if (fix)
			put_cfa(row, &fix->rule);
		else
			good = put_compiler_cfa(row, frame);
		good = good && put_compiler_registers(row, frame);
		if (fix && fix->rule.rbp_saved)         /* inline assembly may have pushed it */
			put_offset(row, RBP, fix->rule.rbp_offset);
		*end_ret = end < limit ? end : limit;
	}
	free(frame);
	return good;
}

/* Is there an inlined call at `pc`? Where the debug info does not say, none. */
static bool is_inlined(struct merge *m, uint64_t pc)
{
	Dwarf_Die cu, *scopes = NULL;
	bool inlined = false;
	int n = dwarf_addrdie(m->dwarf, pc, &cu) ? dwarf_getscopes(&cu, pc, &scopes) : 0;
	for (int i = 0; i < n; i++)
		inlined |= dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine;
	if (n > 0)
		free(scopes);
	return inlined;
}

/*
 * Where a function calls on another stack, its caller's frame may lie below the one before, and
 * gdb takes that for the end ("previous frame inner to this frame"), unless one of the two is a
 * signal frame, which it shows without a name, or stands for an inlined call.
 */
static uint32_t cie_of(struct merge *m, const struct correction *fix, uint64_t pc)
{
	return fix && fix->rule.cfa_deref == 1 && !is_inlined(m, pc) ? m->signal_cie : m->call_cie;
}

/*
 * One FDE row by row. False, and nothing written: its rules use something that is not known here,
 * and the compiler's own stay.
 */
static bool remake(struct merge *m, const struct fde *fde)
{
	_cleanup_buffer_ struct buffer rows = BUFFER_INIT;
	unsigned nrows = 0;
	size_t fix = first_fix(m, fde->at.start);
	for (uint64_t pc = fde->at.start, end; pc < fde->at.end; pc = end) {
		_cleanup_buffer_ struct buffer row = BUFFER_INIT;
		uint64_t limit = fde->at.end;
		while (fix < m->nfixes && m->fixes[fix].at.end <= pc)
			fix++;
		const struct correction *here = fix < m->nfixes && m->fixes[fix].at.start <= pc ?
						&m->fixes[fix] : NULL;
		if (here && here->at.end < limit)
			limit = here->at.end;
		else if (!here && fix < m->nfixes && m->fixes[fix].at.start < limit)
			limit = m->fixes[fix].at.start;
		bool regs = here && here->rule.kind != ORC_KIND_CALL;
		end = limit;
		if (regs)
			put_orc_row(&row, &here->rule);
		else if (!remake_row(m, pc, limit, here, &row, &end))
			return false;
		cfi_fde(&rows, regs ? m->signal_cie : cie_of(m, here, pc), pc, end - pc, &row);
		rows.failed |= row.failed;
		nrows++;
	}
	buffer_put(m->out, rows.data, rows.len);
	m->out->failed |= rows.failed;
	m->stats.rows += nrows;
	m->stats.remade++;
	return true;
}

static void copy_fde(struct merge *m, const struct fde *fde)
{
	uint32_t cie = m->cie_moved[fde->cie / 4] - 1;
	size_t at = m->out->len;
	buffer_put(m->out, fde->bytes, fde->len);
	if (!m->out->failed)
		memcpy(m->out->data + at + 4, &cie, sizeof(cie));
	m->stats.kept++;
}

static void put_compiler_fdes(struct merge *m)
{
	for (size_t i = 0; i < m->nfdes; i++) {
		const struct fde *fde = &m->fdes[i];
		size_t fix = first_fix(m, fde->at.start);
		bool wrong = fix < m->nfixes && m->fixes[fix].at.start < fde->at.end;
		if (!wrong || !remake(m, fde))
			copy_fde(m, fde);
	}
}

/* --- where the compiler is silent -------------------------------------------------------- */

struct open_fde {
	struct buffer instructions;
	enum orc_kind kind;             /* kinds that share an FDE count as ORC_KIND_CALL */
	bool signal;
	uint64_t start, row, end;
	struct orc_rule last;
	unsigned rows;
};

static void close_fde(struct merge *m, struct open_fde *o)
{
	if (o->rows) {
		cfi_fde(m->out, o->signal ? m->signal_cie : m->call_cie, o->start, o->end - o->start,
			&o->instructions);
		m->out->failed |= o->instructions.failed;
		m->stats.orc_only++;
	}
	buffer_clear(&o->instructions);
	o->rows = 0;
}

static void put_advance(struct buffer *b, uint64_t delta)
{
	uint32_t value = (uint32_t)delta;
	if (delta < 64) {
		buffer_putc(b, (char)(DW_CFA_advance_loc | delta));
	} else {
		buffer_putc(b, DW_CFA_advance_loc4);
		buffer_put(b, &value, sizeof(value));
	}
}

/* Rows that follow each other go into one FDE, so that there are thousands and not 100,000s. */
static void add_silent(struct merge *m, struct open_fde *o, uint64_t start, uint64_t end,
		       const struct orc_rule *rule, bool other_stack)
{
	enum orc_kind kind = rule->kind == ORC_KIND_REGS || rule->kind == ORC_KIND_REGS_PARTIAL ?
			     rule->kind : ORC_KIND_CALL;
	bool signal = kind != ORC_KIND_CALL || other_stack;
	bool joins = o->rows && o->end == start && o->kind == kind && o->signal == signal &&
		     o->rows < ROWS_PER_FDE && start - o->row < UINT32_MAX;
	if (joins && same_rule(&o->last, rule)) {
		o->end = end;
		return;
	}
	if (!joins) {
		close_fde(m, o);
		o->start = start;
		o->kind = kind;
		o->signal = signal;
	} else {
		put_advance(&o->instructions, start - o->row);
	}
	put_orc_row(&o->instructions, rule);
	o->row = start;
	o->end = end;
	o->last = *rule;
	o->rows++;
}

struct code {
	struct range at;
	const unsigned char *bytes;     /* NULL: the file has none */
	size_t len;
};

/*
 * Where assembly code whose frame is at rbp goes to another stack, as asm_call_irq_on_stack() and
 * do_softirq_own_stack() did up to 5.11: a load of rsp, but from rbp, by mov (Intel SDM vol. 2).
 * The address behind its first bytes; `end`: nowhere.
 */
static uint64_t other_stack(const struct code *code, uint64_t start, uint64_t end, const struct orc_rule *rule)
{
	if (rule->kind != ORC_KIND_CALL || rule->cfa_reg != RBP || rule->cfa_deref || !code->bytes)
		return end;
	for (uint64_t at = start; at < end && at - code->at.start < code->len && end - at > 3 &&
				  code->len - (at - code->at.start) > 3; at++) {
		const unsigned char *p = code->bytes + (at - code->at.start);
		bool from_reg = (p[0] == 0x48 || p[0] == 0x4c) && p[1] == 0x89 && (p[2] & 0xc7) == 0xc4 &&
				!(p[0] == 0x48 && p[2] == 0xec);
		bool to_rsp = (p[0] & 0xfc) == 0x48 && p[1] == 0x8b && (p[2] & 0x38) == 0x20 &&
			      !(p[0] == 0x48 && p[2] == 0xe5);
		if (from_reg || to_rsp)
			return at + 3;
	}
	return end;
}

/* A range without an FDE of the compiler's. */
static void add_gap(struct merge *m, struct open_fde *o, const struct code *code, uint64_t start,
		    uint64_t end, const struct orc_rule *rule)
{
	uint64_t other = other_stack(code, start, end, rule);
	if (other > start)
		add_silent(m, o, start, other, rule, false);
	if (other < end)
		add_silent(m, o, other, end, rule, true);
}

/* What of one ORC entry no FDE of the compiler covers. */
static void add_uncovered(struct merge *m, struct open_fde *o, size_t *fde, const struct code *code,
			  const struct orc_entry *e)
{
	const struct range *section = &code->at;
	uint64_t start = e->start > section->start ? e->start : section->start;
	uint64_t end = e->end < section->end ? e->end : section->end;
	while (*fde < m->nfdes && m->fdes[*fde].at.end <= start)
		++*fde;
	for (size_t f = *fde; start < end; f++) {
		uint64_t gap = f < m->nfdes && m->fdes[f].at.start < end ? m->fdes[f].at.start : end;
		if (gap > start)
			add_gap(m, o, code, start, gap, &e->rule);
		if (gap == end)
			return;
		if (m->fdes[f].at.end > start)
			start = m->fdes[f].at.end;
	}
}

static void put_silent(struct merge *m)
{
	struct open_fde o = { .instructions = BUFFER_INIT };
	for (size_t s = 0; s < m->file->nsections && m->out->len < FRAME_MAX; s++) {
		const struct section *section = &m->file->sections[s];
		struct code code = { { section->addr, section->addr + section->size }, NULL, 0 };
		const void *bytes;
		size_t fde = 0;
		if (!(section->flags & SHF_ALLOC) || !(section->flags & SHF_EXECINSTR) || code.at.end < code.at.start)
			continue;
		struct error *none = elf_file_data(m->file, s, &bytes, &code.len);
		code.bytes = none ? NULL : bytes;
		error_free(none);
		for (size_t i = orc_first_behind(m->orc, code.at.start); i < m->orc->n && m->out->len < FRAME_MAX; i++) {
			const struct orc_entry *e = &m->orc->entries[i];
			if (e->start >= code.at.end)
				break;
			if (e->end > e->start)
				add_uncovered(m, &o, &fde, &code, e);
		}
		close_fde(m, &o);
	}
	m->out->failed |= o.instructions.failed;
	buffer_deinit(&o.instructions);
}

struct error *cfi_merge(struct elf_file *f, const void *frame, size_t len, const struct orc *orc,
			struct buffer *ret, struct cfi_stats *stats_ret)
{
	struct merge m = { .file = f, .frame = frame, .frame_len = len, .orc = orc, .out = ret };
	Dwarf *dwarf = len ? dwarf_begin_elf(f->elf, DWARF_C_READ, NULL) : NULL;
	m.dwarf = dwarf;
	m.cfi = dwarf ? dwarf_getcfi(dwarf) : NULL;
	m.call_cie = (uint32_t)ret->len;
	cfi_cie(ret, false);
	m.signal_cie = (uint32_t)ret->len;
	cfi_cie(ret, true);

	struct error *err = NULL;
	if (len && (!m.cfi || !list_entries(&m)))
		err = error_new(ERROR_UNSUPPORTED, "%s: its .debug_frame is of a form that kstub does not know; "
						   "it is used as it is", f->path);
	if (!err && len) {
		copy_cies(&m);
		if (!find_fixes(&m))
			err = error_nomem();
	}
	if (!err) {
		put_compiler_fdes(&m);
		put_silent(&m);
		err = ret->len < FRAME_MAX ? buffer_error(ret) :
		      error_new(ERROR_FORMAT, "%s: its unwind tables are too large", f->path);
	}
	free(m.fdes);
	free(m.cie_moved);
	free(m.fixes);
	if (dwarf)
		dwarf_end(dwarf);
	if (!err)
		*stats_ret = m.stats;
	return err;
}

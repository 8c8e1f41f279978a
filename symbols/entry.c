/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/entry.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"

enum { RBP = 6, RSP = 7, CALL_LEN = 5, SWITCH_MAX = 64, RULES_MAX = 1 << 16 };

struct code {
	uint64_t start, end;
	const unsigned char *bytes;
};

struct rules {
	struct orc_entry *entries;
	size_t n;
	bool failed;
};

static const struct orc_rule unknown = { .kind = ORC_KIND_UNDEFINED, .cfa_reg = RSP };
static const struct orc_rule regs = { .kind = ORC_KIND_REGS, .cfa_reg = RSP };
/* Up to 5.7: on the interrupt stack, whose top points to them. */
static const struct orc_rule regs_indirect = { .kind = ORC_KIND_REGS, .cfa_reg = RSP, .cfa_deref = 1 };
/* push %rbp; mov %rsp,%rbp */
static const struct orc_rule frame = { .kind = ORC_KIND_CALL, .cfa_reg = RBP, .cfa_offset = 16,
				       .rbp_offset = -16, .rbp_saved = 1 };
static const unsigned char frame_start[] = { 0x55, 0x48, 0x89, 0xe5 };

static void add(struct rules *r, uint64_t start, uint64_t end, const struct orc_rule *rule)
{
	if (start >= end || r->failed || r->n == RULES_MAX)
		return;
	struct orc_entry *longer = reallocarray(r->entries, r->n + 1, sizeof(*longer));
	if (!longer) {
		r->failed = true;
		return;
	}
	r->entries = longer;
	r->entries[r->n++] = (struct orc_entry){ start, end, *rule };
}

/* The code of the section that holds `addr`. */
static bool code_at(struct elf_file *f, uint64_t addr, struct code *ret)
{
	for (size_t i = 1; i < f->nsections; i++) {
		const struct section *s = &f->sections[i];
		const void *bytes;
		size_t len;
		if (!(s->flags & SHF_EXECINSTR) || addr < s->addr || addr - s->addr >= s->size)
			continue;
		struct error *err = elf_file_data(f, i, &bytes, &len);
		error_free(err);
		if (err)
			return false;
		*ret = (struct code){ s->addr, s->addr + len, bytes };
		return addr - s->addr < len;
	}
	return false;
}

static bool begins(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(name, list[i], strlen(list[i])))
			return true;
	return false;
}

/*
 * C functions that entry code calls with the registers that it saved at rsp (the macros idtentry
 * and apicinterrupt of arch/x86/entry/entry_64.S, and system calls); the rule at such a call.
 */
static const struct orc_rule *rule_of_call(struct symbols *s, uint64_t target)
{
	static const char *const plain[] = {
		"exc_", "sysvec_", "do_syscall_64", "do_int80_", "do_fast_syscall_32",
		"common_interrupt", "spurious_interrupt", "xen_pv_evtchn_do_upcall",
		"fred_entry_from_",
	};
	/* up to 5.7 */
	static const char *const older[] = {
		"do_page_fault", "do_divide_error", "do_debug", "do_nmi", "do_int3", "do_overflow",
		"do_bounds", "do_invalid_op", "do_device_not_available", "do_double_fault",
		"do_segment_not_present", "do_stack_segment", "do_general_protection",
		"do_coprocessor_error", "do_simd_", "do_alignment_check", "do_mce", "do_invalid_TSS",
	};
	static const char *const on_irq_stack[] = { "smp_", "do_IRQ" };
	struct symbol found;
	if (!symbols_by_address(s, target, &found) || found.addr != target)
		return NULL;
	if (begins(found.name, plain, sizeof(plain) / sizeof(*plain)) ||
	    begins(found.name, older, sizeof(older) / sizeof(*older)))
		return &regs;
	return begins(found.name, on_irq_stack, 2) ? &regs_indirect : NULL;
}

/* Is this the start of a function with a frame? Then its end. */
static uint64_t end_of_frame(struct symbols *s, const struct code *c, uint64_t at, uint64_t end)
{
	struct symbol found;
	if (end - at < sizeof(frame_start) ||
	    memcmp(c->bytes + (at - c->start), frame_start, sizeof(frame_start)) ||
	    !symbols_by_address(s, at, &found) || found.addr != at)
		return 0;
	return found.size && found.size < end - at ? at + found.size : 0;
}

/* From `start` to `end`: known at calls and in functions with a frame, unknown elsewhere. */
static void add_entry_code(struct rules *r, struct symbols *s, const struct code *c, uint64_t start,
			   uint64_t end)
{
	uint64_t rest = start;
	for (uint64_t at = start; end - at > CALL_LEN; at++) {
		const unsigned char *p = c->bytes + (at - c->start);
		uint64_t function_end = p[0] == frame_start[0] ? end_of_frame(s, c, at, end) : 0;
		const struct orc_rule *rule = NULL;
		int32_t distance;
		if (function_end) {
			add(r, rest, at + sizeof(frame_start), &unknown);
			add(r, at + sizeof(frame_start), function_end, &frame);
			rest = function_end;
			at = rest - 1;
		} else if (p[0] == 0xe8) {      /* call, Intel SDM vol. 2 */
			memcpy(&distance, p + 1, sizeof(distance));
			rule = rule_of_call(s, at + CALL_LEN + (uint64_t)(int64_t)distance);
		}
		if (!rule)
			continue;
		/* gdb looks for a signal frame's rules before and at the return address. */
		add(r, rest, at, &unknown);
		add(r, at, at + CALL_LEN + 1, rule);
		rest = at + CALL_LEN + 1;
		at = rest - 1;
	}
	add(r, rest, end, &unknown);
}

/* Where a kernel's stacks begin; a debugger would look for callers. */
static void add_outermost(struct rules *r, struct symbols *s)
{
	static const char *const names[] = { "ret_from_fork", "ret_from_fork_asm", "secondary_startup_64",
					     "secondary_startup_64_no_verify", "startup_64", "startup_64_no_verify" };
	struct symbol found;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (symbols_lookup(s, names[i], &found) && found.size)
			add(r, found.addr, found.addr + found.size, &unknown);
}

/* mov %rsp,(%REG) before `p`? */
static bool keeps_stack(const unsigned char *p, size_t before)
{
	return (before >= 3 && (p[-3] & 0xfe) == 0x48 && p[-2] == 0x89 && (p[-1] & 0xf8) == 0x20 &&
		p[-1] != 0x24 && p[-1] != 0x25) ||
	       (before >= 4 && p[-4] == 0x49 && p[-3] == 0x89 &&
		((p[-2] == 0x24 && p[-1] == 0x24) || (p[-2] == 0x65 && !p[-1])));
}

/* Where the compiler believes that rsp is what it was: the offset of its CFA from there. */
static bool believes_rsp(Dwarf_CFI *cfi, uint64_t pc, int *ret)
{
	Dwarf_Frame *row = NULL;
	Dwarf_Op *ops;
	size_t n;
	if (dwarf_cfi_addrframe(cfi, pc, &row))
		return false;
	/* libdw's form of a register plus an offset */
	bool good = !dwarf_frame_cfa(row, &ops, &n) && n == 1 && ops[0].atom == DW_OP_bregx &&
		    ops[0].number == RSP && ops[0].number2 < 1 << 20;
	if (good)
		*ret = (int)ops[0].number2;
	free(row);
	return good;
}

/*
 * Calls on another stack in C code (call_on_stack() in arch/x86/include/asm/irq_stack.h, 5.12 and
 * later): mov %rsp,(%REG); mov %REG,%rsp; calls; pop %rsp. Between the last two the stack is where
 * rsp points to.
 */
static void add_switches(struct rules *r, const struct code *c, Dwarf_CFI *cfi)
{
	size_t len = c->end - c->start;
	for (size_t at = 4; len - at > 3 && at < len; at++) {
		const unsigned char *p = c->bytes + at;
		struct orc_rule rule = { .kind = ORC_KIND_CALL, .cfa_reg = RSP, .cfa_deref = 1 };
		if ((p[0] != 0x48 && p[0] != 0x4c) || p[1] != 0x89 || (p[2] & 0xc7) != 0xc4 ||
		    !keeps_stack(p, at))
			continue;
		size_t room = len - at < SWITCH_MAX ? len - at : SWITCH_MAX;
		const unsigned char *pop = memchr(p + 3, 0x5c, room - 3);
		if (pop && believes_rsp(cfi, c->start + at + 3, &rule.cfa_offset))
			add(r, c->start + at + 3, c->start + (uint64_t)(pop + 1 - c->bytes), &rule);
	}
}

static int compare(const void *a, const void *b)
{
	const struct orc_entry *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

struct error *entry_rules(struct symbols *s, struct elf_file *f, struct orc *ret)
{
	struct rules r = { NULL, 0, false };
	struct symbol start, end;
	struct code code;
	if (symbols_lookup(s, "__entry_text_start", &start) && symbols_lookup(s, "__entry_text_end", &end) &&
	    code_at(f, start.addr, &code) && end.addr > start.addr && end.addr <= code.end)
		add_entry_code(&r, s, &code, start.addr, end.addr);
	add_outermost(&r, s);
	Dwarf *dwarf = dwarf_begin_elf(f->elf, DWARF_C_READ, NULL);
	Dwarf_CFI *cfi = dwarf ? dwarf_getcfi(dwarf) : NULL;
	for (size_t i = 1; cfi && i < f->nsections; i++)
		if ((f->sections[i].flags & SHF_EXECINSTR) && code_at(f, f->sections[i].addr, &code))
			add_switches(&r, &code, cfi);
	if (dwarf)
		dwarf_end(dwarf);
	if (r.failed) {
		free(r.entries);
		return error_nomem();
	}
	if (r.n)
		qsort(r.entries, r.n, sizeof(*r.entries), compare);
	*ret = (struct orc){ r.entries, r.n };
	return NULL;
}

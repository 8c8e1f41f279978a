/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers as QEMU's monitor prints them (x86_cpu_dump_state() in target/i386/cpu-dump.c), for
 * scripts that take them from its text. What a dump has not is left out: no value is made up.
 */
#include <inttypes.h>

#include "stub/arch/x86_64.h"

/* Attributes of a segment, as the second word of its descriptor (Intel SDM vol. 3A, 3.4.5). */
enum {
	SEG_ACCESSED = 1 << 8, SEG_WRITE_OR_READ = 1 << 9, SEG_EXPAND_OR_CONFORM = 1 << 10, SEG_CODE = 1 << 11,
	SEG_NOT_SYSTEM = 1 << 12, SEG_DPL_SHIFT = 13, SEG_PRESENT = 1 << 15, SEG_LONG = 1 << 21, SEG_BIG = 1 << 22,
	SEG_TYPE_SHIFT = 8, SEG_SHOWN = 0x00ffff00,
};

/* One line "A=... B=..." of those that are known. */
static void put_line(const struct regs *r, struct buffer *ret, const char *const *names, const unsigned char *regs,
		     size_t n)
{
	size_t before = ret->len;
	for (size_t i = 0; i < n; i++)
		if (r->known[regs[i]])
			buffer_printf(ret, "%s%-3s=%016" PRIx64, ret->len == before ? "" : " ", names[i],
				      r->value[regs[i]]);
	if (ret->len != before)
		buffer_putc(ret, '\n');
}

static void put_general(const struct regs *r, struct buffer *ret)
{
	static const char *const names[] = {
		"RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "RSP",
		"R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15",
	};
	static const unsigned char regs[] = {
		X86_RAX, X86_RBX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_RBP, X86_RSP,
		X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
	};
	for (size_t i = 0; i < 16; i += 4)
		put_line(r, ret, names + i, regs + i, 4);
}

static void put_flags(const struct regs *r, struct buffer *ret)
{
	static const struct { unsigned char bit; char letter; } flags[] = {
		{ 10, 'D' }, { 11, 'O' }, { 7, 'S' }, { 6, 'Z' }, { 4, 'A' }, { 2, 'P' }, { 0, 'C' },
	};
	if (!r->known[X86_RIP])
		return;
	buffer_printf(ret, "RIP=%016" PRIx64, r->value[X86_RIP]);
	if (r->known[X86_EFLAGS]) {
		buffer_printf(ret, " RFL=%08" PRIx32 " [", (uint32_t)r->value[X86_EFLAGS]);
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			buffer_putc(ret, r->value[X86_EFLAGS] >> flags[i].bit & 1 ? flags[i].letter : '-');
		buffer_putc(ret, ']');
	}
	if (r->known[X86_CS])
		buffer_printf(ret, " CPL=%u", (unsigned)r->value[X86_CS] & 3);
	buffer_putc(ret, '\n');
}

static void put_attributes(uint32_t a, struct buffer *ret)
{
	static const char *const system[16] = {
		"<hiword>", "Reserved", "LDT", "Reserved", "Reserved", "Reserved", "Reserved", "Reserved",
		"Reserved", "TSS64-avl", "Reserved", "TSS64-busy", "CallGate64", "Reserved", "IntGate64", "TrapGate64",
	};
	buffer_printf(ret, " %08" PRIx32, a & SEG_SHOWN);
	if (!(a & SEG_PRESENT))
		return;
	buffer_printf(ret, " DPL=%u ", a >> SEG_DPL_SHIFT & 3);
	if (!(a & SEG_NOT_SYSTEM)) {
		buffer_puts(ret, system[a >> SEG_TYPE_SHIFT & 15]);
		return;
	}
	if (a & SEG_CODE)
		buffer_puts(ret, a & SEG_LONG ? "CS64" : a & SEG_BIG ? "CS32" : "CS16");
	else
		buffer_puts(ret, "DS  ");
	buffer_printf(ret, " [%c%c%c]", a & SEG_EXPAND_OR_CONFORM ? (a & SEG_CODE ? 'C' : 'E') : '-',
		      a & SEG_WRITE_OR_READ ? (a & SEG_CODE ? 'R' : 'W') : '-', a & SEG_ACCESSED ? 'A' : '-');
}

/* "CS =0010 0000000000000000 ffffffff 00af9b00 DPL=0 CS64 [-RA]", "GDT=     base limit" */
static void put_segment(const struct regs *r, const struct x86_64_segment_regs *s, struct buffer *ret)
{
	bool table = s->selector == X86_NREGS;
	if (!r->known[s->base] || !r->known[s->limit] || (!table && !r->known[s->selector]))
		return;
	if (table)
		buffer_printf(ret, "%-3s=    ", s->name);
	else
		buffer_printf(ret, "%-3s=%04" PRIx64, s->name, r->value[s->selector]);
	buffer_printf(ret, " %016" PRIx64 " %08" PRIx64, r->value[s->base], r->value[s->limit]);
	if (!table && r->known[s->attributes])
		put_attributes((uint32_t)r->value[s->attributes], ret);
	buffer_putc(ret, '\n');
}

static void put_control(const struct regs *r, struct buffer *ret)
{
	size_t before = ret->len;
	static const struct { const char *name; unsigned char reg; int digits; } control[] = {
		{ "CR0", X86_CR0, 8 }, { "CR2", X86_CR2, 16 }, { "CR3", X86_CR3, 16 }, { "CR4", X86_CR4, 8 },
	};
	for (size_t i = 0; i < sizeof(control) / sizeof(control[0]); i++)
		if (r->known[control[i].reg])
			buffer_printf(ret, "%s%s=%0*" PRIx64, ret->len == before ? "" : " ", control[i].name,
				      control[i].digits, r->value[control[i].reg]);
	if (ret->len != before)
		buffer_putc(ret, '\n');
	if (r->known[X86_EFER])
		buffer_printf(ret, "EFER=%016" PRIx64 "\n", r->value[X86_EFER]);
}

void x86_64_show_regs(const struct regs *r, struct buffer *ret)
{
	static const unsigned char order[] = {
		X86_SEG_ES, X86_SEG_CS, X86_SEG_SS, X86_SEG_DS, X86_SEG_FS, X86_SEG_GS, X86_SEG_LDT, X86_SEG_TR,
		X86_SEG_GDT, X86_SEG_IDT,
	};
	put_general(r, ret);
	put_flags(r, ret);
	for (size_t i = 0; i < sizeof(order); i++)
		put_segment(r, &x86_64_segments[order[i]], ret);
	put_control(r, ret);
}

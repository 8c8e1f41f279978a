/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Indices into arch_x86_64.regs, for the readers of dumps that carry x86-64 registers. */
#ifndef STUB_ARCH_X86_64_H
#define STUB_ARCH_X86_64_H

#include "stub/arch/arch.h"

/* In the order of QEMU's note; the last two are table registers. */
enum x86_64_segment {
	X86_SEG_CS, X86_SEG_DS, X86_SEG_ES, X86_SEG_FS, X86_SEG_GS, X86_SEG_SS, X86_SEG_LDT, X86_SEG_TR,
	X86_SEG_GDT, X86_SEG_IDT, X86_NSEGMENTS, X86_NSELECTORS = X86_SEG_GDT
};

enum x86_64_reg {
	/* org.gnu.gdb.i386.core, in gdb's order (features/i386/64bit-core.xml) */
	X86_RAX, X86_RBX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_RBP, X86_RSP,
	X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
	X86_RIP, X86_EFLAGS, X86_CS, X86_SS, X86_DS, X86_ES, X86_FS, X86_GS,
	X86_ST0, X86_ST7 = X86_ST0 + 7,
	X86_FCTRL, X86_FSTAT, X86_FTAG, X86_FISEG, X86_FIOFF, X86_FOSEG, X86_FOOFF, X86_FOP,
	/* org.gnu.gdb.i386.segments */
	X86_FS_BASE, X86_GS_BASE,
	/* org.kstub.system: shown, in a feature of kstub's own */
	X86_ORIG_RAX, X86_K_GS_BASE, X86_CR0, X86_CR2, X86_CR3, X86_CR4,
	/* not shown to gdb */
	X86_IDT_BASE, X86_LSTAR, X86_EFER,
	X86_LDT, X86_TR,
	X86_CS_BASE, X86_DS_BASE, X86_ES_BASE, X86_SS_BASE, X86_LDT_BASE, X86_TR_BASE, X86_GDT_BASE,
	X86_LIMIT, X86_ATTRIBUTES = X86_LIMIT + X86_NSEGMENTS,  /* by enum x86_64_segment */
	X86_NREGS = X86_ATTRIBUTES + X86_NSELECTORS
};

/* The registers of one segment; a table register has no selector and no attributes: X86_NREGS. */
struct x86_64_segment_regs {
	const char *name;       /* "CS" */
	unsigned char selector, base, limit, attributes;
};
extern const struct x86_64_segment_regs x86_64_segments[X86_NSEGMENTS];

enum x86_64_bits {
	X86_CR0_PG = 1u << 31,
	X86_CR4_LA57 = 1u << 12,
};

/*
 * The paging of a given root: `levels` 4 or 5; `encrypted_bit` is the position of the memory
 * encryption bit (SEV's C-bit), which is taken out of addresses, or 0.
 */
struct paging x86_64_paging(uint64_t root, unsigned levels, unsigned encrypted_bit);

/* For struct arch; x86_64-regs.c. */
void x86_64_show_regs(const struct regs *r, struct buffer *ret);

#endif

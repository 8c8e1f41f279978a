/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/arch/x86_64.h"

#include <elf.h>
#include <string.h>

#define CORE "org.gnu.gdb.i386.core"
#define SEGMENTS "org.gnu.gdb.i386.segments"
#define SYSTEM "org.kstub.system"

/* gdb 13 requires all of the core feature, the x87 registers included (i386-tdep.c). */
static const struct reg_info registers[X86_NREGS] = {
	[X86_RAX] = { "rax", 64, "int64", CORE, NULL },
	[X86_RBX] = { "rbx", 64, "int64", CORE, NULL },
	[X86_RCX] = { "rcx", 64, "int64", CORE, NULL },
	[X86_RDX] = { "rdx", 64, "int64", CORE, NULL },
	[X86_RSI] = { "rsi", 64, "int64", CORE, NULL },
	[X86_RDI] = { "rdi", 64, "int64", CORE, NULL },
	[X86_RBP] = { "rbp", 64, "data_ptr", CORE, NULL },
	[X86_RSP] = { "rsp", 64, "data_ptr", CORE, NULL },
	[X86_R8] = { "r8", 64, "int64", CORE, NULL },
	[X86_R9] = { "r9", 64, "int64", CORE, NULL },
	[X86_R10] = { "r10", 64, "int64", CORE, NULL },
	[X86_R11] = { "r11", 64, "int64", CORE, NULL },
	[X86_R12] = { "r12", 64, "int64", CORE, NULL },
	[X86_R13] = { "r13", 64, "int64", CORE, NULL },
	[X86_R14] = { "r14", 64, "int64", CORE, NULL },
	[X86_R15] = { "r15", 64, "int64", CORE, NULL },
	[X86_RIP] = { "rip", 64, "code_ptr", CORE, NULL },
	[X86_EFLAGS] = { "eflags", 32, "i386_eflags", CORE, NULL },
	[X86_CS] = { "cs", 32, "int32", CORE, NULL },
	[X86_SS] = { "ss", 32, "int32", CORE, NULL },
	[X86_DS] = { "ds", 32, "int32", CORE, NULL },
	[X86_ES] = { "es", 32, "int32", CORE, NULL },
	[X86_FS] = { "fs", 32, "int32", CORE, NULL },
	[X86_GS] = { "gs", 32, "int32", CORE, NULL },
	[X86_ST0] = { "st0", 80, "i387_ext", CORE, NULL },
	[X86_ST0 + 1] = { "st1", 80, "i387_ext", CORE, NULL },
	[X86_ST0 + 2] = { "st2", 80, "i387_ext", CORE, NULL },
	[X86_ST0 + 3] = { "st3", 80, "i387_ext", CORE, NULL },
	[X86_ST0 + 4] = { "st4", 80, "i387_ext", CORE, NULL },
	[X86_ST0 + 5] = { "st5", 80, "i387_ext", CORE, NULL },
	[X86_ST0 + 6] = { "st6", 80, "i387_ext", CORE, NULL },
	[X86_ST7] = { "st7", 80, "i387_ext", CORE, NULL },
	[X86_FCTRL] = { "fctrl", 32, "int", CORE, NULL },
	[X86_FSTAT] = { "fstat", 32, "int", CORE, NULL },
	[X86_FTAG] = { "ftag", 32, "int", CORE, NULL },
	[X86_FISEG] = { "fiseg", 32, "int", CORE, NULL },
	[X86_FIOFF] = { "fioff", 32, "int", CORE, NULL },
	[X86_FOSEG] = { "foseg", 32, "int", CORE, NULL },
	[X86_FOOFF] = { "fooff", 32, "int", CORE, NULL },
	[X86_FOP] = { "fop", 32, "int", CORE, NULL },
	[X86_FS_BASE] = { "fs_base", 64, "int64", SEGMENTS, NULL },
	[X86_GS_BASE] = { "gs_base", 64, "int64", SEGMENTS, NULL },
	/* Not gdb's org.gnu.gdb.i386.linux: with it gdb takes the Linux ABI and ignores the
	 * library list. */
	[X86_ORIG_RAX] = { "orig_rax", 64, "int64", SYSTEM, NULL },
	[X86_K_GS_BASE] = { "k_gs_base", 64, "int64", SYSTEM, "MSR_KERNEL_GS_BASE" },
	[X86_CR0] = { "cr0", 64, "int64", SYSTEM, NULL },
	[X86_CR2] = { "cr2", 64, "int64", SYSTEM, NULL },
	[X86_CR3] = { "cr3", 64, "int64", SYSTEM, NULL },
	[X86_CR4] = { "cr4", 64, "int64", SYSTEM, NULL },
	[X86_IDT_BASE] = { "idt_base", 64, "int64", NULL, NULL },
	[X86_LSTAR] = { "lstar", 64, "int64", NULL, "MSR_LSTAR" },
	[X86_EFER] = { "efer", 64, "int64", NULL, "MSR_EFER" },
};

/* Bits of a page-table entry (Intel SDM vol. 3A, 4.5). */
static const uint64_t ENTRY_PRESENT = 1, ENTRY_LARGE = 1u << 7;
static const uint64_t ENTRY_ADDRESS = 0x000ffffffffff000; /* bits 12..51 */

enum { PAGE_SHIFT = 12, INDEX_BITS = 9, ENTRIES = 512, TOP_SHIFT_4 = 39, TOP_SHIFT_5 = 48 };

static const char *level_name(unsigned shift)
{
	switch (shift) {
	case 48: return "PGD";
	case 39: return "P4D";
	case 30: return "PUD";
	case 21: return "PMD";
	default: return "PTE";
	}
}

static bool is_canonical(uint64_t va, unsigned top_shift)
{
	unsigned sign = top_shift + INDEX_BITS - 1;
	int64_t high = (int64_t)va >> sign;
	return high == 0 || high == -1;
}

static struct error *walk(const struct paging *p, uint64_t va, struct phys_reader rd,
			  struct walk_trace *trace, struct mapping *ret)
{
	unsigned shift = p->levels == 5 ? TOP_SHIFT_5 : TOP_SHIFT_4;
	if (!is_canonical(va, shift))
		return error_at(ERROR_FAULT, va, "not a canonical address: nothing is mapped");

	uint64_t table = p->root;
	for (;; shift -= INDEX_BITS) {
		uint64_t where = table + ((va >> shift) & (ENTRIES - 1)) * 8, entry;
		struct error *err = rd.read(rd.arg, where, &entry, sizeof(entry));
		if (err)
			return err;
		if (trace)
			trace->entry(trace, p->levels == 4 && shift == TOP_SHIFT_4 ? "PGD" : level_name(shift),
				     where, entry);
		if (!(entry & ENTRY_PRESENT))
			return error_at(ERROR_FAULT, va, "no mapping");
		bool large = (entry & ENTRY_LARGE) && (shift == 30 || shift == 21);
		if (shift == PAGE_SHIFT || large) {
			uint64_t size = 1ull << shift, in_page = va & (size - 1);
			ret->pa = (entry & p->addr_mask & ~(size - 1)) | in_page;
			ret->left = size - in_page;
			return NULL;
		}
		table = entry & p->addr_mask;
	}
}

struct paging x86_64_paging(uint64_t root, unsigned levels, unsigned encrypted_bit)
{
	uint64_t mask = ENTRY_ADDRESS;
	if (encrypted_bit > PAGE_SHIFT && encrypted_bit < 52)
		mask &= ~(1ull << encrypted_bit);
	return (struct paging){ .root = root & mask, .levels = levels, .addr_mask = mask };
}

static bool paging_of(const struct regs *r, struct paging *ret)
{
	if (!r->known[X86_CR3] || !r->known[X86_CR4])
		return false;
	if (r->known[X86_CR0] && !(r->value[X86_CR0] & X86_CR0_PG))
		return false;
	*ret = x86_64_paging(r->value[X86_CR3], r->value[X86_CR4] & X86_CR4_LA57 ? 5 : 4, 0);
	return true;
}

const struct arch arch_x86_64 = {
	.name = "i386:x86-64",
	.elf_machine = EM_X86_64,
	.regs = registers,
	.nregs = X86_NREGS,
	.pc = X86_RIP,
	.sp = X86_RSP,
	.walk = walk,
	.paging = paging_of,
};

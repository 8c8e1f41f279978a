/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/arch/x86_64.h"

#include <elf.h>
#include <string.h>

#define CORE "org.gnu.gdb.i386.core"
#define SEGMENTS "org.gnu.gdb.i386.segments"
#define SYSTEM "org.kstub.system"

/* What a segment's descriptor has besides its base. */
#define SEGMENT(S, NAME) \
	[X86_LIMIT + X86_SEG_##S] = { NAME "_limit", 32, "int32", NULL, NULL }, \
	[X86_ATTRIBUTES + X86_SEG_##S] = { NAME "_attributes", 32, "int32", NULL, NULL }

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
	/* Not shown: no unwind rule can tell it of an outer frame, which would show this one. */
	[X86_ORIG_RAX] = { "orig_rax", 64, "int64", NULL, NULL },
	[X86_K_GS_BASE] = { "k_gs_base", 64, "int64", SYSTEM, "MSR_KERNEL_GS_BASE" },
	[X86_CR0] = { "cr0", 64, "int64", SYSTEM, NULL },
	[X86_CR2] = { "cr2", 64, "int64", SYSTEM, NULL },
	[X86_CR3] = { "cr3", 64, "int64", SYSTEM, NULL },
	[X86_CR4] = { "cr4", 64, "int64", SYSTEM, NULL },
	[X86_IDT_BASE] = { "idt_base", 64, "int64", NULL, NULL },
	[X86_LSTAR] = { "lstar", 64, "int64", NULL, "MSR_LSTAR" },
	[X86_EFER] = { "efer", 64, "int64", NULL, "MSR_EFER" },
	[X86_LDT] = { "ldt", 32, "int32", NULL, NULL },
	[X86_TR] = { "tr", 32, "int32", NULL, NULL },
	[X86_CS_BASE] = { "cs_base", 64, "int64", NULL, NULL },
	[X86_DS_BASE] = { "ds_base", 64, "int64", NULL, NULL },
	[X86_ES_BASE] = { "es_base", 64, "int64", NULL, NULL },
	[X86_SS_BASE] = { "ss_base", 64, "int64", NULL, NULL },
	[X86_LDT_BASE] = { "ldt_base", 64, "int64", NULL, NULL },
	[X86_TR_BASE] = { "tr_base", 64, "int64", NULL, NULL },
	[X86_GDT_BASE] = { "gdt_base", 64, "int64", NULL, NULL },
	SEGMENT(CS, "cs"), SEGMENT(DS, "ds"), SEGMENT(ES, "es"), SEGMENT(FS, "fs"), SEGMENT(GS, "gs"),
	SEGMENT(SS, "ss"), SEGMENT(LDT, "ldt"), SEGMENT(TR, "tr"),
	[X86_LIMIT + X86_SEG_GDT] = { "gdt_limit", 32, "int32", NULL, NULL },
	[X86_LIMIT + X86_SEG_IDT] = { "idt_limit", 32, "int32", NULL, NULL },
};
#undef SEGMENT

#define SEGMENT(S) { #S, X86_##S, X86_##S##_BASE, X86_LIMIT + X86_SEG_##S, X86_ATTRIBUTES + X86_SEG_##S }
const struct x86_64_segment_regs x86_64_segments[X86_NSEGMENTS] = {
	[X86_SEG_CS] = SEGMENT(CS),
	[X86_SEG_DS] = SEGMENT(DS),
	[X86_SEG_ES] = SEGMENT(ES),
	[X86_SEG_FS] = SEGMENT(FS),
	[X86_SEG_GS] = SEGMENT(GS),
	[X86_SEG_SS] = SEGMENT(SS),
	[X86_SEG_LDT] = SEGMENT(LDT),
	[X86_SEG_TR] = SEGMENT(TR),
	[X86_SEG_GDT] = { "GDT", X86_NREGS, X86_GDT_BASE, X86_LIMIT + X86_SEG_GDT, X86_NREGS },
	[X86_SEG_IDT] = { "IDT", X86_NREGS, X86_IDT_BASE, X86_LIMIT + X86_SEG_IDT, X86_NREGS },
};
#undef SEGMENT

/* Bits of a page-table entry (Intel SDM vol. 3A, 4.5). */
static const uint64_t ENTRY_PRESENT = 1, ENTRY_WRITE = 2, ENTRY_USER = 4, ENTRY_LARGE = 1u << 7;
static const uint64_t ENTRY_NO_EXECUTE = 1ull << 63;
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

static unsigned prot_of(uint64_t entry)
{
	return (entry & ENTRY_USER ? MAP_USER : 0) | (entry & ENTRY_WRITE ? MAP_WRITE : 0) |
	       (entry & ENTRY_NO_EXECUTE ? 0 : MAP_EXECUTE);
}

struct map_walk {
	const struct paging *p;
	struct phys_reader rd;
	struct map_visitor *v;
};

/* What a table turned out to map: of a piece of one sort, its twin needs no second look. */
struct mapped {
	enum { MAPPED_MIXED, MAPPED_NOTHING, MAPPED_WHOLE } sort;
	unsigned prot;          /* of the whole */
};

static void add_mapped(struct mapped *all, struct mapped more, bool first)
{
	if (first)
		*all = more;
	else if (all->sort != more.sort || (all->sort == MAPPED_WHOLE && all->prot != more.prot))
		all->sort = MAPPED_MIXED;
}

/*
 * One table, that maps from `va` on with entries of 2^shift bytes each. Equal entries stand side by
 * side by the thousand where KASAN maps all of its shadow to the same page. False: enough.
 */
static bool map_table(const struct map_walk *w, uint64_t table, unsigned shift, uint64_t va, unsigned prot,
		      struct mapped *ret)
{
	uint64_t entries[ENTRIES], size = 1ull << shift;
	struct mapped part = { MAPPED_NOTHING, 0 };
	if (!w->v->table(w->v, va))
		return false;
	struct error *err = w->rd.read(w->rd.arg, table, entries, sizeof(entries));
	if (err) {
		error_free(err);
		w->v->missing(w->v, va, size * ENTRIES);
		ret->sort = MAPPED_MIXED;
		return true;
	}
	for (unsigned i = 0; i < ENTRIES; i++, va += size) {
		uint64_t entry = entries[i];
		unsigned here = prot & prot_of(entry);
		bool twin = i && entry == entries[i - 1];
		/* The upper half's addresses have all the bits above set, too. */
		if (i == ENTRIES / 2 && shift == (w->p->levels == 5 ? TOP_SHIFT_5 : TOP_SHIFT_4))
			va |= ~(size * ENTRIES - 1);
		if (!(entry & ENTRY_PRESENT)) {
			part = (struct mapped){ MAPPED_NOTHING, 0 };
		} else if (shift == PAGE_SHIFT || ((entry & ENTRY_LARGE) && (shift == 30 || shift == 21))) {
			part = (struct mapped){ MAPPED_WHOLE, here };
			if (!w->v->range(w->v, va, size, here))
				return false;
		} else if (twin && part.sort != MAPPED_MIXED) {
			if (part.sort == MAPPED_WHOLE && !w->v->range(w->v, va, size, part.prot))
				return false;
		} else if (!map_table(w, entry & w->p->addr_mask, shift - INDEX_BITS, va, here, &part)) {
			return false;
		}
		add_mapped(ret, part, !i);
	}
	return true;
}

static void map(const struct paging *p, struct phys_reader rd, struct map_visitor *v)
{
	const struct map_walk w = { p, rd, v };
	struct mapped all = { MAPPED_NOTHING, 0 };
	(void)map_table(&w, p->root, p->levels == 5 ? TOP_SHIFT_5 : TOP_SHIFT_4, 0,
			MAP_USER | MAP_WRITE | MAP_EXECUTE, &all);
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
	.page_size = 4096,
	.walk = walk,
	.map = map,
	.show_regs = x86_64_show_regs,
	.paging = paging_of,
};

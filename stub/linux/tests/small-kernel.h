/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crashed kernel in small: fixture.c's ELF loaded into a memory with page tables, with one CPU
 * and the VMCOREINFO that it would have written.
 */
#ifndef STUB_LINUX_TESTS_SMALL_KERNEL_H
#define STUB_LINUX_TESTS_SMALL_KERNEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/arch/x86_64.h"
#include "stub/base/cleanup.h"
#include "stub/base/tests/tap.h"
#include "stub/target/target.h"
#include "symbols/symbols.h"

enum { RAM = 64 << 20, IMAGE_AT = 32 << 20, NOTE_AT = 8 << 20, PAGE = 4096 };
static const uint64_t LINK = 0xffffffff81000000;

struct memory {
	struct target t;
	unsigned char *ram;
	struct regs regs;
	char note[1024];
	uint64_t top_va;                /* init_top_pgt: eight pages, the last three of them unused */
	char build_id[BUILD_ID_MAX * 2 + 1];
	uint64_t lacks;                 /* a page that the dump lacks; 0: none */
};

static inline struct error *read_ram(struct target *t, uint64_t pa, void *buf, size_t len)
{
	struct memory *m = (struct memory *)t;
	if (pa > RAM || len > RAM - pa)
		return error_at(ERROR_FAULT, pa, "no memory");
	if (m->lacks && pa < m->lacks + PAGE && pa + len > m->lacks) {
		if (pa < m->lacks)      /* what is before it comes */
			memcpy(buf, m->ram + pa, m->lacks - pa);
		return error_at(ERROR_TRUNCATED, pa < m->lacks ? m->lacks : pa, "behind the end of the file");
	}
	memcpy(buf, m->ram + pa, len);
	return NULL;
}

static inline void close_nothing(struct target *t)
{
	(void)t;
}

static void put(struct memory *m, uint64_t pa, uint64_t value)
{
	memcpy(m->ram + pa, &value, 8);
}

static uint64_t phys(uint64_t va)
{
	return va - LINK + IMAGE_AT;
}

/* Four levels from init_top_pgt, whose other seven pages hold the lower tables. */
static void map_image(struct memory *m, uint64_t top_va)
{
	uint64_t top = phys(top_va);
	put(m, top + 511 * 8, (top + PAGE) | 0x67);
	put(m, top + PAGE + 510 * 8, (top + 2 * PAGE) | 0x67);
	put(m, top + 2 * PAGE + 8 * 8, (top + 3 * PAGE) | 0x67);
	for (uint64_t i = 0; i < 512; i++)
		put(m, top + 3 * PAGE + i * 8, (IMAGE_AT + i * PAGE) | 0x63);
}

/* The gate of page faults (Intel SDM vol. 3A, 6.14.1), where there is one; era 1 is a guest of KVM. */
static bool set_gate(struct memory *m, struct symbols *s)
{
	struct symbol table, handler;
	if (!symbols_lookup(s, "idt_table", &table))
		return true;
	if (!symbols_lookup(s, "async_page_fault", &handler) &&
	    !symbols_lookup(s, "asm_exc_page_fault", &handler))
		return false;
	uint64_t at = phys(table.addr) + 14 * 16, va = handler.addr;
	put(m, at, (va & 0xffff) | 0x8e0000100000 | (va >> 16 & 0xffff) << 48);
	put(m, at + 8, va >> 32);
	regs_set(&m->regs, X86_IDT_BASE, table.addr);
	return true;
}

static bool load(struct memory *m, const char *path)
{
	_cleanup_symbols_ struct symbols *s = NULL;
	_cleanup_fclose_ FILE *f = fopen(path, "r");
	struct symbol top;
	size_t n;
	struct error *err = symbols_open(path, &s);
	if (err || !f) {
		tap_diag("%s: %s", path, err ? err->text : "cannot be opened");
		error_free(err);
		return false;
	}
	memset(m->ram, 0, RAM);
	const struct segment *segments = symbols_segments(s, &n);
	for (size_t i = 0; i < n; i++) {
		if (segments[i].vaddr < LINK)
			continue;
		if (fseek(f, (long)segments[i].offset, SEEK_SET) ||
		    fread(m->ram + phys(segments[i].vaddr), 1, segments[i].filesz, f) != segments[i].filesz)
			return false;
	}
	if (!symbols_lookup(s, "init_top_pgt", &top))
		return false;
	map_image(m, top.addr);
	m->top_va = top.addr;
	build_id_text(symbols_build_id(s), m->build_id);
	regs_set(&m->regs, X86_CR3, phys(top.addr));
	regs_set(&m->regs, X86_CR4, 0x20);
	if (!set_gate(m, s))
		return false;
	snprintf(m->note, sizeof(m->note),
		 "OSRELEASE=9.8.7-fixture\nPAGESIZE=4096\nSYMBOL(init_top_pgt)=%llx\n"
		 "SYMBOL(_stext)=%llx\nNUMBER(phys_base)=%lld\nKERNELOFFSET=0\n",
		 (unsigned long long)top.addr, (unsigned long long)LINK,
		 (long long)IMAGE_AT - (long long)(LINK - 0xffffffff80000000));
	return true;
}

#endif

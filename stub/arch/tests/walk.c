/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86-64 page walks on sparse page tables, given as text: "address:entry" lines are all of
 * physical memory, "virtual=physical left" lines what must come out, "virtual!" what must not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/arch/x86_64.h"
#include "stub/base/tests/tap.h"

struct table {
	const char *name;
	uint64_t root;
	unsigned levels, encrypted_bit;
	const char *entries;    /* what is not listed reads as zero below 1 GiB, and fails above */
	const char *expect;
};

static const struct table tables[] = {
	{ "4 levels, 4 KiB page", 0x1000, 4, 0,
	  "1ff8:2067 2ff0:3067 3000:4067 4008:5063",        /* 511, 510, 0, 1 */
	  "ffffffff80001000=5000:1000 ffffffff80001abc=5abc:544 ffffffff80002000! ffffffff80000fff!" },
	{ "4 levels, 2 MiB page", 0x1000, 4, 0,
	  "1ff8:2067 2ff0:3067 3040:1a000e3",               /* PMD 8: bit 7 */
	  "ffffffff81000000=1a00000:200000 ffffffff811fffff=1bfffff:1 ffffffff81200000!" },
	{ "4 levels, 1 GiB page", 0x1000, 4, 0,
	  "1888:2067 2000:800000e3",                        /* PGD 0x111: direct map */
	  "ffff888000001234=80001234:3fffedcc ffff88803fffffff=bfffffff:1 ffff888040000000!" },
	{ "5 levels, 4 KiB page", 0x1000, 5, 0,
	  "1ff8:2067 2ff8:3067 3ff0:4067 4000:5067 5000:8000000000006163",
	  "ffffffff80000010=6010:ff0 ff00000000000000! ffffffff80001000!" },
	{ "5 levels, 2 MiB page of the direct map", 0x1000, 5, 0,
	  "1888:2067 2000:3067 3000:4067 4000:e3",
	  "ff11000000000000=0:200000 ff11000000100000=100000:100000" },
	{ "a not-present entry at each level", 0x1000, 4, 0,
	  "1ff8:2066 1000:3067 3000:4066 3008:5067 5000:6066",
	  "ffffffff80000000! 0! 40000000! 40200000!" },
	{ "NX and software bits are no part of the address", 0x1000, 4, 0,
	  "1000:7ff0000000002067 2000:3067 3000:4067 4000:8650000000005067",
	  "123=5123:edd" },
	{ "the encryption bit is no part of the address", 0x800000001000, 4, 47,
	  "1000:800000002067 2000:800000003067 3000:800000004067 4000:800000005063 4008:800001a00063",
	  "0=5000:1000 1008=1a00008:ff8" },
	{ "bit 7 is no large page where the manual has PAT", 0x1000, 4, 0,
	  "1000:2067 2000:3067 3000:4067 4000:50e7",
	  "10=5010:ff0" },
	{ "addresses that are not canonical", 0x1000, 4, 0,
	  "1000:2067 1800:2067 2000:3067 3000:4067 4000:5067",
	  "800000000000! ffff000000000000! 7fffffffffff! 0=5000:1000" },
	{ "tables outside of memory", 0xffffffff000, 4, 0, "", "0! ffffffff80000000!" },
	{ "a table that is its own entry ends after its levels", 0x1000, 4, 0,
	  "1000:1067", "0=1000:1000" },
};

/*
 * What `map` tells: "va+bytes=prot" for each range, prot of u, w, x; "va+bytes?" where a table is
 * missing. In the entries "a*n:e" is n times the same entry.
 */
static const struct table maps[] = {
	{ "nothing", 0x1000, 4, 0, "", "" },
	{ "pages of both halves", 0x1000, 4, 0,
	  "1000:2067 1ff8:5063 2000:3067 3000:4067 4008:a067 4010:b065 5ff0:6063 6000:7063 7000:8063",
	  "1000+1000=uwx 2000+1000=ux ffffffff80000000+1000=wx" },
	{ "all levels of the tables count", 0x1000, 4, 0,
	  "1000:2065 1008:6067 2000:3067 3000:4067 4000:a067 6000:8000000000007067 7000:4063",
	  "0+1000=ux 8000000000+1000=w" },
	{ "large pages", 0x1000, 4, 0, "1000:2067 2000:e3 2008:3067 3010:80000000002000e1",
	  "0+40000000=wx 40400000+200000=" },
	{ "5 levels", 0x1000, 5, 0,
	  "1000:2067 1800:2067 1ff8:2063 2008:3067 3000:e7",
	  "8000000000+40000000=uwx ff00008000000000+40000000=uwx ffff008000000000+40000000=wx" },
	{ "a table that is missing", 0x1000, 4, 0, "1000:40000067 1008:2067 2000:40000063 2008:a1",
	  "0+8000000000? 8000000000+40000000? 8040000000+40000000=x" },
	/* Each table is looked at once: 4 tables stand for all of user memory. */
	{ "one page everywhere", 0x1000, 4, 0, "1000*100:2067 2000*200:3067 3000*200:4067 4000*200:5067",
	  "0+800000000000=uwx" },
	{ "a table that is its own entry, alone", 0x1000, 4, 0, "1008:1067", "8040201000+1000=uwx" },
	{ "a table that is each of its own entries", 0x1000, 4, 0, "1000*200:1067",
	  "0+800000000000=uwx ffff800000000000+800000000000=uwx" },
};

static bool entry_at(const char *p, uint64_t pa, uint64_t *ret)
{
	for (; *p; p += strcspn(p, " "), p += *p == ' ') {
		char *end;
		uint64_t at = strtoull(p, &end, 16), n = 1;
		if (*end == '*')
			n = strtoull(end + 1, &end, 16);
		if (pa >= at && pa < at + n * 8) {
			*ret = strtoull(end + 1, NULL, 16);
			return true;
		}
	}
	return false;
}

static struct error *read_entry(void *arg, uint64_t pa, void *buf, size_t len)
{
	const struct table *t = arg;
	if (pa >= 1 << 30)
		return error_at(ERROR_FAULT, pa, "no memory");
	memset(buf, 0, len);
	for (size_t at = 0; at < len; at += 8) {
		uint64_t value;
		if (entry_at(t->entries, pa + at, &value))
			memcpy((char *)buf + at, &value, 8);
	}
	return NULL;
}

struct told {
	struct map_visitor visitor;
	char text[512];
	size_t len, tables, most;
	uint64_t start, end;
	unsigned prot;
};

static void tell_range(struct told *t)
{
	if (t->start != t->end && t->len < sizeof(t->text) - 80)
		t->len += (size_t)sprintf(t->text + t->len, "%s%llx+%llx=%s%s%s", t->len ? " " : "",
					  (unsigned long long)t->start, (unsigned long long)(t->end - t->start),
					  t->prot & MAP_USER ? "u" : "", t->prot & MAP_WRITE ? "w" : "",
					  t->prot & MAP_EXECUTE ? "x" : "");
	t->start = t->end;
}

static bool told_range(struct map_visitor *v, uint64_t va, uint64_t len, unsigned prot)
{
	struct told *t = (struct told *)v;
	if (t->start == t->end || t->end != va || t->prot != prot) {
		tell_range(t);
		t->start = va;
		t->prot = prot;
	}
	t->end = va + len;
	return true;
}

static bool told_table(struct map_visitor *v, uint64_t va)
{
	(void)va;
	return ((struct told *)v)->tables++ < ((struct told *)v)->most;
}

static void told_missing(struct map_visitor *v, uint64_t va, uint64_t len)
{
	struct told *t = (struct told *)v;
	tell_range(t);
	t->len += (size_t)sprintf(t->text + t->len, "%s%llx+%llx?", t->len ? " " : "", (unsigned long long)va,
				  (unsigned long long)len);
}

static void map_all(const struct table *t, struct told *ret, size_t most)
{
	struct paging paging = x86_64_paging(t->root, t->levels, t->encrypted_bit);
	struct phys_reader reader = { read_entry, (void *)(uintptr_t)t };
	*ret = (struct told){ .visitor = { told_table, told_range, told_missing }, .most = most };
	arch_x86_64.map(&paging, reader, &ret->visitor);
	tell_range(ret);
}

static void check_maps(void)
{
	/* Entries in turns, none like its neighbour: 512 tables on each of three levels. */
	static char hostile[1 << 16];
	static const struct table endless = { "endless", 0x1000, 4, 0, hostile, "" };
	struct told told;
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		map_all(&maps[i], &told, 100);
		tap_is_str(told.text, maps[i].expect, maps[i].name);
	}
	for (unsigned i = 0, len = 0; i < 512; i++)
		len += (unsigned)sprintf(hostile + len, "%x:%x ", 0x1000 + i * 8, 0x1065 + i % 2 * 2);
	map_all(&endless, &told, 1000);
	tap_ok(told.tables == 1001, "tables that point at each other are read as often as they may be (%zu)", told.tables);
}

static void check_shown(void)
{
	struct regs r = { .known = { 0 } };
	struct buffer text = BUFFER_INIT;
	arch_x86_64.show_regs(&r, &text);
	tap_ok(!text.len, "of no register nothing is shown");
	regs_set(&r, X86_RBX, 0x12);
	regs_set(&r, X86_RDX, 0xffffffff81000000);
	regs_set(&r, X86_RIP, 0xffffffff81000001);
	regs_set(&r, X86_EFLAGS, 0x10a46);
	regs_set(&r, X86_CS, 0x33);
	regs_set(&r, X86_CS_BASE, 0);
	regs_set(&r, X86_LIMIT + X86_SEG_CS, 0xffffffff);
	regs_set(&r, X86_ATTRIBUTES + X86_SEG_CS, 0xaffb00);
	regs_set(&r, X86_GDT_BASE, 0xfffffe0000001000);
	regs_set(&r, X86_LIMIT + X86_SEG_GDT, 0x7f);
	regs_set(&r, X86_CR3, 0x1000);
	arch_x86_64.show_regs(&r, &text);
	tap_is_str(buffer_text(&text), "RBX=0000000000000012 RDX=ffffffff81000000\n"
		   "RIP=ffffffff81000001 RFL=00010a46 [-O-Z-P-] CPL=3\n"
		   "CS =0033 0000000000000000 ffffffff 00affb00 DPL=3 CS64 [-RA]\n"
		   "GDT=     fffffe0000001000 0000007f\n"
		   "CR3=0000000000001000\n", "registers as QEMU shows them, without those that are not known");
	buffer_deinit(&text);
}

static void check(const struct table *t)
{
	struct paging paging = x86_64_paging(t->root, t->levels, t->encrypted_bit);
	struct phys_reader reader = { read_entry, (void *)(uintptr_t)t };
	for (const char *p = t->expect; *p; p += strcspn(p, " "), p += *p == ' ') {
		char *end;
		uint64_t va = strtoull(p, &end, 16);
		struct mapping m = { 0, 0 };
		struct error *err = arch_x86_64.walk(&paging, va, reader, NULL, &m);
		if (*end == '!') {
			tap_ok(err && err->code == ERROR_FAULT, "%s: %llx is not mapped", t->name,
			       (unsigned long long)va);
		} else {
			uint64_t pa = strtoull(end + 1, &end, 16), left = strtoull(end + 1, NULL, 16);
			tap_ok(!err && m.pa == pa && m.left == left,
			       "%s: %llx is at %llx, %llx left (got %llx, %llx)", t->name,
			       (unsigned long long)va, (unsigned long long)pa,
			       (unsigned long long)left, (unsigned long long)m.pa,
			       (unsigned long long)m.left);
		}
		error_free(err);
	}
}

static void check_paging(void)
{
	struct regs r = { .known = { 0 } };
	struct paging p;
	tap_ok(!arch_x86_64.paging(&r, &p), "no control registers, no paging");
	regs_set(&r, X86_CR3, 0x8000000012345fff);
	regs_set(&r, X86_CR4, X86_CR4_LA57);
	tap_ok(arch_x86_64.paging(&r, &p) && p.root == 0x12345000 && p.levels == 5,
	       "CR3 without its PCID, CR4.LA57");
	regs_set(&r, X86_CR4, 0);
	tap_ok(arch_x86_64.paging(&r, &p) && p.levels == 4, "without CR4.LA57, 4 levels");
	regs_set(&r, X86_CR0, 0x11);
	tap_ok(!arch_x86_64.paging(&r, &p), "CR0.PG off: no paging");
}

static void check_registers(void)
{
	unsigned holes = 0;
	for (unsigned i = 0; i < arch_x86_64.nregs; i++)
		holes += !arch_x86_64.regs[i].name;
	tap_ok(!holes, "every register has a name");
	tap_ok(arch_x86_64.nregs + 8 <= REGS_MAX, "struct regs holds them all, and the server's own");
	tap_ok(arch_by_elf_machine(62) == &arch_x86_64 && !arch_by_elf_machine(183),
	       "x86-64 is known by its ELF machine, aarch64 not yet");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		check(&tables[i]);
	check_maps();
	check_shown();
	check_paging();
	check_registers();
	return tap_done();
}

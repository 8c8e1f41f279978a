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

static struct error *read_entry(void *arg, uint64_t pa, void *buf, size_t len)
{
	const struct table *t = arg;
	uint64_t value = 0;
	if (pa >= 1 << 30)
		return error_at(ERROR_FAULT, pa, "no memory");
	for (const char *p = t->entries; *p; p += strcspn(p, " "), p += *p == ' ') {
		char *end;
		if (strtoull(p, &end, 16) == pa) {
			value = strtoull(end + 1, NULL, 16);
			break;
		}
	}
	memcpy(buf, &value, len);
	return NULL;
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
	check_paging();
	check_registers();
	return tap_done();
}

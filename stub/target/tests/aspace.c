/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads through page tables: how often the tables themselves are read, what happens when one is not
 * there whole, and when memory changes.
 */
#include <stdlib.h>
#include <string.h>

#include "stub/arch/x86_64.h"
#include "stub/base/tests/tap.h"
#include "stub/target/aspace.h"
#include "stub/target/target.h"

/* The last table lies across the end of memory. */
enum { PAGE = 4096, PAGES = 1024, LAST_TABLE = PAGES * PAGE - PAGE, END = LAST_TABLE + PAGE / 2 };

struct memory {
	struct target t;
	unsigned reads;
	unsigned char ram[PAGES * PAGE];
};

static struct error *read_ram(struct target *t, uint64_t pa, void *buf, size_t len)
{
	struct memory *m = (struct memory *)t;
	m->reads++;
	if (pa > END || len > END - pa)
		return error_at(ERROR_FAULT, pa < END ? END : pa, "no memory");
	memcpy(buf, m->ram + pa, len);
	return NULL;
}

static const struct target_ops ops = { "memory", NULL, read_ram, NULL, NULL, NULL };

static void put(struct memory *m, uint64_t pa, uint64_t value)
{
	memcpy(m->ram + pa, &value, 8);
}

/* 512 pages at `va`, from `pa` on, by a table of the lowest level at `table`. */
static void map(struct memory *m, uint64_t va, uint64_t table, uint64_t pa)
{
	put(m, 0x1000 + (va >> 39 & 511) * 8, 0x2000 | 3);
	put(m, 0x2000 + (va >> 30 & 511) * 8, 0x3000 | 3);
	put(m, 0x3000 + (va >> 21 & 511) * 8, table | 3);
	for (uint64_t i = 0; i < 512 && table + i * 8 < END; i++)
		put(m, table + i * 8, (pa + i * PAGE) | 3);
}

static uint64_t value_at(struct aspace *as, uint64_t va)
{
	uint64_t value = 0;
	struct error *err = aspace_read(as, va, &value, 8);
	if (err)
		value = UINT64_MAX;
	error_free(err);
	return value;
}

int main(void)
{
	struct memory *m = calloc(1, sizeof(*m));
	struct paging paging = x86_64_paging(0x1000, 4, 0);
	struct aspace *as;
	if (!m)
		return 1;
	m->t.ops = &ops;
	m->t.arch = &arch_x86_64;
	map(m, 0, 0x4000, 0x100000);
	map(m, 0x200000, LAST_TABLE, 0x100000);
	for (uint64_t i = 0; i < 512; i++)
		put(m, 0x100000 + i * PAGE + 16, i + 1);
	struct error *err = aspace_create(&m->t, &paging, &as);
	if (err)
		return 1;
	bool right = true;
	for (uint64_t i = 0; i < 512; i++)
		right &= value_at(as, i * PAGE + 16) == i + 1;
	tap_ok(right, "512 pages are where they are mapped");
	tap_ok(m->reads <= 512 + 4, "and cost their own reads and four more: %u", m->reads);
	tap_is_u64(value_at(as, 0x200000 + 16), 1, "a table that is not there whole: its first entry");
	tap_is_u64(value_at(as, 0x200000 + 255 * PAGE + 16), 256, "the last one that is there");
	tap_is_u64(value_at(as, 0x200000 + 256 * PAGE + 16), UINT64_MAX, "and none behind it");
	put(m, 0x4000 + 8, 0x102000 | 3);
	m->t.epoch++;
	tap_is_u64(value_at(as, PAGE + 16), 3, "a table that has changed");
	aspace_destroy(as);
	free(m);
	return tap_done();
}

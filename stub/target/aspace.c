/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/target/aspace.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_SHIFT = 12, PAGE = 1 << PAGE_SHIFT, TLB_ENTRIES = 512, TABLES = 32 };

/* Pages of any size are remembered in pieces of 4 KiB: one shape, one look-up. */
struct translation {
	uint64_t page;          /* va >> PAGE_SHIFT, + 1 so that zero is empty */
	uint64_t pa;
};

/* A page table: the upper ones are those of nearly every walk. */
struct table {
	uint64_t page;          /* pa >> PAGE_SHIFT, + 1 so that zero is empty */
	unsigned char bytes[PAGE];
};

struct aspace {
	struct target *target;
	struct paging paging;
	uint64_t epoch;
	struct translation tlb[TLB_ENTRIES];
	struct table tables[TABLES];
};

struct error *aspace_create(struct target *t, const struct paging *paging, struct aspace **ret)
{
	struct aspace *as = calloc(1, sizeof(*as));
	if (!as)
		return error_nomem();
	as->target = t;
	as->paging = *paging;
	as->epoch = t->epoch;
	*ret = as;
	return NULL;
}

void aspace_destroy(struct aspace *as)
{
	free(as);
}

const struct paging *aspace_paging(const struct aspace *as)
{
	return &as->paging;
}

struct error *aspace_translate(struct aspace *as, uint64_t va, struct walk_trace *trace,
			       struct mapping *ret)
{
	return as->target->arch->walk(&as->paging, va, target_phys_reader(as->target), trace, ret);
}

/* An entry of a table that is remembered; one that is not there whole is read as it is. */
static struct error *read_table(void *arg, uint64_t pa, void *buf, size_t len)
{
	struct aspace *as = arg;
	uint64_t page = pa >> PAGE_SHIFT, at = pa & (PAGE - 1);
	struct table *t = &as->tables[page % TABLES];
	if (len > PAGE - at)
		return target_read_phys(as->target, pa, buf, len);
	if (t->page != page + 1) {
		struct error *err = target_read_phys(as->target, page << PAGE_SHIFT, t->bytes, PAGE);
		t->page = err ? 0 : page + 1;
		error_free(err);
		if (err)
			return target_read_phys(as->target, pa, buf, len);
	}
	memcpy(buf, t->bytes + at, len);
	return NULL;
}

static void forget_all(struct aspace *as)
{
	for (size_t i = 0; i < TLB_ENTRIES; i++)
		as->tlb[i].page = 0;
	for (size_t i = 0; i < TABLES; i++)
		as->tables[i].page = 0;
}

/* The physical address of `va`, good to the end of its 4 KiB. */
static struct error *translate(struct aspace *as, uint64_t va, uint64_t *ret)
{
	uint64_t page = va >> PAGE_SHIFT;
	struct translation *slot = &as->tlb[page % TLB_ENTRIES];
	if (as->epoch != as->target->epoch) {
		as->epoch = as->target->epoch;
		forget_all(as);
	}
	if (slot->page != page + 1) {
		struct mapping m;
		struct phys_reader rd = { read_table, as };
		struct error *err = as->target->arch->walk(&as->paging, va, rd, NULL, &m);
		if (err) {
			err->addr = va;
			return err;
		}
		slot->page = page + 1;
		slot->pa = m.pa & ~(uint64_t)(PAGE - 1);
	}
	*ret = slot->pa | (va & (PAGE - 1));
	return NULL;
}

/* How many of `len` bytes from `va` on stand behind each other in physical memory, too. */
static size_t run_length(struct aspace *as, uint64_t va, uint64_t pa, size_t len)
{
	size_t run = PAGE - (va & (PAGE - 1));
	while (run < len) {
		uint64_t next;
		struct error *err = translate(as, va + run, &next);
		error_free(err);
		if (err || next != pa + run)
			return run;
		run += PAGE;
	}
	return len;
}

struct error *aspace_read_some(struct aspace *as, uint64_t va, void *buf, size_t len, size_t *got_ret)
{
	size_t got = 0;
	while (got < len) {
		uint64_t at = va + got, pa;
		size_t chunk = 0;
		struct error *err = translate(as, at, &pa);
		if (!err) {
			chunk = run_length(as, at, pa, len - got);
			err = target_read_phys(as->target, pa, (char *)buf + got, chunk);
			if (err && err->addr > pa && err->addr - pa < chunk)
				got += err->addr - pa;
			if (err)
				err->addr = va + got;
		}
		if (err) {
			if (!got)
				return err;
			error_free(err);
			break;
		}
		got += chunk;
	}
	*got_ret = got;
	return NULL;
}

struct error *aspace_read(struct aspace *as, uint64_t va, void *buf, size_t len)
{
	size_t got = 0;
	while (got < len) {
		size_t more = 0;
		struct error *err = aspace_read_some(as, va + got, (char *)buf + got, len - got, &more);
		if (err)
			return err;
		got += more;
	}
	return NULL;
}

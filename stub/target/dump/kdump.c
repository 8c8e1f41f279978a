/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kdump-compressed files of makedumpfile, QEMU and libvirt, and old diskdumps: pages compressed
 * one by one, whole files or sets of parts. Pages are unpacked into a bounded cache.
 */
#include "stub/target/dump/readers.h"

#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/target/dump/kdump-header.h"
#include "stub/target/dump/notes.h"
#include "stub/target/dump/page-map.h"
#include "stub/target/dump/unpack-page.h"

enum {
	CACHE_BYTES = 8 << 20,
	CACHE_WAYS = 4,
	RAW_BYTES = 1 << 17,            /* of the file, read at once when pages are read in order */
	VMCOREINFO_MAX = 1 << 20,
};

struct part {
	struct dump_file file;
	struct kdump_header h;
	struct page_map *map;
	/* The file's bytes around the page that was unpacked last. */
	unsigned char *raw;
	uint64_t raw_at, last_end;
	size_t raw_len;
};

struct kdump {
	struct target t;
	struct part *parts;             /* sorted by first page */
	size_t nparts;
	unsigned page_shift;
	struct notes notes;
	struct phys_range *ram;
	struct unpacker *unpacker;
	/* Unpacked pages, in sets of CACHE_WAYS; the one replaced next goes round. */
	uint64_t *cached;               /* pfn + 1, zero: empty */
	unsigned char *pages;
	unsigned char *next_way;
	size_t nsets;
};

static void part_close(struct part *p)
{
	page_map_destroy(p->map);
	dump_file_close(&p->file);
	free(p->raw);
}

static void kdump_close(struct target *t)
{
	struct kdump *k = (struct kdump *)t;
	for (size_t i = 0; i < k->nparts; i++)
		part_close(&k->parts[i]);
	free(k->parts);
	notes_deinit(&k->notes);
	free(k->ram);
	unpacker_destroy(k->unpacker);
	free(k->cached);
	free(k->pages);
	free(k->next_way);
	target_deinit(t);
	free(k);
}

/* The part that has the page; NULL: it was not given. */
static struct part *part_of(struct kdump *k, uint64_t pfn)
{
	for (size_t i = 0; i < k->nparts; i++)
		if (pfn >= k->parts[i].h.start_pfn && pfn < k->parts[i].h.end_pfn)
			return &k->parts[i];
	return NULL;
}

/* All parts have the whole machine's bitmaps. */
static struct part *part_for_state(struct kdump *k, uint64_t pfn)
{
	struct part *p = part_of(k, pfn);
	return p ? p : &k->parts[0];
}

/*
 * `size` bytes of the file, borrowed until the next call. Pages that follow each other in the
 * file are being read in order: then much is read at once.
 */
static struct error *raw_bytes(struct part *p, const struct page_descriptor *d, const unsigned char **ret)
{
	uint64_t end = d->offset + d->size;
	if (d->offset < p->raw_at || end > p->raw_at + p->raw_len) {
		bool in_order = d->offset == p->last_end;
		size_t len = in_order ? RAW_BYTES : d->size;
		if (d->offset >= p->file.size || d->size > p->file.size - d->offset)
			return error_at(ERROR_TRUNCATED, d->offset, "the file ends before offset");
		if (len > p->file.size - d->offset)
			len = p->file.size - d->offset;
		p->raw_len = 0;
		struct error *err = dump_file_read(&p->file, d->offset, p->raw, len);
		if (err)
			return err;
		p->raw_at = d->offset;
		p->raw_len = len;
	}
	p->last_end = end;
	*ret = p->raw + (d->offset - p->raw_at);
	return NULL;
}

static struct error *unpack(struct kdump *k, struct part *p, const struct page_descriptor *d, uint64_t pa,
			    void *out)
{
	size_t page = (size_t)1 << k->page_shift;
	const unsigned char *raw = NULL;
	if (!d->offset)
		return error_at(ERROR_TRUNCATED, pa, "a page that did not fit on makedumpfile's disk");
	if (d->size > RAW_BYTES || (!(d->flags & PAGE_COMPRESSED) && d->size != page))
		return error_at(ERROR_FORMAT, pa, "a damaged page descriptor");
	struct error *err = raw_bytes(p, d, &raw);
	if (err && err->code == ERROR_TRUNCATED)
		return error_at(ERROR_TRUNCATED, pa, "memory behind the end of the truncated file");
	if (err)
		return err;
	if (d->flags & PAGE_COMPRESSED)
		return unpacker_run(k->unpacker, d->flags, raw, d->size, pa, out, page);
	memcpy(out, raw, page);
	return NULL;
}

/* Finds the page's descriptor, or says why there is none; `pa` is for the error. */
static struct error *locate(struct kdump *k, uint64_t pfn, uint64_t pa, struct part **part_ret,
			    struct page_descriptor *ret)
{
	enum page_state state = PAGE_NO_RAM;
	struct part *p = part_of(k, pfn);
	struct error *err = page_map_state(part_for_state(k, pfn)->map, pfn, &state);
	if (!err && state == PAGE_NO_RAM)
		return error_at(ERROR_FAULT, pa, "no memory in the dump");
	if (!err && state == PAGE_EXCLUDED)
		return error_at(ERROR_EXCLUDED, pa, "a page that makedumpfile excluded");
	if (!err && !p)
		return error_at(ERROR_TRUNCATED, pa, "memory in a part of the split dump that was not given");
	if (!err)
		err = page_map_descriptor(p->map, pfn, ret);
	if (err && err->code == ERROR_TRUNCATED)
		return error_at(ERROR_TRUNCATED, pa, "memory behind the end of the truncated file");
	if (err)
		return err;
	*part_ret = p;
	return NULL;
}

static unsigned char *cache_find(struct kdump *k, uint64_t pfn)
{
	size_t first = pfn % k->nsets * CACHE_WAYS;
	for (size_t i = first; i < first + CACHE_WAYS; i++)
		if (k->cached[i] == pfn + 1)
			return k->pages + (i << k->page_shift);
	return NULL;
}

/* The unpacked page, borrowed until the next read. */
static struct error *cached_page(struct kdump *k, uint64_t pfn, uint64_t pa, unsigned char **ret)
{
	struct part *p = NULL;
	struct page_descriptor d = { 0, 0, 0 };
	unsigned char *page = cache_find(k, pfn);
	if (page) {
		*ret = page;
		return NULL;
	}
	struct error *err = locate(k, pfn, pa, &p, &d);
	if (err)
		return err;
	size_t set = pfn % k->nsets;
	size_t slot = set * CACHE_WAYS + k->next_way[set]++ % CACHE_WAYS;
	page = k->pages + (slot << k->page_shift);
	k->cached[slot] = 0;
	err = unpack(k, p, &d, pa, page);
	if (err)
		return err;
	k->cached[slot] = pfn + 1;
	*ret = page;
	return NULL;
}

/* A whole page that the cache need not keep: large reads do not come back to it soon. */
static struct error *read_whole(struct kdump *k, uint64_t pfn, uint64_t pa, unsigned char *out)
{
	struct part *p = NULL;
	struct page_descriptor d = { 0, 0, 0 };
	const unsigned char *page = cache_find(k, pfn);
	if (page) {
		memcpy(out, page, (size_t)1 << k->page_shift);
		return NULL;
	}
	struct error *err = locate(k, pfn, pa, &p, &d);
	return err ? err : unpack(k, p, &d, pa, out);
}

static struct error *kdump_read_phys(struct target *t, uint64_t pa, void *buf, size_t len)
{
	struct kdump *k = (struct kdump *)t;
	size_t page = (size_t)1 << k->page_shift;
	bool large = len > page;
	for (size_t done = 0; done < len;) {
		uint64_t at = pa + done, pfn = at >> k->page_shift;
		size_t skip = at & (page - 1);
		size_t chunk = page - skip < len - done ? page - skip : len - done;
		unsigned char *from = NULL;
		struct error *err;
		if (large && chunk == page) {
			err = read_whole(k, pfn, at, (unsigned char *)buf + done);
		} else {
			err = cached_page(k, pfn, at, &from);
			if (!err)
				memcpy((char *)buf + done, from + skip, chunk);
		}
		if (err)
			return err;
		done += chunk;
	}
	return NULL;
}

static struct error *kdump_read_regs(struct target *t, unsigned cpu, struct regs *ret)
{
	struct kdump *k = (struct kdump *)t;
	return notes_regs(&k->parts[0].file, &k->notes, cpu, ret);
}

static void kdump_describe_page(struct target *t, uint64_t pa, struct buffer *ret)
{
	struct kdump *k = (struct kdump *)t;
	struct part *p = NULL;
	struct page_descriptor d = { 0, 0, 0 };
	_cleanup_error_ struct error *err = locate(k, pa >> k->page_shift, pa, &p, &d);
	const char *name = unpacker_name(d.flags);
	if (err && err->code == ERROR_EXCLUDED && t->dump_level >= 0)
		buffer_printf(ret, "excluded by makedumpfile (dump level %d)", t->dump_level);
	else if (err && err->code == ERROR_EXCLUDED)
		buffer_puts(ret, "excluded by makedumpfile");
	else if (err && err->code == ERROR_FAULT)
		buffer_puts(ret, "outside of the memory in the dump");
	else if (err && !part_of(k, pa >> k->page_shift))
		buffer_puts(ret, "in a part of the split dump that was not given");
	else if (err)
		buffer_puts(ret, "beyond the end of the truncated file");
	else if (!d.offset)
		buffer_puts(ret, "missing: makedumpfile's disk was full");
	else if (d.offset >= p->file.size || d.size > p->file.size - d.offset)
		buffer_printf(ret, "beyond the end of the truncated file (offset %llu)",
			      (unsigned long long)d.offset);
	else
		buffer_printf(ret, "at file offset %llu%s%s, %u bytes", (unsigned long long)d.offset,
			      k->nparts > 1 ? " of " : "", k->nparts > 1 ? p->file.path : "", d.size);
	if (!err && name)
		buffer_printf(ret, " of %s", name);
}

static const struct target_ops kdump_ops = {
	.name = "kdump",
	.close = kdump_close,
	.read_phys = kdump_read_phys,
	.read_regs = kdump_read_regs,
	.describe_page = kdump_describe_page,
};

static int compare_parts(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	return x->h.start_pfn < y->h.start_pfn ? -1 : x->h.start_pfn > y->h.start_pfn;
}

static struct error *check_parts(struct kdump *k)
{
	const struct part *first = &k->parts[0];
	for (size_t i = 1; i < k->nparts; i++) {
		const struct part *p = &k->parts[i], *before = p - 1;
		if (!p->h.split || !first->h.split)
			return error_new(ERROR_MISMATCH, "%s is a whole dump and no part of a split one",
					 p->h.split ? first->file.path : p->file.path);
		if (memcmp(p->h.identity, first->h.identity, sizeof(p->h.identity)) ||
		    p->h.max_pfn != first->h.max_pfn || p->h.page_shift != first->h.page_shift)
			return error_new(ERROR_MISMATCH, "%s and %s are not parts of one dump",
					 first->file.path, p->file.path);
		if (p->h.start_pfn < before->h.end_pfn)
			return error_new(ERROR_MISMATCH, "%s and %s hold the same part of the dump",
					 before->file.path, p->file.path);
	}
	return NULL;
}

static struct error *open_part(struct kdump *k, struct dump_file *file)
{
	struct part *p = &k->parts[k->nparts++];
	char magic[8];
	p->file = *file;
	*file = (struct dump_file){ .fd = -1 };
	struct error *err = error_prefix(dump_file_read(&p->file, 0, magic, sizeof(magic)), "%s",
					 p->file.path);
	if (err)
		return err;
	if (memcmp(magic, "KDUMP   ", 8) && memcmp(magic, "DISKDUMP", 8))
		return error_new(ERROR_FORMAT, "%s is no part of a split kdump; only those are given joined "
					       "by commas", p->file.path);
	err = kdump_header_read(&p->file, &p->h);
	if (err)
		return err;
	if (!unpacker_knows(p->h.status))
		return error_new(ERROR_UNSUPPORTED, "%s: its pages are compressed by %s, which is not built "
						    "in; configure and build kstub with it", p->file.path,
				 unpacker_name(p->h.status));
	p->raw = malloc(RAW_BYTES);
	return p->raw ? NULL : error_nomem();
}

static struct error *make_cache(struct kdump *k)
{
	k->page_shift = k->parts[0].h.page_shift;
	k->nsets = ((size_t)CACHE_BYTES >> k->page_shift) / CACHE_WAYS;
	k->nsets += !k->nsets;
	size_t slots = k->nsets * CACHE_WAYS;
	k->cached = calloc(slots, sizeof(*k->cached));
	k->pages = malloc(slots << k->page_shift);
	k->next_way = calloc(k->nsets, 1);
	return k->cached && k->pages && k->next_way ? unpacker_create(&k->unpacker) : error_nomem();
}

static void warn_missing(struct kdump *k, uint64_t start_pfn, uint64_t end_pfn)
{
	target_warn(&k->t, "the part of the split dump with physical memory from 0x%llx to 0x%llx is missing; "
			   "give all parts, joined by commas",
		    (unsigned long long)start_pfn << k->page_shift, (unsigned long long)end_pfn << k->page_shift);
}

/* Parts are written so that together they have each page number once. */
static void find_missing_parts(struct kdump *k)
{
	uint64_t next = 0;
	if (!k->parts[0].h.split)
		return;
	for (size_t i = 0; i < k->nparts; i++) {
		const struct part *p = &k->parts[i];
		if (p->h.start_pfn > next)
			warn_missing(k, next, p->h.start_pfn);
		next = p->h.end_pfn;
	}
	if (next < k->parts[0].h.max_pfn)
		warn_missing(k, next, k->parts[0].h.max_pfn);
}

static struct error *read_maps(struct kdump *k)
{
	for (size_t i = 0; i < k->nparts; i++) {
		struct part *p = &k->parts[i];
		bool cut_off = false;
		uint64_t pfn = 0;
		struct error *err = page_map_create(&p->file, &p->h, &p->map, &cut_off);
		if (err)
			return error_prefix(err, "%s", p->file.path);
		if (cut_off)
			target_warn(&k->t, "%s is truncated within its page bitmaps: no memory can be read from it",
				    p->file.path);
		else if (page_map_first_missing(p->map, &pfn))
			target_warn(&k->t, "%s is truncated%s: physical memory from about 0x%llx (%.2f GiB) on is "
					   "missing; the rest is served", p->file.path,
				    p->h.status & KDUMP_INCOMPLETE ? " (makedumpfile's disk was full)" : "",
				    (unsigned long long)pfn << k->page_shift,
				    (double)(pfn << k->page_shift) / (1 << 30));
	}
	struct error *err = page_map_ram(k->parts[0].map, &k->ram, &k->t.nram);
	k->t.ram = k->ram;
	return error_prefix(err, "%s", k->parts[0].file.path);
}

/* Version 3 has VMCOREINFO alone; from 4 on it is one of the notes, too. */
static struct error *read_vmcoreinfo(struct part *p, struct notes *n)
{
	struct kdump_piece at = p->h.vmcoreinfo;
	if (n->vmcoreinfo || !at.offset || !at.size)
		return NULL;
	if (at.size > VMCOREINFO_MAX || at.offset >= p->file.size || at.size > p->file.size - at.offset)
		return error_at(ERROR_TRUNCATED, at.offset, "VMCOREINFO is cut off");
	_cleanup_free_ char *text = malloc(at.size);
	struct error *err = text ? dump_file_read(&p->file, at.offset, text, at.size) : error_nomem();
	if (err)
		return err;
	n->vmcoreinfo = steal(text);
	n->vmcoreinfo_len = at.size;
	return NULL;
}

static struct error *read_notes(struct kdump *k)
{
	struct part *p = &k->parts[0];
	bool damaged = false;
	struct error *err = NULL;
	if (p->h.notes.offset && p->h.notes.size)
		err = notes_read(&p->file, p->h.notes.offset, p->h.notes.size, &k->notes, &damaged);
	if (!err)
		err = read_vmcoreinfo(p, &k->notes);
	if (err && err->code != ERROR_NOMEM) {
		error_free(err);
		err = NULL;
		damaged = true;
	}
	if (damaged)
		target_warn(&k->t, "%s: its notes are damaged or cut off; registers may be missing", p->file.path);
	return err;
}

static void fill_target(struct kdump *k)
{
	struct target *t = &k->t;
	const struct part *p = &k->parts[0];
	const char *packed = unpacker_name(p->h.status);
	t->ncpus = k->notes.ncpus;
	t->vmcoreinfo = k->notes.vmcoreinfo;
	t->vmcoreinfo_len = k->notes.vmcoreinfo_len;
	t->dump_level = p->h.dump_level;
	for (size_t i = 0; i < k->nparts; i++)
		t->file_size += k->parts[i].file.real_size;
	t->path = strdup(p->file.path);
	if (asprintf(&t->format, "%s v%u, %s%s%s", p->h.diskdump ? "diskdump" : "kdump-compressed",
		     p->h.version, packed ? packed : "not compressed", p->file.flattened ? ", flattened" : "",
		     k->nparts > 1 ? ", split" : "") < 0)
		t->format = NULL;
	if (!t->ncpus)
		target_warn(t, "%s has no CPU registers: threads and the crashed CPU's frames cannot be shown",
			    p->file.path);
}

struct error *kdump_open(struct dump_file *files, size_t n, struct target **ret)
{
	struct kdump *k = calloc(1, sizeof(*k));
	if (!k)
		return error_nomem();
	k->t = (struct target){ .ops = &kdump_ops, .arch = &arch_x86_64, .dump_level = -1 };
	k->parts = calloc(n, sizeof(*k->parts));
	struct error *err = k->parts ? NULL : error_nomem();
	for (size_t i = 0; !err && i < n; i++)
		err = open_part(k, &files[i]);
	if (!err) {
		qsort(k->parts, n, sizeof(*k->parts), compare_parts);
		err = check_parts(k);
	}
	if (!err)
		err = make_cache(k);
	if (!err)
		err = read_maps(k);
	if (!err)
		err = read_notes(k);
	if (err) {
		kdump_close(&k->t);
		return err;
	}
	find_missing_parts(k);
	fill_target(k);
	*ret = &k->t;
	return NULL;
}

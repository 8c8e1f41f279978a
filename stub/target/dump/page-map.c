/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/target/dump/page-map.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"

enum {
	RANK_SHIFT = 12,                /* pages per count */
	RANK_BYTES = (1 << RANK_SHIFT) / 8,
	WINDOW_SHIFT = 12,
	WINDOW = 1 << WINDOW_SHIFT,
	WINDOWS = 128,                  /* 512 KiB */
	DESCRIPTOR_SIZE = 24,
	RANGES_MAX = 1 << 16,
	BULK = 1 << 16,
};
/* 64 TiB of 4 KiB pages: what 4-level x86-64 can have; bounds the table of counts to 16 MiB. */
static const uint64_t PFN_END = 1ull << 34;

struct window {
	uint64_t number;                /* offset >> WINDOW_SHIFT, + 1 so that zero is empty */
	size_t len;                     /* short at the end of the file */
};

struct page_map {
	struct dump_file *file;
	struct kdump_header h;
	uint64_t max_pfn;
	uint32_t *rank;                 /* dumped pages before each 4096 */
	uint64_t before;                /* dumped pages before the part's first */
	uint64_t total;                 /* dumped pages in all parts */
	struct window window[WINDOWS];
	unsigned char (*bytes)[WINDOW];
};

static struct error *load_window(struct page_map *m, uint64_t number, struct window **w_ret,
				 const unsigned char **bytes_ret)
{
	size_t slot = number % WINDOWS;
	struct window *w = &m->window[slot];
	if (w->number != number + 1) {
		uint64_t start = number << WINDOW_SHIFT;
		if (start >= m->file->size)
			return error_at(ERROR_TRUNCATED, start, "the file ends before offset");
		size_t len = m->file->size - start < WINDOW ? m->file->size - start : WINDOW;
		w->number = 0;
		struct error *err = dump_file_read(m->file, start, m->bytes[slot], len);
		if (err)
			return err;
		*w = (struct window){ number + 1, len };
	}
	*w_ret = w;
	*bytes_ret = m->bytes[slot];
	return NULL;
}

static struct error *cached_read(struct page_map *m, uint64_t offset, void *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		uint64_t at = offset + done;
		size_t skip = at & (WINDOW - 1);
		struct window *w = NULL;
		const unsigned char *bytes = NULL;
		struct error *err = load_window(m, at >> WINDOW_SHIFT, &w, &bytes);
		if (err)
			return err;
		if (skip >= w->len)
			return error_at(ERROR_TRUNCATED, at, "the file ends before offset");
		size_t chunk = w->len - skip < len - done ? w->len - skip : len - done;
		memcpy((char *)buf + done, bytes + skip, chunk);
		done += chunk;
	}
	return NULL;
}

/* Set bits among the first `bits` of `bytes`; bit 0 is the lowest of byte 0. */
static unsigned count_bits(const unsigned char *bytes, size_t bits)
{
	unsigned n = 0;
	size_t i = 0;
	for (; i + 64 <= bits; i += 64) {
		uint64_t word;
		memcpy(&word, bytes + i / 8, sizeof(word));
		n += (unsigned)__builtin_popcountll(word);
	}
	for (; i + 8 <= bits; i += 8)
		n += (unsigned)__builtin_popcount(bytes[i / 8]);
	if (i < bits)
		n += (unsigned)__builtin_popcount(bytes[i / 8] & ((1u << (bits - i)) - 1));
	return n;
}

static struct error *make_ranks(struct page_map *m, bool *cut_off)
{
	_cleanup_free_ unsigned char *buf = malloc(BULK);
	uint64_t bytes = (m->max_pfn + 7) / 8, there = 0;
	if (m->h.bitmap2 < m->file->size)
		there = m->file->size - m->h.bitmap2;
	*cut_off = there < bytes;
	if (*cut_off) {
		bytes = there;
		m->max_pfn = bytes * 8;
	}
	m->rank = calloc((size_t)(bytes / RANK_BYTES) + 2, sizeof(*m->rank));
	if (!buf || !m->rank)
		return error_nomem();
	for (uint64_t done = 0; done < bytes;) {
		size_t len = bytes - done < BULK ? bytes - done : BULK;
		struct error *err = dump_file_read(m->file, m->h.bitmap2 + done, buf, len);
		if (err)
			return err;
		for (size_t i = 0; i < len; i += RANK_BYTES) {
			uint64_t pfn = (done + i) * 8;
			size_t bits = (len - i < RANK_BYTES ? len - i : RANK_BYTES) * 8;
			if (bits > m->max_pfn - pfn)
				bits = m->max_pfn - pfn;
			m->rank[pfn >> RANK_SHIFT] = (uint32_t)m->total;
			m->total += count_bits(buf + i, bits);
		}
		done += len;
	}
	if (m->total > UINT32_MAX)
		return error_new(ERROR_UNSUPPORTED, "%s: more than 16 TiB of pages", m->file->path);
	return NULL;
}

/* Dumped pages before `pfn`, which may be max_pfn. */
static struct error *rank_of(struct page_map *m, uint64_t pfn, uint64_t *ret)
{
	unsigned char bits[RANK_BYTES];
	size_t rest = pfn & ((1 << RANK_SHIFT) - 1);
	if (pfn >= m->max_pfn) {
		*ret = m->total;
		return NULL;
	}
	struct error *err = cached_read(m, m->h.bitmap2 + (pfn >> RANK_SHIFT) * RANK_BYTES, bits,
					(rest + 7) / 8);
	if (!err)
		*ret = m->rank[pfn >> RANK_SHIFT] + count_bits(bits, rest);
	return err;
}

struct error *page_map_create(struct dump_file *f, const struct kdump_header *h, struct page_map **ret,
			      bool *cut_off_ret)
{
	struct page_map *m = calloc(1, sizeof(*m));
	if (!m)
		return error_nomem();
	*m = (struct page_map){ .file = f, .h = *h, .bytes = malloc(sizeof(*m->bytes) * WINDOWS) };
	m->max_pfn = h->max_pfn < PFN_END ? h->max_pfn : PFN_END;
	bool cut_off = false;
	struct error *err = m->bytes ? make_ranks(m, &cut_off) : error_nomem();
	if (!err)
		err = rank_of(m, h->start_pfn, &m->before);
	if (err) {
		page_map_destroy(m);
		return err;
	}
	*cut_off_ret = cut_off;
	*ret = m;
	return NULL;
}

void page_map_destroy(struct page_map *m)
{
	if (!m)
		return;
	free(m->rank);
	free(m->bytes);
	free(m);
}

static struct error *bit_of(struct page_map *m, uint64_t bitmap, uint64_t pfn, bool *ret)
{
	unsigned char byte = 0;
	struct error *err = cached_read(m, bitmap + pfn / 8, &byte, 1);
	*ret = byte >> (pfn % 8) & 1;
	return err;
}

struct error *page_map_state(struct page_map *m, uint64_t pfn, enum page_state *ret)
{
	bool ram = false, dumped = false;
	struct error *err = NULL;
	if (pfn < m->max_pfn) {
		err = bit_of(m, m->h.bitmap2, pfn, &dumped);
		if (!err && !dumped)
			err = bit_of(m, m->h.bitmap1, pfn, &ram);
	}
	if (!err)
		*ret = dumped ? PAGE_DUMPED : ram ? PAGE_EXCLUDED : PAGE_NO_RAM;
	return err;
}

static struct error *read_descriptor(struct page_map *m, uint64_t index, struct page_descriptor *ret)
{
	struct { uint64_t offset; uint32_t size, flags; uint64_t page_flags; } d;
	struct error *err = cached_read(m, m->h.descriptors + index * DESCRIPTOR_SIZE, &d, sizeof(d));
	if (!err)
		*ret = (struct page_descriptor){ le64toh(d.offset), le32toh(d.size), le32toh(d.flags) };
	return err;
}

struct error *page_map_descriptor(struct page_map *m, uint64_t pfn, struct page_descriptor *ret)
{
	uint64_t index;
	struct error *err = rank_of(m, pfn, &index);
	if (err)
		return err;
	if (index < m->before)
		return error_at(ERROR_FORMAT, pfn, "a page before this part of the dump");
	return read_descriptor(m, index - m->before, ret);
}

/* The page of the n-th descriptor of this part. */
static bool select_page(struct page_map *m, uint64_t index, uint64_t *ret)
{
	uint64_t wanted = m->before + index;
	size_t low = 0, high = (size_t)((m->max_pfn - 1) >> RANK_SHIFT) + 1;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (m->rank[middle] <= wanted)
			low = middle;
		else
			high = middle;
	}
	uint64_t pfn = (uint64_t)low << RANK_SHIFT, left = wanted - m->rank[low];
	for (unsigned i = 0; i < 1u << RANK_SHIFT && pfn < m->max_pfn; i++, pfn++) {
		bool dumped;
		struct error *err = bit_of(m, m->h.bitmap2, pfn, &dumped);
		error_free(err);
		if (err)
			return false;
		if (dumped && !left--) {
			*ret = pfn;
			return true;
		}
	}
	return false;
}

enum { LOOK_AT = 32, LOOK_BACK = 4096 };

static bool is_missing(struct page_map *m, const struct page_descriptor *d)
{
	return !d->offset || d->offset >= m->file->size || d->size > m->file->size - d->offset;
}

/* Is a page missing among [index, index + n)? One that cannot be read is. */
static bool any_missing(struct page_map *m, uint64_t index, uint64_t n, uint64_t *first_ret)
{
	for (uint64_t i = index; i < index + n; i++) {
		struct page_descriptor d = { 0, 0, 0 };
		struct error *err = read_descriptor(m, i, &d);
		error_free(err);
		if (err || is_missing(m, &d)) {
			*first_ret = i;
			return true;
		}
	}
	return false;
}

bool page_map_first_missing(struct page_map *m, uint64_t *pfn_ret)
{
	uint64_t end, first = 0;
	struct error *err = rank_of(m, m->h.end_pfn, &end);
	error_free(err);
	if (err || end <= m->before)
		return false;
	uint64_t n = end - m->before, back = n < LOOK_BACK ? n : LOOK_BACK;
	if (!any_missing(m, n - back, back, &first))
		return false;
	uint64_t low = 0, high = first;         /* high is missing */
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		uint64_t look = high - middle < LOOK_AT ? high - middle : LOOK_AT;
		if (any_missing(m, middle, look, &first)) {
			high = first;
			if (first > middle)
				low = first;    /* those before it in the window are there */
		} else {
			low = middle + look;
		}
	}
	return select_page(m, high, pfn_ret);
}

struct ranges {
	struct phys_range *range;
	size_t n, cap;
	uint64_t gap;                   /* smaller holes are not worth a range of their own */
};

/* Joins ranges with ever larger holes between them until half of the table is free. */
static void thin_out(struct ranges *r)
{
	while (r->n > RANGES_MAX / 2) {
		size_t n = 0;
		r->gap = r->gap ? r->gap * 4 : 1 << 14;
		for (size_t i = 0; i < r->n; i++) {
			if (n && r->range[i].start - r->range[n - 1].end < r->gap)
				r->range[n - 1].end = r->range[i].end;
			else
				r->range[n++] = r->range[i];
		}
		r->n = n;
	}
}

static struct error *add_range(struct ranges *r, uint64_t start, uint64_t end)
{
	if (r->n && start - r->range[r->n - 1].end <= r->gap) {
		r->range[r->n - 1].end = end;
		return NULL;
	}
	if (r->n == RANGES_MAX)
		thin_out(r);
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 16;
		struct phys_range *longer = reallocarray(r->range, cap, sizeof(*longer));
		if (!longer)
			return error_nomem();
		r->range = longer;
		r->cap = cap;
	}
	r->range[r->n++] = (struct phys_range){ start, end };
	return NULL;
}

/* The runs of set bits in a piece of the bitmap; words that are all alike are taken whole. */
static struct error *add_runs(struct ranges *r, const unsigned char *bytes, uint64_t pfn, uint64_t bits,
			      unsigned shift)
{
	for (uint64_t i = 0; i < bits;) {
		uint64_t word = 0, n = bits - i < 64 ? bits - i : 64;
		memcpy(&word, bytes + i / 8, (n + 7) / 8);
		if (n < 64)
			word &= (1ull << n) - 1;
		for (uint64_t left = word; left;) {
			unsigned first = (unsigned)__builtin_ctzll(left);
			uint64_t from_first = ~(left >> first);
			unsigned len = from_first ? (unsigned)__builtin_ctzll(from_first) : 64;
			if (len > 64 - first)
				len = 64 - first;
			struct error *err = add_range(r, (pfn + i + first) << shift,
						      (pfn + i + first + len) << shift);
			if (err)
				return err;
			left = first + len < 64 ? left & (~0ull << (first + len)) : 0;
		}
		i += n;
	}
	return NULL;
}

struct error *page_map_ram(struct page_map *m, struct phys_range **ret, size_t *n_ret)
{
	_cleanup_free_ unsigned char *buf = malloc(BULK);
	struct ranges r = { NULL, 0, 0, 0 };
	struct error *err = buf ? NULL : error_nomem();
	uint64_t bytes = (m->max_pfn + 7) / 8;
	for (uint64_t done = 0; !err && done < bytes;) {
		size_t len = bytes - done < BULK ? bytes - done : BULK;
		uint64_t bits = m->max_pfn - done * 8 < len * 8 ? m->max_pfn - done * 8 : len * 8;
		err = dump_file_read(m->file, m->h.bitmap1 + done, buf, len);
		if (!err)
			err = add_runs(&r, buf, done * 8, bits, m->h.page_shift);
		done += len;
	}
	if (err) {
		free(r.range);
		return err;
	}
	*ret = r.range;
	*n_ret = r.n;
	return NULL;
}

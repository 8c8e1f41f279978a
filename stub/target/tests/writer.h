/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes dumps: kdump files of every version and compression, and the pieces that an ELF core is
 * made of. What is in the memory is the test's own.
 */
#ifndef STUB_TARGET_TESTS_WRITER_H
#define STUB_TARGET_TESTS_WRITER_H

#include <config.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#ifdef HAVE_LZO
#include <lzo/lzo1x.h>
#endif
#ifdef HAVE_SNAPPY
#include <snappy-c.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "stub/base/buffer.h"
#include "stub/target/dump/unpack-page.h"

enum { PAGE_MAX = 65536 };

/* The memory that is written. */
struct pages {
	uint64_t n;
	bool (*is_ram)(uint64_t pfn);
	bool (*is_dumped)(uint64_t pfn);
	void (*fill)(uint64_t pfn, unsigned char *page, size_t size);
	const struct buffer *notes;
	const char *vmcoreinfo;         /* what version 3 has in place of notes */
};

struct shape {
	unsigned version;
	uint32_t compression, page;
	bool diskdump, split;
	uint64_t start, end;
	const char *machine;
};

static size_t compress_page(uint32_t how, const unsigned char *in, size_t len, unsigned char *out, size_t room)
{
	size_t got = 0;
	(void)how, (void)in, (void)out, (void)room;     /* where nothing is built in */
#ifdef HAVE_LIBDEFLATE
	if (how == PAGE_ZLIB) {
		struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
		got = libdeflate_zlib_compress(c, in, len, out, room);
		libdeflate_free_compressor(c);
	}
#endif
#ifdef HAVE_LZO
	static unsigned char work[LZO1X_1_MEM_COMPRESS];
	lzo_uint lzo = room;
	if (how == PAGE_LZO && lzo1x_1_compress(in, len, out, &lzo, work) == LZO_E_OK)
		got = lzo;
#endif
#ifdef HAVE_SNAPPY
	size_t snappy = room;
	if (how == PAGE_SNAPPY && snappy_compress((const char *)in, len, (char *)out, &snappy) == SNAPPY_OK)
		got = snappy;
#endif
#ifdef HAVE_ZSTD
	if (how == PAGE_ZSTD)
		got = ZSTD_compress(out, room, in, len, 1);
#endif
	return got < len ? got : 0;
}

static void put_at(struct buffer *b, size_t at, const void *bytes, size_t len)
{
	if (b->len < at + len)
		buffer_fill(b, 0, at + len - b->len);
	if (len)
		memcpy(b->data + at, bytes, len);
}

static void put32(struct buffer *b, size_t at, uint32_t v)
{
	put_at(b, at, &v, sizeof(v));
}

static void put64(struct buffer *b, size_t at, uint64_t v)
{
	put_at(b, at, &v, sizeof(v));
}

__attribute__((unused)) static void put_note(struct buffer *b, const char *name, uint32_t type,
					     const void *desc, uint32_t len)
{
	static const char zeros[4];
	Elf64_Nhdr n = { (uint32_t)strlen(name) + 1, len, type };
	buffer_put(b, &n, sizeof(n));
	buffer_put(b, name, n.n_namesz);
	buffer_put(b, zeros, -n.n_namesz & 3);
	buffer_put(b, desc, len);
	buffer_put(b, zeros, -len & 3);
}

static void put_headers(struct buffer *b, const struct shape *s, const struct pages *p)
{
	put_at(b, 0, s->diskdump ? "DISKDUMP" : "KDUMP   ", 8);
	put32(b, 8, s->version);
	put_at(b, 12 + 4 * 65, s->machine ? s->machine : "", s->machine ? strlen(s->machine) : 0);
	put32(b, 424, s->compression);
	put32(b, 428, s->page);
	put32(b, 432, 2);               /* blocks of the second header and the notes */
	put32(b, 436, 2);               /* of the bitmaps: one each */
	/* From version 6 on the 64-bit one counts, and the old one may be cut short. */
	put32(b, 440, s->version >= 6 && !s->diskdump ? 1 : p->n);
	size_t sub = s->page, after = sub + 512;
	put_at(b, sub + 2 * s->page - 1, "", 1);
	if (s->diskdump)
		return;
	put32(b, sub + 8, 31);
	if (s->version >= 2) {
		put32(b, sub + 12, s->split);
		put64(b, sub + 16, s->version >= 6 ? 0 : s->start);
		put64(b, sub + 24, s->version >= 6 ? 0 : s->end);
	}
	if (s->version == 3) {
		put64(b, sub + 32, after);
		put64(b, sub + 40, strlen(p->vmcoreinfo));
		put_at(b, after, p->vmcoreinfo, strlen(p->vmcoreinfo));
	}
	if (s->version >= 4) {
		put64(b, sub + 48, after);
		put64(b, sub + 56, p->notes->len);
		put_at(b, after, p->notes->data, p->notes->len);
	}
	if (s->version >= 6) {
		put64(b, sub + 80, s->start);
		put64(b, sub + 88, s->end);
		put64(b, sub + 96, p->n);
	}
}

/* Pages of `shape` alone, at most 32768 of them: a bitmap is one block. */
__attribute__((unused)) static void writer_kdump(struct buffer *b, const struct shape *s,
						 const struct pages *p)
{
	static unsigned char page[PAGE_MAX], packed[PAGE_MAX * 2];
	uint64_t start = s->split ? s->start : 0, end = s->split ? s->end : p->n;
	size_t bitmap = 3 * s->page, table = 5 * s->page, n = 0, i = 0;
	put_headers(b, s, p);
	put_at(b, table - 1, "", 1);
	for (uint64_t pfn = 0; pfn < p->n; pfn++) {
		b->data[bitmap + pfn / 8] |= (char)(p->is_ram(pfn) << pfn % 8);
		b->data[bitmap + s->page + pfn / 8] |= (char)(p->is_dumped(pfn) << pfn % 8);
		n += pfn >= start && pfn < end && p->is_dumped(pfn);
	}
	put_at(b, table + n * 24 - 1, "", 1);
	for (uint64_t pfn = start; pfn < end; pfn++) {
		if (!p->is_dumped(pfn))
			continue;
		p->fill(pfn, page, s->page);
		size_t len = compress_page(s->compression, page, s->page, packed, sizeof(packed));
		put64(b, table + i * 24, b->len);
		put32(b, table + i * 24 + 8, len ? (uint32_t)len : s->page);
		put32(b, table + i * 24 + 12, len ? s->compression : 0);
		i++;
		buffer_put(b, len ? packed : page, len ? len : s->page);
	}
}

#endif

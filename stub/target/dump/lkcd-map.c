/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/target/dump/lkcd-map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stub/base/bytes.h"
#include "stub/base/cleanup.h"

enum {
	PAGE = 4096,
	RUNS_MAX = 1 << 20,             /* 16 MiB of them; more come from no machine */
	PAGES_MAX = 1 << 26,            /* 256 GiB; no machine of LKCD's days had a part of that */
	WINDOW = 8192,                  /* descriptors lie near each other where pages are packed */
	FIRST_PAGE = 65536,             /* until version 8; the header says it from 9 on */
	HEADER_LEN = 48 + 4 + 256 + 16 + 6 * 65 + 8 + 3 * 4 + 8,
	HEADER_BUFFER_SIZE = HEADER_LEN - 8,
	DESCRIPTOR_LEN = 16,
};

/* A descriptor's flags, and what libkdumpfile takes for a version. */
enum { PAGE_COMPRESSED = 2, PAGE_END = 4 };
static const uint32_t VERSION_FLAGS = 0xc0000000;

static const unsigned char little[8] = { 0xed, 0x23, 0x8f, 0x61, 0x73, 0x01, 0x19, 0xa8 };
static const unsigned char big[8] = { 0xa8, 0x19, 0x01, 0x73, 0x61, 0x8f, 0x23, 0xed };

struct walk {
	int fd;
	uint64_t window_at;
	size_t window_len;
	unsigned char window[WINDOW];
	struct phys_range *run;
	size_t n, room;
};

/* How many of len bytes the file has there; -1: it cannot be read. */
static ssize_t read_at(struct walk *w, uint64_t at, void *buf, size_t len)
{
	if (at < w->window_at || at - w->window_at > w->window_len ||
	    w->window_len - (at - w->window_at) < len) {
		ssize_t got = at > INT64_MAX - WINDOW ? 0 : pread(w->fd, w->window, WINDOW, (off_t)at);
		if (got < 0)
			return -1;
		w->window_at = at;
		w->window_len = (size_t)got;
	}
	size_t there = w->window_len - (at - w->window_at);
	len = there < len ? there : len;
	memcpy(buf, w->window + (at - w->window_at), len);
	return (ssize_t)len;
}

static struct error *add_page(struct walk *w, uint64_t pa)
{
	if (w->n && w->run[w->n - 1].end == pa) {
		w->run[w->n - 1].end += PAGE;
		return NULL;
	}
	if (w->n == RUNS_MAX)
		return error_new(ERROR_FORMAT, "an LKCD dump in more than %d pieces: it is damaged", RUNS_MAX);
	if (w->n == w->room) {
		size_t room = w->room ? w->room * 2 : 64;
		struct phys_range *more = reallocarray(w->run, room, sizeof(*more));
		if (!more)
			return error_nomem();
		w->run = more;
		w->room = room;
	}
	w->run[w->n++] = (struct phys_range){ pa, pa + PAGE };
	return NULL;
}

static int by_start(const void *a, const void *b)
{
	const struct phys_range *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* The kernel writes its own pages first and others later. */
static void sort_runs(struct walk *w)
{
	size_t n = 0;
	if (w->n)
		qsort(w->run, w->n, sizeof(*w->run), by_start);
	for (size_t i = 0; i < w->n; i++) {
		if (n && w->run[i].start <= w->run[n - 1].end) {
			if (w->run[i].end > w->run[n - 1].end)
				w->run[n - 1].end = w->run[i].end;
		} else {
			w->run[n++] = w->run[i];
		}
	}
	w->n = n;
}

/* False: libkdumpfile would mistake the page for another, or write behind its buffer. */
static bool harmless(uint64_t pa, uint32_t size, uint32_t flags)
{
	return pa % PAGE == 0 && pa / PAGE <= UINT32_MAX && (size <= PAGE || !(flags & PAGE_COMPRESSED));
}

static struct error *walk_pages(struct walk *w, uint64_t at, uint64_t size, struct lkcd_map *ret)
{
	struct error *err = NULL;
	for (uint32_t pages = 0; !err; pages++) {
		unsigned char d[DESCRIPTOR_LEN] = { 0 };
		ssize_t got = read_at(w, at, d, sizeof(d));
		if (got < 0)
			return error_os(errno, "its descriptor at offset 0x%" PRIx64, at);
		uint64_t pa = u64_at(d);
		uint32_t len = u32_at(d + 8), flags = u32_at(d + 12);
		if (got == DESCRIPTOR_LEN && flags == PAGE_END && !len)
			return NULL;
		/* For the library any descriptor with that flag is the end; here it says that it is damaged. */
		if (got < DESCRIPTOR_LEN || flags & PAGE_END || at + DESCRIPTOR_LEN + len > size) {
			ret->cut_off = true;
			ret->end = at;
		}
		if (pages == PAGES_MAX)
			return error_new(ERROR_FORMAT, "an LKCD dump of more than %d pages: it is damaged", PAGES_MAX);
		/* The library reads what is cut off as zeros, so that must be harmless, too. */
		if (!harmless(pa, len, flags))
			return error_new(ERROR_FORMAT, "its page descriptor at offset 0x%" PRIx64 " is damaged",
					 at);
		if (ret->cut_off)
			return NULL;
		err = add_page(w, pa);
		at += DESCRIPTOR_LEN + len;
	}
	return err;
}

struct error *lkcd_map_read(int fd, struct lkcd_map *ret)
{
	_cleanup_free_ struct walk *w = calloc(1, sizeof(*w));
	struct lkcd_map map = { .is_lkcd = false };
	unsigned char h[HEADER_LEN] = { 0 };
	if (!w)
		return error_nomem();
	w->fd = fd;
	ssize_t got = read_at(w, 0, h, sizeof(h));
	if (got < 0)
		return error_os(errno, "its header");
	if (!memcmp(h, big, sizeof(big)))
		return error_new(ERROR_UNSUPPORTED, "an LKCD dump of a big-endian machine; kstub knows x86-64");
	map.is_lkcd = !memcmp(h, little, sizeof(little));
	if (!map.is_lkcd) {
		*ret = map;
		return NULL;
	}
	if (u32_at(h + 20) != PAGE)
		return error_new(ERROR_FORMAT, "an LKCD dump with pages of %" PRIu32 " bytes; x86-64 has %d",
				 u32_at(h + 20), PAGE);
	uint64_t first = (u32_at(h + 8) & ~VERSION_FLAGS) >= 9 ? u64_at(h + HEADER_BUFFER_SIZE) : FIRST_PAGE;
	off_t size = lseek(fd, 0, SEEK_END);
	if (first > INT64_MAX / 2)
		return error_new(ERROR_FORMAT, "the header of an LKCD dump is damaged");
	struct error *err = walk_pages(w, first, size < 0 ? 0 : (uint64_t)size, &map);
	if (err) {
		free(w->run);
		return err;
	}
	sort_runs(w);
	map.ram = w->run;
	map.nram = w->n;
	*ret = map;
	return NULL;
}

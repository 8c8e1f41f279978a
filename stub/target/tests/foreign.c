/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LKCD dumps that this program writes from a memory it made up, read through libkdumpfile: each
 * compression, pages out of order, cut off, damaged, and made to harm.
 */
#include <config.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stub/base/buffer.h"
#include "stub/base/cleanup.h"
#include "stub/base/tests/tap.h"
#include "stub/target/dump/dump.h"
#include "stub/target/tests/writer.h"

#ifdef HAVE_LIBKDUMPFILE

enum { PFNS = 300, PAGE = 4096, RLE = 1, GZIP = 2, RAW = 1, COMPRESSED = 2, END = 4 };

struct lkcd {
	unsigned version, compression;
	uint64_t first;         /* the page that is written first, and then all others */
	bool no_end;
};

static bool is_dumped(uint64_t pfn)
{
	return pfn < PFNS && (pfn < 160 || pfn >= 192) && pfn % 7 != 3;
}

/* Zeros, noise, and what packs well and has lone zeros in it. */
static void make_page(uint64_t pfn, unsigned char *page)
{
	uint64_t x = pfn * 0x9e3779b97f4a7c15ull + 1;
	for (size_t i = 0; i < PAGE; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		page[i] = pfn % 5 == 4 ? 0 : pfn % 5 == 3 ? (unsigned char)x : (unsigned char)(i / 16 + pfn);
	}
	page[100] = 0;
}

/* The memory, made once. */
static const unsigned char *page_of(uint64_t pfn)
{
	static unsigned char memory[PFNS + 2][PAGE];
	static bool made;
	for (uint64_t i = 0; i < PFNS + 2 && !made; i++)
		make_page(i, memory[i]);
	made = true;
	return memory[pfn];
}

/* A run is 0, its length, its byte; a lone zero is 0, 0. */
static size_t pack_rle(const unsigned char *in, unsigned char *out)
{
	size_t n = 0;
	for (size_t i = 0; i < PAGE && n < PAGE;) {
		size_t run = 1;
		while (i + run < PAGE && run < 255 && in[i + run] == in[i])
			run++;
		if (run > 3) {
			out[n++] = 0, out[n++] = (unsigned char)run, out[n++] = in[i];
		} else {
			run = 1;
			out[n++] = in[i];
			if (!in[i])
				out[n++] = 0;
		}
		i += run;
	}
	return n < PAGE ? n : 0;
}

static void put_page(struct buffer *b, uint64_t pa, uint32_t size, uint32_t flags, const void *bytes)
{
	put64(b, b->len, pa);
	put32(b, b->len, size);
	put32(b, b->len, flags);
	buffer_put(b, bytes, size);
}

static void write_header(struct buffer *b, const struct lkcd *l)
{
	/* Until version 7 two words of padding and none between the fields behind. */
	size_t time = l->version < 8 ? 48 + 4 + 256 + 4 : 48 + 4 + 256, names = time + 16;
	size_t task = names + 6 * 65 + (l->version < 8 ? 2 : 0);
	put64(b, 0, 0xa8190173618f23ed);
	put32(b, 8, l->version);
	put32(b, 20, PAGE);
	put_at(b, names, "Linux", 5);
	put_at(b, names + 2 * 65, "0.0.0", 5);
	put_at(b, names + 3 * 65, "#1", 2);
	put_at(b, names + 4 * 65, "x86_64", 6);
	put32(b, task + 8, l->compression);
	uint64_t data = l->version >= 9 ? 8192 : 65536;
	if (l->version >= 9)
		put64(b, task + 20, data);
	put_at(b, data - 1, "", 1);
}

static void write_lkcd(struct buffer *b, const struct lkcd *l)
{
	unsigned char packed[2 * PAGE];
	write_header(b, l);
	for (uint64_t i = 0; i < PFNS; i++) {
		uint64_t pfn = (i + l->first) % PFNS;
		if (!is_dumped(pfn))
			continue;
		const unsigned char *page = page_of(pfn);
		size_t len = l->compression == RLE  ? pack_rle(page, packed) :
			     l->compression == GZIP ? compress_page(PAGE_ZLIB, page, PAGE, packed, PAGE) : 0;
		put_page(b, pfn * PAGE, len ? (uint32_t)len : PAGE, len ? COMPRESSED : RAW, len ? packed : page);
	}
	if (!l->no_end)
		put_page(b, 0, 0, END, "");
}

static struct error *open_fd(const struct buffer *b, int fd, struct target **ret)
{
	_cleanup_free_ char *path = NULL;
	if (write(fd, b->data, b->len) != (ssize_t)b->len || asprintf(&path, "/proc/self/fd/%d", fd) < 0)
		return error_nomem();
	return dump_open(path, ret);
}

static struct error *open_bytes(const struct buffer *b, struct target **ret)
{
	_cleanup_close_ int fd = memfd_create("dump", MFD_CLOEXEC);
	return open_fd(b, fd, ret);
}

/* Pages whose bytes are wrong, and those that should be there and are not. */
static void look(struct target *t, unsigned *wrong, unsigned *missing)
{
	unsigned char got[PAGE];
	*wrong = *missing = 0;
	for (unsigned round = 0; round < 2; round++) {
		for (uint64_t pfn = PFNS + 2; pfn--;) {
			size_t len = round ? PAGE : 64;
			_cleanup_error_ struct error *err = target_read_phys(t, pfn * PAGE + PAGE - len, got, len);
			*wrong += !err && (!is_dumped(pfn) || memcmp(got, page_of(pfn) + PAGE - len, len));
			*missing += err && is_dumped(pfn);
			*wrong += err && err->addr != pfn * PAGE + PAGE - len;
		}
	}
}

static void check_open(const struct lkcd *l, const char *name)
{
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	_cleanup_target_ struct target *t = NULL;
	unsigned wrong, missing;
	write_lkcd(&b, l);
	_cleanup_error_ struct error *err = open_bytes(&b, &t);
	if (!tap_ok(!err, "LKCD v%u, %s opens", l->version, name)) {
		tap_diag("%s", err->text);
		return;
	}
	look(t, &wrong, &missing);
	tap_ok(!wrong && !missing, "LKCD v%u, %s: %u pages wrong, %u missing", l->version, name, wrong, missing);
	bool ranges = t->nram > 1;
	for (size_t i = 0; i < t->nram; i++)
		for (uint64_t pa = t->ram[i].start; pa < t->ram[i].end; pa += PAGE)
			ranges &= is_dumped(pa / PAGE) && (!i || t->ram[i - 1].end < t->ram[i].start);
	tap_ok(ranges && !t->ncpus && !t->vmcoreinfo && !t->nwarnings, "  its memory is what is in the file");
	unsigned char two[2 * PAGE];
	struct error *second = target_read_phys(t, 2 * PAGE, two, sizeof(two));
	tap_ok(second && second->code == ERROR_EXCLUDED && second->addr == 3 * PAGE, "  a page that it lacks is named");
	struct error *behind = target_read_phys(t, PFNS * PAGE, two, 1);
	tap_ok(behind && behind->code == ERROR_FAULT, "  and so is the end of memory");
}

static void check_cut_off(void)
{
	static const struct lkcd gzip = { .version = 9, .compression = GZIP };
	_cleanup_buffer_ struct buffer whole = BUFFER_INIT;
	unsigned silent = 0, wrong = 0, opened = 0, last_missing = 2 * PFNS, grows = 0, zeros = 0;
	write_lkcd(&whole, &gzip);
	for (size_t len = 1; len < whole.len;
	     len += len < 9000 ? 257 : len > whole.len - 40 ? 1 : len > whole.len - 2000 ? 31 : 1531) {
		struct buffer cut = { whole.data, len, len, false };
		_cleanup_target_ struct target *t = NULL;
		_cleanup_error_ struct error *err = open_bytes(&cut, &t);
		unsigned bad, missing;
		unsigned char byte;
		if (err)
			continue;
		opened++;
		look(t, &bad, &missing);
		wrong += bad;
		grows += missing > last_missing;
		last_missing = missing;
		silent += !t->nwarnings || !strstr(t->warnings[0], "end too early");
		struct error *end = target_read_phys(t, (PFNS + 9) * PAGE, &byte, 1);
		zeros += !end || end->code != ERROR_TRUNCATED;
	}
	tap_ok(opened > 100 && !wrong, "cut off anywhere: %u files open, %u pages wrong", opened, wrong);
	tap_ok(!grows && !last_missing, "  the longer the file, the more is served");
	tap_ok(!silent && !zeros, "  a warning says it, and what is missing is said to be cut off");
}

static void check_shrinks(void)
{
	static const struct lkcd raw = { .version = 9 };
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	_cleanup_close_ int fd = memfd_create("dump", MFD_CLOEXEC);
	_cleanup_target_ struct target *t = NULL;
	unsigned char page[PAGE];
	write_lkcd(&b, &raw);
	_cleanup_error_ struct error *err = open_fd(&b, fd, &t);
	struct error *before = err ? NULL : target_read_phys(t, 0, page, PAGE);
	bool fine = !err && !before && !ftruncate(fd, 8192);
	struct error *after = fine ? target_read_phys(t, 290 * PAGE, page, PAGE) : NULL;
	tap_ok(fine && after && after->code == ERROR_TRUNCATED, "a file that shrinks while it is open is an error");
}

static void check_refused(const struct buffer *b, enum error_code code, const char *text, const char *what)
{
	_cleanup_target_ struct target *t = NULL;
	_cleanup_error_ struct error *err = open_bytes(b, &t);
	tap_ok(err && err->code == code && strstr(err->text, text), "%s", what);
	if (err)
		tap_diag("%s", err->text);
}

/* An end that looks like a damaged descriptor is no end. */
static void check_odd_end(void)
{
	static const struct lkcd open_end = { .version = 9, .compression = GZIP, .no_end = true };
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	_cleanup_target_ struct target *t = NULL;
	unsigned wrong = 1, missing = 1;
	write_lkcd(&b, &open_end);
	put_page(&b, 7 * PAGE, 100, END | COMPRESSED, page_of(0));
	_cleanup_error_ struct error *err = open_bytes(&b, &t);
	if (!err)
		look(t, &wrong, &missing);
	tap_ok(!wrong && !missing && t->nwarnings, "an end marker that is damaged: all pages and a warning");
}

/*
 * sadump of Fujitsu's firmware: the library serves the first page of each run for all of it, so that
 * no page is better. The header is what its probe asks for (sadump.c), with one CPU in long mode.
 */
static void check_sadump(void)
{
	enum { BLOCK = 4096, PART = 168, CPU = 1024, EFER_BEHIND = 32, BLOCKS = 20 };
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	put_at(&b, 0, "sadump\0", 8);
	put64(&b, PART - 8, 5 * BLOCK + BLOCKS * BLOCK);
	put_at(&b, 4, "mp\0", 4);
	for (uint32_t at = PART, magic = 1; at < BLOCK; at += 4, magic = 11 * (magic + 7))
		put32(&b, at, magic);
	put_at(&b, BLOCK, "sadump\0", 8);
	put32(&b, BLOCK + 8, 1);
	static const uint32_t words[] = { BLOCK, 0, 1, 1, 1, BLOCKS, BLOCKS, BLOCKS, BLOCKS, 0, 1 };
	put_at(&b, BLOCK + 40, words, sizeof(words));
	put64(&b, BLOCK + 88, BLOCKS);
	put32(&b, 2 * BLOCK, CPU);
	put64(&b, 2 * BLOCK + 4 + 16 + CPU - EFER_BEHIND, 1 << 10);
	for (unsigned bitmap = 3; bitmap < 5; bitmap++)
		put_at(&b, bitmap * BLOCK, "\xff\xff\xf0", 3);
	put_at(&b, 5 * BLOCK - 1, "", 1);
	for (uint64_t pfn = 0; pfn < BLOCKS; pfn++)
		buffer_put(&b, page_of(pfn), PAGE);
	check_refused(&b, ERROR_UNSUPPORTED, "makedumpfile", "sadump is refused, and what to do is said");
}

/* What the library would take: each is one descriptor before a whole dump's last ones. */
static void check_hostile(void)
{
	static const struct { uint64_t pa; uint32_t size, flags; const char *what; } rows[] = {
		{ 400 * PAGE, 200000, COMPRESSED, "a packed page that is larger than the library's buffer" },
		{ 1ull << 44, PAGE, RAW, "a page number that the library would cut to 32 bits" },
		{ 400 * PAGE + 1, PAGE, RAW, "an address within a page" },
	};
	static const struct lkcd open_end = { .version = 9, .compression = GZIP, .no_end = true };
	_cleanup_free_ unsigned char *noise = calloc(1, 200000);
	for (size_t i = 0; noise && i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_buffer_ struct buffer b = BUFFER_INIT;
		write_lkcd(&b, &open_end);
		put_page(&b, rows[i].pa, rows[i].size, rows[i].flags, noise);
		put_page(&b, 0, 0, END, "");
		check_refused(&b, ERROR_FORMAT, "is damaged", rows[i].what);
		/* Cut off behind its descriptor, too. */
		b.len -= rows[i].size + 16;
		check_refused(&b, ERROR_FORMAT, "is damaged", "  nor without its bytes");
	}
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	write_lkcd(&b, &open_end);
	put32(&b, 20, 65536);
	check_refused(&b, ERROR_FORMAT, "65536", "pages of another size");
	for (unsigned i = 0; i < 4; i++) {
		char c = b.data[i];
		b.data[i] = b.data[7 - i];
		b.data[7 - i] = c;
	}
	check_refused(&b, ERROR_UNSUPPORTED, "big-endian", "another byte order");
}

static void check_damaged(void)
{
	uint64_t x = 88172645463325252ull;
	unsigned opened = 0;
	struct buffer whole[6] = { BUFFER_INIT, BUFFER_INIT, BUFFER_INIT, BUFFER_INIT, BUFFER_INIT, BUFFER_INIT };
	for (unsigned i = 0; i < 6; i++)
		write_lkcd(&whole[i], &(struct lkcd){ .version = i % 2 ? 9 : 5, .compression = i % 3 });
	for (unsigned i = 0; i < 300; i++) {
		_cleanup_buffer_ struct buffer b = BUFFER_INIT;
		_cleanup_target_ struct target *t = NULL;
		unsigned wrong, missing;
		buffer_put(&b, whole[i % 6].data, whole[i % 6].len);
		for (unsigned n = 0; n < 1 + i % 6; n++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			size_t at = i % 4 ? x % b.len : x % 800;
			b.data[at] = (char)(x >> 40 & 3 ? x >> 32 : 0xff);
		}
		_cleanup_error_ struct error *err = open_bytes(&b, &t);
		if (err)
			continue;
		look(t, &wrong, &missing);
		opened++;
	}
	for (unsigned i = 0; i < 6; i++)
		buffer_deinit(&whole[i]);
	tap_ok(opened > 50, "300 damaged files do no harm; %u open", opened);
}

int main(void)
{
	static const struct { struct lkcd lkcd; const char *name; } rows[] = {
		{ { .version = 9 }, "plain" },
		{ { .version = 9, .compression = RLE }, "RLE" },
		{ { .version = 9, .compression = GZIP }, "gzip" },
		{ { .version = 8, .compression = RLE }, "RLE" },
		{ { .version = 5, .compression = GZIP }, "gzip" },
		{ { .version = 9, .compression = GZIP, .first = 200 }, "the last pages first" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_open(&rows[i].lkcd, rows[i].name);
	check_cut_off();
	check_shrinks();
	check_hostile();
	check_odd_end();
	check_damaged();
	check_sadump();
	return tap_done();
}

#else

int main(void)
{
	tap_skip("libkdumpfile is not built in");
	return tap_done();
}

#endif

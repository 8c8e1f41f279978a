/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-pages KDUMP: how fast the pages of a kdump file of zlib pages are read, as a share of what
 * libdeflate alone takes for the same pages, compressed again and lying in memory. Prints both
 * rates in MiB/s.
 */
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stub/base/cleanup.h"
#include "stub/target/dump/dump.h"

enum { PAGE = 4096, PAGES = 32768, CHUNK = 16 };

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct packed {
	unsigned char *bytes;
	size_t len;
};

/* What is there of [start, start + CHUNK pages), page by page where some are not. */
static size_t read_chunk(struct target *t, uint64_t start, unsigned char *buf)
{
	struct error *err = target_read_phys(t, start, buf, CHUNK * PAGE);
	error_free(err);
	return err ? 0 : CHUNK;
}

int main(int argc, char **argv)
{
	_cleanup_target_ struct target *t = NULL;
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	struct packed *packed = calloc(PAGES, sizeof(*packed));
	unsigned char *buf = malloc(CHUNK * PAGE), small[PAGE];
	uint64_t *starts = calloc(PAGES / CHUNK, sizeof(*starts));
	size_t n = 0, chunks = 0;
	struct error *err = argc == 2 ? dump_open(argv[1], &t) : error_new(ERROR_USAGE, "bench-pages KDUMP");
	if (err || !c || !d || !packed || !buf || !starts) {
		fprintf(stderr, "bench-pages: %s\n", err ? err->text : "out of memory");
		return 1;
	}
	/* Pages that compress, as most do; read once, so that the file is in memory, too. */
	for (uint64_t pa = 16 << 20; chunks < PAGES / CHUNK && pa < 4ull << 30; pa += CHUNK * PAGE) {
		size_t i, first = n, have = n + CHUNK <= PAGES ? read_chunk(t, pa, buf) : 0;
		for (i = 0; i < have; i++) {
			size_t len = libdeflate_zlib_compress(c, buf + i * PAGE, PAGE, small, sizeof(small) - 1);
			if (!len || len < 64)
				break;
			packed[n].bytes = memcpy(malloc(len), small, len);
			packed[n++].len = len;
		}
		if (i == CHUNK)
			starts[chunks++] = pa;
		else
			n = first;
	}
	if (!chunks) {
		fprintf(stderr, "bench-pages: no pages that compress\n");
		return 1;
	}
	double start = now();
	for (size_t i = 0; i < n; i++)
		if (libdeflate_zlib_decompress(d, packed[i].bytes, packed[i].len, buf, PAGE, NULL))
			return 1;
	double bare = now() - start;
	start = now();
	for (size_t i = 0; i < chunks; i++)
		read_chunk(t, starts[i], buf);
	double through = now() - start;
	double mib = (double)(n * PAGE) / (1 << 20);
	printf("%.1f %.1f\n", mib / bare, mib / through);
	return 0;
}

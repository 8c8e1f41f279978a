/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include "stub/target/dump/unpack-page.h"

#include <stdlib.h>
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

/* What a decompressor keeps between pages. */
struct unpacker {
	void *zlib;
	void *zstd;
};

struct codec {
	uint32_t flag;
	const char *name, *damaged, *missing;
	/* NULL: not built in. False: damaged. */
	bool (*run)(struct unpacker *u, const void *in, size_t len, void *out, size_t page);
};

#ifdef HAVE_LIBDEFLATE
static bool run_zlib(struct unpacker *u, const void *in, size_t len, void *out, size_t page)
{
	if (!u->zlib)
		u->zlib = libdeflate_alloc_decompressor();
	return u->zlib && libdeflate_zlib_decompress(u->zlib, in, len, out, page, NULL) ==
				  LIBDEFLATE_SUCCESS;
}
#else
#define run_zlib NULL
#endif

#ifdef HAVE_LZO
static bool run_lzo(struct unpacker *u, const void *in, size_t len, void *out, size_t page)
{
	lzo_uint got = page;
	(void)u;
	return lzo1x_decompress_safe(in, len, out, &got, NULL) == LZO_E_OK && got == page;
}
#else
#define run_lzo NULL
#endif

#ifdef HAVE_SNAPPY
static bool run_snappy(struct unpacker *u, const void *in, size_t len, void *out, size_t page)
{
	size_t got = page;
	(void)u;
	return snappy_uncompress(in, len, out, &got) == SNAPPY_OK && got == page;
}
#else
#define run_snappy NULL
#endif

#ifdef HAVE_ZSTD
static bool run_zstd(struct unpacker *u, const void *in, size_t len, void *out, size_t page)
{
	if (!u->zstd)
		u->zstd = ZSTD_createDCtx();
	return u->zstd && ZSTD_decompressDCtx(u->zstd, out, page, in, len) == page;
}
#else
#define run_zstd NULL
#endif

#define CODEC(flag, name, run) \
	{ flag, name, "a damaged page (" name ")", "a page compressed by " name ", which is not built in,", run }

static const struct codec codecs[] = {
	CODEC(PAGE_ZLIB, "zlib", run_zlib),
	CODEC(PAGE_LZO, "lzo", run_lzo),
	CODEC(PAGE_SNAPPY, "snappy", run_snappy),
	CODEC(PAGE_ZSTD, "zstd", run_zstd),
};

static const struct codec *codec_of(uint32_t flags)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (flags & codecs[i].flag)
			return &codecs[i];
	return NULL;
}

struct error *unpacker_create(struct unpacker **ret)
{
	struct unpacker *u = calloc(1, sizeof(*u));
	if (!u)
		return error_nomem();
	*ret = u;
	return NULL;
}

void unpacker_destroy(struct unpacker *u)
{
	if (!u)
		return;
#ifdef HAVE_LIBDEFLATE
	if (u->zlib)
		libdeflate_free_decompressor(u->zlib);
#endif
#ifdef HAVE_ZSTD
	ZSTD_freeDCtx(u->zstd);
#endif
	free(u);
}

const char *unpacker_name(uint32_t flags)
{
	const struct codec *c = codec_of(flags);
	return c ? c->name : NULL;
}

bool unpacker_knows(uint32_t flags)
{
	const struct codec *c = codec_of(flags);
	return !c || c->run;
}

struct error *unpacker_run(struct unpacker *u, uint32_t flags, const void *in, size_t len, uint64_t pa,
			   void *out, size_t page)
{
	const struct codec *c = codec_of(flags);
	if (!c)
		return error_at(ERROR_FORMAT, pa, "a page of unknown compression");
	if (!c->run)
		return error_at(ERROR_UNSUPPORTED, pa, c->missing);
	return c->run(u, in, len, out, page) ? NULL : error_at(ERROR_FORMAT, pa, c->damaged);
}

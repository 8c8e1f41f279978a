/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include "symbols/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#ifdef HAVE_LZMA
#include <lzma.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "stub/base/cleanup.h"

/* No module is this large; what is, is a bomb. */
enum { UNPACKED_MAX = 1 << 29, CHUNK = 1 << 17 };

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);
	return len > end_len && !strcmp(text + len - end_len, end);
}

bool unpack_wanted(const char *path)
{
	return ends_in(path, ".xz") || ends_in(path, ".zst") || ends_in(path, ".gz");
}

struct sink {
	const char *path;
	int fd;
	uint64_t total;
};

static struct error *drain(struct sink *s, const unsigned char *bytes, size_t len)
{
	s->total += len;
	if (s->total > UNPACKED_MAX)
		return error_new(ERROR_FORMAT, "%s unpacks to more than %d MiB: not believed", s->path,
				 UNPACKED_MAX >> 20);
	while (len) {
		ssize_t n = write(s->fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_os(errno, "unpacking %s", s->path);
		bytes += n;
		len -= (size_t)n;
	}
	return NULL;
}

static struct error *damaged(const char *path)
{
	return error_new(ERROR_FORMAT, "%s is damaged and cannot be unpacked", path);
}

static struct error *unpack_gz(struct sink *s, int *fd, unsigned char *buf)
{
	gzFile in = gzdopen(*fd, "rb");
	if (!in)
		return error_nomem();
	*fd = -1;       /* closed with it */
	struct error *err = NULL;
	int got = 1;
	while (!err && (got = gzread(in, buf, CHUNK)) > 0)
		err = drain(s, buf, (size_t)got);
	/* A stream without its end is told only by closing: reading just stops. */
	if ((gzclose(in) != Z_OK || got < 0) && !err)
		err = damaged(s->path);
	return err;
}

#ifdef HAVE_LZMA
static struct error *unpack_xz(struct sink *s, int in, unsigned char *buf)
{
	lzma_stream x = LZMA_STREAM_INIT;
	unsigned char *packed = buf + CHUNK;
	struct error *err = NULL;
	lzma_ret r = lzma_stream_decoder(&x, 256 << 20, LZMA_CONCATENATED);
	lzma_action action = LZMA_RUN;
	while (!err && r == LZMA_OK) {
		if (!x.avail_in && action == LZMA_RUN) {
			ssize_t got = read(in, packed, CHUNK);
			if (got <= 0)
				action = LZMA_FINISH;
			x.next_in = packed;
			x.avail_in = got > 0 ? (size_t)got : 0;
		}
		x.next_out = buf;
		x.avail_out = CHUNK;
		r = lzma_code(&x, action);
		err = drain(s, buf, CHUNK - x.avail_out);
	}
	lzma_end(&x);
	return err ? err : r == LZMA_STREAM_END ? NULL : damaged(s->path);
}
#else
static struct error *unpack_xz(struct sink *s, int in, unsigned char *buf)
{
	(void)in;
	(void)buf;
	return error_new(ERROR_UNSUPPORTED, "%s: kstub was built without liblzma", s->path);
}
#endif

#ifdef HAVE_ZSTD
static struct error *unpack_zst(struct sink *s, int in, unsigned char *buf)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	if (!z)
		return error_nomem();
	ZSTD_inBuffer from = { buf + CHUNK, 0, 0 };
	struct error *err = NULL;
	size_t left = 1;
	for (;;) {
		if (from.pos == from.size) {
			ssize_t got = read(in, buf + CHUNK, CHUNK);
			if (got <= 0)
				break;
			from.size = (size_t)got;
			from.pos = 0;
		}
		ZSTD_outBuffer to = { buf, CHUNK, 0 };
		left = ZSTD_decompressStream(z, &to, &from);
		if (ZSTD_isError(left))
			break;
		err = drain(s, buf, to.pos);
		if (err)
			break;
	}
	ZSTD_freeDStream(z);
	return err ? err : left ? damaged(s->path) : NULL;
}
#else
static struct error *unpack_zst(struct sink *s, int in, unsigned char *buf)
{
	(void)in;
	(void)buf;
	return error_new(ERROR_UNSUPPORTED, "%s: kstub was built without libzstd", s->path);
}
#endif

struct error *unpack_file(const char *path, int out_fd)
{
	struct sink s = { path, out_fd, 0 };
	_cleanup_free_ unsigned char *buf = malloc(2 * CHUNK);
	if (!buf)
		return error_nomem();
	struct stat st;
	_cleanup_close_ int in = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (in < 0 || fstat(in, &st))
		return error_os(errno, "%s", path);
	if (!S_ISREG(st.st_mode))       /* a pipe would keep us waiting for ever */
		return error_new(ERROR_FORMAT, "%s is no file", path);
	if (ends_in(path, ".gz"))
		return unpack_gz(&s, &in, buf);
	return ends_in(path, ".xz") ? unpack_xz(&s, in, buf) : unpack_zst(&s, in, buf);
}

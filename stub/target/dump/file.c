/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/target/dump/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stub/target/dump/flattened.h"

static struct error *open_regular(const char *path, struct dump_file *f)
{
	struct stat st;
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0 && errno == EACCES)
		return error_new(ERROR_OS, "%s: no permission to read it; become its owner or root, or "
					   "let the owner chmod it", path);
	if (f->fd < 0)
		return error_new(ERROR_OS, "%s: %s; give the path of a dump", path, strerror(errno));
	if (fstat(f->fd, &st))
		return error_os(errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return error_new(ERROR_FORMAT, "%s is a directory; give the dump file in it", path);
	if (!S_ISREG(st.st_mode))
		return error_new(ERROR_FORMAT, "%s is no regular file; copy the dump to a file first", path);
	if (!st.st_size)
		return error_new(ERROR_FORMAT, "%s is empty: the dump was never written, or the disk was "
					       "full", path);
	f->real_size = f->size = (uint64_t)st.st_size;
	return NULL;
}

struct error *dump_file_open(const char *path, struct dump_file *ret)
{
	struct dump_file f = { .fd = -1, .path = strdup(path) };
	char magic[16];
	struct error *err = f.path ? open_regular(path, &f) : error_nomem();
	if (!err) {
		ssize_t got = pread(f.fd, magic, sizeof(magic), 0);
		if (got < 0)
			err = error_os(errno, "%s", path);
		else if (flattened_magic(magic, (size_t)got))
			err = error_prefix(flattened_open(f.fd, f.real_size, &f.flattened, &f.size,
							  &f.cut_off), "%s", path);
	}
	if (err) {
		dump_file_close(&f);
		return err;
	}
	*ret = f;
	return NULL;
}

void dump_file_close(struct dump_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	flattened_close(f->flattened);
	free(f->path);
	*f = (struct dump_file){ .fd = -1 };
}

/* Zeros fill what no record of a flattened file wrote: such is a hole of a sparse file. */
static struct error *read_piece(struct dump_file *f, uint64_t offset, char *buf, size_t len, size_t *got_ret)
{
	uint64_t at = offset, left = len;
	if (offset >= f->size)
		return error_at(ERROR_TRUNCATED, offset, "the file ends before offset");
	if (f->flattened) {
		bool there = flattened_find(f->flattened, offset, &at, &left);
		if (left < len && left)
			len = left;
		if (!there) {
			memset(buf, 0, len);
			*got_ret = len;
			return NULL;
		}
	}
	ssize_t got = pread(f->fd, buf, len, (off_t)at);
	if (got < 0 && errno == EINTR)
		got = pread(f->fd, buf, len, (off_t)at);
	if (got < 0)
		return error_os(errno, "%s", f->path);
	if (!got)
		return error_at(ERROR_TRUNCATED, offset, "the file ends before offset");
	*got_ret = (size_t)got;
	return NULL;
}

struct error *dump_file_read(struct dump_file *f, uint64_t offset, void *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		size_t got = 0;
		struct error *err = read_piece(f, offset + done, (char *)buf + done, len - done, &got);
		if (err)
			return err;
		done += got;
	}
	return NULL;
}

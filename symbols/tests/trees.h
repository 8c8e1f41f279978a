/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files and directories that the tests of this room make, from the fixtures of the build. */
#ifndef SYMBOLS_TESTS_TREES_H
#define SYMBOLS_TESTS_TREES_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stub/base/cleanup.h"
#include "stub/base/tests/tap.h"
#include "symbols/cache.h"
#include "symbols/symbols.h"

/* What fixture.ko says that it is of; no machine has such a kernel. */
#define RELEASE "0.0.0-kstub-test"

struct bytes {
	char *data;
	size_t len;
};

__attribute__((unused)) static bool fine(struct error *err)
{
	bool ok = !err;
	if (err)
		tap_diag("%s", err->text);
	error_free(err);
	return ok;
}

__attribute__((unused)) static void fixture_path(const char *name, char *ret, size_t size)
{
	const char *build = getenv("top_builddir");
	snprintf(ret, size, "%s/symbols/tests/%s", build ? build : ".", name);
}

/* The bytes of a fixture; the caller frees. Ends the test when there is none. */
__attribute__((unused)) static struct bytes fixture_read(const char *name)
{
	char path[4096];
	struct stat st;
	struct bytes b = { NULL, 0 };
	fixture_path(name, path, sizeof(path));
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || !(b.data = malloc((size_t)st.st_size)) ||
	    read(fd, b.data, (size_t)st.st_size) != st.st_size) {
		printf("Bail out! no %s\n", path);
		exit(99);
	}
	b.len = (size_t)st.st_size;
	return b;
}

/* Replaces the first occurrence; false when there is none. */
__attribute__((unused)) static bool bytes_patch(struct bytes b, const void *old, const void *new, size_t len)
{
	char *hit = memmem(b.data, b.len, old, len);
	if (hit)
		memcpy(hit, new, len);
	return hit;
}

/* DIR/PATH with its directories; `path` may have several parts. */
__attribute__((unused)) static bool tree_put(const char *dir, const char *path, const void *data, size_t len)
{
	char full[4096];
	snprintf(full, sizeof(full), "%s/%s", dir, path);
	for (char *slash = full + strlen(dir) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	_cleanup_close_ int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd >= 0 && write(fd, data, len) == (ssize_t)len;
}

/* Empties `dir`. */
__attribute__((unused)) static void tree_clear(const char *dir)
{
	cache_remove_tree(dir);
	mkdir(dir, 0700);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * $XDG_CACHE_HOME/kstub/BUILD-ID/ (else ~/.cache/kstub): what was made once for a kernel build.
 * A file appears whole, by rename, or not at all; two kstubs at once do not disturb each other.
 */
#ifndef SYMBOLS_CACHE_H
#define SYMBOLS_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "stub/base/buffer.h"
#include "stub/base/error.h"

/*
 * The directory for `key` (a build-id in hex), made with mode 0700 when need be; caller frees.
 * When the cache cannot be written, a private directory under $TMPDIR or /tmp that the caller
 * removes with cache_remove_tree() at the end, and *why_ret is why; else NULL. Caller frees.
 */
struct error *cache_dir(const char *key, char **ret, struct error **why_ret) must_check;

/* Removes a directory that cache_dir() made private. Never follows links. */
void cache_remove_tree(const char *dir);

struct cache_file {
	int fd;
	char *temp_path, *path;
};

/* Starts DIR/NAME under a temporary name in the same directory, mode 0644. */
struct error *cache_create(const char *dir, const char *name, struct cache_file *ret) must_check;

/* fsync not needed; closes and renames. On error nothing is left. */
struct error *cache_commit(struct cache_file *f) must_check;

/* Closes and removes; fine after commit and on a zeroed value with fd -1. */
void cache_abandon(struct cache_file *f);

/* An empty directory in `dir` for temporary files; cache_abandon() removes it with all in it. */
struct error *cache_create_directory(const char *dir, const char *name, struct cache_file *ret) must_check;

/* Removes what killed processes left half made in `dir`. */
void cache_sweep(const char *dir);

/*
 * Lock DIR/NAME, a file of its own, held by one process at a time (flock), so that two at once
 * make another file once. Waits at most until the other is done; the descriptor to close, or ERROR_OS.
 */
struct error *cache_lock(const char *dir, const char *name, int *fd_ret) must_check;

/* `kstub cache`: a line per entry (key, bytes, files, last use); clear removes all of it. */
struct error *cache_list(struct buffer *ret) must_check;
struct error *cache_clear(uint64_t *bytes_ret) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include "symbols/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "stub/base/cleanup.h"

enum { DEPTH_MAX = 16, KEY_MAX = 200, TRIES = 100 };

/* Between NAME and the random letters of a file that is being written. */
static const char temp_mark[] = ".part-";

static void cleanup_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}
#define _cleanup_closedir_ __attribute__((cleanup(cleanup_closedir)))

/* One name, or names joined by '/', none of which is hidden, empty or goes up. */
static bool is_plain(const char *key, bool slash_allowed)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+";
	bool start = true;
	if (strlen(key) > KEY_MAX)
		return false;
	for (; *key; key++) {
		if (*key == '/' ? start || !slash_allowed : !strchr(letters, *key) || (start && *key == '.'))
			return false;
		start = *key == '/';
	}
	return !start;
}

/* Where all entries are; ERROR_NOT_FOUND when the environment does not say. */
static struct error *cache_base(char **ret)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *path;
	int n;
	if (xdg && *xdg == '/')
		n = asprintf(&path, "%s/kstub", xdg);
	else if (home && *home == '/')
		n = asprintf(&path, "%s/.cache/kstub", home);
	else
		return error_new(ERROR_NOT_FOUND, "no cache: neither $XDG_CACHE_HOME nor $HOME is an absolute path");
	if (n < 0)
		return error_nomem();
	*ret = path;
	return NULL;
}

/* mkdir -p, mode 0700 for what is new. */
static struct error *make_directories(char *path)
{
	struct stat st;
	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		int failed = mkdir(path, 0700) && errno != EEXIST ? errno : 0;
		if (failed && !stat(path, &st))     /* a read-only file system says EROFS first */
			failed = 0;
		struct error *err = failed ? error_os(failed, "cannot make %s", path) : NULL;
		if (slash)
			*slash = '/';
		if (err || !slash)
			return err;
	}
}

/* Ours, writable, and not writable by others: gdb will trust what is in there. */
static struct error *check_directory(const char *path)
{
	struct stat st;
	if (stat(path, &st))
		return error_os(errno, "%s", path);
	if (!S_ISDIR(st.st_mode))
		return error_new(ERROR_OTHER, "%s is no directory", path);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return error_new(ERROR_OTHER, "%s can be written by others", path);
	if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS))
		return error_os(errno, "cannot write in %s", path);
	return NULL;
}

static struct error *private_dir(char **ret)
{
	const char *const places[] = { getenv("TMPDIR"), "/tmp" };
	int why = ENOENT;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		_cleanup_free_ char *path = NULL;
		if (!places[i] || *places[i] != '/')
			continue;
		if (asprintf(&path, "%s/kstub-XXXXXX", places[i]) < 0) {
			path = NULL;
			return error_nomem();
		}
		if (mkdtemp(path)) {
			*ret = steal(path);
			return NULL;
		}
		why = errno;
	}
	return error_os(why, "no directory for gdb's files can be made in the cache, $TMPDIR or /tmp");
}

struct error *cache_dir(const char *key, char **ret, struct error **why_ret)
{
	_cleanup_free_ char *base = NULL, *path = NULL;
	if (!is_plain(key, true))
		return error_new(ERROR_USAGE, "'%s' cannot name an entry of the cache", key);
	struct error *err = cache_base(&base);
	if (!err && asprintf(&path, "%s/%s", base, key) < 0) {
		path = NULL;
		err = error_nomem();
	}
	if (!err)
		err = make_directories(path);
	if (!err)
		err = check_directory(base);
	if (!err)
		err = check_directory(path);
	if (!err) {
		utimensat(AT_FDCWD, path, NULL, 0);     /* its time is when it was last used */
		*ret = steal(path);
		*why_ret = NULL;
		return NULL;
	}
	struct error *none = private_dir(ret);
	if (none)
		error_free(err);
	else
		*why_ret = err;
	return none;
}

/* A directory's entries through `at`, never through a link; takes nothing. */
static DIR *open_directory(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d && fd >= 0)
		close(fd);
	return d;
}

static const char *next_name(DIR *d)
{
	for (struct dirent *e; (e = readdir(d));)
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			return e->d_name;
	return NULL;
}

struct usage {
	uint64_t bytes, files;
};

/* Counts `name`, a directory or not, into `sum`, and removes it with `remove`. */
static void visit(int at, const char *name, bool remove, int depth, struct usage *sum)
{
	struct stat st;
	if (depth > DEPTH_MAX || fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW))
		return;
	if (!S_ISDIR(st.st_mode)) {
		if (remove && unlinkat(at, name, 0))
			return;
		sum->bytes += (uint64_t)st.st_blocks * 512;
		sum->files++;
		return;
	}
	DIR *d = open_directory(at, name);
	if (!d)
		return;
	for (const char *child; (child = next_name(d));)
		visit(dirfd(d), child, remove, depth + 1, sum);
	closedir(d);
	if (remove)
		unlinkat(at, name, AT_REMOVEDIR);
}

void cache_remove_tree(const char *dir)
{
	struct usage sum = { 0 };
	visit(AT_FDCWD, dir, true, 0, &sum);
}

/* A writer holds a lock on its file or directory: one that can be locked has none any more. */
void cache_sweep(const char *dir)
{
	struct usage sum = { 0 };
	_cleanup_closedir_ DIR *d = open_directory(AT_FDCWD, dir);
	if (!d)
		return;
	for (const char *name; (name = next_name(d));) {
		if (name[0] != '.' || !strstr(name, temp_mark))
			continue;
		_cleanup_close_ int fd = openat(dirfd(d), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
			visit(dirfd(d), name, true, 0, &sum);
	}
}

/* True when `path` is still the file behind `fd`: nobody removed it before it was locked. */
static bool is_same_file(int fd, const char *path)
{
	struct stat a, b;
	return !fstat(fd, &a) && !lstat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int lock_file(int fd)
{
	int failed;
	do
		failed = flock(fd, LOCK_EX);
	while (failed && errno == EINTR);
	return failed;
}

struct error *cache_create(const char *dir, const char *name, struct cache_file *ret)
{
	_cleanup_free_ char *path = NULL, *temp = NULL;
	if (!is_plain(name, false))
		return error_new(ERROR_USAGE, "'%s' cannot name a file of the cache", name);
	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return error_nomem();
	}
	for (int i = 0; i < TRIES; i++) {
		free(steal(temp));
		if (asprintf(&temp, "%s/.%s%sXXXXXX", dir, name, temp_mark) < 0) {
			temp = NULL;
			return error_nomem();
		}
		_cleanup_close_ int fd = mkostemp(temp, O_CLOEXEC);
		if (fd < 0)
			return error_os(errno, "cannot write in %s", dir);
		if (lock_file(fd) || !is_same_file(fd, temp))
			continue;       /* another kstub swept it before it was locked */
		if (fchmod(fd, 0644)) {
			struct error *err = error_os(errno, "%s", temp);
			unlink(temp);
			return err;
		}
		*ret = (struct cache_file){ steal_fd(&fd), steal(temp), steal(path) };
		return NULL;
	}
	return error_new(ERROR_OTHER, "cannot keep a new file in %s", dir);
}

struct error *cache_commit(struct cache_file *f)
{
	struct error *err = NULL;
	if (rename(f->temp_path, f->path)) {
		err = error_os(errno, "cannot make %s", f->path);
		cache_abandon(f);
		return err;
	}
	if (close(f->fd)) {     /* quota and network file systems may say so only now */
		err = error_os(errno, "cannot write %s", f->path);
		unlink(f->path);
	}
	f->fd = -1;
	free(f->temp_path);
	free(f->path);
	f->temp_path = f->path = NULL;
	return err;
}

void cache_abandon(struct cache_file *f)
{
	if (f->temp_path)
		cache_remove_tree(f->temp_path);
	if (f->fd >= 0)
		close(f->fd);
	free(f->temp_path);
	free(f->path);
	*f = (struct cache_file){ .fd = -1 };
}

struct error *cache_lock(const char *dir, const char *name, int *fd_ret)
{
	_cleanup_free_ char *path = NULL;
	if (!is_plain(name, false))
		return error_new(ERROR_USAGE, "'%s' cannot name a lock of the cache", name);
	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return error_nomem();
	}
	for (int i = 0; i < TRIES; i++) {
		_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 || lock_file(fd))
			return error_os(errno, "cannot lock %s", path);
		if (is_same_file(fd, path)) {   /* else `kstub cache` removed it meanwhile */
			*fd_ret = steal_fd(&fd);
			return NULL;
		}
	}
	return error_new(ERROR_OTHER, "cannot lock %s: it is removed again and again", path);
}

struct error *cache_create_directory(const char *dir, const char *name, struct cache_file *ret)
{
	_cleanup_free_ char *path = NULL;
	if (!is_plain(name, false))
		return error_new(ERROR_USAGE, "'%s' cannot name a directory of the cache", name);
	for (int i = 0; i < TRIES; i++) {
		free(steal(path));
		if (asprintf(&path, "%s/.%s%sXXXXXX", dir, name, temp_mark) < 0) {
			path = NULL;
			return error_nomem();
		}
		if (!mkdtemp(path))
			return error_os(errno, "cannot write in %s", dir);
		_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || lock_file(fd) || !is_same_file(fd, path))
			continue;       /* swept before it was locked */
		*ret = (struct cache_file){ steal_fd(&fd), steal(path), NULL };
		return NULL;
	}
	return error_new(ERROR_OTHER, "cannot keep a new directory in %s", dir);
}

static struct error *open_base(DIR **ret)
{
	_cleanup_free_ char *base = NULL;
	struct error *err = cache_base(&base);
	if (err)
		return err;
	DIR *d = opendir(base);
	if (!d && errno != ENOENT)
		return error_os(errno, "%s", base);
	*ret = d;
	return NULL;
}

struct error *cache_list(struct buffer *ret)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct error *err = open_base(&d);
	if (err || !d)
		return err;
	for (const char *name; (name = next_name(d));) {
		struct usage sum = { 0 };
		struct stat st;
		struct tm when;
		char date[sizeof("2000-01-01 00:00")] = "?";
		if (fstatat(dirfd(d), name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		visit(dirfd(d), name, false, 0, &sum);
		if (localtime_r(&st.st_mtime, &when))
			strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &when);
		buffer_printf(ret, "%s  %" PRIu64 " bytes  %" PRIu64 " files  last used %s\n", name, sum.bytes,
			      sum.files, date);
	}
	return buffer_error(ret);
}

struct error *cache_clear(uint64_t *bytes_ret)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct usage sum = { 0 };
	struct error *err = open_base(&d);
	if (err)
		return err;
	for (const char *name; d && (name = next_name(d));)
		visit(dirfd(d), name, true, 0, &sum);
	*bytes_ret = sum.bytes;
	return NULL;
}

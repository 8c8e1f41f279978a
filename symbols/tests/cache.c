/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache on directories of its own: whole files or none, whoever is killed and when. */
#include <config.h>

#include "symbols/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stub/base/cleanup.h"
#include "stub/base/tests/tap.h"

enum { FILE_SIZE = 1 << 20 };

static char root[] = "/tmp/kstub-test-XXXXXX";

/* True, or the reason as a diagnostic. */
static bool fine(struct error *err)
{
	bool ok = !err;
	if (err)
		tap_diag("%s", err->text);
	error_free(err);
	return ok;
}

static bool fails(struct error *err, enum error_code code)
{
	bool ok = err && err->code == code;
	if (err)
		tap_diag("%s", err->text);
	error_free(err);
	return ok;
}

/* A directory of the cache; *private_ret: was none to be had, and is it another one? */
static struct error *open_dir(const char *key, char **ret, bool *private_ret)
{
	struct error *why = NULL, *err = cache_dir(key, ret, &why);
	if (!err)
		*private_ret = why != NULL;
	error_free(why);
	return err;
}

static char *path_of(const char *dir, const char *name)
{
	char *path;
	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static unsigned count_names(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;
	for (struct dirent *e; d && (e = readdir(d));)
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	if (d)
		closedir(d);
	return n;
}

static struct error *put(struct cache_file *f, int byte, size_t len)
{
	_cleanup_free_ char *bytes = malloc(len);
	if (!bytes)
		return error_nomem();
	memset(bytes, byte, len);
	ssize_t n = write(f->fd, bytes, len);
	if (n != (ssize_t)len)
		return error_os(n < 0 ? errno : ENOSPC, "%s", f->temp_path);
	return NULL;
}

static struct error *write_file(const char *dir, const char *name, int byte, size_t len)
{
	struct cache_file f = { .fd = -1 };
	struct error *err = cache_create(dir, name, &f);
	if (!err)
		err = put(&f, byte, len);
	if (!err)
		return cache_commit(&f);
	cache_abandon(&f);
	return err;
}

/* All bytes of DIR/NAME are `byte` and there are `len` of them. */
static bool holds(const char *dir, const char *name, int byte, size_t len)
{
	_cleanup_free_ char *path = path_of(dir, name);
	_cleanup_close_ int fd = open(path, O_RDONLY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) || (size_t)st.st_size != len)
		return false;
	unsigned char *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	bool same = bytes != MAP_FAILED;
	for (size_t i = 0; same && i < len; i++)
		same = bytes[i] == (unsigned char)byte;
	if (bytes != MAP_FAILED)
		munmap(bytes, len);
	return same;
}

static void test_directory(void)
{
	_cleanup_free_ char *dir = NULL, *again = NULL, *want = path_of(root, "xdg/kstub/00ff/8000");
	bool is_private = true;
	struct stat st;
	tap_ok(fine(open_dir("00ff/8000", &dir, &is_private)) && !is_private, "an entry is made");
	tap_is_str(dir, want, "where $XDG_CACHE_HOME says");
	tap_ok(dir && !stat(dir, &st) && (st.st_mode & 07777) == 0700, "for its owner alone");
	tap_ok(fine(open_dir("00ff/8000", &again, &is_private)) && !is_private && again &&
	       !strcmp(again, dir), "and found again");
	static const char *const bad[] = { "", "..", "a/../b", "/etc", "a/", "a//b", ".a", "a b", "a*" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *none = NULL;
		tap_ok(fails(open_dir(bad[i], &none, &is_private), ERROR_USAGE) && !none,
		       "no entry is called '%s'", bad[i]);
	}
}

static void test_private(void)
{
	_cleanup_free_ char *dir = NULL, *second = NULL, *others = path_of(root, "others");
	bool is_private = false;
	struct stat st;
	setenv("XDG_CACHE_HOME", "/proc/self/nothing", 1);
	tap_ok(fine(open_dir("00ff", &dir, &is_private)) && is_private, "a cache that cannot be written: a private one");
	tap_ok(dir && !stat(dir, &st) && (st.st_mode & 07777) == 0700 && !strncmp(dir, root, strlen(root)),
	       "under $TMPDIR, for its owner alone");
	tap_ok(dir && fine(write_file(dir, "file", 'a', 10)), "which holds files");
	if (dir)
		cache_remove_tree(dir);
	tap_ok(dir && stat(dir, &st) && errno == ENOENT, "and is gone when told so");
	mkdir(others, 0777);
	chmod(others, 0777);
	setenv("XDG_CACHE_HOME", others, 1);
	_cleanup_free_ char *inside = path_of(others, "kstub");
	mkdir(inside, 0777);
	chmod(inside, 0777);
	tap_ok(fine(open_dir("00ff", &second, &is_private)) && is_private,
	       "a cache that others may write is not trusted");
	if (second)
		cache_remove_tree(second);
}

static void test_links(const char *dir)
{
	_cleanup_free_ char *outside = path_of(root, "outside"), *kept = path_of(outside, "kept");
	_cleanup_free_ char *tree = path_of(dir, "tree"), *link = path_of(tree, "link");
	_cleanup_free_ char *deep = path_of(tree, "deep"), *lock = path_of(dir, "link.lock");
	struct stat st;
	int fd = -1;
	mkdir(outside, 0700);
	close(open(kept, O_CREAT | O_WRONLY, 0600));
	mkdir(tree, 0700);
	mkdir(deep, 0700);
	tap_ok(!symlink(outside, link) && !fine(cache_lock(tree, "link", &fd)), "a link is no lock");
	cache_remove_tree(tree);
	tap_ok(lstat(tree, &st) && errno == ENOENT, "a tree is removed");
	tap_ok(!stat(kept, &st), "but nothing behind a link in it");
}

static void test_file(const char *dir)
{
	struct cache_file f = { .fd = -1 };
	_cleanup_free_ char *path = path_of(dir, "file");
	struct stat st;
	unsigned before = count_names(dir);
	tap_ok(fine(cache_create(dir, "file", &f)) && fine(put(&f, 'a', 100)), "a file is begun");
	tap_ok(stat(path, &st) && errno == ENOENT, "nobody sees it");
	tap_ok(fine(cache_commit(&f)) && holds(dir, "file", 'a', 100), "until it is whole");
	cache_abandon(&f);
	tap_ok(!stat(path, &st) && (st.st_mode & 07777) == 0644, "gdb of any user may read it");
	tap_ok(fine(write_file(dir, "file", 'b', 50)) && holds(dir, "file", 'b', 50), "a new one takes its place");
	tap_ok(fine(cache_create(dir, "file", &f)) && fine(put(&f, 'c', 10)), "a third one");
	cache_abandon(&f);
	cache_abandon(&f);
	tap_ok(holds(dir, "file", 'b', 50), "is given up and changes nothing");
	tap_ok(count_names(dir) == before + 1, "and leaves nothing");
	tap_ok(fails(cache_create(dir, "../file", &f), ERROR_USAGE), "a name is no path");
}

/* Writes half a file, tells `fd`, and waits to be killed. */
static void write_half(const char *dir, int fd)
{
	struct cache_file f = { .fd = -1 };
	bool ok = fine(cache_create(dir, "killed", &f)) && fine(put(&f, 'x', FILE_SIZE / 2));
	if (write(fd, ok ? "y" : "n", 1) == 1)
		pause();
	_exit(1);
}

static void test_killed(const char *dir)
{
	int told[2];
	char answer = 0;
	_cleanup_free_ char *path = path_of(dir, "killed");
	struct stat st;
	unsigned before = count_names(dir);
	if (pipe(told))
		return;
	pid_t child = fork();
	if (!child)
		write_half(dir, told[1]);
	close(told[1]);
	tap_ok(read(told[0], &answer, 1) == 1 && answer == 'y', "another kstub writes half a file");
	cache_sweep(dir);
	tap_ok(count_names(dir) == before + 1, "which is not swept while it lives");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(told[0]);
	tap_ok(stat(path, &st) && errno == ENOENT, "killed: no file");
	cache_sweep(dir);
	tap_ok(count_names(dir) == before, "and the half is swept");
}

/* Each writes the same file again and again; no reader ever meets a mixed or short one. */
static void test_two(const char *dir)
{
	pid_t child[2];
	bool whole = true;
	for (int i = 0; i < 2; i++) {
		child[i] = fork();
		if (!child[i]) {
			bool ok = true;
			for (int n = 0; n < 50; n++) {
				cache_sweep(dir);
				ok &= fine(write_file(dir, "both", 'a' + i, FILE_SIZE));
			}
			_exit(ok ? 0 : 1);
		}
	}
	int status[2] = { -1, -1 }, left = 2, seen = 0;
	while (left) {
		for (int i = 0; i < 2; i++)
			left -= status[i] == -1 && waitpid(child[i], &status[i], WNOHANG) == child[i];
		if (left < 2 || seen) {
			whole &= holds(dir, "both", 'a', FILE_SIZE) || holds(dir, "both", 'b', FILE_SIZE) ||
				 holds(dir, "both", 'a', FILE_SIZE) || holds(dir, "both", 'b', FILE_SIZE);
		}
		_cleanup_free_ char *path = path_of(dir, "both");
		seen = !access(path, F_OK);
	}
	tap_ok(!status[0] && !status[1], "two write the same file at once");
	tap_ok(whole, "and it is whole at every time");
}

/* /proc/locks has a line for each that waits: "1: -> FLOCK  ADVISORY  WRITE PID ..." */
static bool waits_for_lock(pid_t pid)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/locks", "re");
	char line[256];
	int who = 0;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s -> FLOCK %*s %*s %d", &who) == 1 && who == pid)
			return true;
	return false;
}

static void test_lock(const char *dir)
{
	int first = -1, told[2];
	char answer = 0;
	if (pipe(told))
		return;
	tap_ok(fine(cache_lock(dir, "lock", &first)) && first >= 0, "a lock is taken");
	pid_t child = fork();
	if (!child) {
		int second = -1;
		close(first);
		bool ok = fine(cache_lock(dir, "lock", &second));
		_exit(write(told[1], ok ? "y" : "n", 1) == 1 ? 0 : 1);
	}
	close(told[1]);
	fcntl(told[0], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 1000000 && !waits_for_lock(child); i++)
		sched_yield();
	tap_ok(read(told[0], &answer, 1) < 0 && errno == EAGAIN, "another waits for it");
	uint64_t bytes = 0;
	tap_ok(fine(cache_clear(&bytes)), "while the cache is cleared");
	bool is_private;
	char *again = NULL;
	tap_ok(fine(open_dir("test", &again, &is_private)) && !strcmp(again, dir), "and made again");
	free(again);
	close(first);
	waitpid(child, NULL, 0);
	fcntl(told[0], F_SETFL, 0);
	tap_ok(read(told[0], &answer, 1) == 1 && answer == 'y', "and gets it");
	close(told[0]);
	_cleanup_free_ char *path = path_of(dir, "lock");
	struct stat st;
	tap_ok(!stat(path, &st), "on a file that is there");
}

static void test_full(const char *dir)
{
	struct rlimit old, limit;
	unsigned before = count_names(dir);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = (struct rlimit){ FILE_SIZE / 2, old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	tap_ok(!fine(write_file(dir, "full", 'a', FILE_SIZE)), "no room: an error");
	setrlimit(RLIMIT_FSIZE, &old);
	tap_ok(count_names(dir) == before, "and nothing is left");
}

static void test_list(void)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT;
	_cleanup_free_ char *dir = NULL;
	bool is_private;
	uint64_t bytes = 0;
	tap_ok(fine(cache_clear(&bytes)), "all of it is cleared");
	tap_ok(fine(cache_list(&text)) && !text.len, "an empty cache lists nothing");
	tap_ok(fine(open_dir("abcd/1000", &dir, &is_private)) && fine(write_file(dir, "one", 'a', FILE_SIZE)) &&
	       fine(write_file(dir, "two", 'a', FILE_SIZE)), "two files in it");
	unsigned long long listed = 0, files = 0;
	tap_ok(fine(cache_list(&text)) &&
	       sscanf(buffer_text(&text), "abcd %llu bytes %llu files last used", &listed, &files) == 2 &&
	       listed >= 2 * FILE_SIZE && files == 2, "are one line");
	tap_diag("%s", buffer_text(&text));
	tap_ok(fine(cache_clear(&bytes)) && bytes == listed, "and cleared, byte for byte");
	tap_ok(access(dir, F_OK) && errno == ENOENT, "the directory, too");
	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
	tap_ok(!fine(cache_clear(&bytes)), "nothing is cleared when no one says where");
}

int main(void)
{
	_cleanup_free_ char *xdg = NULL, *dir = NULL;
	bool is_private;
	if (!mkdtemp(root) || !(xdg = path_of(root, "xdg")))
		return 99;
	setenv("TMPDIR", root, 1);
	setenv("XDG_CACHE_HOME", xdg, 1);
	test_directory();
	test_private();
	setenv("XDG_CACHE_HOME", xdg, 1);
	if (tap_ok(fine(open_dir("test", &dir, &is_private)) && !is_private, "a directory to work in")) {
		test_links(dir);
		test_file(dir);
		test_killed(dir);
		test_two(dir);
		test_full(dir);
		test_lock(dir);
		test_list();
	}
	cache_remove_tree(root);
	tap_ok(access(root, F_OK), "the test leaves nothing");
	return tap_done();
}

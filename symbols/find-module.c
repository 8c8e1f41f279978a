/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Module files: trees are walked once, names are compared as the kernel does. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stub/base/cleanup.h"
#include "symbols/cache.h"
#include "symbols/debuginfod.h"
#include "symbols/find.h"
#include "symbols/unpack.h"

/* A kernel's build tree has 90,000 files; a home directory given by mistake has more. */
enum { ENTRIES_MAX = 400000, FILES_MAX = 100000, DEPTH_MAX = 16, PATH_LEN = 4096 };

struct module_file {
	char *path;
	char *name;                     /* up to ".ko", '-' as '_' */
};

struct find_modules {
	const struct find_options *o;
	char *release;
	struct module_file *files;      /* in the order of preference of their trees */
	size_t n;
	size_t entries;
};

static char *module_name(const char *file)
{
	const char *end = strstr(file, ".ko");
	static const char *const tails[] = { "", ".debug", ".xz", ".zst", ".gz" };
	bool known = false;
	for (size_t i = 0; end && i < sizeof(tails) / sizeof(tails[0]); i++)
		known |= !strcmp(end + 3, tails[i]);
	char *name = known && end > file ? strndup(file, (size_t)(end - file)) : NULL;
	for (char *c = name; c && *c; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

static void add_file(struct find_modules *f, const char *dir, const char *file)
{
	if (f->n == FILES_MAX)
		return;
	char *name = module_name(file), *path = NULL;
	if (!name)
		return;
	struct module_file *longer = reallocarray(f->files, f->n + 1, sizeof(*longer));
	if (longer)
		f->files = longer;
	if (!longer || asprintf(&path, "%s/%s", dir, file) < 0) {
		free(name);
		return;
	}
	f->files[f->n++] = (struct module_file){ path, name };
}

/* Links to directories are not followed: a tree may lead back into itself. */
static void walk(struct find_modules *f, const char *dir, unsigned depth)
{
	DIR *d = opendir(dir);
	if (!d)
		return;
	for (struct dirent *e; f->entries < ENTRIES_MAX && (e = readdir(d)); f->entries++) {
		if (e->d_name[0] == '.')
			continue;
		bool is_dir = e->d_type == DT_DIR;
		if (e->d_type == DT_UNKNOWN) {
			struct stat st;
			is_dir = !fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
		}
		if (!is_dir) {
			add_file(f, dir, e->d_name);
		} else if (depth) {
			char sub[PATH_LEN];
			if (snprintf(sub, sizeof(sub), "%s/%s", dir, e->d_name) < (int)sizeof(sub))
				walk(f, sub, depth - 1);
		}
	}
	closedir(d);
}

static void walk_release(struct find_modules *f, const char *root, const char *middle)
{
	char dir[PATH_LEN];
	if (f->release[0] &&
	    snprintf(dir, sizeof(dir), "%s%s/%s", root, middle, f->release) < (int)sizeof(dir))
		walk(f, dir, DEPTH_MAX);
}

struct error *find_modules_open(const struct find_options *o, const char *release, struct find_modules **ret)
{
	struct find_modules *f = calloc(1, sizeof(*f));
	if (!f || !(f->release = strdup(release))) {
		free(f);
		return error_nomem();
	}
	f->o = o;
	if (strchr(release, '/') || release[0] == '.')
		f->release[0] = '\0';
	if (o->beside) {
		walk(f, o->beside, 0);
		walk_release(f, o->beside, "/lib/modules");
	}
	for (size_t i = 0; i < o->nroots; i++)
		walk(f, o->roots[i], DEPTH_MAX);
	walk_release(f, "/usr/lib/debug", "/lib/modules");
	walk_release(f, "/usr/lib/debug", "/usr/lib/modules");
	walk_release(f, "", "/lib/modules");
	*ret = f;
	return NULL;
}

void find_modules_close(struct find_modules *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++) {
		free(f->files[i].path);
		free(f->files[i].name);
	}
	free(f->files);
	free(f->release);
	free(f);
}

/* .modinfo is a row of NUL-terminated "key=value"; vermagic starts with the release and a blank. */
static bool is_of_release(struct symbols *s, const char *release)
{
	const char *p, *end;
	const void *data;
	size_t len, release_len = strlen(release);
	struct error *err = symbols_section_data(s, ".modinfo", &data, &len);
	if (err || !release_len) {
		error_free(err);
		return false;
	}
	for (p = data, end = p + len; p < end; p += strnlen(p, (size_t)(end - p)) + 1) {
		size_t left = (size_t)(end - p);
		if (left > 9 + release_len && !memcmp(p, "vermagic=", 9) &&
		    !memcmp(p + 9, release, release_len) && p[9 + release_len] == ' ')
			return true;
	}
	return false;
}

static bool fits(const struct find_modules *f, struct symbols *s, const struct build_id *id)
{
	return id->len ? build_id_equal(id, symbols_build_id(s)) : is_of_release(s, f->release);
}

/*
 * Opens CACHE/NAME.ko, unpacked from `path` unless what is there fits and has debug info. What
 * does not fit never gets that name: another session's gdb may be reading the file of it.
 */
static struct error *open_unpacked(const struct find_modules *f, const char *path, const char *name,
				   const struct build_id *id, const char *cache_dir, struct symbols **ret)
{
	char file[128];
	_cleanup_free_ char *cached = NULL;
	_cleanup_symbols_ struct symbols *old = NULL, *new = NULL;
	struct cache_file out = { .fd = -1 };
	snprintf(file, sizeof(file), "%.64s.ko", name);
	if (asprintf(&cached, "%s/%s", cache_dir, file) < 0) {
		cached = NULL;
		return error_nomem();
	}
	struct error *err = symbols_open(cached, &old);
	if (err || !id->len || !fits(f, old, id)) {
		error_free(err);
		symbols_close(steal(old));
	} else if (symbols_has_dwarf(old)) {
		*ret = steal(old);
		return NULL;
	}
	err = cache_create(cache_dir, file, &out);
	if (!err)
		err = unpack_file(path, out.fd);
	if (!err)
		err = symbols_open(out.temp_path, &new);
	if (!err && !fits(f, new, id))
		err = error_new(ERROR_MISMATCH, "%s is of another build", path);
	if (!err && (!old || symbols_has_dwarf(new))) {
		err = cache_commit(&out);
		if (!err)
			err = symbols_open(cached, ret);
	} else if (!err) {
		*ret = steal(old);
	}
	cache_abandon(&out);
	return err;
}

static struct error *open_candidate(const struct find_modules *f, const struct module_file *file,
				    const char *name, const struct build_id *id, const char *cache_dir,
				    struct symbols **ret)
{
	if (unpack_wanted(file->path))
		return open_unpacked(f, file->path, name, id, cache_dir, ret);
	return symbols_open(file->path, ret);
}

/* An error with code ERROR_UNSUPPORTED: nobody was to be asked. */
static struct error *from_debuginfod(const struct find_modules *f, const struct build_id *id,
				     struct symbols **ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_symbols_ struct symbols *s = NULL;
	if (!id->len || f->o->no_debuginfod || !debuginfod_wanted())
		return error_new(ERROR_UNSUPPORTED, "no debuginfod");
	struct error *err = debuginfod_find(id, f->o->progress, &path);
	if (!err)
		err = symbols_open(path, &s);
	if (err)
		return err;
	if (!fits(f, s, id))
		return error_new(ERROR_MISMATCH, "debuginfod sent another file");
	*ret = steal(s);
	return NULL;
}

struct error *find_module(struct find_modules *f, const char *name, const struct build_id *id,
			  const char *cache_dir, struct symbols **ret)
{
	_cleanup_symbols_ struct symbols *plain = NULL;  /* fits, but is without debug info */
	unsigned others = 0;
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "%s", name);
	for (char *c = wanted; *c; c++)
		if (*c == '-')
			*c = '_';
	for (size_t i = 0; i < f->n; i++) {
		_cleanup_symbols_ struct symbols *s = NULL;
		if (strcmp(f->files[i].name, wanted))
			continue;
		_cleanup_error_ struct error *err = open_candidate(f, &f->files[i], wanted, id, cache_dir, &s);
		if (err) {
			others += err->code == ERROR_MISMATCH;
			s = NULL;
			continue;
		}
		if (!fits(f, s, id)) {
			others++;
		} else if (symbols_has_dwarf(s)) {
			*ret = steal(s);
			return NULL;
		} else if (!plain) {
			plain = steal(s);
		}
	}
	struct error *err = from_debuginfod(f, id, ret);
	if (!err)
		return NULL;
	_cleanup_error_ struct error *failed = err;
	const char *answer = failed->code == ERROR_UNSUPPORTED ? "" : failed->text;
	const char *mark = *answer ? "; " : "";
	if (plain) {
		*ret = steal(plain);
		return NULL;
	}
	if (others)
		return error_new(ERROR_NOT_FOUND, "%u file%s named %s.ko found, but of another build%s%s", others,
				 others == 1 ? "" : "s", wanted, mark, answer);
	return error_new(ERROR_NOT_FOUND, "no file %s.ko beside the dump, in --symbols, in /usr/lib/debug or "
					  "in /lib/modules/%s%s%s", wanted, f->release, mark, answer);
}

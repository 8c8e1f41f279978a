/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/prepared.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stub/base/cleanup.h"
#include "stub/base/log.h"
#include "symbols/cache.h"
#include "symbols/cfi.h"
#include "symbols/companion.h"
#include "symbols/elf-copy.h"
#include "symbols/entry.h"
#include "symbols/module-frame.h"

extern char **environ;

/* The numbers go up whenever a prepared file changes its content: an older one is made anew. */
static const char VMLINUX_FORMAT[] = "kstub prepared vmlinux 6", MODULE_FORMAT[] = "kstub module 4";
static const char FORMAT_SECTION[] = ".kstub.format";
static const char CFI_FILE[] = "cfi";
enum { PERCPU_STEP = 16, FORMAT_LEN = 64 };

/*
 * Of what file a prepared one was made. The build-id alone does not say: the same build may be
 * there stripped and with debug info, and --force takes a file that has none.
 */
static void format_text(const struct symbols *s, const char *format, char *ret)
{
	snprintf(ret, FORMAT_LEN, "%s of %016llx", format, (unsigned long long)symbols_fingerprint(s));
}

/* A prepared file says so in a section that is written last; half a file has none. */
static bool is_current(const char *path, const char *format, bool *indexed_ret)
{
	_cleanup_symbols_ struct symbols *s = NULL;
	const void *data;
	size_t len;
	_cleanup_error_ struct error *err = symbols_open(path, &s);
	if (err) {
		s = NULL;
		return false;
	}
	struct error *none = symbols_section_data(s, FORMAT_SECTION, &data, &len);
	bool current = !none && len == strlen(format) && !memcmp(data, format, len);
	error_free(none);
	*indexed_ret = symbols_section(s, ".gdb_index");
	return current;
}

static void add_warning(char **warning, const char *text)
{
	char *both = NULL;
	if (asprintf(&both, "%s%s%s", *warning ? *warning : "", *warning ? "; " : "", text) < 0)
		return;
	free(*warning);
	*warning = both;
}

static size_t find_section(const struct elf_file *f, const char *name)
{
	for (size_t i = 1; i < f->nsections; i++)
		if (!strcmp(f->sections[i].name, name))
			return i;
	return 0;
}

/*
 * gdb takes a section's final address 0 for "not set" and gives it its neighbour's offset, so
 * the symbols of a .data..percpu linked at 0 would move with KASLR. With a header that starts
 * 16 bytes later they stay, and so do the symbols, which are no part of the header.
 */
static void edit_percpu(const struct elf_file *f, struct elf_copy *c)
{
	size_t i = find_section(f, PERCPU_SECTION);
	Elf64_Shdr *s = &c->sections[i];
	if (!i || s->sh_addr || !(s->sh_flags & SHF_ALLOC) || s->sh_size <= PERCPU_STEP)
		return;
	s->sh_addr += PERCPU_STEP;
	s->sh_offset += PERCPU_STEP;
	s->sh_size -= PERCPU_STEP;
	s->sh_addralign = PERCPU_STEP;
}

/* ORC out of the file; what its code says and a warning when there is none or an unknown one. */
static struct error *read_orc(struct symbols *s, struct elf_file *f, struct orc *ret, char **warning)
{
	const void *ip, *table;
	size_t ip_len, table_len, at = find_section(f, ".orc_unwind_ip");
	struct types *types;
	struct error *err = symbols_section_data(s, ".orc_unwind_ip", &ip, &ip_len);
	if (!err)
		err = symbols_section_data(s, ".orc_unwind", &table, &table_len);
	if (!err)
		err = symbols_types(s, TYPES_AUTO, &types);
	if (!err)
		err = orc_parse(ip, ip_len, f->sections[at].addr, table, table_len, types, ret);
	if (!err || err->code == ERROR_NOMEM)
		return err;
	err = error_prefix(err, "no ORC, so stacks may end early in assembly code");
	add_warning(warning, err->text);
	error_free(err);
	return entry_rules(s, f, ret);
}

/* The .debug_frame of the copy; `ret` stays empty when the compiler's is to be used as it is. */
static struct error *make_frame(struct symbols *s, struct elf_file *f, struct buffer *ret, char **warning)
{
	const void *frame = NULL;
	size_t len = 0, index = find_section(f, ".debug_frame");
	struct orc orc = { NULL, 0 };
	struct cfi_stats stats;
	struct error *err = index ? elf_file_data(f, index, &frame, &len) : NULL;
	if (err)
		return err;
	err = read_orc(s, f, &orc, warning);
	if (err || !orc.n)
		return err;
	err = cfi_merge(f, frame, len, &orc, ret, &stats);
	orc_deinit(&orc);
	if (err && err->code != ERROR_NOMEM) {
		add_warning(warning, err->text);
		error_free(err);
		buffer_clear(ret);
		return NULL;
	}
	if (!err)
		log_line(LOG_SYMBOLS, "CFI: %u FDEs kept, %u made anew as %u rows (%u corrections), %u from ORC "
				      "alone, %zu bytes", stats.kept, stats.remade, stats.rows, stats.corrected,
			 stats.orc_only, ret->len);
	return err;
}

/* The unwind rules alone, for a vmlinux that the user brings; none of another file's stay. */
static struct error *write_cfi(const char *cache_dir, const struct buffer *frame)
{
	_cleanup_free_ char *path = NULL;
	if (frame->len)
		return companion_write(cache_dir, CFI_FILE, frame);
	if (asprintf(&path, "%s/%s", cache_dir, CFI_FILE) < 0) {
		path = NULL;
		return error_nomem();
	}
	return unlink(path) && errno != ENOENT ? error_os(errno, "%s", path) : NULL;
}

static struct error *write_copy(struct symbols *s, struct elf_file *f, struct elf_copy *c,
				const char *cache_dir, struct progress *progress, char **warning)
{
	_cleanup_buffer_ struct buffer frame = BUFFER_INIT;
	size_t index = find_section(f, ".debug_frame");
	progress_report(progress, "correcting unwind information", -1);
	struct error *err = make_frame(s, f, &frame, warning);
	if (!err)
		err = write_cfi(cache_dir, &frame);
	for (size_t i = 1; i < f->nsections; i++)
		if (!(f->sections[i].flags & SHF_ALLOC) &&
		    (f->sections[i].type == SHT_RELA || !strcmp(f->sections[i].name, ".gdb_index") ||
		     (i == index && frame.len)))
			elf_copy_drop(c, i);
	edit_percpu(f, c);
	if (!err)
		err = elf_copy_sections(c, progress);
	if (!err && frame.len)
		err = index ? elf_copy_put(c, index, frame.data, frame.len) :
			      elf_copy_add(c, ".debug_frame", frame.data, frame.len);
	return err ? err : elf_copy_finish(c);
}

/* Runs gdb with output to nowhere; its exit status, -1 when it could not be started. */
static int run_gdb(const char *gdb, const char *file, const char *out_dir)
{
	_cleanup_free_ char *save = NULL;
	if (asprintf(&save, "save gdb-index %s", out_dir) < 0) {
		save = NULL;
		return -1;
	}
	const char *const argv[] = { gdb, "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex",
			 "set auto-load no", "-ex", save, file, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	pid_t pid;
	int status = -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	/* Whoever called may hold signals back; ^C is meant for gdb, too. */
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	int failed = posix_spawnp(&pid, gdb, &actions, &attr, (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (failed)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Appends the file that gdb wrote as section .gdb_index. */
static struct error *add_index_file(struct elf_copy *c, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) || !st.st_size)
		return error_new(ERROR_NOT_FOUND, "gdb wrote no index");
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return error_os(errno, "%s", path);
	struct error *err = elf_copy_add(c, ".gdb_index", bytes, (size_t)st.st_size);
	munmap(bytes, (size_t)st.st_size);
	return err;
}

static struct error *add_index(struct elf_copy *c, const char *cache_dir, const char *file,
			       const struct prepared_options *o)
{
	_cleanup_free_ char *index = NULL;
	struct cache_file dir = { .fd = -1 };
	struct error *err = cache_create_directory(cache_dir, "index", &dir);
	if (err)
		return err;
	const char *base = strrchr(file, '/') + 1;
	if (asprintf(&index, "%s/%s.gdb-index", dir.temp_path, base) < 0) {
		index = NULL;
		cache_abandon(&dir);
		return error_nomem();
	}
	progress_report(o->progress, "indexing vmlinux for gdb", -1);
	const char *gdb = o->gdb ? o->gdb : "gdb";
	int status = run_gdb(gdb, file, dir.temp_path);
	err = status ? error_new(ERROR_NOT_FOUND, "%s could not make an index of the vmlinux%s", gdb,
				 status < 0 || status == 127 ? " (is it installed?)" : "") :
		       add_index_file(c, index);
	cache_abandon(&dir);
	return err;
}

/* A file of the cache that is being made of another. */
struct making {
	struct cache_file out;
	struct elf_file from;
	struct elf_copy copy;
};

static struct error *making_start(struct symbols *s, const char *dir, const char *name, struct making *m)
{
	*m = (struct making){ .out = { .fd = -1 }, .from = { .fd = -1 }, .copy = { .from = -1, .to = -1 } };
	struct error *err = cache_create(dir, name, &m->out);
	if (!err)
		err = elf_file_open(symbols_path(s), &m->from);
	return err ? err : elf_copy_start(&m->from, m->out.fd, &m->copy);
}

/* Takes `err`, with which nothing is left of the file. */
static struct error *making_end(struct making *m, const char *format, struct error *err)
{
	if (!err)
		err = elf_copy_add(&m->copy, FORMAT_SECTION, format, strlen(format));
	if (!err)
		err = elf_copy_finish(&m->copy);
	if (!err)
		err = cache_commit(&m->out);
	cache_abandon(&m->out);
	elf_copy_deinit(&m->copy);
	elf_file_close(&m->from);
	return err;
}

static struct error *make_vmlinux(struct symbols *vmlinux, const char *cache_dir, const char *format,
				  const struct prepared_options *o, char **warning)
{
	struct making m;
	struct error *err = making_start(vmlinux, cache_dir, "vmlinux", &m);
	if (!err)
		err = write_copy(vmlinux, &m.from, &m.copy, cache_dir, o->progress, warning);
	if (!err && symbols_has_dwarf(vmlinux)) {
		struct error *slow = add_index(&m.copy, cache_dir, m.out.temp_path, o);
		if (slow && slow->code != ERROR_NOT_FOUND) {
			err = slow;
		} else if (slow) {
			add_warning(warning, slow->text);
			add_warning(warning, "gdb will be slow");
			error_free(slow);
		}
	}
	return error_prefix(making_end(&m, format, err), "preparing %s", symbols_path(vmlinux));
}

struct error *prepared_vmlinux(struct symbols *vmlinux, const char *cache_dir,
			       const struct prepared_options *o, struct prepared *ret, char **warning_ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *cfi = NULL;
	_cleanup_free_ char *warning = NULL;
	_cleanup_close_ int lock = -1;
	struct error *err = NULL;
	char format[FORMAT_LEN];
	bool indexed = true;
	if (asprintf(&path, "%s/vmlinux", cache_dir) < 0) {
		path = NULL;
		return error_nomem();
	}
	if (asprintf(&cfi, "%s/%s", cache_dir, CFI_FILE) < 0) {
		cfi = NULL;
		return error_nomem();
	}
	format_text(vmlinux, VMLINUX_FORMAT, format);
	if (!is_current(path, format, &indexed)) {
		indexed = true;
		progress_report(o->progress, "preparing vmlinux", 0);
		err = cache_lock(cache_dir, "vmlinux.lock", &lock);
		/* Another kstub may have made it while this one waited. */
		if (!err && !is_current(path, format, &indexed)) {
			cache_sweep(cache_dir);
			err = make_vmlinux(vmlinux, cache_dir, format, o, &warning);
			indexed = true;         /* or else it has said why not */
		}
	}
	if (!err && !indexed && symbols_has_dwarf(vmlinux))
		add_warning(&warning, "the prepared vmlinux was made without an index: gdb will be slow; after "
				      "'kstub cache clear', with a gdb that can make one, it gets one");
	if (err)
		return err;
	ret->cfi = access(cfi, R_OK) ? NULL : steal(cfi);
	ret->vmlinux = steal(path);
	*warning_ret = steal(warning);
	return NULL;
}

/* What is not loaded, yet counts among gdb's sections; tables of symbols and relocations do not. */
static bool is_bystander(const struct section *s)
{
	return !(s->flags & SHF_ALLOC) && s->type != SHT_NULL && s->type != SHT_RELA && s->type != SHT_REL &&
	       s->type != SHT_SYMTAB && s->type != SHT_STRTAB && s->type != SHT_SYMTAB_SHNDX;
}

/*
 * gdb adds a section's address to the one in the file, so that one must be 0. And it takes the
 * n-th address of the list for its n-th section, loaded or not, when it looks for a library's
 * lowest (solib-target.c, relocate_section_addresses(): section_bases[i]): a loaded section behind
 * others gets one of chance, or from behind the list, and gdb 18 takes two libraries whose lowest
 * addresses are equal for one.
 */
static bool suits_gdb(const struct symbols *ko)
{
	size_t n;
	const struct section *s = symbols_sections(ko, &n);
	bool behind = false;
	for (size_t i = 0; i < n; i++) {
		if ((s[i].flags & SHF_ALLOC) && (s[i].addr || behind))
			return false;
		behind |= is_bystander(&s[i]);
	}
	return true;
}

/* `frame`: empty when there is none to add. */
static struct error *make_module(struct symbols *ko, const char *cache_dir, const char *name,
				 const char *format, const struct module_frame *frame)
{
	struct making m;
	struct error *err = making_start(ko, cache_dir, name, &m);
	for (size_t i = 0; !err && i < m.copy.nsections; i++)
		if (m.copy.sections[i].sh_flags & SHF_ALLOC)
			m.copy.sections[i].sh_addr = 0;
	if (!err)
		err = elf_copy_sections(&m.copy, NULL);
	if (!err)
		err = elf_copy_loaded_first(&m.copy);
	if (!err && frame->section.len)
		err = elf_copy_add(&m.copy, ".debug_frame", frame->section.data, frame->section.len);
	if (!err && frame->section.len)
		err = elf_copy_add_relocations(&m.copy, ".rela.debug_frame", frame->relocations.data,
					       frame->relocations.len);
	return error_prefix(making_end(&m, format, err), "copying %s", symbols_path(ko));
}

static struct error *module_itself(const struct symbols *ko, char **ret)
{
	/* gdb has a working directory of its own. */
	char *absolute = realpath(symbols_path(ko), NULL);
	if (!absolute)
		return error_os(errno, "%s", symbols_path(ko));
	*ret = absolute;
	return NULL;
}

struct error *prepared_module(struct symbols *ko, struct types *types, const char *cache_dir,
			      const char *name, char **ret, char **warning_ret)
{
	bool suits = suits_gdb(ko), silent = module_frame_is_missing(ko);
	if (suits && !silent)
		return module_itself(ko, ret);
	/* In a directory of their own, so that gdb shows a module under its name. */
	char file[256], format[FORMAT_LEN];
	bool indexed;
	_cleanup_free_ char *dir = NULL;
	_cleanup_free_ char *path = NULL;
	snprintf(file, sizeof(file), "%.200s.ko", name);
	if (asprintf(&dir, "%s/modules", cache_dir) < 0) {
		dir = NULL;
		return error_nomem();
	}
	if (asprintf(&path, "%s/%s", dir, file) < 0) {
		path = NULL;
		return error_nomem();
	}
	if (mkdir(dir, 0700) && errno != EEXIST)
		return error_os(errno, "%s", dir);
	format_text(ko, MODULE_FORMAT, format);
	if (!is_current(path, format, &indexed)) {
		_cleanup_module_frame_ struct module_frame frame = MODULE_FRAME_INIT;
		struct error *err = silent ? module_frame_make(ko, types, &frame) : NULL;
		if (err && err->code == ERROR_NOMEM)
			return err;
		if (err) {
			err = error_prefix(err, "%s has no unwind rules, so stacks may be wrong in it",
					   symbols_path(ko));
			add_warning(warning_ret, err->text);
			error_free(err);
			if (suits)
				return module_itself(ko, ret);
		}
		err = make_module(ko, dir, file, format, &frame);
		if (err)
			return err;
	}
	*ret = steal(path);
	return NULL;
}

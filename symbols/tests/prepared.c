/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The prepared vmlinux of kernel.elf, with gdb and without, killed at every step, two at once, on
 * a full disk, and of files that share a build-id; and copies of modules.
 */
#include "symbols/prepared.h"

#include <dirent.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "symbols/elf.h"
#include "symbols/tests/trees.h"

static char root[] = "/tmp/kstub-test-XXXXXX";
static char cache[64], given[64], fake_gdb[64], gdb_log[64];
static struct bytes kernel;
static bool has_gdb;

static struct bytes copy_of(struct bytes b)
{
	struct bytes copy = { malloc(b.len), b.len };
	memcpy(copy.data, b.data, b.len);
	return copy;
}

/* In place: all sections of that name get another one of the same length. */
static struct bytes renamed(struct bytes b, const char *section, const char *name)
{
	struct bytes copy = copy_of(b);
	while (bytes_patch(copy, section, name, strlen(section)))
		;
	return copy;
}

/* prepared_vmlinux() of ROOT/vmlinux with these bytes. */
static struct error *prepare_bytes(struct bytes b, const struct prepared_options *o, struct prepared *ret,
				   char **warning)
{
	_cleanup_symbols_ struct symbols *s = NULL;
	*ret = (struct prepared){ NULL, NULL };
	*warning = NULL;
	tree_put(root, "vmlinux", b.data, b.len);
	struct error *err = symbols_open(given, &s);
	if (err) {
		s = NULL;
		return err;
	}
	return prepared_vmlinux(s, cache, o, ret, warning);
}

static void prepared_free(struct prepared *p, char *warning)
{
	free(p->vmlinux);
	free(p->cfi);
	free(warning);
}

/* True when that succeeds; the warning, if any, must have these words, and none may be when NULL. */
static bool prepares(struct bytes b, const char *gdb, const char *warns, bool *cfi_ret)
{
	struct prepared_options o = { .gdb = gdb };
	struct prepared p;
	char *warning;
	bool good = fine(prepare_bytes(b, &o, &p, &warning));
	if (warning)
		tap_diag("warning: %s", warning);
	good = good && !strcmp(p.vmlinux + strlen(cache), "/vmlinux") &&
	       (warns ? warning && strstr(warning, warns) : !warning);
	if (cfi_ret)
		*cfi_ret = p.cfi;
	prepared_free(&p, warning);
	return good;
}

static bool has_section(const char *name)
{
	char path[128];
	struct symbols *s;
	snprintf(path, sizeof(path), "%s/vmlinux", cache);
	if (!fine(symbols_open(path, &s)))
		return false;
	bool there = symbols_section(s, name);
	symbols_close(s);
	return there;
}

static struct stat stat_of(const char *name)
{
	char path[128];
	struct stat st = { .st_ino = 0 };
	snprintf(path, sizeof(path), "%s/%s", cache, name);
	if (stat(path, &st))
		st.st_ino = 0;
	return st;
}

/* Names in the cache other than those that are there for good. */
static unsigned leftovers(void)
{
	DIR *d = opendir(cache);
	unsigned n = 0;
	for (struct dirent *e; d && (e = readdir(d));) {
		bool good = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || !strcmp(e->d_name, "vmlinux") ||
			    !strcmp(e->d_name, "vmlinux.lock") || !strcmp(e->d_name, "cfi");
		if (!good)
			tap_diag("left: %s", e->d_name);
		n += !good;
	}
	if (d)
		closedir(d);
	return n;
}

/* --- what is in it ---------------------------------------------------------------------------- */

static size_t index_of(const struct elf_file *f, const char *name)
{
	for (size_t i = 0; i < f->nsections; i++)
		if (!strcmp(f->sections[i].name, name))
			return i;
	return 0;
}

static bool same_section(struct elf_file *a, struct elf_file *b, const char *name)
{
	const void *x, *y;
	size_t x_len, y_len;
	return fine(elf_file_data(a, index_of(a, name), &x, &x_len)) &&
	       fine(elf_file_data(b, index_of(b, name), &y, &y_len)) && x_len == y_len && !memcmp(x, y, x_len);
}

static void test_unwinding(struct elf_file *f, uint64_t assembly)
{
	Dwarf *d = dwarf_begin_elf(f->elf, DWARF_C_READ, NULL);
	Dwarf_CFI *cfi = d ? dwarf_getcfi(d) : NULL;
	Dwarf_Frame *frame = NULL;
	Dwarf_Op *ops;
	size_t n = 0;
	tap_ok(cfi && !dwarf_cfi_addrframe(cfi, assembly, &frame) && !dwarf_frame_cfa(frame, &ops, &n) && n == 1 &&
	       ops[0].atom == DW_OP_bregx && ops[0].number == 7 && ops[0].number2 == 16,
	       "assembly has ORC's frame");
	free(frame);
	if (d)
		dwarf_end(d);
}

static void test_contents(void)
{
	static const char *const same[] = { ".text", ".rodata", ".notes", ".symtab", ".strtab", ".debug_info",
					    ".debug_line", ".debug_str" };
	char path[128];
	struct elf_file old = { .fd = -1 }, new = { .fd = -1 };
	struct symbols *s;
	struct symbol array, word, pushed;
	bool cfi = false, good = true;
	tap_ok(prepares(kernel, NULL, has_gdb ? NULL : "gdb will be slow", &cfi) && cfi, "a prepared vmlinux");
	tap_ok(!leftovers(), "and nothing else");
	snprintf(path, sizeof(path), "%s/vmlinux", cache);
	if (!tap_ok(fine(elf_file_open(given, &old)) && fine(elf_file_open(path, &new)), "are ELF files"))
		return;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		tap_ok(same_section(&old, &new, same[i]), "%s is the same", same[i]);
	for (size_t i = 0; i < new.nsections; i++)
		good &= new.sections[i].type != SHT_RELA;
	tap_ok(good, "without relocations");
	for (size_t i = 1; i < old.nsections; i++)
		good &= !(old.sections[i].flags & SHF_ALLOC) || !strcmp(old.sections[i].name, ".data..percpu") ||
			(new.sections[i].addr == old.sections[i].addr && new.sections[i].offset == old.sections[i].offset &&
			 new.sections[i].size == old.sections[i].size);
	tap_ok(good && new.nsegments == old.nsegments &&
	       !memcmp(new.segments, old.segments, old.nsegments * sizeof(*old.segments)),
	       "all that is in memory is where it was");
	const struct section *a = &old.sections[index_of(&old, ".data..percpu")];
	const struct section *b = &new.sections[index_of(&new, ".data..percpu")];
	tap_ok(!a->addr && b->addr == 16 && b->offset == a->offset + 16 && b->size == a->size - 16,
	       "the per-CPU section's header starts 16 bytes later");
	tap_ok(build_id_equal(&old.build_id, &new.build_id), "it has the build-id");
	if (tap_ok(fine(symbols_open(path, &s)), "and opens")) {
		tap_ok(symbols_lookup(s, "percpu_array", &array) && symbols_lookup(s, "percpu_word", &word) &&
		       (!array.addr || !word.addr) && array.addr + word.addr <= 0x200, "a per-CPU symbol at 0 stays there");
		if (tap_ok(symbols_lookup(s, "frames_asm_pushed", &pushed), "a function in assembly"))
			test_unwinding(&new, pushed.addr);
		symbols_close(s);
	}
	if (has_gdb)
		tap_ok(index_of(&new, ".gdb_index"), "gdb's index is in it");
	else
		tap_skip("no gdb");
	elf_file_close(&old);
	elf_file_close(&new);
}

/* --- when it is made ------------------------------------------------------------------------ */

static void put_at_end(const char *name, off_t len)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", cache, name);
	if (truncate(path, len))
		tap_diag("cannot cut %s", path);
}

/* The prepared file with other bytes in it. */
static void patch_prepared(const char *old, const char *new)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/vmlinux", cache);
	struct stat st = stat_of("vmlinux");
	struct bytes b = { malloc((size_t)st.st_size), (size_t)st.st_size };
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	if (pread(fd, b.data, b.len, 0) != st.st_size || !bytes_patch(b, old, new, strlen(old)) ||
	    pwrite(fd, b.data, b.len, 0) != st.st_size)
		tap_ok(false, "%s is in the prepared file", old);
	free(b.data);
}

static void test_once(void)
{
	tree_clear(cache);
	tap_ok(prepares(kernel, fake_gdb, "gdb wrote no index", NULL), "a gdb that makes no index is told");
	struct stat first = stat_of("vmlinux");
	tap_ok(prepares(kernel, fake_gdb, "without an index", NULL) && stat_of("vmlinux").st_ino == first.st_ino,
	       "it is made once, and said again");
	patch_prepared("kstub prepared vmlinux", "kstub prepared vmlinuX");
	tap_ok(prepares(kernel, fake_gdb, "", NULL) && stat_of("vmlinux").st_ino != first.st_ino,
	       "one of another format is made anew");
	for (off_t len = 0; len < first.st_size; len += first.st_size / 3) {
		put_at_end("vmlinux", len);
		tap_ok(prepares(kernel, fake_gdb, "", NULL) && stat_of("vmlinux").st_size == first.st_size,
		       "half a file is made anew");
	}
	tree_clear(cache);
	tap_ok(prepares(kernel, "/nonexistent/gdb", "is it installed?", NULL) && !has_section(".gdb_index") &&
	       has_section(".debug_info"), "no gdb: a file without an index");
	tap_ok(!leftovers(), "and nothing else");
	tree_clear(cache);
	tap_ok(prepares(kernel, "false", "could not make an index", NULL), "a gdb that fails");
}

/* One build-id, several files: what was made of one is never given for another. */
static void test_same_id(void)
{
	struct bytes stripped = renamed(kernel, ".debug_info", ".xebug_info");
	struct bytes without_orc = renamed(kernel, ".orc_unwind_ip", ".xrc_unwind_ip");
	struct bytes other = copy_of(kernel);
	bool cfi = true;
	tree_clear(cache);
	tap_ok(prepares(stripped, fake_gdb, "no ORC", NULL) && !has_section(".debug_info"), "a stripped vmlinux");
	tap_ok(prepares(kernel, fake_gdb, "", &cfi) && has_section(".debug_info") && cfi,
	       "the same with debug info is another file");
	ino_t others = stat_of("cfi").st_ino;
	tap_ok(prepares(without_orc, fake_gdb, "no ORC, so stacks may end early", NULL),
	       "without ORC: told");
	tap_ok(stat_of("cfi").st_ino != others, "the other's rules are gone from the cache");
	tree_clear(cache);
	tap_ok(prepares(without_orc, "/nonexistent/gdb", "no ORC", NULL), "without ORC and gdb");
	char *warning = NULL;
	struct prepared p;
	tree_clear(cache);
	tap_ok(fine(prepare_bytes(without_orc, &(struct prepared_options){ .gdb = "/nonexistent/gdb" }, &p, &warning)) &&
	       warning && strstr(warning, "no ORC") && strstr(warning, "gdb will be slow"), "both are told");
	prepared_free(&p, warning);
	/* --force: a file of another build, or of none. */
	struct elf_file f = { .fd = -1 };
	tree_put(root, "vmlinux", kernel.data, kernel.len);
	tap_ok(prepares(kernel, fake_gdb, "", NULL) && fine(elf_file_open(given, &f)), "a vmlinux");
	struct build_id id = f.build_id;
	struct stat first = stat_of("vmlinux");
	elf_file_close(&f);
	char *hit = memmem(other.data, other.len, id.bytes + 1, id.len - 1);
	hit[-1] ^= (char)0xff;
	tap_ok(prepares(other, fake_gdb, "", NULL) && stat_of("vmlinux").st_ino != first.st_ino, "another build");
	memset(hit - 1 - 16, 0, 16 + id.len);
	tap_ok(prepares(other, fake_gdb, "", NULL), "one without a build-id");
	first = stat_of("vmlinux");
	tap_ok(prepares(other, fake_gdb, "", NULL) && stat_of("vmlinux").st_ino != first.st_ino,
	       "one that was written again may be another");
	first = stat_of("vmlinux");
	tap_ok(prepares(kernel, fake_gdb, "", NULL) && stat_of("vmlinux").st_ino != first.st_ino, "and back");
	free(stripped.data);
	free(without_orc.data);
	free(other.data);
}

static void test_names(void)
{
	char old[sizeof(cache)];
	strcpy(old, cache);
	snprintf(cache, sizeof(cache), "%s/a \"b' \\c", root);
	mkdir(cache, 0700);
	if (has_gdb)
		tap_ok(prepares(kernel, NULL, NULL, NULL) && has_section(".gdb_index"),
		       "a directory with blanks and quotes in its name");
	else
		tap_skip("no gdb");
	cache_remove_tree(cache);
	strcpy(cache, old);
}

static void test_unwritable(void)
{
	char old[sizeof(cache)];
	struct prepared p;
	char *warning;
	strcpy(old, cache);
	snprintf(cache, sizeof(cache), "%s/nothing", root);
	struct error *err = prepare_bytes(kernel, &(struct prepared_options){ .gdb = fake_gdb }, &p, &warning);
	tap_ok(err && strstr(err->text, cache), "a cache that is not there is told");
	error_free(err);
	strcpy(cache, old);
	tree_clear(cache);
	chmod(cache, 0500);
	if (!access(cache, W_OK)) {
		tap_skip("this user may write everywhere");
	} else {
		err = prepare_bytes(kernel, &(struct prepared_options){ .gdb = fake_gdb }, &p, &warning);
		tap_ok(err && strstr(err->text, cache), "a cache that cannot be written is told");
		error_free(err);
	}
	chmod(cache, 0700);
}

/* --- killed, two at once, disk full --------------------------------------------------------- */

struct killer {
	struct progress progress;
	int left;
};

static void kill_at(struct progress *p, const char *what, int percent)
{
	struct killer *k = (struct killer *)p;
	(void)what;
	(void)percent;
	if (!k->left--)
		raise(SIGKILL);
}

/* The child's end; it prepares ROOT/vmlinux and is killed at its nth word of progress. */
static int run_killed(int n)
{
	struct killer k = { { kill_at }, n };
	struct prepared_options o = { .gdb = fake_gdb, .progress = &k.progress };
	struct prepared p;
	char *warning;
	int status = -1;
	pid_t child = fork();
	if (!child) {
		struct error *err = prepare_bytes(kernel, &o, &p, &warning);
		_exit(err ? 1 : 0);
	}
	waitpid(child, &status, 0);
	return status;
}

static void test_killed(void)
{
	unsigned killed = 0, broken = 0;
	int status = 0;
	tree_clear(cache);
	for (int n = 0; n < 200; n++) {
		status = run_killed(n);
		if (!WIFSIGNALED(status))
			break;
		killed++;
		broken += stat_of("vmlinux").st_ino != 0;
	}
	tap_ok(killed >= 4 && WIFEXITED(status) && !WEXITSTATUS(status), "killed at %u moments", killed);
	tap_is_u64(broken, 0, "never a file under the final name");
	tap_ok(!leftovers(), "the run that ended swept what the others left");
	tap_ok(has_section(".kstub.format"), "and made all of it");
	/* While gdb makes the index: gdb goes on, and must not find its directory any more. */
	tree_clear(cache);
	struct prepared p;
	char *warning, slow[128], started[128], never[128], script[512], pid[16] = "";
	snprintf(slow, sizeof(slow), "%s/slow", root);
	snprintf(started, sizeof(started), "%s/started", root);
	snprintf(never, sizeof(never), "%s/never", root);
	/* It says that it has begun, and then waits for somebody who never comes. */
	int len = snprintf(script, sizeof(script), "#!/bin/sh\necho $$ >%s\nexec cat %s\n", started, never);
	tree_put(root, "slow", script, (size_t)len);
	chmod(slow, 0700);
	if (mkfifo(started, 0600) || mkfifo(never, 0600))
		return;
	_cleanup_close_ int told = open(started, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct pollfd ready = { told, POLLIN, 0 };
	pid_t child = fork();
	if (!child)
		_exit(prepare_bytes(kernel, &(struct prepared_options){ .gdb = slow }, &p, &warning) ? 1 : 0);
	bool begun = poll(&ready, 1, 20000) == 1 && read(told, pid, sizeof(pid) - 1) > 0;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	tap_ok(begun && !stat_of("vmlinux").st_ino && leftovers() == 2, "killed while gdb is at work");
	tap_ok(prepares(kernel, fake_gdb, "", NULL) && !leftovers(), "the next one sweeps, and makes it");
	if (atoi(pid) > 1)
		kill(atoi(pid), SIGTERM);
}

/* The fake gdb writes a line each time. */
static unsigned gdb_runs(void)
{
	struct stat st;
	return stat(gdb_log, &st) ? 0 : (unsigned)st.st_size;
}

static void test_two(void)
{
	pid_t child[4];
	unsigned good = 0;
	tree_clear(cache);
	unlink(gdb_log);
	tree_put(root, "vmlinux", kernel.data, kernel.len);
	for (int i = 0; i < 4; i++) {
		child[i] = fork();
		if (!child[i]) {
			struct symbols *s;
			struct prepared p;
			char *warning = NULL;
			struct error *err = symbols_open(given, &s);
			if (!err)
				err = prepared_vmlinux(s, cache, &(struct prepared_options){ .gdb = fake_gdb }, &p, &warning);
			_exit(err || !has_section(".kstub.format") ? 1 : 0);
		}
	}
	for (int i = 0; i < 4; i++) {
		int status = -1;
		waitpid(child[i], &status, 0);
		good += !status;
	}
	tap_is_u64(good, 4, "four at once");
	tap_is_u64(gdb_runs(), 1, "one of them makes it");
	tap_ok(!leftovers(), "and nothing is left");
}

static void test_full(void)
{
	struct rlimit old, limit;
	unsigned refused = 0, broken = 0, tried = 0;
	getrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_IGN);
	tree_clear(cache);
	tree_put(root, "vmlinux", kernel.data, kernel.len);
	tap_ok(prepares(kernel, fake_gdb, "", NULL), "a prepared vmlinux");
	off_t whole = stat_of("vmlinux").st_size;
	patch_prepared("kstub prepared vmlinux", "kstub prepared vmlinuX");
	struct stat first = stat_of("vmlinux");
	for (off_t room = 0; room < whole; room += 997, tried++) {
		struct symbols *s;
		struct prepared p = { NULL, NULL };
		char *warning = NULL;
		if (!fine(symbols_open(given, &s)))
			break;
		limit = (struct rlimit){ (rlim_t)room, old.rlim_max };
		setrlimit(RLIMIT_FSIZE, &limit);
		struct error *err = prepared_vmlinux(s, cache, &(struct prepared_options){ .gdb = fake_gdb }, &p, &warning);
		setrlimit(RLIMIT_FSIZE, &old);
		refused += err && !p.vmlinux;
		broken += stat_of("vmlinux").st_ino != first.st_ino;
		if (err && !room)
			tap_diag("%s", err->text);
		error_free(err);
		symbols_close(s);
	}
	tap_is_u64(refused, tried, "no room: an error, however much of it fits");
	tap_is_u64(broken, 0, "the old file stays");
	tap_ok(!leftovers(), "and nothing is left");
}

/* --- modules -------------------------------------------------------------------------------- */

/* The fixture with an address in the header of that section. */
static struct bytes with_address(struct bytes ko, const char *section)
{
	struct bytes b = copy_of(ko);
	Elf64_Ehdr h;
	memcpy(&h, b.data, sizeof(h));
	for (unsigned i = 0; i < h.e_shnum; i++) {
		Elf64_Shdr s, names;
		char *at = b.data + h.e_shoff + i * sizeof(s);
		memcpy(&s, at, sizeof(s));
		memcpy(&names, b.data + h.e_shoff + h.e_shstrndx * sizeof(s), sizeof(s));
		if (strcmp(b.data + names.sh_offset + s.sh_name, section))
			continue;
		s.sh_addr = 0x1240;
		memcpy(at, &s, sizeof(s));
	}
	return b;
}

/* The path of prepared_module() for ROOT/FILE with these bytes; the caller frees. */
static char *prepare_module(struct bytes b, const char *file, const char *name)
{
	char path[128], *ret = NULL;
	struct symbols *s;
	tree_put(root, file, b.data, b.len);
	snprintf(path, sizeof(path), "%s/%s", root, file);
	if (!fine(symbols_open(path, &s)))
		return NULL;
	_cleanup_free_ char *warning = NULL;
	if (!fine(prepared_module(s, NULL, cache, name, &ret, &warning)))
		ret = NULL;
	symbols_close(s);
	return ret;
}

static void test_modules(void)
{
	struct bytes ko = fixture_read("fixture.ko"), moved = with_address(ko, ".data"), other = copy_of(moved);
	struct bytes stripped = renamed(moved, ".debug_info", ".xebug_info");
	struct elf_file old = { .fd = -1 }, new = { .fd = -1 };
	char want[128];
	tree_clear(cache);
	_cleanup_free_ char *itself = prepare_module(ko, "mod_a.ko", "mod_a");
	snprintf(want, sizeof(want), "%s/mod_a.ko", root);
	_cleanup_free_ char *real = realpath(want, NULL);
	tap_is_str(itself, real, "a module without addresses is taken as it is");
	_cleanup_free_ char *copy = prepare_module(moved, "debuginfo", "mod_a");
	snprintf(want, sizeof(want), "%s/modules/mod_a.ko", cache);
	tap_is_str(copy, want, "one with addresses is copied, under the module's name");
	snprintf(want, sizeof(want), "%s/debuginfo", root);
	if (copy && tap_ok(fine(elf_file_open(want, &old)) && fine(elf_file_open(copy, &new)), "the copy opens")) {
		bool zero = true, same = true;
		for (size_t i = 1; i < new.nsections; i++)
			zero &= !new.sections[i].addr;
		/* What numbers sections is module-copy.c's matter. */
		for (size_t i = 1; i < old.nsections; i++)
			same &= old.sections[i].type == SHT_NOBITS || !old.sections[i].size ||
				old.sections[i].type == SHT_SYMTAB || old.sections[i].type == SHT_GROUP ||
				same_section(&old, &new, old.sections[i].name) ||
				i == index_of(&old, ".shstrtab");
		tap_ok(zero, "no section has an address");
		tap_ok(same, "and all have their bytes");
		tap_ok(build_id_equal(&old.build_id, &new.build_id), "and the build-id");
		elf_file_close(&old);
		elf_file_close(&new);
	}
	struct stat first = stat_of("modules/mod_a.ko");
	_cleanup_free_ char *again = prepare_module(moved, "debuginfo", "mod_a");
	tap_ok(again && stat_of("modules/mod_a.ko").st_ino == first.st_ino, "it is made once");
	bytes_patch(other, "license=GPL", "license=BSD", 11);
	_cleanup_free_ char *second = prepare_module(other, "debuginfo", "mod_b");
	tap_ok(second && copy && strcmp(second, copy), "another module's file of the same name is another");
	_cleanup_free_ char *third = prepare_module(stripped, "debuginfo", "mod_a");
	tap_ok(third && stat_of("modules/mod_a.ko").st_ino != first.st_ino, "so is the same module stripped");
	free(ko.data);
	free(moved.data);
	free(other.data);
	free(stripped.data);
}

int main(void)
{
	char script[256];
	if (!mkdtemp(root))
		return 99;
	kernel = fixture_read("kernel.elf");
	snprintf(cache, sizeof(cache), "%s/cache", root);
	snprintf(given, sizeof(given), "%s/vmlinux", root);
	snprintf(fake_gdb, sizeof(fake_gdb), "%s/gdb", root);
	snprintf(gdb_log, sizeof(gdb_log), "%s/log", root);
	int len = snprintf(script, sizeof(script), "#!/bin/sh\nprintf x >>%s\n", gdb_log);
	tree_put(root, "gdb", script, (size_t)len);
	chmod(fake_gdb, 0700);
	mkdir(cache, 0700);
	has_gdb = !system("gdb -nx -batch >/dev/null 2>&1");
	test_contents();
	test_once();
	test_same_id();
	test_names();
	test_unwritable();
	test_killed();
	test_two();
	test_full();
	test_modules();
	free(kernel.data);
	cache_remove_tree(root);
	return tap_done();
}

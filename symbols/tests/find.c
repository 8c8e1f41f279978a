/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every place where a vmlinux or a module may be, and files that look right but are not. */
#include <config.h>

#include "symbols/find.h"

#include <zlib.h>
#ifdef HAVE_LZMA
#include <lzma.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "symbols/tests/trees.h"

static char root[] = "/tmp/kstub-test-XXXXXX";
static char tree[64], beside[64], cached[64];
static struct bytes kernel, other_kernel, module, stripped_module, other_module;
static struct build_id kernel_id, module_id;
static const char *const roots[] = { tree };
static const struct find_options options = {
	.roots = roots, .nroots = 1, .beside = beside, .no_debuginfod = true,
};

static void clear(void)
{
	tree_clear(tree);
	tree_clear(beside);
	tree_clear(cached);
}

/* A copy with other bytes in its build-id. */
static struct bytes other_build(struct bytes b, const struct build_id *id)
{
	struct build_id changed = *id;
	struct bytes copy = { malloc(b.len), b.len };
	changed.bytes[id->len - 1] ^= 0xff;
	memcpy(copy.data, b.data, b.len);
	bytes_patch(copy, id->bytes, changed.bytes, id->len);
	return copy;
}

static struct build_id id_of_path(const char *path)
{
	struct symbols *s;
	struct build_id id = { .len = 0 };
	if (fine(symbols_open(path, &s))) {
		id = *symbols_build_id(s);
		symbols_close(s);
	}
	return id;
}

static struct build_id id_of(struct bytes b)
{
	char path[128];
	tree_put(root, "probe", b.data, b.len);
	snprintf(path, sizeof(path), "%s/probe", root);
	struct build_id id = id_of_path(path);
	unlink(path);
	return id;
}

/* NULL when not found; the caller frees. */
static char *find_kernel(struct error **err_ret)
{
	char *path = NULL;
	struct error *err = find_vmlinux(&options, &kernel_id, RELEASE, &path);
	*err_ret = err;
	return err ? NULL : path;
}

static void test_vmlinux_at(const char *where, const char *path)
{
	struct error *err;
	char want[256];
	clear();
	snprintf(want, sizeof(want), "%s/%s", where, path);
	tree_put(where, path, kernel.data, kernel.len);
	_cleanup_free_ char *found = find_kernel(&err);
	tap_ok(fine(err) && !strcmp(found, want), "vmlinux %s %s", where == tree ? "in" : "beside the dump:", path);
	/* The same path with another build in it is looked at and passed. */
	tree_put(where, path, other_kernel.data, other_kernel.len);
	_cleanup_free_ char *none = find_kernel(&err);
	tap_ok(!none && err->code == ERROR_NOT_FOUND && strstr(err->text, path) &&
	       strstr(err->text, "of another build"),
	       "another build there is not taken");
	error_free(err);
}

static void test_vmlinux(void)
{
	char id[BUILD_ID_MAX * 2 + 1], by_id[BUILD_ID_MAX * 2 + 32];
	build_id_text(&kernel_id, id);
	snprintf(by_id, sizeof(by_id), ".build-id/%.2s/%s.debug", id, id + 2);
	const char *const in_tree[] = { "vmlinux", "vmlinux-" RELEASE, by_id, "boot/vmlinux-" RELEASE,
					"lib/modules/" RELEASE "/vmlinux", "usr/lib/debug/boot/vmlinux-" RELEASE,
					"lib/modules/" RELEASE "/build/vmlinux", "usr/lib/modules/" RELEASE "/vmlinux",
					"usr/lib/debug/lib/modules/" RELEASE "/vmlinux", "boot/vmlinux-" RELEASE ".debug" };
	const char *const at_dump[] = { "vmlinux", "vmlinux.debug", "vmlinux-" RELEASE, by_id,
					"lib/modules/" RELEASE "/vmlinux" };
	for (size_t i = 0; i < sizeof(in_tree) / sizeof(*in_tree); i++)
		test_vmlinux_at(tree, in_tree[i]);
	for (size_t i = 0; i < sizeof(at_dump) / sizeof(*at_dump); i++)
		test_vmlinux_at(beside, at_dump[i]);
}

/* The section is looked for by name, so another name is as good as none. */
static struct bytes without(struct bytes b, const char *section, const char *renamed)
{
	struct bytes copy = { malloc(b.len), b.len };
	memcpy(copy.data, b.data, b.len);
	while (bytes_patch(copy, section, renamed, strlen(section)))
		;
	return copy;
}

static void test_no_symbols(void)
{
	struct error *err;
	struct bytes stripped = without(kernel, ".symtab", ".xymtab");
	clear();
	tree_put(tree, "vmlinux", stripped.data, stripped.len);
	free(find_kernel(&err));
	tap_ok(err && err->code == ERROR_NOT_FOUND && strstr(err->text, "has no symbols"), "a stripped one is told");
	error_free(err);
	tree_put(tree, "boot/vmlinux-" RELEASE, kernel.data, kernel.len);
	_cleanup_free_ char *found = find_kernel(&err);
	tap_ok(fine(err) && strstr(found, "/boot/"), "and a later one with symbols found");
	struct find_options o = options;
	char given[128], *path = NULL;
	snprintf(given, sizeof(given), "%s/vmlinux", tree);
	o.vmlinux = given;
	err = find_vmlinux(&o, &kernel_id, RELEASE, &path);
	tap_ok(err && err->code == ERROR_MISMATCH && strstr(err->text, "unstripped"),
	       "--vmlinux without symbols is refused");
	error_free(err);
	free(stripped.data);
}

static void test_unreadable(void)
{
	struct error *err;
	char path[128];
	clear();
	tree_put(tree, "vmlinux", kernel.data, kernel.len);
	snprintf(path, sizeof(path), "%s/vmlinux", tree);
	chmod(path, 0);
	if (!access(path, R_OK)) {
		tap_skip("this user may read every file");
		return;
	}
	free(find_kernel(&err));
	tap_ok(err && err->code == ERROR_NOT_FOUND, "one that may not be read");
	error_free(err);
	tree_put(tree, "boot/vmlinux-" RELEASE, kernel.data, kernel.len);
	_cleanup_free_ char *found = find_kernel(&err);
	tap_ok(fine(err) && found, "does not hide one that may");
}

static void test_not_found(void)
{
	struct error *err;
	char id[BUILD_ID_MAX * 2 + 1], fifo[128];
	clear();
	build_id_text(&kernel_id, id);
	_cleanup_free_ char *none = find_kernel(&err);
	if (tap_ok(!none && err->code == ERROR_NOT_FOUND, "no vmlinux")) {
		static const char *const told[] = { RELEASE, "/usr/lib/debug/.build-id", tree, beside,
						    "linux-image-" RELEASE "-dbg", "debuginfo-install",
						    "--vmlinux", "--symbols", "DEBUGINFOD_URLS" };
		tap_ok(strstr(err->text, id), "the build-id is told");
		for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
			tap_ok(strstr(err->text, told[i]), "%s is told",
			       told[i] == tree ? "the tree" : told[i] == beside ? "where the dump is" : told[i]);
	}
	error_free(err);
	/* What else may be called vmlinux. */
	tree_put(tree, "vmlinux", "", 0);
	tree_put(tree, "boot/vmlinux-" RELEASE, kernel.data, kernel.len / 2);
	tree_put(tree, "lib/modules/" RELEASE "/vmlinux/is/a/directory", "", 0);
	snprintf(fifo, sizeof(fifo), "%s/vmlinux", beside);
	mkfifo(fifo, 0600);
	free(find_kernel(&err));
	tap_ok(err && err->code == ERROR_NOT_FOUND, "nor an empty, a cut one, a directory, a pipe");
	error_free(err);
	tree_put(tree, "vmlinux-" RELEASE, kernel.data, kernel.len);
	_cleanup_free_ char *found = find_kernel(&err);
	tap_ok(fine(err) && found, "but they do not hide the right one");
	char *path = NULL;
	struct build_id unknown = { .len = 0 };
	err = find_vmlinux(&options, &unknown, "x/../" RELEASE, &path);
	tap_ok(err && err->code == ERROR_NOT_FOUND && !strstr(err->text, "x/.."), "a release is no path");
	if (!err)
		free(path);
	error_free(err);
}

static void test_given(void)
{
	char right[128], wrong[128], id[BUILD_ID_MAX * 2 + 1], *path = NULL;
	struct find_options o = options;
	clear();
	tree_put(tree, "right", kernel.data, kernel.len);
	tree_put(tree, "wrong", other_kernel.data, other_kernel.len);
	snprintf(right, sizeof(right), "%s/right", tree);
	snprintf(wrong, sizeof(wrong), "%s/wrong", tree);
	o.vmlinux = right;
	tap_ok(fine(find_vmlinux(&o, &kernel_id, RELEASE, &path)) && !strcmp(path, right), "--vmlinux");
	free(steal(path));
	o.vmlinux = wrong;
	struct error *err = find_vmlinux(&o, &kernel_id, RELEASE, &path);
	build_id_text(&kernel_id, id);
	bool both = err && err->code == ERROR_MISMATCH && strstr(err->text, id) && strstr(err->text, "--force");
	struct build_id other = id_of(other_kernel);
	build_id_text(&other, id);
	tap_ok(both && strstr(err->text, id), "of another build: both build-ids and --force are told");
	error_free(err);
	o.force = true;
	tap_ok(fine(find_vmlinux(&o, &kernel_id, RELEASE, &path)) && !strcmp(path, wrong), "--force takes it");
	free(steal(path));
	o.vmlinux = "/nonexistent/vmlinux";
	tap_ok(!fine(find_vmlinux(&o, &kernel_id, RELEASE, &path)), "one that is not there");
}

/* The path of the module that is found, or NULL. */
static char *find_one(const char *name, const struct build_id *id, bool *dwarf_ret)
{
	_cleanup_find_modules_ struct find_modules *f = NULL;
	_cleanup_symbols_ struct symbols *s = NULL;
	if (!fine(find_modules_open(&options, RELEASE, &f)))
		return NULL;
	struct error *err = find_module(f, name, id, cached, &s);
	if (err) {
		s = NULL;
		error_free(err);
		return NULL;
	}
	*dwarf_ret = symbols_has_dwarf(s);
	return strdup(symbols_path(s));
}

static void expect(const char *name, const char *where, const char *path, bool dwarf, const char *test)
{
	char want[256];
	bool has = !dwarf;
	_cleanup_free_ char *found = find_one(name, &module_id, &has);
	snprintf(want, sizeof(want), "%s/%s", where, path);
	tap_ok(found && !strcmp(found, want) && has == dwarf, "%s", test);
	if (!found || strcmp(found, want))
		tap_diag("found %s", found ? found : "nothing");
}

static void test_modules(void)
{
	static const char *const in_tree[] = { "mod_a.ko", "drivers/net/mod-a.ko", "a/b/c/d/mod_a.ko.debug",
					       "lib/modules/" RELEASE "/kernel/mod-a.ko" };
	bool dwarf;
	for (size_t i = 0; i < sizeof(in_tree) / sizeof(*in_tree); i++) {
		clear();
		tree_put(tree, in_tree[i], module.data, module.len);
		expect("mod_a", tree, in_tree[i], true, in_tree[i]);
		tree_put(tree, in_tree[i], other_module.data, other_module.len);
		tap_ok(!find_one("mod_a", &module_id, &dwarf), "another build there is not taken");
	}
	clear();
	tree_put(beside, "mod_a.ko", module.data, module.len);
	expect("mod-a", beside, "mod_a.ko", true, "a module beside the dump");
	tree_put(beside, "deep/mod_b.ko", module.data, module.len);
	tap_ok(!find_one("mod_b", &module_id, &dwarf), "but not deeper: that may be a home directory");
	tree_put(beside, "lib/modules/" RELEASE "/kernel/mod-c.ko", module.data, module.len);
	expect("mod_c", beside, "lib/modules/" RELEASE "/kernel/mod-c.ko", true, "unless it is where modules are");
	tree_put(beside, "mod_a.ko", stripped_module.data, stripped_module.len);
	expect("mod_a", beside, "mod_a.ko", false, "one without debug info");
	tree_put(tree, "x/mod_a.ko", module.data, module.len);
	expect("mod_a", tree, "x/mod_a.ko", true, "unless another one has some");
	tap_ok(!find_one("mod", &module_id, &dwarf) && !find_one("mod_a_", &module_id, &dwarf), "names are whole");
	clear();
	tree_put(tree, "mod_a.ko", "", 0);
	tree_put(tree, "b/mod_a.ko", module.data, module.len / 2);
	tree_put(tree, "c/mod_a.ko/file", "", 0);
	tree_put(tree, "d/mod_a.ko", module.data, module.len);
	char loop[128];
	snprintf(loop, sizeof(loop), "%s/loop", tree);
	tap_ok(!symlink("..", loop), "a tree that leads back into itself");
	expect("mod_a", tree, "d/mod_a.ko", true, "empty, cut, directory: the right one is found all the same");
	snprintf(loop, sizeof(loop), "%s/mod_b.ko", tree);
	tap_ok(!symlink("d/mod_a.ko", loop), "a link to a file, as build trees have");
	expect("mod_b", tree, "mod_b.ko", true, "is followed");
}

static void test_pipes(void)
{
	static const char *const names[] = { "mod_a.ko", "mod_a.ko.gz", "mod_a.ko.xz", "mod_a.ko.zst" };
	bool dwarf;
	clear();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/%s", beside, names[i]);
		mkfifo(path, 0600);
	}
	alarm(60);      /* opening one would wait for a writer */
	tap_ok(!find_one("mod_a", &module_id, &dwarf), "pipes are no modules");
	tree_put(tree, "mod_a.ko", module.data, module.len);
	expect("mod_a", tree, "mod_a.ko", true, "and do not hide one");
	alarm(0);
}

static void test_hostile_names(void)
{
	static const char *const names[] = { "", ".", "..", "../mod_a", "/etc/passwd", "mod_a.ko", "mod_a\n" };
	struct find_modules *f = NULL;
	struct symbols *s = NULL;
	char name[300], release[128];
	bool dwarf;
	clear();
	tree_put(tree, "mod_a.ko", module.data, module.len);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		tap_ok(!find_one(names[i], &module_id, &dwarf), "no module is called %zu", i);
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	tap_ok(!find_one(name, &module_id, &dwarf), "nor has so long a name");
	clear();
	snprintf(release, sizeof(release), "../../../../../..%s", tree);
	tree_put(tree, "mod_a.ko", module.data, module.len);
	struct find_options none = { .no_debuginfod = true };
	if (tap_ok(fine(find_modules_open(&none, release, &f)), "a release that goes up")) {
		struct error *err = find_module(f, "mod_a", &module_id, cached, &s);
		tap_ok(err && err->code == ERROR_NOT_FOUND, "leads nowhere");
		if (!err)
			symbols_close(s);
		error_free(err);
		find_modules_close(f);
	}
}

static void test_unknown_id(void)
{
	struct build_id unknown = { .len = 0 };
	struct bytes foreign = { malloc(module.len), module.len };
	bool dwarf;
	clear();
	memcpy(foreign.data, module.data, module.len);
	tap_ok(bytes_patch(foreign, "vermagic=0.0.0-kstub-test", "vermagic=0.0.0-kstub-tesT", 25),
	       "a module of another release");
	tree_put(tree, "mod_a.ko", foreign.data, foreign.len);
	free(foreign.data);
	tap_ok(!find_one("mod_a", &unknown, &dwarf), "is not taken when no build-id is known");
	tree_put(tree, "mod_a.ko", module.data, module.len);
	_cleanup_free_ char *found = find_one("mod_a", &unknown, &dwarf);
	tap_ok(found, "one of this release is");
}

/* `packed` unpacks to the module, from where it is unpacked to CACHE/mod_a.ko. */
static void test_packed(const char *file, const void *packed, size_t len)
{
	char test[64];
	bool dwarf;
	clear();
	tree_put(tree, file, packed, len);
	snprintf(test, sizeof(test), "%s is unpacked", file);
	expect("mod_a", cached, "mod_a.ko", true, test);
	tree_put(cached, "mod_a.ko", other_module.data, other_module.len);
	expect("mod_a", cached, "mod_a.ko", true, "over one of another build");
	tree_clear(cached);
	tree_put(tree, file, packed, len / 2);
	tap_ok(!find_one("mod_a", &module_id, &dwarf), "cut: refused");
	char path[128];
	snprintf(path, sizeof(path), "%s/mod_a.ko", cached);
	tap_ok(access(path, F_OK), "and nothing is left");
	tree_put(tree, file, packed, len - 1);
	tap_ok(!find_one("mod_a", &module_id, &dwarf), "one byte short: refused");
	_cleanup_free_ char *damaged = malloc(len);
	memcpy(damaged, packed, len);
	memset(damaged + len / 2, 0x55, len / 4);
	tree_put(tree, file, damaged, len);
	tap_ok(!find_one("mod_a", &module_id, &dwarf), "damaged: refused");
}

static size_t pack(struct bytes b, void *ret, size_t room)
{
	z_stream z = { .next_in = (unsigned char *)b.data, .avail_in = (unsigned)b.len, .next_out = ret,
		       .avail_out = (unsigned)room };
	bool ok = deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK &&
		  deflate(&z, Z_FINISH) == Z_STREAM_END;
	deflateEnd(&z);
	return ok ? z.total_out : 0;
}

/* Distributions pack what they install, stripped, and may pack what is for debuggers as well. */
static void test_packed_twice(unsigned char *packed, size_t room)
{
	bool dwarf = false;
	clear();
	tree_put(beside, "mod_a.ko.gz", packed, pack(stripped_module, packed, room));
	expect("mod_a", cached, "mod_a.ko", false, "packed without debug info");
	tree_put(tree, "mod_a.ko.gz", packed, pack(other_module, packed, room));
	expect("mod_a", cached, "mod_a.ko", false, "and another build");
	_cleanup_free_ char *found = find_one("mod_a", &module_id, &dwarf);
	struct build_id id = found ? id_of_path(found) : (struct build_id){ .len = 0 };
	tap_ok(build_id_equal(&id, &module_id), "which does not get into its place");
	tree_put(tree, "mod_a.ko.gz", packed, pack(module, packed, room));
	expect("mod_a", cached, "mod_a.ko", true, "and one with debug info");
	expect("mod_a", cached, "mod_a.ko", true, "and again");
}

static void test_no_cache(unsigned char *packed, size_t room)
{
	bool dwarf;
	clear();
	tree_put(beside, "mod_a.ko.gz", packed, pack(module, packed, room));
	rmdir(cached);
	tap_ok(!find_one("mod_a", &module_id, &dwarf), "nowhere to unpack");
	tree_put(tree, "mod_a.ko", module.data, module.len);
	expect("mod_a", tree, "mod_a.ko", true, "one that is not packed needs no cache");
}

static void test_compressed(void)
{
	size_t room = module.len * 2 + 1024;
	_cleanup_free_ unsigned char *packed = malloc(room);
	test_packed("mod-a.ko.gz", packed, pack(module, packed, room));
	test_packed_twice(packed, room);
	test_no_cache(packed, room);
	clear();
#ifdef HAVE_LZMA
	size_t len = 0;
	if (lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, (unsigned char *)module.data, module.len, packed, &len,
				    room) == LZMA_OK)
		test_packed("mod-a.ko.xz", packed, len);
#else
	tap_skip("built without liblzma");
#endif
#ifdef HAVE_ZSTD
	size_t n = ZSTD_compress(packed, room, module.data, module.len, 3);
	if (!ZSTD_isError(n))
		test_packed("mod-a.ko.zst", packed, n);
#else
	tap_skip("built without libzstd");
#endif
}

int main(void)
{
	kernel = fixture_read("fixture-dwarf4.elf");
	module = fixture_read("fixture.ko");
	stripped_module = without(module, ".debug_info", ".xebug_info");
	if (!mkdtemp(root))
		return 99;
	snprintf(tree, sizeof(tree), "%s/tree", root);
	snprintf(beside, sizeof(beside), "%s/dump", root);
	snprintf(cached, sizeof(cached), "%s/cache", root);
	kernel_id = id_of(kernel);
	module_id = id_of(module);
	if (!tap_ok(kernel_id.len && module_id.len, "the fixtures have build-ids"))
		return tap_done();
	other_kernel = other_build(kernel, &kernel_id);
	other_module = other_build(module, &module_id);
	test_vmlinux();
	test_not_found();
	test_no_symbols();
	test_unreadable();
	test_given();
	test_modules();
	test_pipes();
	test_hostile_names();
	test_unknown_id();
	test_compressed();
	cache_remove_tree(root);
	free(kernel.data);
	free(other_kernel.data);
	free(module.data);
	free(other_module.data);
	free(stripped_module.data);
	return tap_done();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The linux room on a kernel in small (fixture.c), in the layout of each era: the fixture's ELF
 * is vmlinux and, loaded into a fake memory with page tables, the crashed kernel as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/base/tests/tap.h"
#include "stub/linux/kernel.h"
#include "stub/linux/module.h"
#include "stub/linux/printk.h"
#include "stub/linux/tests/small-kernel.h"
#include "stub/linux/vmcoreinfo.h"
#include "symbols/cache.h"

static struct error *read_regs(struct target *t, unsigned cpu, struct regs *ret)
{
	(void)cpu;
	*ret = ((struct memory *)t)->regs;
	return NULL;
}

static const struct target_ops ops = { "memory", close_nothing, read_ram, read_regs, NULL, NULL };
static const struct phys_range ranges[] = { { 0, RAM } };

static bool collect(void *arg, const struct log_record *r)
{
	buffer_printf(arg, "%llu.%06llu <%u> %.*s|", (unsigned long long)r->ts_nsec / 1000000000,
		      (unsigned long long)r->ts_nsec / 1000 % 1000000, r->level, (int)r->len, r->text);
	return true;
}

static void check_log(struct kernel *k, int era)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT;
	_cleanup_free_ char *damage = NULL;
	_cleanup_error_ struct error *err = printk_each(k, collect, &text, &damage);
	tap_ok(!err && !damage, "era %d: the log is whole (%s)", era,
	       err ? err->text : damage ? damage : "");
	tap_is_str(buffer_text(&text), era == 1 ?
		   "1.000001 <6> first|2.000000 <4> second|3.000000 <0> third|" :
		   "1.000001 <6> first|2.000000 <4> second|", "records in their order");
}

static void check_modules(struct kernel *k, int era)
{
	if (!tap_ok(k->nmodules == 2, "era %d: two modules (%zu)", era, k->nmodules))
		return;
	struct module *one = &k->modules[0], *two = &k->modules[1];
	tap_is_str(one->name, "one", "the first one's name");
	tap_is_u64(one->base, 0xffffffffc0001000, "its base");
	tap_is_u64(one->size, 0x4100, "its size with the init part");
	tap_is_u64(one->text_size, era < 3 ? 0x1000 : 0x4000, "its text");
	tap_is_u64(one->percpu, 0x1230, "its per-CPU area");
	tap_is_u64(two->state, 1, "the second one is coming");
	tap_is_u64(two->nsections, 2, "its sections");
	if (two->nsections == 2) {
		tap_is_str(two->sections[1].name, ".init.text", "a section's name");
		tap_is_u64(two->sections[1].addr, 0xffffffffc0015000, "and address");
	}
	tap_ok(module_by_address(k, 0xffffffffc0012345) == two, "an address within the second");
	tap_ok(!module_by_address(k, 0xffffffffc0000fff), "an address before the first");
	if (era >= 3)
		tap_ok(module_by_address(k, 0xffffffffc0009010) == one, "a region far from the text");
}

static void check_kernel(struct memory *m, const char *path, int era, const char *how)
{
	struct kernel_options o = { .find = { .vmlinux = path }, .types = TYPES_AUTO };
	_cleanup_kernel_ struct kernel *k = NULL;
	_cleanup_error_ struct error *err = kernel_open(&m->t, &o, &k);
	if (!tap_ok(!err && k->placed && k->vmlinux, "era %d: found by %s (%s)", era, how,
		    err ? err->text : k->missing ? k->missing : ""))
		return;
	tap_is_str(k->found_by, how, "by that way");
	tap_is_str(k->release, "9.8.7-fixture", "release");
	tap_is_u64(k->kaslr_offset, 0, "KASLR offset");
	tap_is_u64(k->phys_base, IMAGE_AT - (LINK - 0xffffffff80000000), "phys_base");
	tap_is_u64((uint64_t)k->panic_cpu, era < 5, "who panicked");
	tap_ok(k->nprobes >= (era < 5 ? 6 : 5) + k->target->ncpus && !k->nwarnings && k->nagree == k->nprobes,
	       "all probes agree: %u of %u", k->nagree, k->nprobes);
	for (unsigned i = 0; i < k->nprobes; i++)
		if (k->probes[i].result != PROBE_AGREES)
			tap_diag("%s: %s", k->probes[i].name, k->probes[i].detail);
	for (size_t i = 0; i < k->nwarnings; i++)
		tap_diag("%s", k->warnings[i]);
	tap_is_u64(k->npercpu, era < 5 ? 2 : 1, "CPUs");
	check_modules(k, era);
	check_log(k, era);
}

static void check_ways(struct memory *m, const char *path)
{
	m->t.vmcoreinfo = m->note;
	m->t.vmcoreinfo_len = strlen(m->note);
	check_kernel(m, path, 2, "VMCOREINFO note");
	m->t.vmcoreinfo = NULL;
	check_kernel(m, path, 2, "a CPU's page tables");
	m->t.ncpus = 0;
	memcpy(m->ram + NOTE_AT, m->note, strlen(m->note));
	check_kernel(m, path, 2, "VMCOREINFO in memory");
	memset(m->ram + NOTE_AT, 0, sizeof(m->note));
	memcpy(m->ram + NOTE_AT + 100, "Linux version 1.2.3 (a copy in some log)", 41);
	check_kernel(m, path, 2, "its banner in memory");
	m->t.ncpus = 1;
}

/*
 * Pages of the image that the kernel freed hold what another file left: its build-id and a banner
 * stand first and are not believed. Then the kernel's own note lies across two pages.
 */
static void check_copies(struct memory *m, const char *path)
{
	static const unsigned char foreign[] = "\4\0\0\0\24\0\0\0\3\0\0\0GNU\0twenty bytes of others";
	enum { NOTE = 16 + 20, ACROSS = 100 * PAGE - 24 };
	m->t.vmcoreinfo = NULL;
	memcpy(m->ram + IMAGE_AT + 0x800, foreign, NOTE);
	memcpy(m->ram + IMAGE_AT + 0x900, "Linux version 1.2.3 (a copy in some log)", 41);
	check_kernel(m, path, 2, "a CPU's page tables");

	unsigned char *own = m->ram + IMAGE_AT + PAGE;
	while (memcmp(own, foreign, 16) && own < m->ram + IMAGE_AT + 64 * PAGE)
		own += 4;
	memcpy(m->ram + IMAGE_AT + ACROSS, own, NOTE);
	memset(own, 0, NOTE);
	struct kernel_options o = { .find = { .vmlinux = path } };
	_cleanup_kernel_ struct kernel *k = NULL;
	_cleanup_error_ struct error *err = kernel_open(&m->t, &o, &k);
	tap_ok(!err && k->vmlinux && k->placed && !strcmp(k->release, "9.8.7-fixture"),
	       "a build-id across two pages is found: %s", err ? err->text : "");
}

/* Without the page tables nothing can be read, but whose dump it is is known all the same. */
static void check_lacking(struct memory *m, const char *path)
{
	struct kernel_options o = { .find = { .vmlinux = path } };
	_cleanup_kernel_ struct kernel *k = NULL;
	m->t.vmcoreinfo = m->note;
	m->lacks = m->regs.value[X86_CR3];
	_cleanup_error_ struct error *err = kernel_open(&m->t, &o, &k);
	m->lacks = 0;
	tap_ok(!err && !k->placed && k->vmlinux && !strcmp(k->release, "9.8.7-fixture") && k->nwarnings == 1 &&
	       strstr(k->warnings[0], "lacks the kernel's page tables"), "a dump without page tables: %s",
	       err ? err->text : k->nwarnings ? k->warnings[0] : "");
}

/* A list that runs in a circle, and one that leads nowhere: what could be reached, and a word. */
static void check_damage(struct memory *m, const char *path)
{
	struct kernel_options o = { .find = { .vmlinux = path } };
	_cleanup_symbols_ struct symbols *s = NULL;
	struct symbol one, two;
	struct error *err = symbols_open(path, &s);
	if (err || !symbols_lookup(s, "module_one", &one) || !symbols_lookup(s, "module_two", &two)) {
		tap_ok(false, "the fixture has its modules");
		error_free(err);
		return;
	}
	const uint64_t list_at = 8; /* struct module starts with state and list */
	static const struct { const char *name; bool circle; } cases[] = {
		{ "a module list in a circle", true }, { "a module list into nothing", false },
	};
	for (size_t i = 0; i < 2; i++) {
		_cleanup_kernel_ struct kernel *k = NULL;
		put(m, phys(two.addr + list_at), cases[i].circle ? one.addr + list_at : 0xdead00000000);
		err = kernel_open(&m->t, &o, &k);
		tap_ok(!err && k->nmodules == 2 && k->modules_damage &&
		       strstr(k->modules_damage, "two_two"), "%s ends, and says where: %s",
		       cases[i].name, err ? err->text : k->modules_damage ? k->modules_damage : "");
		error_free(err);
	}
}

/* What is made of a forced vmlinux never takes the place of what is made of the right one. */
static void check_forced(struct memory *m, const char *path)
{
	struct kernel_options o = { .find = { .vmlinux = path, .no_debuginfod = true }, .gdb = "false" };
	char cache[] = "/tmp/kstub-test-XXXXXX", id[BUILD_ID_MAX * 2 + 1] = "";
	_cleanup_kernel_ struct kernel *k = NULL, *none = NULL;
	if (!mkdtemp(cache))
		return;
	setenv("XDG_CACHE_HOME", cache, 1);
	strcat(m->note, "BUILD-ID=0123456789abcdef0123456789abcdef01234567\n");
	m->t.vmcoreinfo = m->note;
	m->t.vmcoreinfo_len = strlen(m->note);
	struct error *err = kernel_open(&m->t, &o, &none);
	tap_ok(err && err->code == ERROR_MISMATCH, "a vmlinux of another build is refused");
	error_free(err);
	o.find.force = true;
	err = kernel_open(&m->t, &o, &k);
	if (!err)
		err = kernel_prepare_files(k, &o);
	if (tap_ok(!err && k->prepared_path, "unless forced: %s", err ? err->text : "")) {
		build_id_text(symbols_build_id(k->vmlinux), id);
		tap_ok(strstr(k->prepared_path, id), "its files are kept under its own build-id");
	}
	error_free(err);
	cache_remove_tree(cache);
}

static void check_vmcoreinfo(void)
{
	struct vmcoreinfo v;
	static const char text[] = "OSRELEASE=6.1\nBUILD-ID=00ff10\nNUMBER(phys_base)=-4096\n"
				   "KERNELOFFSET=1c00000\nNUMBER(pgtable_l5_enabled)=1\nSYMBOL(_stext)=zz\n";
	tap_ok(vmcoreinfo_parse(text, sizeof(text) - 1, &v), "VMCOREINFO is known by OSRELEASE");
	tap_ok(v.build_id.len == 3 && v.build_id.bytes[1] == 0xff, "BUILD-ID");
	tap_is_u64((uint64_t)v.phys_base, (uint64_t)-4096, "a negative decimal phys_base");
	tap_is_u64(v.kaslr_offset, 0x1c00000, "KERNELOFFSET is hex");
	tap_ok(v.five_levels && !v.has_stext && !v.has_top_table, "garbage and absence are absence");
	tap_ok(!vmcoreinfo_parse("PAGESIZE=4096\n", 14, &v), "text without OSRELEASE is not it");
	tap_ok(!vmcoreinfo_parse("OSRELEASE=a\001b\n", 14, &v), "a release with control bytes is not it");
	tap_ok(!vmcoreinfo_parse(NULL, 0, &v), "nothing is not it");
	for (size_t len = 0; len < sizeof(text); len++)
		vmcoreinfo_parse(text, len, &v);
}

int main(void)
{
	struct memory m = { .t = { .ops = &ops, .arch = &arch_x86_64, .ncpus = 1, .ram = ranges, .nram = 1 } };
	const char *builddir = getenv("top_builddir");
	m.ram = malloc(RAM);
	if (!m.ram)
		return 1;
	check_vmcoreinfo();
	for (int era = 1; era <= 5; era++) {
		char path[512];
		snprintf(path, sizeof(path), "%s/stub/linux/tests/fixture-%d.elf", builddir ? builddir : ".", era);
		if (!tap_ok(load(&m, path), "%s is loaded", path))
			continue;
		m.t.vmcoreinfo = m.note;
		m.t.vmcoreinfo_len = strlen(m.note);
		check_kernel(&m, path, era, "VMCOREINFO note");
		if (era != 2)
			continue;
		check_ways(&m, path);
		load(&m, path);
		check_damage(&m, path);
		load(&m, path);
		check_copies(&m, path);
		load(&m, path);
		check_lacking(&m, path);
		load(&m, path);
		check_forced(&m, path);
	}
	free(m.ram);
	return tap_done();
}

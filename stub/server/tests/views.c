/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The windows behind `current` and `k` on kernels in small (stub/linux/tests): the truth is the
 * fixture's own symbol table and memory.
 */
#include "stub/server/views.h"

#include "stub/linux/tests/small-kernel.h"
#include "symbols/windows.h"

static struct error *no_regs(struct target *t, unsigned cpu, struct regs *ret)
{
	(void)t, (void)cpu;
	memset(ret, 0, sizeof(*ret));
	return NULL;
}

static const struct target_ops ops = { "memory", close_nothing, read_ram, no_regs, NULL, NULL };
static const struct phys_range ranges[] = { { 0, RAM } };
static const uint64_t NOBODY = 0xbad, SELECTED = 0xffffffff81234568;

static struct kernel *open_fixture(struct memory *m, const char *name)
{
	const char *builddir = getenv("top_builddir");
	char path[512];
	struct kernel *k = NULL;
	snprintf(path, sizeof(path), "%s/stub/linux/tests/%s", builddir ? builddir : ".", name);
	if (!load(m, path))
		return NULL;
	m->t.vmcoreinfo = m->note;
	m->t.vmcoreinfo_len = strlen(m->note);
	struct kernel_options o = { .find = { .vmlinux = path, .no_debuginfod = true } };
	_cleanup_error_ struct error *err = kernel_open(&m->t, &o, &k);
	tap_ok(!err, "%s (%s)", name, err ? err->text : "");
	return err ? NULL : k;
}

static uint64_t symbol(struct kernel *k, const char *name)
{
	struct symbol found = { .addr = NOBODY };
	if (!symbols_lookup(k->vmlinux, name, &found))
		tap_ok(false, "the fixture has %s", name);
	return found.addr;
}

/* Bytes that could be read; 0: none. */
static size_t read_at(struct kernel *k, uint64_t va, void *buf, size_t len)
{
	size_t got = 0;
	if (!views_cover(va))
		return 0;
	struct error *err = views_read(k, SELECTED, va, buf, len, &got);
	error_free(err);
	return err ? 0 : got;
}

static uint64_t word_at(struct kernel *k, uint64_t va)
{
	uint64_t word = NOBODY;
	return read_at(k, va, &word, sizeof(word)) == sizeof(word) ? word : NOBODY;
}

static void check_places(void)
{
	static const struct { uint64_t start, size; } windows[] = {
		{ WINDOW_CURRENT, 8 }, { WINDOW_VIEW, VIEW_MEMBERS * 8 }, { WINDOW_TASK, WINDOW_TASKS * 8ull },
		{ WINDOW_CPU, 8192ull * 4096 * 8 }, { WINDOW_MODULE, WINDOW_MODULES * 8ull },
		{ WINDOW_PHYS, 1ull << 52 },
	};
	enum { N = sizeof(windows) / sizeof(windows[0]) };
	for (size_t i = 0; i < N; i++) {
		uint64_t start = windows[i].start, last = start + windows[i].size - 1;
		tap_ok(views_cover(start) && views_cover(last) && !views_cover(start - 1) && !views_cover(last + 1),
		       "window %zu is whole and touches no other", i);
		/* Not canonical, even with 5 levels: the lowest kernel address is ff00000000000000. */
		tap_ok(start >= 0x8000000000001000 && last < 0xff00000000000000, "and where no kernel is");
	}
	tap_ok(WINDOW_TASKS > 4194304, "every PID has its place");
	tap_ok(!views_cover(0x8000000000000000) && !views_cover(0x8000000000000020), "the marks are no memory");
	tap_ok(!views_cover(0) && !views_cover(UINT64_MAX) && !views_cover(LINK), "nor are other addresses");
}

static void check_view(struct kernel *k)
{
	tap_is_u64(word_at(k, WINDOW_CURRENT), SELECTED, "current");
	tap_is_u64(word_at(k, WINDOW_VIEW + VIEW_CURRENT * 8), SELECTED, "k.current");
	tap_is_u64(word_at(k, WINDOW_VIEW + VIEW_TASK * 8), WINDOW_TASK, "k.task");
	tap_is_u64(word_at(k, WINDOW_VIEW + VIEW_CPU * 8), WINDOW_CPU, "k.cpu");
	tap_is_u64(word_at(k, WINDOW_VIEW + VIEW_MODULE * 8), WINDOW_MODULE, "k.module");
	tap_is_u64(word_at(k, WINDOW_VIEW + VIEW_PHYS * 8), WINDOW_PHYS, "k.phys");
	tap_is_u64(word_at(k, WINDOW_VIEW + VIEW_KASLR_OFFSET * 8), k->kaslr_offset, "k.kaslr_offset");
	unsigned char all[VIEW_MEMBERS * 8 + 16];
	tap_is_u64(read_at(k, WINDOW_VIEW, all, sizeof(all)), VIEW_MEMBERS * 8, "behind its end is nothing");
	bool same = true;
	for (size_t from = 0; from < VIEW_MEMBERS * 8; from++) {
		for (size_t len = 1; len <= VIEW_MEMBERS * 8 - from; len++) {
			unsigned char part[VIEW_MEMBERS * 8];
			same &= read_at(k, WINDOW_VIEW + from, part, len) == len && !memcmp(part, all + from, len);
		}
	}
	tap_ok(same, "at any address and of any length");
	size_t got = 1;
	struct error *err = views_read(k, SELECTED, WINDOW_VIEW, all, 0, &got);
	tap_ok(!err && !got, "nothing, too");
	error_free(err);
}

static void check_tasks(struct kernel *k)
{
	static const struct { unsigned pid; const char *name; } tasks[] = {
		{ 0, "init_task" }, { 1, "one" }, { 2, "kernel" }, { 412, "two" }, { 413, "second" }, { 500, "gone" },
	};
	for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
		tap_is_u64(word_at(k, WINDOW_TASK + tasks[i].pid * 8), symbol(k, tasks[i].name), tasks[i].name);
	tap_is_u64(word_at(k, WINDOW_TASK + 3 * 8), 0, "nobody");
	tap_is_u64(word_at(k, WINDOW_TASK + 4194304 * 8ull), 0, "the last");
	unsigned char bytes[24];
	uint64_t one = symbol(k, "one");
	tap_ok(read_at(k, WINDOW_TASK + 3, bytes, sizeof(bytes)) == sizeof(bytes) && !memcmp(bytes + 5, &one, 8),
	       "across several");
}

static void check_cpus(struct kernel *k)
{
	size_t n, at = 0;
	const struct symbol *list = symbols_percpu(k->vmlinux, &n);
	while (at < n && strcmp(list[at].name, "percpu"))
		at++;
	if (!tap_ok(at < n, "the fixture's per-CPU variable is one of %zu", n))
		return;
	for (unsigned cpu = 0; cpu < 2; cpu++)
		tap_is_u64(word_at(k, WINDOW_CPU + (cpu * n + at) * 8), symbol(k, "areas") + cpu * list[at].size,
			   "a CPU's copy");
	tap_is_u64(word_at(k, WINDOW_CPU + 2 * n * 8), NOBODY, "no third CPU");
	unsigned char bytes[64];
	tap_is_u64(read_at(k, WINDOW_CPU + (2 * n - 1) * 8 + 1, bytes, sizeof(bytes)), 7, "as far as there are CPUs");
}

/* Linked like all other variables, and moved like them: since 6.15. */
static void check_high(struct kernel *k)
{
	char path[512];
	const char *builddir = getenv("top_builddir");
	uint64_t offsets[] = { 0x1000, 0xff00000000000000 };
	size_t n;
	struct kernel high = *k;
	_cleanup_symbols_ struct symbols *s = NULL;
	snprintf(path, sizeof(path), "%s/symbols/tests/percpu-high.elf", builddir ? builddir : ".");
	_cleanup_error_ struct error *err = symbols_open(path, &s);
	if (!tap_ok(!err, "%s", path))
		return;
	high.vmlinux = s;
	high.kaslr_offset = 0x600000;
	high.percpu_offset = offsets;
	high.npercpu = 2;
	symbols_percpu(s, &n);
	uint64_t link = symbol(&high, "of_array");
	for (size_t cpu = 0; cpu < 2; cpu++) {
		bool there = false;
		for (size_t i = 0; i < n; i++)
			there |= word_at(&high, WINDOW_CPU + (cpu * n + i) * 8) == link + 0x600000 + offsets[cpu];
		tap_ok(there && link >> 63, "a variable that moves with the kernel, of CPU %zu", cpu);
	}
}

static void check_phys(struct kernel *k, struct memory *m)
{
	unsigned char bytes[64];
	const unsigned char *image = m->ram + IMAGE_AT + 3;
	tap_ok(read_at(k, WINDOW_PHYS + IMAGE_AT + 3, bytes, 64) == 64 && !memcmp(bytes, image, 64), "physical memory");
	tap_is_u64(read_at(k, WINDOW_PHYS + RAM, bytes, 8), 0, "none behind its end");
	m->lacks = IMAGE_AT + PAGE;
	memset(bytes, 0xee, sizeof(bytes));
	tap_ok(read_at(k, WINDOW_PHYS + IMAGE_AT + PAGE - 5, bytes, 64) == 5 &&
	       !memcmp(bytes, m->ram + IMAGE_AT + PAGE - 5, 5), "up to what the dump lacks");
	tap_is_u64(read_at(k, WINDOW_PHYS + IMAGE_AT + PAGE, bytes, 64), 0, "nothing of that");
	m->lacks = 0;
	tap_is_u64(read_at(k, WINDOW_PHYS + WINDOW_PHYS_SIZE - 1, bytes, 64), 0, "nor at the end of addresses");
}

static void check_modules(struct kernel *k)
{
	tap_is_u64(word_at(k, WINDOW_MODULE), symbol(k, "module_one"), "the first module");
	tap_is_u64(word_at(k, WINDOW_MODULE + 8), symbol(k, "module_two"), "the second");
	tap_is_u64(word_at(k, WINDOW_MODULE + 16), 0, "no third");
	tap_is_u64(word_at(k, WINDOW_MODULE + 4096 * 8), 0, "nor any other");
}

int main(void)
{
	struct memory m = { .t = { .ops = &ops, .arch = &arch_x86_64, .ncpus = 2, .ram = ranges, .nram = 1 } };
	_cleanup_kernel_ struct kernel *k = NULL, *one_cpu = NULL, *modules = NULL;
	m.ram = malloc(RAM);
	if (!m.ram)
		return 1;
	check_places();
	if ((k = open_fixture(&m, "tasks-2.elf"))) {
		check_view(k);
		check_tasks(k);
		check_cpus(k);
		check_high(k);
		check_phys(k, &m);
		/* Without a vmlinux there is little to be computed, and nothing to be invented. */
		struct symbols *vmlinux = steal(k->vmlinux);
		tap_is_u64(word_at(k, WINDOW_CPU), NOBODY, "no per-CPU variables without a vmlinux");
		k->vmlinux = vmlinux;
	}
	m.t.ncpus = 1;
	if ((one_cpu = open_fixture(&m, "tasks-4.elf"))) {
		tap_is_u64(word_at(one_cpu, WINDOW_CPU), NOBODY, "without CONFIG_SMP variables are no CPU's");
		tap_is_u64(word_at(one_cpu, WINDOW_TASK), symbol(one_cpu, "init_task"), "but there are tasks");
	}
	if ((modules = open_fixture(&m, "fixture-2.elf"))) {
		check_modules(modules);
		tap_is_u64(word_at(modules, WINDOW_TASK + 8), NOBODY, "tasks that are not known are not none");
	}
	kernel_close(steal(k));
	kernel_close(steal(one_cpu));
	kernel_close(steal(modules));
	free(m.ram);
	return tap_done();
}

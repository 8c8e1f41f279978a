/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One crashed guest in many formats: every page of the ELF dump against each other file that
 * QEMU, makedumpfile and qemu-tests/guest/lkcd made of it. Looks in build/dumps/, where `./dev dumps` puts them.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stub/base/cleanup.h"
#include "stub/base/tests/tap.h"
#include "stub/target/dump/dump.h"

enum { PAGE = 4096 };

struct count {
	uint64_t equal, excluded, wrong, absent, order;
};

/* FNV-1a over the page numbers that are there: the same in all files of one filter level. */
static void note_page(struct count *c, uint64_t pfn)
{
	c->equal++;
	c->order = (c->order ^ pfn) * 1099511628211u;
}

static void compare(struct target *elf, struct target *other, struct count *c)
{
	unsigned char want[PAGE], got[PAGE];
	for (size_t i = 0; i < elf->nram; i++) {
		for (uint64_t pa = elf->ram[i].start; pa < elf->ram[i].end; pa += PAGE) {
			_cleanup_error_ struct error *bad = target_read_phys(elf, pa, want, PAGE);
			if (bad) {
				tap_diag("the ELF dump lacks 0x%llx: %s", (unsigned long long)pa, bad->text);
				c->wrong++;
				continue;
			}
			_cleanup_error_ struct error *err = target_read_phys(other, pa, got, PAGE);
			if (err && err->code == ERROR_EXCLUDED)
				c->excluded++;
			else if (err && err->code == ERROR_FAULT)
				c->absent++;
			else if (err || memcmp(want, got, PAGE))
				c->wrong++;
			else
				note_page(c, pa / PAGE);
		}
	}
}

static bool same_regs(struct target *a, struct target *b)
{
	for (unsigned cpu = 0; cpu < a->ncpus; cpu++) {
		struct regs x, y;
		_cleanup_error_ struct error *err = a->ops->read_regs(a, cpu, &x);
		_cleanup_error_ struct error *err2 = err ? NULL : b->ops->read_regs(b, cpu, &y);
		if (err || err2)
			return false;
		for (unsigned i = 0; i < a->arch->nregs; i++)
			if (x.known[i] != y.known[i] || (x.known[i] && x.value[i] != y.value[i]))
				return false;
	}
	return true;
}

static bool same_vmcoreinfo(const struct target *a, const struct target *b)
{
	size_t x = a->vmcoreinfo ? strnlen(a->vmcoreinfo, a->vmcoreinfo_len) : 0;
	size_t y = b->vmcoreinfo ? strnlen(b->vmcoreinfo, b->vmcoreinfo_len) : 0;
	return x == y && (!x || !memcmp(a->vmcoreinfo, b->vmcoreinfo, x));
}

/* Adds "," and the other parts to the name of a split set's first, the last part first. */
static char *names_of(const char *path)
{
	char *names = NULL;
	size_t len = strlen(path);
	if (len > 2 && !strcmp(path + len - 2, ".1")) {
		int stem = (int)len - 1;
		if (asprintf(&names, "%.*s3,%.*s1,%.*s2", stem, path, stem, path, stem, path) < 0)
			return NULL;
		return names;
	}
	return strdup(path);
}

static void check_variant(struct target *elf, const char *path, struct count *level31)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	_cleanup_free_ char *names = names_of(path);
	_cleanup_target_ struct target *t = NULL;
	_cleanup_error_ struct error *err = dump_open(names, &t);
	struct count c = { .order = 1469598103934665603u };
	if (!tap_ok(!err, "%s opens", name)) {
		tap_diag("%s", err->text);
		return;
	}
	for (size_t i = 0; i < t->nwarnings; i++)
		tap_diag("%s", t->warnings[i]);
	tap_ok(!t->nwarnings, "%s: no warnings", name);
	compare(elf, t, &c);
	tap_ok(!c.wrong, "%s: %s: %llu pages equal, %llu excluded, %llu absent, %llu wrong", name, t->format,
	       (unsigned long long)c.equal, (unsigned long long)c.excluded, (unsigned long long)c.absent,
	       (unsigned long long)c.wrong);
	if (strstr(name, "lkcd")) {
		tap_ok(!t->ncpus && !t->vmcoreinfo, "%s: has neither registers nor VMCOREINFO, and says so", name);
	} else {
		tap_ok(t->ncpus == elf->ncpus && same_regs(elf, t), "%s: registers", name);
		tap_ok(same_vmcoreinfo(elf, t), "%s: VMCOREINFO", name);
	}
	if (strstr(name, "d31")) {
		/* makedumpfile -E keeps short runs of excluded pages, but no zero pages. */
		level31 += !!strstr(name, "elf");
		tap_ok(c.excluded && c.equal > 1000, "%s: pages are excluded", name);
		if (!level31->equal)
			*level31 = c;
		tap_ok(c.equal == level31->equal && c.order == level31->order,
		       "%s: the same pages as in the other filtered files of its kind", name);
	} else {
		tap_ok(!c.excluded, "%s: no page is excluded", name);
	}
}

static void check_guest(const char *vmcore)
{
	_cleanup_target_ struct target *elf = NULL;
	_cleanup_free_ char *pattern = NULL;
	_cleanup_error_ struct error *err = dump_open(vmcore, &elf);
	struct count level31[2] = { { .equal = 0 }, { .equal = 0 } };
	glob_t found;
	if (!tap_ok(!err, "%s opens", vmcore)) {
		tap_diag("%s", err->text);
		return;
	}
	if (asprintf(&pattern, "%s.*", vmcore) < 0 || glob(pattern, 0, NULL, &found)) {
		tap_skip("%s has no variants", vmcore);
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		size_t len = strlen(path);
		/* The parts of a set are opened with the first. */
		if (strcmp(path + len - 2, ".2") && strcmp(path + len - 2, ".3") &&
		    !strstr(path, ".makedumpfile"))
			check_variant(elf, path, level31);
	}
	globfree(&found);
}

int main(void)
{
	static const char *const guests[] = { "6.1-bad_driver", "6.12-bad_driver" };
	const char *top = getenv("top_builddir");
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		_cleanup_free_ char *path = NULL;
		if (asprintf(&path, "%s/dumps/%s/vmcore", top ? top : "build", guests[i]) < 0)
			return 1;
		if (access(path, R_OK))
			tap_skip("%s: not made yet (./dev dumps)", path);
		else
			check_guest(path);
	}
	return tap_done();
}

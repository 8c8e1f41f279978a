/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/identify.h"

#include <stdlib.h>
#include <string.h>

#include "stub/base/log.h"
#include "stub/linux/place.h"

/* Of how many build-ids a debuginfod server is asked. */
enum { IDS_ASKED = 4 };

static struct error *set_release(struct kernel *k, const char *release)
{
	free(k->release);
	k->release = release[0] ? strdup(release) : NULL;
	return release[0] && !k->release ? error_nomem() : NULL;
}

static struct error *set_placement(struct kernel *k, const struct placement *p)
{
	aspace_destroy(k->as);
	k->as = NULL;
	k->paging = p->paging;
	k->phys_base = p->phys_base;
	struct error *err = aspace_create(k->target, &k->paging, &k->as);
	if (!err)
		k->placed = true;
	return err;
}

/* Opens the vmlinux for what is known so far; not finding it is not an error. */
static struct error *take_vmlinux(struct kernel *k, const struct kernel_options *o,
				  const struct build_id *id)
{
	if (o->no_debuginfo) {
		k->missing = strdup("debug information was not looked for (--no-debuginfo)");
		return NULL;
	}
	char *path = NULL;
	struct error *err = find_vmlinux(&o->find, id, k->release ? k->release : "", &path);
	if (err && err->code == ERROR_NOT_FOUND && !o->find.vmlinux) {
		free(k->missing);
		k->missing = strdup(err->text);
		error_free(err);
		return NULL;
	}
	if (!err)
		err = symbols_open(path, &k->vmlinux);
	free(path);
	if (!err)
		err = symbols_types(k->vmlinux, o->types, &k->types);
	if (err)
		return err;
	free(k->missing);
	k->missing = NULL;
	k->build_id = id->len ? *id : *symbols_build_id(k->vmlinux);
	return NULL;
}

/* The kernel's own banner, once vmlinux tells where it is: what was met first may be a copy in some log. */
static struct error *adopt_release(struct kernel *k)
{
	static const char start[] = "Linux version ";
	char banner[256];
	uint64_t va;
	if (!k->vmlinux || !k->placed)
		return NULL;
	struct error *err = kernel_symbol(k, "linux_banner", &va);
	if (!err)
		err = kernel_read_text(k, va, banner, sizeof(banner));
	if (err || strncmp(banner, start, sizeof(start) - 1)) {
		error_free(err);
		return NULL;
	}
	char *release = banner + sizeof(start) - 1;
	release[strcspn(release, " ")] = '\0';
	return set_release(k, release);
}

/*
 * Pages that the kernel freed hold build-ids of other files, too. Which one is its own VMCOREINFO
 * says, wherever it lies in memory.
 */
static struct error *narrow(struct kernel *k, struct build_marks *marks)
{
	struct vmcoreinfo found[VMCOREINFO_CANDIDATES];
	size_t n = 0;
	struct error *err = marks->nids > 1 ? vmcoreinfo_scan(k->target, found, &n) : NULL;
	for (size_t c = 0; c < n && !err; c++) {
		for (size_t i = 0; i < marks->nids; i++) {
			if (!build_id_equal(&marks->ids[i], &found[c].build_id))
				continue;
			marks->ids[0] = marks->ids[i];
			marks->nids = 1;
			return set_release(k, found[c].release);
		}
	}
	return err;
}

/* The vmlinux that the user named, whichever of the build-ids it has. */
static struct error *take_given(struct kernel *k, const struct kernel_options *o, struct build_marks *marks)
{
	_cleanup_symbols_ struct symbols *given = NULL;
	struct error *err = symbols_open(o->find.vmlinux, &given);
	for (size_t i = 0; !err && i < marks->nids; i++)
		if (build_id_equal(&marks->ids[i], symbols_build_id(given)))
			return take_vmlinux(k, o, &marks->ids[i]);
	if (!err)
		err = narrow(k, marks);
	const struct build_id none = { .len = 0 };
	return err ? err : take_vmlinux(k, o, marks->nids ? &marks->ids[0] : &none);
}

/* The first of several build-ids for which there is a vmlinux; on this machine, then elsewhere. */
static struct error *take_vmlinux_of(struct kernel *k, const struct kernel_options *o,
				     struct build_marks *marks)
{
	const struct build_id none = { .len = 0 };
	struct kernel_options local = *o;
	struct error *err = NULL;
	if (o->find.vmlinux)
		return take_given(k, o, marks);
	local.find.no_debuginfod = true;
	for (size_t i = 0; i < marks->nids && !k->vmlinux && !err; i++)
		err = take_vmlinux(k, &local, &marks->ids[i]);
	if (!err && !k->vmlinux)
		err = narrow(k, marks);
	for (size_t i = 0; i < marks->nids && i < IDS_ASKED && !k->vmlinux && !err; i++)
		err = take_vmlinux(k, o, &marks->ids[i]);
	for (size_t i = 0; i < marks->nbanners && !marks->nids && !k->vmlinux && !err; i++) {
		err = set_release(k, marks->banners[i].release);
		if (!err)
			err = take_vmlinux(k, o, &none);
	}
	if (!err && !k->vmlinux && marks->nids)
		k->build_id = marks->ids[0];
	return err;
}

/* Which kernel VMCOREINFO is of, wherever that is. */
static struct error *take_vmcoreinfo(struct kernel *k, const struct kernel_options *o, const struct vmcoreinfo *v)
{
	k->build_id = v->build_id;
	struct error *err = set_release(k, v->release);
	return err ? err : take_vmlinux(k, o, &v->build_id);
}

/* *ret: could VMCOREINFO place the kernel? */
static struct error *by_vmcoreinfo(struct kernel *k, const struct kernel_options *o,
				   const struct vmcoreinfo *v, const char *how, enum place_result *ret)
{
	struct placement p;
	struct symbol stext;
	*ret = place_by_vmcoreinfo(k->target, v, &p);
	if (*ret != PLACE_RIGHT)
		return NULL;
	k->found_by = how;
	k->kaslr_offset = v->kaslr_offset;
	struct error *err = set_placement(k, &p);
	if (!err)
		err = take_vmcoreinfo(k, o, v);
	if (!err && !v->has_kaslr && k->vmlinux && symbols_lookup(k->vmlinux, "_stext", &stext))
		k->kaslr_offset = v->stext - stext.addr;
	return err;
}

/* The KASLR offset when only the run-time address of _text is known. */
static void measure_kaslr(struct kernel *k, uint64_t text_va)
{
	struct symbol text;
	if (k->vmlinux && symbols_lookup(k->vmlinux, "_text", &text))
		k->kaslr_offset = text_va - text.addr;
}

static struct error *by_registers(struct kernel *k, const struct kernel_options *o, bool *ret)
{
	struct placement p;
	*ret = place_by_registers(k->target, &p);
	if (!*ret)
		return NULL;
	struct error *err = set_placement(k, &p);
	if (err)
		return err;
	struct build_marks marks;
	err = image_build_marks(k->as, p.text_va, &marks);
	if (err)
		return err;
	if (!marks.nbanners && !marks.nids) {
		*ret = k->placed = false;       /* something is mapped there, but no Linux */
		return NULL;
	}
	k->found_by = "a CPU's page tables";
	err = set_release(k, marks.nbanners ? marks.banners[0].release : "");
	if (!err)
		err = take_vmlinux_of(k, o, &marks);
	measure_kaslr(k, p.text_va);
	return err ? err : adopt_release(k);
}

static struct error *by_scan(struct kernel *k, const struct kernel_options *o, bool *ret)
{
	struct build_marks marks;
	*ret = false;
	progress_report(o->progress, "looking for a kernel in memory", -1);
	struct error *err = scan_build_marks(k->target, &marks);
	if (err)
		return err;
	err = set_release(k, marks.nbanners ? marks.banners[0].release : "");
	if (!err)
		err = take_vmlinux_of(k, o, &marks);
	for (size_t i = 0; !err && k->vmlinux && !*ret && i < marks.nbanners; i++) {
		struct placement p;
		if (!place_by_banner(k->target, k->vmlinux, marks.banners[i].at, &p))
			continue;
		*ret = true;
		k->found_by = "its banner in memory";
		err = set_release(k, marks.banners[i].release);
		if (!err)
			err = set_placement(k, &p);
		measure_kaslr(k, p.text_va);
	}
	return err;
}

static struct error *by_vmcoreinfo_in_memory(struct kernel *k, const struct kernel_options *o,
					     bool *ret)
{
	struct vmcoreinfo found[VMCOREINFO_CANDIDATES];
	size_t n = 0;
	*ret = false;
	progress_report(o->progress, "looking for VMCOREINFO in memory", -1);
	struct error *err = vmcoreinfo_scan(k->target, found, &n);
	for (size_t i = 0; !err && !*ret && i < n; i++) {
		enum place_result result;
		err = by_vmcoreinfo(k, o, &found[i], "VMCOREINFO in memory", &result);
		*ret = result == PLACE_RIGHT;
	}
	return err;
}

struct error *identify_kernel(struct kernel *k, const struct kernel_options *o)
{
	struct target *t = k->target;
	struct vmcoreinfo v;
	bool found = false;
	struct error *err = NULL;

	if (vmcoreinfo_parse(t->vmcoreinfo, t->vmcoreinfo_len, &v)) {
		enum place_result result;
		err = by_vmcoreinfo(k, o, &v, "VMCOREINFO note", &result);
		found = result == PLACE_RIGHT;
		if (!err && result == PLACE_MISSING) {
			kernel_warn(k, "the dump lacks the kernel's page tables: nothing at a virtual address can "
				       "be read");
			return take_vmcoreinfo(k, o, &v);
		}
		if (!err && !found)
			kernel_warn(k, "the dump's VMCOREINFO contradicts its memory and is not used");
	}
	/* The scan for VMCOREINFO costs a read of all RAM; a CPU's page tables cost nothing. */
	if (!err && !found)
		err = by_registers(k, o, &found);
	if (!err && !found)
		err = by_vmcoreinfo_in_memory(k, o, &found);
	if (!err && !found)
		err = by_scan(k, o, &found);
	if (err)
		return err;
	if (!found && !k->missing)
		k->missing = strdup(
			"no Linux kernel was found in this memory: there is no VMCOREINFO, no CPU's "
			"page tables lead to one, and no build-id in RAM has a vmlinux here");
	log_line(LOG_LINUX, "found by %s, KASLR offset %#llx, phys_base %#llx",
		 found ? k->found_by : "nothing", (unsigned long long)k->kaslr_offset,
		 (unsigned long long)k->phys_base);
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/identify.h"

#include <stdlib.h>
#include <string.h>

#include "stub/base/log.h"
#include "stub/linux/place.h"

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

/* The first of several build-ids for which there is a vmlinux; remembers the first otherwise. */
static struct error *take_vmlinux_of(struct kernel *k, const struct kernel_options *o,
				     const struct build_marks *marks)
{
	const struct build_id none = { .len = 0 };
	struct error *err = NULL;
	if (o->find.vmlinux) {
		_cleanup_symbols_ struct symbols *given = NULL;
		err = symbols_open(o->find.vmlinux, &given);
		for (size_t i = 0; !err && i < marks->nids; i++)
			if (build_id_equal(&marks->ids[i], symbols_build_id(given)))
				return take_vmlinux(k, o, &marks->ids[i]);
		if (err)
			return err;
	}
	for (size_t i = 0; i < marks->nids && !k->vmlinux && !err; i++)
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

/* True when VMCOREINFO was good enough to place the kernel. */
static struct error *by_vmcoreinfo(struct kernel *k, const struct kernel_options *o,
				   const struct vmcoreinfo *v, const char *how, bool *ret)
{
	struct placement p;
	if (!place_by_vmcoreinfo(k->target, v, &p)) {
		*ret = false;
		return NULL;
	}
	k->found_by = how;
	k->build_id = v->build_id;
	k->kaslr_offset = v->kaslr_offset;
	*ret = true;
	struct error *err = set_placement(k, &p);
	if (!err)
		err = set_release(k, v->release);
	if (!err)
		err = take_vmlinux(k, o, &v->build_id);
	struct symbol stext;
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
	if (!err)
		measure_kaslr(k, p.text_va);
	return err;
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
		if (!place_by_banner(k->target, k->vmlinux, marks.banners[i].pa, &p))
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
	for (size_t i = 0; !err && !*ret && i < n; i++)
		err = by_vmcoreinfo(k, o, &found[i], "VMCOREINFO in memory", ret);
	return err;
}

struct error *identify_kernel(struct kernel *k, const struct kernel_options *o)
{
	struct target *t = k->target;
	struct vmcoreinfo v;
	bool found = false;
	struct error *err = NULL;

	if (vmcoreinfo_parse(t->vmcoreinfo, t->vmcoreinfo_len, &v)) {
		err = by_vmcoreinfo(k, o, &v, "VMCOREINFO note", &found);
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

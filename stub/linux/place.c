/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/place.h"

#include <string.h>

#include "stub/arch/x86_64.h"

/* The image starts on a boundary of this size (CONFIG_PHYSICAL_ALIGN is at least 2 MiB on x86-64). */
static const uint64_t IMAGE_ALIGN = 2 << 20;

enum { CPUS_TRIED = 64 };

static bool walk(struct target *t, const struct paging *p, uint64_t va, struct mapping *ret)
{
	struct phys_reader rd = target_phys_reader(t);
	struct error *err = t->arch->walk(p, va, rd, NULL, ret);
	error_free(err);
	return !err;
}

enum place_result place_by_vmcoreinfo(struct target *t, const struct vmcoreinfo *v, struct placement *ret)
{
	if (!v->has_phys_base || !v->has_top_table || !v->has_stext)
		return PLACE_WRONG;
	unsigned encrypted_bit = v->sme_mask ? (unsigned)__builtin_ctzll(v->sme_mask) : 0;
	uint64_t root = v->top_table - KERNEL_MAP_START + (uint64_t)v->phys_base;
	struct placement p = {
		.paging = x86_64_paging(root, v->five_levels ? 5 : 4, encrypted_bit),
		.phys_base = (uint64_t)v->phys_base,
	};
	struct mapping m;
	struct phys_reader rd = target_phys_reader(t);
	struct error *err = t->arch->walk(&p.paging, v->stext, rd, NULL, &m);
	bool missing = err && (err->code == ERROR_EXCLUDED || err->code == ERROR_TRUNCATED);
	bool wrong = err || m.pa != v->stext - KERNEL_MAP_START + p.phys_base;
	error_free(err);
	if (missing || wrong)
		return missing ? PLACE_MISSING : PLACE_WRONG;
	*ret = p;
	return PLACE_RIGHT;
}

/*
 * The kernel unmaps everything of its region but its own image (cleanup_highmap() in
 * arch/x86/mm/init_64.c), so that the first mapped address is _text.
 */
static bool find_text(struct target *t, const struct paging *paging, struct placement *ret)
{
	for (uint64_t va = KERNEL_MAP_START; va < KERNEL_MAP_END; va += IMAGE_ALIGN) {
		struct mapping m;
		if (!walk(t, paging, va, &m))
			continue;
		*ret = (struct placement){
			.paging = *paging,
			.text_va = va,
			.phys_base = m.pa - (va - KERNEL_MAP_START),
		};
		return true;
	}
	return false;
}

bool place_by_registers(struct target *t, struct placement *ret)
{
	for (unsigned cpu = 0; cpu < t->ncpus && cpu < CPUS_TRIED; cpu++) {
		struct regs regs;
		struct paging paging;
		struct error *err = t->ops->read_regs(t, cpu, &regs);
		if (err) {
			error_free(err);
			continue;
		}
		if (!t->arch->paging(&regs, &paging))
			continue;
		/* With page-table isolation a CPU in user mode has the user half, which stands one
		 * page behind the kernel half (arch/x86/entry/calling.h) and maps little of it. */
		struct paging kernel_half = paging;
		kernel_half.root &= ~(uint64_t)0x1000;
		if (find_text(t, &kernel_half, ret) || find_text(t, &paging, ret))
			return true;
	}
	return false;
}

bool place_by_banner(struct target *t, struct symbols *vmlinux, uint64_t banner_pa,
		     struct placement *ret)
{
	struct symbol banner, top, text;
	if (!symbols_lookup(vmlinux, "linux_banner", &banner) ||
	    !symbols_lookup(vmlinux, "_text", &text) ||
	    !(symbols_lookup(vmlinux, "init_top_pgt", &top) ||
	      symbols_lookup(vmlinux, "init_level4_pgt", &top)))
		return false;
	uint64_t delta = banner_pa - (banner.addr - KERNEL_MAP_START);
	if (delta % IMAGE_ALIGN)
		return false;
	uint64_t root = top.addr - KERNEL_MAP_START + delta;
	for (unsigned levels = 4; levels <= 5; levels++) {
		struct paging paging = x86_64_paging(root, levels, 0);
		struct placement p;
		struct mapping m;
		if (find_text(t, &paging, &p) &&
		    walk(t, &paging, p.text_va + (banner.addr - text.addr), &m) &&
		    m.pa == banner_pa) {
			*ret = p;
			return true;
		}
	}
	return false;
}

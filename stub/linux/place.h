/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the kernel put itself: the page tables, the address of _text and of physical memory's
 * start, from VMCOREINFO, from the registers of a CPU, or from nothing but a scan of RAM.
 */
#ifndef STUB_LINUX_PLACE_H
#define STUB_LINUX_PLACE_H

#include "stub/linux/vmcoreinfo.h"
#include "stub/target/aspace.h"
#include "symbols/symbols.h"

/*
 * The region that holds the kernel's image (Documentation/arch/x86/x86_64/mm.rst: "kernel text
 * mapping, mapped to physical address 0", with KASLR 1 GiB long).
 */
static const uint64_t KERNEL_MAP_START = 0xffffffff80000000, KERNEL_MAP_END = 0xffffffffc0000000;

struct placement {
	struct paging paging;
	uint64_t text_va;               /* run-time address of _text, 0: not known */
	uint64_t phys_base;             /* added to (va - KERNEL_MAP_START) */
};

enum place_result {
	PLACE_RIGHT,
	PLACE_WRONG,                    /* memory says otherwise, or VMCOREINFO says too little */
	PLACE_MISSING,                  /* the dump lacks the page tables */
};

/* By what VMCOREINFO says, verified by one walk. */
enum place_result place_by_vmcoreinfo(struct target *t, const struct vmcoreinfo *v, struct placement *ret);

/* By the page tables that a CPU was using; false: no CPU's registers lead to a kernel. */
bool place_by_registers(struct target *t, struct placement *ret);

/*
 * By a linux_banner seen at physical address `banner_pa`, in a kernel whose vmlinux is known:
 * its init_top_pgt must map linux_banner there. False: that was a copy, not the kernel's own.
 */
bool place_by_banner(struct target *t, struct symbols *vmlinux, uint64_t banner_pa,
		     struct placement *ret);

/* What identifies a kernel's build, as bytes in memory. */
enum { MARKS_MAX = 64, IDS_MAX = 512 };
struct build_marks {
	struct build_id ids[IDS_MAX];           /* each once; of notes that are not in a vDSO image */
	size_t nids;
	struct build_banner {
		char release[128];
		uint64_t at;                    /* virtual from image_build_marks(), else physical */
	} banners[MARKS_MAX];                   /* the kernel's own, and copies in logs */
	size_t nbanners;
};

/* Looks through the mapped image of a placed kernel. */
struct error *image_build_marks(struct aspace *as, uint64_t text_va, struct build_marks *ret) must_check;

/* Looks through all of RAM. */
struct error *scan_build_marks(struct target *t, struct build_marks *ret) must_check;

#endif

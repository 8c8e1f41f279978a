/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMCOREINFO: lines of KEY=VALUE that the kernel writes about itself for dump tools
 * (kernel/vmcore_info.c, once kernel/crash_core.c). Taken from the dump's note or from the
 * page of guest memory that holds it.
 */
#ifndef STUB_LINUX_VMCOREINFO_H
#define STUB_LINUX_VMCOREINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub/base/error.h"
#include "stub/target/target.h"
#include "symbols/symbols.h"

/* What kstub uses of it; a key that is missing leaves its `has_` false. */
struct vmcoreinfo {
	char release[128];              /* OSRELEASE */
	struct build_id build_id;       /* BUILD-ID, since 5.9 (commit 0935288c6e00) */
	uint64_t kaslr_offset;          /* KERNELOFFSET, hex */
	int64_t phys_base;              /* NUMBER(phys_base), decimal and sometimes negative */
	uint64_t top_table;             /* SYMBOL(init_top_pgt), else SYMBOL(swapper_pg_dir): virtual, with KASLR */
	uint64_t stext;                 /* SYMBOL(_stext), with KASLR */
	uint64_t sme_mask;              /* NUMBER(sme_mask), 0 when absent */
	bool five_levels;               /* NUMBER(pgtable_l5_enabled) */
	bool has_kaslr, has_phys_base, has_top_table, has_stext;
};

/* False when the text is not VMCOREINFO at all (no OSRELEASE). */
bool vmcoreinfo_parse(const char *text, size_t len, struct vmcoreinfo *ret);

/* How many pages of stale or live VMCOREINFO a scan collects at most. */
enum { VMCOREINFO_CANDIDATES = 8 };

/*
 * Looks through all of RAM for pages that start with "OSRELEASE=" and hold "SYMBOL(" lines: the
 * kernel keeps the text in a page of its own, whether or not the dump has a note.
 */
struct error *vmcoreinfo_scan(struct target *t, struct vmcoreinfo *ret, size_t *n_ret) must_check;

#endif

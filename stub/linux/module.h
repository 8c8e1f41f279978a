/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loaded modules, from the kernel's own list: where each of their sections is, and which file
 * has their symbols. A module whose file is not found is named and skipped, never misloaded.
 */
#ifndef STUB_LINUX_MODULE_H
#define STUB_LINUX_MODULE_H

#include "stub/linux/kernel.h"

enum { MODULE_LIVE = 0, MODULE_REGIONS = 16 };

struct module_section {
	char name[64];
	uint64_t addr;
};

struct module {
	char name[64];
	uint64_t addr;                  /* of struct module */
	unsigned state;                 /* enum module_state: 0 live, 1 coming, 2 going, 3 unformed */
	uint64_t percpu;                /* of its per-CPU variables, as an offset; 0: none */
	uint64_t base, size;            /* of its text and data as /proc/modules prints them */
	uint64_t text_base, text_size;
	struct phys_range regions[MODULE_REGIONS]; /* virtual; of the kept memory, each apart */
	unsigned nregions;
	struct build_id build_id;
	struct module_section *sections;        /* as sysfs lists them; not every ALLOC section */
	size_t nsections;
	char *path;                     /* file for gdb (maybe a copy in the cache); NULL: not found */
	char *missing;                  /* why not; NULL: found, or not looked for yet */
	struct symbols *symbols;        /* opened on demand; NULL */
};

/* Fills k->modules. A damaged list gives what could be reached and k->modules_damage. */
struct error *modules_read(struct kernel *k) must_check;
void modules_free(struct kernel *k);

/* Looks for every module's file; misses are noted in module->missing. */
struct error *modules_find_files(struct kernel *k, const struct kernel_options *o) must_check;

/* The module whose memory holds `addr`, or NULL. */
struct module *module_by_address(struct kernel *k, uint64_t addr);

/*
 * Addresses for gdb, one for each ALLOC section of module->path in file order; a section that
 * the kernel did not keep gets an address of its own in a hole that no kernel uses. The caller
 * frees *ret.
 */
struct error *module_gdb_sections(struct kernel *k, struct module *m, uint64_t **ret,
				  size_t *n_ret) must_check;

#endif

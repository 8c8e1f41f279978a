/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One Linux kernel found in a target's memory: which build it is, where it put itself, and how
 * to read it. Joins what the debug info says (symbols) with where the bytes are (target).
 */
#ifndef STUB_LINUX_KERNEL_H
#define STUB_LINUX_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub/base/buffer.h"
#include "stub/base/error.h"
#include "stub/base/progress.h"
#include "stub/target/aspace.h"
#include "stub/target/target.h"
#include "symbols/find.h"
#include "symbols/symbols.h"
#include "symbols/types.h"

struct module;
struct saved_frame;
struct tasks;

struct kernel_options {
	struct find_options find;       /* --vmlinux, --symbols, --force, directory of the dump */
	enum types_source types;
	const char *gdb;                /* that indexes the prepared vmlinux; NULL: "gdb" */
	bool no_debuginfo;              /* as if no vmlinux were found */
	struct progress *progress;      /* NULL: silent */
};

/* One independent check that the kernel was found right. */
struct probe {
	const char *name;               /* "linux_banner" */
	enum {
		PROBE_AGREES,
		PROBE_DISAGREES,
		PROBE_UNREADABLE,       /* the dump or the debug info lacks what it looks at */
	} result;
	char detail[160];
};

enum { PROBES_MAX = 8, CPUS_MAX = 8192 };

struct kernel {
	struct target *target;          /* borrowed */
	struct symbols *vmlinux;        /* NULL: not found, `missing` says why */
	struct types *types;            /* owned by vmlinux; NULL like it */
	char *missing;                  /* why there is no vmlinux, and the remedy; NULL: there is one */

	char *release;                  /* "6.1.0-56-cloud-amd64", NULL: not known */
	struct build_id build_id;       /* of the running kernel; len 0: not known */
	const char *found_by;           /* "VMCOREINFO note", "VMCOREINFO in memory", "CR3 and IDT", ... */

	bool placed;                    /* kaslr_offset, phys_base and paging are known */
	uint64_t kaslr_offset;          /* added to every link address but per-CPU and absolute ones */
	uint64_t phys_base;
	struct paging paging;           /* the kernel's own page tables */
	struct aspace *as;              /* through `paging`; NULL when not placed */

	struct probe probes[PROBES_MAX];
	unsigned nprobes, nagree;

	uint64_t *percpu_offset;        /* __per_cpu_offset[], npercpu of them */
	unsigned npercpu;
	int panic_cpu;                  /* -1: nobody panicked, or not known */
	unsigned *cpu_numbers;          /* CPU number of the target's n-th register set */

	struct module *modules;         /* in the kernel's order; see module.h */
	size_t nmodules;
	char *modules_damage;           /* where the walk of the module list stopped; NULL: whole */

	struct saved_frame *saved_frame; /* of saved-regs.c; NULL until it is asked */
	struct tasks *tasks;            /* NULL until tasks_get() is asked; see task.h */

	char *cache_dir;                /* for what gdb loads; NULL: none yet */
	bool cache_private;             /* to be removed at the end */
	char *prepared_path;            /* the prepared vmlinux; NULL: none */
	char *cfi_path;                 /* its unwind rules alone, for a vmlinux of the user's */
	char *companion_path;           /* the exec-file; NULL: none */
	char *companion_library_path;   /* for a gdb that has an exec-file of the user's */
	char **warnings;                /* sentences for the user; owned */
	size_t nwarnings;
};

/*
 * Finds the kernel in `t`, which stays the caller's and must outlive *ret. What cannot be found
 * leaves its field empty and a sentence in `missing` or `warnings`; an error is returned only
 * for what the user must decide (a --vmlinux that does not match: ERROR_MISMATCH, or is not there).
 */
struct error *kernel_open(struct target *t, const struct kernel_options *o,
			  struct kernel **ret) must_check;
void kernel_close(struct kernel *k);
static inline void kernel_close_ptr(struct kernel **k)
{
	kernel_close(*k);
}
#define _cleanup_kernel_ __attribute__((cleanup(kernel_close_ptr)))

/*
 * Makes what gdb loads: companion, prepared vmlinux, and each module's file (module.h). Slow the
 * first time for a build; failures become warnings and leave the path NULL.
 */
struct error *kernel_prepare_files(struct kernel *k, const struct kernel_options *o) must_check;

/*
 * Sets cache_dir, a private one with a warning when there is no cache; NULL with a warning when
 * there is no place at all.
 */
struct error *kernel_take_cache(struct kernel *k) must_check;

void kernel_warn(struct kernel *k, const char *fmt, ...) printf_like(2, 3);

/* Exactly len bytes of kernel virtual memory. */
struct error *kernel_read(struct kernel *k, uint64_t va, void *buf, size_t len) must_check;
struct error *kernel_read_u64(struct kernel *k, uint64_t va, uint64_t *ret) must_check;
struct error *kernel_read_u32(struct kernel *k, uint64_t va, uint32_t *ret) must_check;

/* A little-endian integer of 1 to 8 bytes, as a member of that size. */
struct error *kernel_read_uint(struct kernel *k, uint64_t va, size_t size, uint64_t *ret) must_check;

/* The member `m` of the struct at `base`: a pointer, or an integer. */
struct error *kernel_read_member(struct kernel *k, uint64_t base, const struct member *m,
				 uint64_t *ret) must_check;

/* At most cap - 1 bytes, up to the NUL; always terminated. */
struct error *kernel_read_text(struct kernel *k, uint64_t va, char *buf, size_t cap) must_check;

/*
 * Run-time address of a symbol of vmlinux; of a per-CPU symbol the offset within the per-CPU
 * area (add percpu_offset[cpu]). ERROR_NOT_FOUND names the symbol.
 */
struct error *kernel_symbol(struct kernel *k, const char *name, uint64_t *ret) must_check;

/*
 * "name+0x12/0x40" or "name+0x12/0x40 [module]" for a run-time address, as the kernel's own
 * traces print it; false (and hex in `ret`) when no symbol covers it.
 */
bool kernel_symbolize(struct kernel *k, uint64_t addr, char *ret, size_t cap);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that gdb loads: the companion (its exec-file), the prepared vmlinux, and copies of
 * modules whose sections are not as gdb needs them. Made once per build and kept in the cache.
 */
#ifndef SYMBOLS_PREPARED_H
#define SYMBOLS_PREPARED_H

#include "stub/base/error.h"
#include "stub/base/progress.h"
#include "symbols/symbols.h"

struct prepared {
	char *vmlinux;                  /* path; the caller frees both */
	char *cfi;                      /* path of its .debug_frame alone; NULL: the compiler's is used */
};

struct prepared_options {
	const char *gdb;                /* the gdb that makes the index; NULL: "gdb" in PATH */
	struct progress *progress;      /* NULL: silent */
};

/*
 * The prepared copy of `vmlinux` in `cache_dir`, made when it is not there, is of an older format
 * or of another file. When the index cannot be made (no gdb, old gdb) the copy is made without.
 * What is missing in it is said in *warning_ret (caller frees; NULL: all well).
 */
struct error *prepared_vmlinux(struct symbols *vmlinux, const char *cache_dir,
			       const struct prepared_options *o, struct prepared *ret,
			       char **warning_ret) must_check;

/*
 * `ko` itself, or a copy in `cache_dir` with the ALLOC sections at 0 and before all others, when
 * they are not (gdb would misplace them), and with a .debug_frame of its ORC, when it was stripped;
 * caller frees. The copy is called by the module's `name`: files from debuginfod all have one
 * name. `types`: the kernel's, for ORC; NULL: unknown. What is missing in a copy that is made is
 * said in *warning_ret (caller frees; NULL: all well).
 */
struct error *prepared_module(struct symbols *ko, struct types *types, const char *cache_dir,
			      const char *name, char **ret, char **warning_ret) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where vmlinux and modules' .ko files live. Every candidate is checked by its build-id; what was
 * looked at is remembered, so that "not found" can say where.
 */
#ifndef SYMBOLS_FIND_H
#define SYMBOLS_FIND_H

#include "stub/base/buffer.h"
#include "stub/base/error.h"
#include "stub/base/progress.h"
#include "symbols/symbols.h"

struct find_options {
	const char *vmlinux;            /* --vmlinux, NULL: search */
	const char *const *roots;       /* --symbols, in order; may be trees of any shape */
	size_t nroots;
	const char *beside;             /* directory of the dump; NULL: none */
	bool force;                     /* --force: take `vmlinux` whatever its build-id */
	bool no_debuginfod;
	struct progress *progress;      /* NULL: silent */
};

/*
 * Path of the vmlinux with this build-id (len 0: not known, then by release and unchecked) and
 * release; caller frees. ERROR_NOT_FOUND lists release, build-id and every place looked at;
 * ERROR_MISMATCH names both build-ids when --vmlinux is another build.
 */
struct error *find_vmlinux(const struct find_options *o, const struct build_id *id,
			   const char *release, char **ret) must_check;

/* Every module file of one release and of the trees in the options, walked once. */
struct find_modules;

/* `o` is borrowed and must outlive *ret. */
struct error *find_modules_open(const struct find_options *o, const char *release,
				struct find_modules **ret) must_check;
void find_modules_close(struct find_modules *f);
static inline void find_modules_close_ptr(struct find_modules **f)
{
	find_modules_close(*f);
}
#define _cleanup_find_modules_ __attribute__((cleanup(find_modules_close_ptr)))

/*
 * Opens the .ko of module `name` (as the kernel names it: '-' and '_' are the same), with debug
 * info where there is some. A .ko.xz, .ko.zst or .ko.gz is unpacked into `cache_dir`. A file of
 * another build-id is never taken; when the id is not known (len 0) the file must say that it is
 * of this release. ERROR_NOT_FOUND.
 */
struct error *find_module(struct find_modules *f, const char *name, const struct build_id *id,
			  const char *cache_dir, struct symbols **ret) must_check;

#endif

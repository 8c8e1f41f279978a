/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The companion: a small ELF that gdb takes as its exec-file, so that it loads the library list by
 * itself. No PT_LOAD, no build-id; its FDEs end every stack at the user's RIP and at the marks of
 * threads without one (windows.h), and its DWARF declares the variables that kstub invents.
 */
#ifndef SYMBOLS_COMPANION_H
#define SYMBOLS_COMPANION_H

#include <stdbool.h>

#include "stub/base/buffer.h"
#include "stub/base/error.h"
#include "stub/base/progress.h"
#include "symbols/symbols.h"

/*
 * Where gdb has an exec-file of the user's, the companion is one of the libraries, at this offset:
 * gdb 18 takes one that is not moved for a file that it has. The file for that is linked lower by
 * as much, so that everything is where it belongs.
 */
enum { COMPANION_OFFSET = 0x10 };

struct companion {
	char *exec_file, *library;      /* paths; the caller frees both */
};

struct companion_options {
	struct symbols *vmlinux;        /* whose structs the variables are of; NULL: no variables */
	struct types *types;
	bool may_ask_dwarf;             /* for the per-CPU variables, when `types` knows none */
	/* Is there a symbol of that name in the kernel? A variable of that name is left out. */
	bool (*is_taken)(void *arg, const char *name);
	void *arg;
	struct progress *progress;
};

/* Writes the files in `cache_dir`. */
struct error *companion_files(const char *cache_dir, const struct companion_options *o,
			      struct companion *ret) must_check;

/*
 * Writes DIR/NAME, a file of the companion's shape with this .debug_frame alone. As a library it
 * adds unwind rules to a vmlinux that the user brought.
 */
struct error *companion_write(const char *cache_dir, const char *name, const struct buffer *frame) must_check;

#endif

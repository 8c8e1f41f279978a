/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every subcommand with a TARGET begins with: open it, find its kernel, say what is odd. */
#ifndef STUB_CLI_LOAD_H
#define STUB_CLI_LOAD_H

#include "stub/cli/options.h"
#include "stub/linux/kernel.h"
#include "stub/server/server.h"
#include "stub/target/target.h"

enum load_depth {
	LOAD_KERNEL,            /* identified */
	LOAD_MODULES,           /* and each module's file looked for */
	LOAD_FILES,             /* and what gdb loads made */
};

struct loaded {
	struct target *target;
	struct kernel *kernel;
	struct kernel_options options;
	char *beside;
};

/*
 * `path` is o->target, or one of o->dumps; `o` must outlive *ret. Says no warnings. A signal that
 * asks the process to end ends it meanwhile, and what was made for it alone is removed; that
 * includes the socket of `listening`, NULL: none.
 */
struct error *load_open(const struct options *o, const char *path, enum load_depth depth,
			struct server *listening, struct loaded *ret) must_check;
void load_close(struct loaded *l);
#define _cleanup_loaded_ __attribute__((cleanup(load_close)))

/* Everything that the user should know of, on stderr. */
void load_print_warnings(const struct loaded *l);

/* The target's register set of the CPU that panicked, else the first; -1: there is none. */
int load_panic_cpu(const struct loaded *l);

#endif

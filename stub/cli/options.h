/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options and words of a subcommand. The options may stand before or after TARGET; what is behind
 * COMMAND is the command's, what is behind "--" is gdb's.
 */
#ifndef STUB_CLI_OPTIONS_H
#define STUB_CLI_OPTIONS_H

#include <stdbool.h>

#include "stub/base/buffer.h"
#include "stub/linux/kernel.h"
#include "stub/server/threads.h"

struct cli_command;

/* Which options a subcommand takes. */
enum {
	OPTIONS_TARGET = 1,     /* how to open and understand a target */
	OPTIONS_GDB = 2,        /* which gdb */
	OPTIONS_LISTEN = 4,     /* where to listen */
	OPTIONS_JSON = 8,
	OPTIONS_EACH = 16,      /* --each DUMP... -- COMMAND */
};

/* What may stand behind the options. */
enum words {
	WORDS_TARGET,           /* TARGET and nothing else */
	WORDS_TARGET_ARGS,      /* TARGET [-- ARGS] */
	WORDS_TARGET_COMMAND,   /* TARGET COMMAND... */
	WORDS_ANY,              /* no TARGET; the subcommand looks at them */
};

enum { OPTION_ROOTS_MAX = 32 };

struct options {
	const struct cli_command *command;
	const char *target;             /* NULL: WORDS_ANY, or --each */
	char **words;                   /* behind TARGET (and "--") */
	int nwords;
	char **dumps;                   /* of --each */
	int ndumps;
	bool help, json, each, allow_remote, once;
	const char *gdb, *listen, *vmlinux;
	const char *roots[OPTION_ROOTS_MAX];    /* --symbols */
	size_t nroots;
	bool no_debuginfo, force;
	enum types_source types;
	enum threads_view threads;
};

/* `argv[0]` is the subcommand's name; everything is borrowed. ERROR_USAGE. */
struct error *options_parse(const struct cli_command *c, int argc, char **argv,
			    struct options *ret) must_check;

/* The text of --help. */
void options_help(const struct cli_command *c, struct buffer *ret);

#endif

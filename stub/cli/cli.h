/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the shell user types: one file per subcommand, one row each. A subcommand returns an exit
 * code, or an error that becomes one sentence on stderr.
 */
#ifndef STUB_CLI_CLI_H
#define STUB_CLI_CLI_H

#include "stub/base/error.h"
#include "stub/cli/options.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct cli_command {
	const char *name;
	const char *args;               /* "TARGET [-- GDB-ARGS]" */
	const char *summary;            /* one line */
	const char *details;            /* paragraphs for --help, with an example */
	unsigned options;               /* which it takes: OPTIONS_* */
	enum words words;               /* what may stand behind TARGET */

	/* NULL: done, with *exit_ret (EXIT_DONE at first) as exit code. */
	struct error *(*run)(const struct options *o, int *exit_ret);
};

extern const struct cli_command cli_cache, cli_cmd, cli_gdb, cli_info, cli_serve;

/* main() of the table of subcommands, ended by NULL. */
int cli_main(const struct cli_command *const *commands, int argc, char **argv);

#endif

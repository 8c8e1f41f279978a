/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/cli/cli.h"

static const struct cli_command *const commands[] = {
	&cli_gdb,
	&cli_serve,
	&cli_info,
	&cli_cmd,
	&cli_cache,
	NULL,
};

int main(int argc, char **argv)
{
	return cli_main(commands, argc, argv);
}

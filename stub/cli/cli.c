/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/cli/cli.h"

#include <config.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stub/cli/message.h"

static void print_usage(const struct cli_command *const *commands, FILE *to)
{
	fputs("usage: kstub COMMAND [OPTION...] TARGET ...\n\n"
	      "Serves a crashed Linux kernel to stock gdb.\n\n", to);
	for (; *commands; commands++)
		fprintf(to, "  %-6s %s\n", (*commands)->name, (*commands)->summary);
	fputs("\n'kstub COMMAND --help' explains a command, kstub(1) all of them. For instance:\n\n"
	      "  $ kstub gdb vmcore\n", to);
}

static const struct cli_command *find_command(const struct cli_command *const *commands, const char *name)
{
	while (*commands && strcmp((*commands)->name, name))
		commands++;
	return *commands;
}

/* A closed one would become the next file that is opened, be it a dump or a socket. */
static void keep_standard_files(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Is `name` a word in place of a subcommand: help, --help, --version? */
static bool special(const struct cli_command *const *commands, int argc, char **argv, int *exit_ret)
{
	const char *name = argv[1];
	bool is_help = !strcmp(name, "help");
	if ((is_help || name[0] == '-') && argc > 2 + is_help) {
		message("what is '%s'? See 'kstub --help'", argv[2 + is_help]);
		*exit_ret = EXIT_USAGE;
		return true;
	}
	if (!strcmp(name, "--version")) {
		puts("kstub " PACKAGE_VERSION);
	} else if (!strcmp(name, "--help") || !strcmp(name, "-h") || (is_help && argc == 2)) {
		print_usage(commands, stdout);
	} else if (is_help) {
		const struct cli_command *c = find_command(commands, argv[2]);
		if (!c) {
			message("no command '%s'; 'kstub help' lists them", argv[2]);
			*exit_ret = EXIT_USAGE;
			return true;
		}
		_cleanup_buffer_ struct buffer text = BUFFER_INIT;
		options_help(c, &text);
		fputs(buffer_text(&text), stdout);
	} else {
		return false;
	}
	*exit_ret = EXIT_DONE;
	return true;
}

static struct error *run_command(const struct cli_command *c, int argc, char **argv, int *exit_ret)
{
	struct options o;
	struct error *err = options_parse(c, argc, argv, &o);
	if (err)
		return err;
	if (o.help) {
		_cleanup_buffer_ struct buffer text = BUFFER_INIT;
		options_help(c, &text);
		fputs(buffer_text(&text), stdout);
		return NULL;
	}
	return c->run(&o, exit_ret);
}

int cli_main(const struct cli_command *const *commands, int argc, char **argv)
{
	int code = EXIT_DONE;
	keep_standard_files();
	if (argc < 2) {
		print_usage(commands, stderr);
		return EXIT_USAGE;
	}
	if (!special(commands, argc, argv, &code)) {
		const struct cli_command *c = find_command(commands, argv[1]);
		if (!c) {
			message("no command '%s'; 'kstub help' lists them", argv[1]);
			return EXIT_USAGE;
		}
		_cleanup_error_ struct error *err = run_command(c, argc - 1, argv + 1, &code);
		if (err) {
			message("%s", err->text);
			code = err->code == ERROR_USAGE ? EXIT_USAGE : EXIT_FAILED;
		}
	}
	if (fflush(stdout) && !code) {
		message("standard output cannot be written");
		code = EXIT_FAILED;
	}
	return code;
}

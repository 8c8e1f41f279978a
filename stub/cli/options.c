/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/cli/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "stub/base/log.h"
#include "stub/cli/cli.h"

enum option_id {
	OPTION_VMLINUX = 256, OPTION_SYMBOLS, OPTION_NO_DEBUGINFO, OPTION_TYPES, OPTION_THREADS,
	OPTION_FORCE, OPTION_READ_ONLY, OPTION_LOG, OPTION_GDB, OPTION_LISTEN, OPTION_ALLOW_REMOTE,
	OPTION_ONCE, OPTION_JSON, OPTION_EACH, OPTION_HELP,
};

struct option_row {
	unsigned of;                    /* OPTIONS_*, 0: every subcommand */
	const char *name, *arg;         /* arg NULL: takes none */
	enum option_id id;
	const char *help;
};

static const struct option_row rows[] = {
	{ OPTIONS_TARGET, "vmlinux", "FILE", OPTION_VMLINUX, "the vmlinux with debug information" },
	{ OPTIONS_TARGET, "symbols", "DIR", OPTION_SYMBOLS,
	  "a tree with vmlinux and .ko files, searched before the system's own; may be repeated" },
	{ OPTIONS_TARGET, "no-debuginfo", NULL, OPTION_NO_DEBUGINFO, "look for no vmlinux" },
	{ OPTIONS_TARGET, "types", "btf|dwarf", OPTION_TYPES, "take types from there alone" },
	{ OPTIONS_TARGET, "threads", "tasks|cpus", OPTION_THREADS, "what gdb's threads are; tasks if not given" },
	{ OPTIONS_TARGET, "force", NULL, OPTION_FORCE, "use a --vmlinux of another build" },
	{ OPTIONS_TARGET, "read-only", NULL, OPTION_READ_ONLY, "never write (a dump always is)" },
	{ OPTIONS_TARGET, "log", "ROOM[,ROOM]", OPTION_LOG,
	  "tell on stderr what happens in rsp, session, target, linux, symbols, or all" },
	{ OPTIONS_GDB, "gdb", "PATH", OPTION_GDB, "the gdb to run and to index with" },
	{ OPTIONS_LISTEN, "listen", "WHERE", OPTION_LISTEN, "unix:PATH, tcp:HOST:PORT or stdio" },
	{ OPTIONS_LISTEN, "allow-remote", NULL, OPTION_ALLOW_REMOTE,
	  "let tcp: listen for other hosts" },
	{ OPTIONS_LISTEN, "once", NULL, OPTION_ONCE, "end when the first gdb has gone" },
	{ OPTIONS_EACH, "each", NULL, OPTION_EACH, "DUMP... -- COMMAND: the same for many dumps" },
	{ OPTIONS_JSON, "json", NULL, OPTION_JSON, "JSON instead of text" },
	{ 0, "help", NULL, OPTION_HELP, "this text" },
};
enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

static bool row_is_of(const struct option_row *row, const struct cli_command *c)
{
	return !row->of || (row->of & c->options);
}

static struct error *usage(const struct cli_command *c, const char *fmt, ...) printf_like(2, 3);
static struct error *usage(const struct cli_command *c, const char *fmt, ...)
{
	char text[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_new(ERROR_USAGE, "%s: %s; see 'kstub %s --help'", c->name, text, c->name);
}

static struct error *take_types(const struct cli_command *c, const char *arg, struct options *o)
{
	if (!strcmp(arg, "btf"))
		o->types = TYPES_BTF;
	else if (!strcmp(arg, "dwarf"))
		o->types = TYPES_DWARF;
	else
		return usage(c, "--types is btf or dwarf, not '%.64s'", arg);
	return NULL;
}

static struct error *take_threads(const struct cli_command *c, const char *arg, struct options *o)
{
	if (!strcmp(arg, "tasks"))
		o->threads = THREADS_TASKS;
	else if (!strcmp(arg, "cpus"))
		o->threads = THREADS_CPUS;
	else
		return usage(c, "--threads is tasks or cpus, not '%.64s'", arg);
	return NULL;
}

static struct error *take_option(const struct cli_command *c, int id, char *arg, struct options *o)
{
	switch (id) {
	case OPTION_VMLINUX: o->vmlinux = arg; break;
	case OPTION_SYMBOLS:
		if (o->nroots == OPTION_ROOTS_MAX)
			return usage(c, "more than %d --symbols", OPTION_ROOTS_MAX);
		o->roots[o->nroots++] = arg;
		break;
	case OPTION_NO_DEBUGINFO: o->no_debuginfo = true; break;
	case OPTION_TYPES: return take_types(c, arg, o);
	case OPTION_THREADS: return take_threads(c, arg, o);
	case OPTION_FORCE: o->force = true; break;
	case OPTION_READ_ONLY: break;
	case OPTION_LOG: return log_enable(arg);
	case OPTION_GDB: o->gdb = arg; break;
	case OPTION_LISTEN: o->listen = arg; break;
	case OPTION_ALLOW_REMOTE: o->allow_remote = true; break;
	case OPTION_ONCE: o->once = true; break;
	case OPTION_JSON: o->json = true; break;
	case OPTION_EACH: o->each = true; break;
	case OPTION_HELP: o->help = true; break;
	}
	return NULL;
}

static const char *gdbs_own(const struct cli_command *c)
{
	return c->words == WORDS_TARGET_ARGS ? "; gdb's own arguments go behind '--'" : "";
}

/* Options up to the next word; *ended_ret: a "--" came first. */
static struct error *take_options(const struct cli_command *c, int argc, char **argv,
				  struct options *o, bool *ended_ret)
{
	struct option table[NROWS + 1] = { { 0 } };
	size_t n = 0;
	for (size_t i = 0; i < NROWS; i++)
		if (row_is_of(&rows[i], c))
			table[n++] = (struct option){ rows[i].name,
						      rows[i].arg ? required_argument : no_argument,
						      NULL, (int)rows[i].id };
	opterr = 0;
	int id, from = optind;
	/* Without '+', words and options may stand in any order. */
	while ((id = getopt_long(argc, argv, c->words == WORDS_ANY ? ":h" : "+:h", table, NULL)) != -1) {
		const char *at = argv[optind - 1];
		if (id == 'h')
			id = OPTION_HELP;
		if (id == ':')
			return usage(c, "%.64s needs a value", at);
		if (id == '?' && optopt >= OPTION_VMLINUX)
			return usage(c, "%.64s takes no value", at);
		/* Of short ones that stand together, `at` may be the word before. */
		if (id == '?' && optopt)
			return usage(c, "no option '-%c'%s", optopt, gdbs_own(c));
		if (id == '?')
			return usage(c, "no option '%.64s'%s", at, gdbs_own(c));
		struct error *err = take_option(c, id, optarg, o);
		if (err)
			return err;
		from = optind;
	}
	/* getopt has stepped over the "--" that ended it. */
	*ended_ret = optind > from && !strcmp(argv[optind - 1], "--");
	return NULL;
}

/* --each DUMP... -- COMMAND...: words up to "--" are dumps. */
static struct error *split_each(const struct cli_command *c, int argc, char **argv, bool ended,
				struct options *o)
{
	int first = optind, at = first;
	while (at < argc && strcmp(argv[at], "--"))
		at++;
	if (ended || at == first)
		return usage(c, "--each needs dumps");
	if (at == argc)
		return usage(c, "--each needs '--' between the dumps and the command");
	o->dumps = argv + first;
	o->ndumps = at - first;
	o->words = argv + at + 1;
	o->nwords = argc - at - 1;
	return NULL;
}

struct error *options_parse(const struct cli_command *c, int argc, char **argv, struct options *ret)
{
	struct options o = { .command = c };
	bool ended = false;
	optind = 0;     /* glibc: begin anew */
	struct error *err = take_options(c, argc, argv, &o, &ended);
	if (!err && !o.help && o.each && c->options & OPTIONS_EACH) {
		err = split_each(c, argc, argv, ended, &o);
	} else if (!err && !o.help && c->words != WORDS_ANY) {
		if (optind == argc || !argv[optind][0])
			return usage(c, "which TARGET? It is the path of a dump");
		o.target = argv[optind++];
		if (!ended)
			err = take_options(c, argc, argv, &o, &ended);
	}
	if (err)
		return err;
	if (!o.each || !o.dumps) {
		o.words = argv + optind;
		o.nwords = argc - optind;
	}
	if (!o.help && c->words == WORDS_TARGET && o.nwords)
		return usage(c, "what is '%.64s'?", o.words[0]);
	if (!o.help && c->words == WORDS_TARGET_ARGS && o.nwords && !ended)
		return usage(c, "what is '%.64s'?%s", o.words[0], gdbs_own(c) + 1);
	if (!o.help && c->words == WORDS_TARGET_COMMAND && !o.nwords)
		return usage(c, "which COMMAND? 'kstub cmd TARGET help' lists them");
	*ret = o;
	return NULL;
}

void options_help(const struct cli_command *c, struct buffer *ret)
{
	buffer_printf(ret, "usage: kstub %s [OPTION...] %s\n\n%s: %s\n\n%s\n\noptions:\n", c->name, c->args,
		      c->name, c->summary, c->details);
	for (size_t i = 0; i < NROWS; i++) {
		char left[48];
		if (!row_is_of(&rows[i], c))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].arg ? "=" : "",
			 rows[i].arg ? rows[i].arg : "");
		buffer_printf(ret, "  %-22s %s\n", left, rows[i].help);
	}
}

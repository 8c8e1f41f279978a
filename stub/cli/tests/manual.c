/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manual page and the program's own help name the same subcommands, options and monitor
 * commands; what only one of them knows is named.
 */
#include "stub/cli/tests/program.h"

enum { NAMES_MAX = 64, NAME_LEN = 160 };

struct names {
	char name[NAMES_MAX][NAME_LEN];
	unsigned n;
};

static bool has(const struct names *all, const char *name)
{
	for (unsigned i = 0; i < all->n; i++)
		if (!strcmp(all->name[i], name))
			return true;
	return false;
}

static void add(struct names *all, const char *name)
{
	if (!has(all, name) && all->n < NAMES_MAX)
		snprintf(all->name[all->n++], NAME_LEN, "%s", name);
}

/* The program's lines "  NAME   text", NAME with `prefix`, behind `head`, up to an empty line. */
static void take_help(const char *script, const char *head, const char *prefix, struct names *ret)
{
	struct program p = program_start(script, false, 0);
	program_end(&p);
	const char *line = strstr(buffer_text(&p.stdout_text), head);
	for (line = line ? line + strlen(head) : ""; *line && *line != '\n'; line = strchr(line, '\n') + 1) {
		char name[64];
		if (sscanf(line, "%63s", name) != 1 || !strchr(line, '\n'))
			break;
		if (!strncmp(name, prefix, strlen(prefix)))
			add(ret, name);
	}
	program_free(&p);
}

/* The page's items "KIND NAME[ Ns = Ns Ar ARG]", as the help prints them, behind `head`. */
static void take_page(const char *page, const char *head, const char *kind, struct names *ret)
{
	char start[NAME_LEN];
	snprintf(start, sizeof(start), "\n.It %s ", kind);
	for (page = strstr(page, head); page && (page = strstr(page, start)); page++) {
		char name[64] = "", arg[64] = "", whole[NAME_LEN];
		sscanf(page + strlen(start), "%63[^ \n] Ns = Ns Ar %63[^\n]", name, arg);
		snprintf(whole, sizeof(whole), "%s%s%s%s", strcmp(kind, "Fl") ? "" : "-", name, *arg ? "=" : "", arg);
		add(ret, whole);
	}
}

static void compare(const struct names *help, const struct names *page, const char *what)
{
	tap_ok(help->n > 2, "%u %s in the help", help->n, what);
	for (unsigned i = 0; i < help->n; i++)
		tap_ok(has(page, help->name[i]), "%s: %s is in kstub(1)", what, help->name[i]);
	for (unsigned i = 0; i < page->n; i++)
		tap_ok(has(help, page->name[i]), "%s: %s is in the program", what, page->name[i]);
}

int main(void)
{
	const char *srcdir = getenv("top_srcdir");
	_cleanup_buffer_ struct buffer page = BUFFER_INIT;
	_cleanup_free_ char *path = NULL;
	struct memory m = { .ram = NULL };
	struct names commands = { .n = 0 }, in_page = { .n = 0 }, options = { .n = 0 }, options_in_page = { .n = 0 };
	struct names monitor = { .n = 0 }, monitor_in_page = { .n = 0 };
	if (asprintf(&path, "%s/docs/kstub.1", srcdir ? srcdir : ".") < 0)
		return 1;
	program_read_file(path, &page);
	if (!tap_ok(program_setup(&m) && page.len, "small dumps, and the page"))
		return tap_done();
	take_help("$K --help", "kernel to stock gdb.\n\n", "", &commands);
	take_page(buffer_text(&page), ".Sh SUBCOMMANDS", "Cm", &in_page);
	compare(&commands, &in_page, "subcommands");
	for (unsigned i = 0; i < commands.n; i++) {
		char script[NAME_LEN * 2];
		snprintf(script, sizeof(script), "$K %s --help", commands.name[i]);
		take_help(script, "\noptions:\n", "--", &options);
	}
	take_page(buffer_text(&page), ".Sh OPTIONS", "Fl", &options_in_page);
	compare(&options, &options_in_page, "options");
	take_help("$K cmd vmcore help", "DOES\n", "", &monitor);
	take_page(buffer_text(&page), ".Sh MONITOR COMMANDS", "Ic", &monitor_in_page);
	compare(&monitor, &monitor_in_page, "monitor commands");
	program_cleanup(&m);
	return tap_done();
}

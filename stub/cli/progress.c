/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/cli/progress.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Work that is done within a second needs no words; ten lines a second are enough for an eye. */
enum { SILENT_MS = 1000, EVERY_MS = 100 };

/* There is one terminal: the only state of the process besides the log level. */
static struct terminal_progress {
	struct progress progress;
	int64_t start_ms, shown_ms;
	bool shown;
} terminal;

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void report(struct progress *p, const char *what, int percent)
{
	struct terminal_progress *t = (struct terminal_progress *)p;
	int64_t now = now_ms();
	if (now - t->start_ms < SILENT_MS || (t->shown && now - t->shown_ms < EVERY_MS))
		return;
	t->shown = true;
	t->shown_ms = now;
	/* CSI K: erase to the end of the line (ECMA-48, EL). */
	if (percent >= 0)
		fprintf(stderr, "\rkstub: %.60s: %d %%\033[K", what, percent);
	else
		fprintf(stderr, "\rkstub: %.60s ...\033[K", what);
}

struct progress *progress_start(void)
{
	if (!isatty(STDERR_FILENO))
		return NULL;
	terminal.progress.report = report;
	terminal.start_ms = now_ms();
	terminal.shown = false;
	return &terminal.progress;
}

void progress_clear(void)
{
	if (terminal.shown)
		fputs("\r\033[K", stderr);
	terminal.shown = false;
}

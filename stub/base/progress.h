/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a room that works for seconds tells about it without knowing of terminals. The shell's
 * side passes one of these down; NULL means that nobody wants to know.
 */
#ifndef STUB_BASE_PROGRESS_H
#define STUB_BASE_PROGRESS_H

struct progress {
	/* `what` is a short phrase, "indexing vmlinux"; percent is 0..100, or -1: not known. */
	void (*report)(struct progress *p, const char *what, int percent);
};

static inline void progress_report(struct progress *p, const char *what, int percent)
{
	if (p)
		p->report(p, what, percent);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Progress for a person: one line on the terminal that is rewritten, from the first second of
 * work on, and cleared at the end. Silent when stderr is no terminal.
 */
#ifndef STUB_CLI_PROGRESS_H
#define STUB_CLI_PROGRESS_H

#include "stub/base/progress.h"

/* The one of this process; NULL when nobody looks. The clock starts here. */
struct progress *progress_start(void);

/* Clears the line, if there is one. */
void progress_clear(void);

#endif

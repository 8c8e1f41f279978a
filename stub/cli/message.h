/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sentences for the user on stderr; what comes out of a dump cannot drive the terminal. */
#ifndef STUB_CLI_MESSAGE_H
#define STUB_CLI_MESSAGE_H

#include "stub/base/error.h"

/* "kstub: ...", one line. */
void message(const char *fmt, ...) printf_like(1, 2);

/* "kstub: warning: ..." */
void message_warning(const char *text);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened inside, for the one who debugs kstub: silent unless `--log ROOM` asked for that
 * room. Messages to the user are not logs; they are errors or go through the terminal's owner.
 */
#ifndef STUB_BASE_LOG_H
#define STUB_BASE_LOG_H

#include <stdbool.h>

#include "stub/base/error.h"

enum log_room { LOG_RSP, LOG_SESSION, LOG_TARGET, LOG_LINUX, LOG_SYMBOLS, LOG_ROOMS };

/* `rooms`: names joined by commas, or "all". An unknown name is an ERROR_USAGE. */
struct error *log_enable(const char *rooms) must_check;

bool log_enabled(enum log_room room);

/* One line on stderr, "kstub[ROOM]: ..." */
void log_line(enum log_room room, const char *fmt, ...) printf_like(2, 3);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TARGET, as the user typed it, to an open target: by its prefix, else a file by its magic. */
#ifndef STUB_OPEN_H
#define STUB_OPEN_H

#include "stub/target/target.h"

struct error *open_target(const char *text, struct target **ret) must_check;

#endif

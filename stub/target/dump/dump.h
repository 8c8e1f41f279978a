/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens a file with a crashed kernel's memory as a target, whatever its format: the magic in its
 * first bytes decides.
 */
#ifndef STUB_TARGET_DUMP_DUMP_H
#define STUB_TARGET_DUMP_DUMP_H

#include "stub/target/target.h"

/*
 * `path`: one file, or the parts of a split set joined by commas. A damaged or truncated file is
 * opened as far as it can be read, with warnings in the target. ERROR_FORMAT: not a dump;
 * ERROR_UNSUPPORTED: a dump of another architecture or of an unknown format.
 */
struct error *dump_open(const char *path, struct target **ret) must_check;

#endif

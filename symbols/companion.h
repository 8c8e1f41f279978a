/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The companion: the small ELF that kstub names as exec-file, so that gdb loads the library list
 * by itself. No PT_LOAD, no build-id; its one FDE ends every stack at the user's RIP, and its
 * DWARF will declare the variables that kstub invents.
 */
#ifndef SYMBOLS_COMPANION_H
#define SYMBOLS_COMPANION_H

#include "stub/base/buffer.h"
#include "stub/base/error.h"

/* Path of the companion in `cache_dir`, written when it is not there; caller frees. */
struct error *companion_file(const char *cache_dir, char **ret) must_check;

/*
 * Writes DIR/NAME, a file of the companion's shape with this .debug_frame. As a library it adds
 * unwind rules to a vmlinux that the user brought.
 */
struct error *companion_write(const char *cache_dir, const char *name, const struct buffer *frame) must_check;

#endif

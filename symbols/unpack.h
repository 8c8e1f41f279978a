/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacks a .ko.xz, .ko.zst or .ko.gz, which gdb cannot read, into a file. */
#ifndef SYMBOLS_UNPACK_H
#define SYMBOLS_UNPACK_H

#include <stdbool.h>

#include "stub/base/error.h"

/* True for a name that ends in .xz, .zst or .gz. */
bool unpack_wanted(const char *path);

/* ERROR_UNSUPPORTED when kstub was built without the library; ERROR_FORMAT on damage. */
struct error *unpack_file(const char *path, int out_fd) must_check;

#endif

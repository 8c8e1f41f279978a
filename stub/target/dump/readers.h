/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The readers behind dump_open(), one for each magic. Each takes the file over, also on failure. */
#ifndef STUB_TARGET_DUMP_READERS_H
#define STUB_TARGET_DUMP_READERS_H

#include "stub/target/dump/file.h"
#include "stub/target/target.h"

struct error *elf_core_open(struct dump_file *file, struct target **ret) must_check;

/* One file or the parts of a split set, in any order. */
struct error *kdump_open(struct dump_file *files, size_t n, struct target **ret) must_check;

/* ERROR_UNSUPPORTED when the library does not know the format either, or is not built in. */
struct error *libkdumpfile_open(const char *path, struct target **ret) must_check;

#endif

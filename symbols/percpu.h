/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types of the per-CPU variables of a vmlinux, for the files of this room alone. */
#ifndef SYMBOLS_PERCPU_H
#define SYMBOLS_PERCPU_H

#include "stub/base/progress.h"
#include "symbols/symbols.h"
#include "symbols/types-source.h"

/*
 * The type of each of symbols_percpu(), 0: not known; the caller frees. Where that takes long,
 * the answer is kept in `cache_dir`.
 */
struct error *percpu_types(struct symbols *s, struct types *t, const char *cache_dir,
			   struct progress *progress, uint64_t **ret) must_check;

#endif

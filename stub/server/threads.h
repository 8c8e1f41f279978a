/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gdb's threads: the CPUs that the target has registers of. Thread id = CPU number + 1. */
#ifndef STUB_SERVER_THREADS_H
#define STUB_SERVER_THREADS_H

#include "stub/base/buffer.h"
#include "stub/linux/kernel.h"

/* At least 1: gdb wants a thread even where nobody's registers are known. */
unsigned threads_count(const struct kernel *k);
int64_t threads_id(const struct kernel *k, unsigned index);

/* False for an id that no thread has. */
bool threads_index(const struct kernel *k, int64_t id, unsigned *ret);

/* The one that panicked, else the first. */
int64_t threads_first_selected(const struct kernel *k);

/* Its registers; false (and nothing known) when the target has none of it. */
bool threads_regs(const struct kernel *k, unsigned index, struct regs *ret);

/* What gdb shows in brackets behind the name: "panicked here", or nothing. */
const char *threads_extra(const struct kernel *k, unsigned index);

/* The document of qXfer:threads. */
void threads_xml(const struct kernel *k, struct buffer *ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads through page tables: one address space of a target, with a small cache of translations
 * that the target's epoch makes stale.
 */
#ifndef STUB_TARGET_ASPACE_H
#define STUB_TARGET_ASPACE_H

#include "stub/target/target.h"

struct aspace;

/* `t` is borrowed and must outlive the address space. */
struct error *aspace_create(struct target *t, const struct paging *paging, struct aspace **ret) must_check;
void aspace_destroy(struct aspace *as);

const struct paging *aspace_paging(const struct aspace *as);

/* Exactly len bytes, or the error of the first byte that is missing, whose address it names. */
struct error *aspace_read(struct aspace *as, uint64_t va, void *buf, size_t len) must_check;

/* As many bytes as there are before the first missing one; an error only when there is none. */
struct error *aspace_read_some(struct aspace *as, uint64_t va, void *buf, size_t len,
			       size_t *got_ret) must_check;

/* Where one address is in physical memory; past the cache, so that `trace` sees every entry. */
struct error *aspace_translate(struct aspace *as, uint64_t va, struct walk_trace *trace,
			       struct mapping *ret) must_check;

#endif

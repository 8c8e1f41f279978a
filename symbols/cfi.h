/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The prepared vmlinux's .debug_frame: the compiler's rules where they are right, ORC's frame
 * where they are wrong or silent. All addresses are link addresses.
 */
#ifndef SYMBOLS_CFI_H
#define SYMBOLS_CFI_H

#include "stub/base/buffer.h"
#include "stub/base/error.h"
#include "symbols/elf.h"
#include "symbols/orc.h"

struct cfi_stats {
	unsigned kept, remade, rows, corrected, orc_only;
};

/*
 * Appends the section to `ret`. `frame` is the compiler's .debug_frame, len 0: none. What of it
 * cannot be understood is left as it is.
 */
struct error *cfi_merge(struct elf_file *f, const void *frame, size_t len, const struct orc *orc,
			struct buffer *ret, struct cfi_stats *stats_ret) must_check;

/* CFI instructions, for the companion and for tests. */
void cfi_uleb(struct buffer *b, uint64_t value);
void cfi_sleb(struct buffer *b, int64_t value);

/* Starts a section: a CIE for calls (return address at CFA - 8); "S" marks signal frames. */
void cfi_cie(struct buffer *b, bool signal_frame);

/* One FDE with these instructions; `cie` is the CIE's offset in the section. */
void cfi_fde(struct buffer *b, uint32_t cie, uint64_t start, uint64_t size, const struct buffer *instructions);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where bytes come from: the seam between a source (a dump, later a live guest) and everything
 * above it. A new source fills struct target_ops and struct target, and nothing else.
 */
#ifndef STUB_TARGET_TARGET_H
#define STUB_TARGET_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub/arch/arch.h"
#include "stub/base/buffer.h"
#include "stub/base/error.h"

struct target;

/* Three slots are mandatory; the others may be NULL, which says that the source cannot. */
struct target_ops {
	const char *name;

	/* Frees the source and the struct target. Never NULL. */
	void (*close)(struct target *t);

	/*
	 * Exactly `len` bytes at physical address `pa`; the caller has checked nothing. ERROR_FAULT
	 * outside of RAM, ERROR_EXCLUDED and ERROR_TRUNCATED name the first byte that is missing.
	 * On failure the bytes before the named address are in `buf`.
	 */
	struct error *(*read_phys)(struct target *t, uint64_t pa, void *buf, size_t len);

	/* What is known of one CPU, 0 <= cpu < ncpus; unknown registers are marked so. */
	struct error *(*read_regs)(struct target *t, unsigned cpu, struct regs *ret);

	/* NULL: read-only. */
	struct error *(*write_phys)(struct target *t, uint64_t pa, const void *buf, size_t len);

	/* Says in words why the page of `pa` is missing or where it is in the file; NULL: nothing to say. */
	void (*describe_page)(struct target *t, uint64_t pa, struct buffer *ret);
};

struct phys_range {
	uint64_t start, end;            /* [start, end) */
};

struct target {
	const struct target_ops *ops;
	const struct arch *arch;
	char *path;                     /* as the user gave it; owned */
	char *format;                   /* for people: "ELF vmcore", "kdump-compressed v6, zlib, flattened"; owned */
	unsigned ncpus;                 /* CPUs with registers; 0 when the source has none */
	const struct phys_range *ram;   /* sorted, disjoint; what read_phys may succeed on */
	size_t nram;
	const char *vmcoreinfo;         /* the text of the note, not NUL-terminated; NULL: none */
	size_t vmcoreinfo_len;
	uint64_t file_size;             /* bytes, 0: not a file */
	int dump_level;                 /* makedumpfile's -d, -1: not known or not filtered */
	char **warnings;                /* sentences for the user: truncation, odd headers; owned */
	size_t nwarnings;
	uint64_t epoch;                 /* goes up when guest state may have changed; a dump's never does */
};

/* Appends a sentence to t->warnings; out of memory loses it. */
void target_warn(struct target *t, const char *fmt, ...) printf_like(2, 3);

/* Frees what struct target itself owns (path, format, warnings), for a source's close(). */
void target_deinit(struct target *t);

/* Accepts NULL. */
void target_close(struct target *t);
static inline void target_close_ptr(struct target **t)
{
	target_close(*t);
}
#define _cleanup_target_ __attribute__((cleanup(target_close_ptr)))

static inline struct error *must_check target_read_phys(struct target *t, uint64_t pa, void *buf,
							size_t len)
{
	return t->ops->read_phys(t, pa, buf, len);
}

/* For the page walks of an arch: the target's memory. */
struct phys_reader target_phys_reader(struct target *t);

/* As many bytes as there are before the first missing one; an error only when there is none. */
struct error *target_read_phys_some(struct target *t, uint64_t pa, void *buf, size_t len,
				    size_t *got_ret) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ELF notes of a dump, the same in ELF and in kdump files: registers of each CPU as the
 * kernel (NT_PRSTATUS) and as QEMU saw them, and VMCOREINFO.
 */
#ifndef STUB_TARGET_DUMP_NOTES_H
#define STUB_TARGET_DUMP_NOTES_H

#include "stub/arch/arch.h"
#include "stub/target/dump/file.h"

struct cpu_note {
	uint64_t prstatus, qemu;        /* offsets of the descriptors in the file; 0: none */
	uint32_t prstatus_len, qemu_len;
};

struct notes {
	struct cpu_note *cpus;
	unsigned ncpus;
	char *vmcoreinfo;               /* NULL: none */
	size_t vmcoreinfo_len;
};

/* Adds what stands in [offset, offset + len) of the file. Damage ends the walk: *damaged_ret. */
struct error *notes_read(struct dump_file *f, uint64_t offset, uint64_t len, struct notes *n,
			 bool *damaged_ret) must_check;
void notes_deinit(struct notes *n);

/* ERROR_NOT_FOUND for a CPU without notes. */
struct error *notes_regs(struct dump_file *f, const struct notes *n, unsigned cpu,
			 struct regs *ret) must_check;

#endif

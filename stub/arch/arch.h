/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the CPU manual says: registers as gdb numbers them, page tables, nothing of Linux.
 *
 * To add an architecture: fill a struct arch. `regs` in the order of gdb's `g` packet, features
 * in the order of target.xml; registers that gdb does not need but kstub does (control
 * registers) come last, with a feature of kstub's own. `paging` turns one CPU's registers into
 * the root of its page tables; `walk` does one address, `map` all of them. They ask for bytes at physical addresses
 * and for nothing else, so they run on fake memory in the tests.
 */
#ifndef STUB_ARCH_ARCH_H
#define STUB_ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub/base/buffer.h"
#include "stub/base/error.h"

/* The server has registers of its own behind those. */
enum { REGS_MAX = 96 };

/* One CPU's registers, by index into arch->regs. An unknown register is never a zero. */
struct regs {
	uint64_t value[REGS_MAX];
	unsigned char known[REGS_MAX];
};

static inline void regs_set(struct regs *r, unsigned reg, uint64_t value)
{
	r->value[reg] = value;
	r->known[reg] = 1;
}

struct reg_info {
	const char *name;
	unsigned short bits;    /* 32, 64 or 80 */
	const char *type;       /* gdb's type in target.xml: "int64", "code_ptr", ... */
	const char *feature;    /* "org.gnu.gdb.i386.core"; a NULL means: not shown to gdb */
	const char *note;       /* the name that dumps and manuals use, when it differs; may be NULL */
};

/* How virtual addresses of one address space are translated. */
struct paging {
	uint64_t root;          /* physical address of the top table */
	unsigned levels;        /* 4 or 5 */
	uint64_t addr_mask;     /* address bits of an entry, without software and encryption bits */
};

struct phys_reader {
	struct error *(*read)(void *arg, uint64_t pa, void *buf, size_t len);
	void *arg;
};

struct mapping {
	uint64_t pa;
	uint64_t left;          /* bytes from pa to the end of this page, of whatever size */
};

/* Told of each entry on the way, for `vtop`; NULL when nobody asks. */
struct walk_trace {
	void (*entry)(struct walk_trace *t, const char *level, uint64_t pa, uint64_t value);
};

/* What may be done with mapped bytes, all levels of the tables taken together. */
enum { MAP_USER = 1, MAP_WRITE = 2, MAP_EXECUTE = 4 };

/*
 * Who is told what page tables map. Tables of a hostile guest may point at each other: there is an
 * end, since there are only so many levels, but nobody lives to see it unless table() says when.
 */
struct map_visitor {
	/* Before one more table is read, for the addresses from `va` on; false: enough. */
	bool (*table)(struct map_visitor *v, uint64_t va);
	/* The next mapped bytes, ascending; those that follow may go on with the same `prot`. */
	bool (*range)(struct map_visitor *v, uint64_t va, uint64_t len, unsigned prot);
	/* Of these nothing is known, since their table cannot be read. */
	void (*missing)(struct map_visitor *v, uint64_t va, uint64_t len);
};

struct arch {
	const char *name;               /* gdb's <architecture>: "i386:x86-64" */
	uint16_t elf_machine;           /* EM_* */
	const struct reg_info *regs;
	unsigned nregs;
	unsigned pc, sp;
	unsigned page_size;             /* bytes of the smallest page */

	/* ERROR_FAULT with the address when it is not mapped; the reader's error when a table
	 * cannot be read. */
	struct error *(*walk)(const struct paging *p, uint64_t va, struct phys_reader rd,
			      struct walk_trace *trace, struct mapping *ret);

	/* Every mapping of an address space, to `v`. */
	void (*map)(const struct paging *p, struct phys_reader rd, struct map_visitor *v);

	/* The lines of one CPU in QEMU's `info registers`; what is not known is left out. */
	void (*show_regs)(const struct regs *r, struct buffer *ret);

	/* False when the registers do not tell (control registers unknown, paging off). */
	bool (*paging)(const struct regs *r, struct paging *ret);
};

/* NULL for a machine that kstub does not know. */
const struct arch *arch_by_elf_machine(uint16_t elf_machine);

extern const struct arch arch_x86_64;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one ELF file with debug information says: a vmlinux or a module's .ko. Names, addresses,
 * sections and types, as linked; where the kernel put itself at boot is not known here.
 */
#ifndef SYMBOLS_SYMBOLS_H
#define SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub/base/error.h"
#include "symbols/types.h"

enum { BUILD_ID_MAX = 64 };

struct build_id {
	unsigned char bytes[BUILD_ID_MAX];
	unsigned len;                   /* 0: none */
};

bool build_id_equal(const struct build_id *a, const struct build_id *b);

/* Lower-case hex with a NUL; `ret` holds BUILD_ID_MAX * 2 + 1 bytes. */
void build_id_text(const struct build_id *id, char *ret);

/* False when `text` is not an even number of hex digits that fits. */
bool build_id_parse(const char *text, size_t len, struct build_id *ret);

/* The GNU build-id in the bytes of a note section (as in memory or in .notes); false: none. */
bool build_id_from_notes(const void *notes, size_t len, struct build_id *ret);

struct symbol {
	const char *name;               /* borrowed from the file */
	uint64_t addr;                  /* as linked */
	uint64_t size;                  /* 0: not said */
	unsigned char type, bind;       /* STT_*, STB_* */
	uint16_t section;               /* index, SHN_ABS... */
};

struct section {
	const char *name;               /* borrowed from the file */
	uint64_t addr, size, offset, align;
	uint64_t flags;                 /* SHF_* */
	uint32_t type;                  /* SHT_* */
};

struct segment {
	uint64_t vaddr, paddr, memsz, filesz, offset;
	uint32_t flags;
};

struct symbols;

/* Opens and maps the file; ERROR_FORMAT when it is no ELF64 of a known byte order. */
struct error *symbols_open(const char *path, struct symbols **ret) must_check;
void symbols_close(struct symbols *s);
static inline void symbols_close_ptr(struct symbols **s)
{
	symbols_close(*s);
}
#define _cleanup_symbols_ __attribute__((cleanup(symbols_close_ptr)))

const char *symbols_path(const struct symbols *s);
const struct build_id *symbols_build_id(const struct symbols *s);
uint16_t symbols_machine(const struct symbols *s);
bool symbols_has_dwarf(const struct symbols *s);

/*
 * Tells files apart whose build-id is the same (stripped or not) or that have none: a hash of the
 * build-id and the section headers; without a build-id of size and time as well.
 */
uint64_t symbols_fingerprint(const struct symbols *s);

/* All section headers in file order, the null one included: index = ELF's. */
const struct section *symbols_sections(const struct symbols *s, size_t *n_ret);
const struct section *symbols_section(const struct symbols *s, const char *name);

/* PT_LOADs in file order. */
const struct segment *symbols_segments(const struct symbols *s, size_t *n_ret);

/* Bytes of a section that has some, decompressed when need be, borrowed. ERROR_NOT_FOUND. */
struct error *symbols_section_data(struct symbols *s, const char *name, const void **ret,
				   size_t *len_ret) must_check;

/* First global, else local, symbol of that name. */
bool symbols_lookup(struct symbols *s, const char *name, struct symbol *ret);

/*
 * The symbol that `addr` (as linked) lies in, functions preferred to labels of the same address,
 * globals to locals; false when none lies below it in its section or when `addr` is behind the
 * end of a sized symbol by more than alignment padding.
 */
bool symbols_by_address(struct symbols *s, uint64_t addr, struct symbol *ret);

/*
 * The per-CPU variables by address, each name once, those alone whose names are C's. The order is
 * the same each time. None without CONFIG_SMP: they are ordinary variables then.
 */
static const char PERCPU_SECTION[] = ".data..percpu";
const struct symbol *symbols_percpu(struct symbols *s, size_t *n_ret);

enum types_source { TYPES_AUTO, TYPES_BTF, TYPES_DWARF };

/* Types of this file, BTF first with TYPES_AUTO; made on first use, owned by `s`. */
struct error *symbols_types(struct symbols *s, enum types_source from, struct types **ret) must_check;

#endif

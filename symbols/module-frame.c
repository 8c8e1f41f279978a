/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/module-frame.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/bytes.h"
#include "stub/base/cleanup.h"
#include "stub/base/log.h"
#include "symbols/cfi.h"
#include "symbols/elf.h"
#include "symbols/orc.h"

/* Code that is larger is hostile; together, so that a table reaches all of it by its s32. */
enum { CODE_MAX = 1 << 29, GAP = 4096 };

/* Tables are at 0, the sections of code behind each other above them. */
enum { TABLE_ADDR = 0, FIRST_CODE_ADDR = GAP };

struct maker {
	struct elf_file file;           /* its sections' addresses and flags are ours to change */
	const unsigned char *symbols;   /* Elf64_Sym, borrowed, at any address */
	size_t nsymbols;
	uint32_t *anchors;              /* by section: the number of a symbol in it; 0: no ORC for it */
};

static const struct section *with_bytes(const struct symbols *ko, const char *name)
{
	const struct section *s = symbols_section(ko, name);
	return s && s->size && s->type != SHT_NOBITS ? s : NULL;
}

bool module_frame_is_missing(const struct symbols *ko)
{
	return with_bytes(ko, ".orc_unwind") && with_bytes(ko, ".orc_unwind_ip") &&
	       !symbols_section(ko, ".debug_frame") && !symbols_section(ko, ".zdebug_frame");
}

static struct error *section_bytes(struct maker *m, const char *name, uint32_t type, const unsigned char **ret,
				   size_t *len_ret)
{
	const void *bytes;
	for (size_t i = 1; i < m->file.nsections; i++) {
		const struct section *s = &m->file.sections[i];
		if (s->type != type || (name && strcmp(s->name, name)))
			continue;
		struct error *err = elf_file_data(&m->file, i, &bytes, len_ret);
		if (!err)
			*ret = bytes;
		return err;
	}
	return error_new(ERROR_FORMAT, "it has no %s", name ? name : "symbols");
}

static Elf64_Sym symbol_at(const struct maker *m, size_t i)
{
	Elf64_Sym s;
	memcpy(&s, m->symbols + i * sizeof(s), sizeof(s));
	return s;
}

/* In the file every section is at 0; rules are made for code that has addresses of its own. */
static struct error *place_code(struct maker *m)
{
	uint64_t at = FIRST_CODE_ADDR;
	for (size_t i = 1; i < m->file.nsections; i++) {
		struct section *s = &m->file.sections[i];
		if (!(s->flags & SHF_ALLOC) || !(s->flags & SHF_EXECINSTR))
			continue;
		if (s->size > CODE_MAX || at > CODE_MAX)
			return error_new(ERROR_FORMAT, "its code is larger than any module's");
		s->addr = at;
		at += (s->size + 2ul * GAP - 1) / GAP * GAP;
	}
	return NULL;
}

/* Where an entry of the table begins; also notes the symbol as one of that section. */
static struct error *target_of(struct maker *m, const Elf64_Rela *r, uint64_t *ret)
{
	size_t number = ELF64_R_SYM(r->r_info);
	if (ELF64_R_TYPE(r->r_info) != R_X86_64_PC32)
		return error_new(ERROR_UNSUPPORTED, "its ORC tables have relocations of type %u",
				 (unsigned)ELF64_R_TYPE(r->r_info));
	if (!number || number >= m->nsymbols)
		return error_new(ERROR_FORMAT, "its ORC tables name symbol %zu of %zu", number, m->nsymbols);
	Elf64_Sym symbol = symbol_at(m, number);
	const struct section *s = symbol.st_shndx < m->file.nsections ? &m->file.sections[symbol.st_shndx] : NULL;
	uint64_t offset = symbol.st_value + (uint64_t)r->r_addend;
	/* One entry is the mark of the section's end. */
	if (!s || !(s->flags & SHF_ALLOC) || !(s->flags & SHF_EXECINSTR) || offset > s->size)
		return error_new(ERROR_FORMAT, "its ORC tables speak of what is no code");
	if (!m->anchors[symbol.st_shndx])
		m->anchors[symbol.st_shndx] = (uint32_t)number;
	*ret = s->addr + offset;
	return NULL;
}

/* The content of .orc_unwind_ip as if it was linked at TABLE_ADDR; the caller frees. */
static struct error *relocate_ip(struct maker *m, int32_t **ret, size_t *len_ret)
{
	const unsigned char *relocations = NULL, *unused;
	size_t len = 0, ip_len = 0;
	struct error *err = section_bytes(m, ".orc_unwind_ip", SHT_PROGBITS, &unused, &ip_len);
	if (!err)
		err = section_bytes(m, ".rela.orc_unwind_ip", SHT_RELA, &relocations, &len);
	if (err)
		return err;
	size_t n = ip_len / sizeof(int32_t), nrelocations = len / sizeof(Elf64_Rela);
	if (!n || n > CODE_MAX / sizeof(int32_t) || nrelocations != n)
		return error_new(ERROR_FORMAT, "its ORC tables have %zu entries and %zu relocations", n, nrelocations);
	_cleanup_free_ int32_t *ip = calloc(n, sizeof(*ip));
	_cleanup_free_ bool *known = calloc(n, sizeof(*known));
	if (!ip || !known)
		return error_nomem();
	for (size_t i = 0; i < n; i++) {
		Elf64_Rela r;
		uint64_t target = 0;
		memcpy(&r, relocations + i * sizeof(r), sizeof(r));
		size_t entry = r.r_offset / sizeof(*ip);
		if (r.r_offset % sizeof(*ip) || entry >= n || known[entry])
			return error_new(ERROR_FORMAT, "its ORC tables have a relocation that is out of place");
		err = target_of(m, &r, &target);
		if (err)
			return err;
		known[entry] = true;
		ip[entry] = (int32_t)(target - (TABLE_ADDR + r.r_offset));
	}
	*ret = steal(ip);
	*len_ret = ip_len;
	return NULL;
}

/* Code without any entry is left to gdb's own guesses. */
static void forget_silent_code(struct maker *m)
{
	for (size_t i = 1; i < m->file.nsections; i++)
		if (!m->anchors[i])
			m->file.sections[i].flags &= ~(uint64_t)SHF_EXECINSTR;
}

/* FDEs are in the order of the sections: each one's address becomes a relocation. */
static struct error *put_relocations(struct maker *m, struct module_frame *ret)
{
	size_t at = 0, s = 1;
	while (ret->section.len - at >= 24) {
		char *entry = ret->section.data + at;
		uint32_t len = u32_at(entry);
		if (u32_at(entry + 4) != UINT32_MAX) {
			uint64_t start = u64_at(entry + 8);
			while (s < m->file.nsections &&
			       (!m->anchors[s] || start - m->file.sections[s].addr >= m->file.sections[s].size))
				s++;
			if (s == m->file.nsections)
				return error_new(ERROR_FORMAT, "its ORC tables speak of what is no code");
			Elf64_Rela r = {
				at + 8, ELF64_R_INFO((uint64_t)m->anchors[s], R_X86_64_64),
				(int64_t)(start - m->file.sections[s].addr - symbol_at(m, m->anchors[s]).st_value),
			};
			buffer_put(&ret->relocations, &r, sizeof(r));
			memset(entry + 8, 0, 8);
		}
		at += 4 + (size_t)len;
	}
	return buffer_error(&ret->relocations);
}

static struct error *make(struct maker *m, struct types *types, struct module_frame *ret)
{
	const unsigned char *table = NULL;
	size_t symbols_len = 0, table_len = 0, ip_len = 0;
	_cleanup_free_ int32_t *ip = NULL;
	struct orc orc = { NULL, 0 };
	struct cfi_stats stats;
	if (!m->file.is_relocatable || m->file.machine != EM_X86_64)
		return error_new(ERROR_UNSUPPORTED, "it is no module of x86-64");
	m->anchors = calloc(m->file.nsections, sizeof(*m->anchors));
	if (!m->anchors)
		return error_nomem();
	struct error *err = section_bytes(m, NULL, SHT_SYMTAB, &m->symbols, &symbols_len);
	if (err)
		return err;
	m->nsymbols = symbols_len / sizeof(Elf64_Sym);
	err = section_bytes(m, ".orc_unwind", SHT_PROGBITS, &table, &table_len);
	if (!err)
		err = place_code(m);
	if (!err)
		err = relocate_ip(m, &ip, &ip_len);
	if (!err)
		err = orc_parse(ip, ip_len, TABLE_ADDR, table, table_len, types, &orc);
	if (err)
		return err;
	forget_silent_code(m);
	err = cfi_merge(&m->file, NULL, 0, &orc, &ret->section, &stats);
	orc_deinit(&orc);
	if (!err)
		err = put_relocations(m, ret);
	if (!err)
		log_line(LOG_SYMBOLS, "CFI: %u FDEs of %s from ORC, %zu bytes", stats.orc_only, m->file.path,
			 ret->section.len);
	return err;
}

struct error *module_frame_make(const struct symbols *ko, struct types *types, struct module_frame *ret)
{
	struct maker m = { .file = { .fd = -1 } };
	struct error *err = elf_file_open(symbols_path(ko), &m.file);
	if (!err)
		err = make(&m, types, ret);
	elf_file_close(&m.file);
	free(m.anchors);
	if (err)
		module_frame_deinit(ret);
	return err;
}

void module_frame_deinit(struct module_frame *f)
{
	buffer_deinit(&f->section);
	buffer_deinit(&f->relocations);
}

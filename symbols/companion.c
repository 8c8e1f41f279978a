/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/companion.h"

#include <dwarf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stub/base/cleanup.h"
#include "symbols/cache.h"
#include "symbols/cfi.h"
#include "symbols/percpu.h"
#include "symbols/variables.h"
#include "symbols/windows.h"

/* User addresses of 5-level paging, and so of 4-level as well; page 0 stays uncovered. */
static const uint64_t USER_START = 0x1000, USER_END = 0x00fffffffffff000;

enum {
	SECTION_NULL, SECTION_TEXT, SECTION_FRAME, SECTION_SYMBOLS, SECTION_STRINGS, SECTION_INFO, SECTION_ABBREV,
	SECTION_RANGES, SECTION_NAMES, SECTIONS,
};

/* The file before it is put together. */
struct parts {
	uint64_t text, text_size;
	struct buffer bytes[SECTIONS];
};

static void parts_deinit(struct parts *p)
{
	for (size_t i = 0; i < SECTIONS; i++)
		buffer_deinit(&p->bytes[i]);
}
#define _cleanup_parts_ __attribute__((cleanup(parts_deinit)))

/* "Nobody called": with a CFA, since gdb 13 aborts on an FDE without one. */
static void put_end(struct buffer *b, uint64_t start, uint64_t size, bool has_stack)
{
	_cleanup_buffer_ struct buffer end = BUFFER_INIT;
	if (has_stack) {
		buffer_putc(&end, DW_CFA_def_cfa);
		cfi_uleb(&end, 7);
		cfi_uleb(&end, 8);
	} else {
		/* A constant: none of the registers is known. */
		buffer_putc(&end, DW_CFA_def_cfa_expression);
		cfi_uleb(&end, 1);
		buffer_putc(&end, DW_OP_lit0);
	}
	buffer_putc(&end, DW_CFA_undefined);
	cfi_uleb(&end, 16);
	cfi_fde(b, 0, start, size, &end);
	b->failed |= end.failed;
}

static void put_frame(struct buffer *b, uint64_t shift)
{
	cfi_cie(b, false);
	put_end(b, USER_START - shift, USER_END - USER_START, true);
	put_end(b, WINDOW_MARKS - shift, MARKS * MARK_SIZE, false);
}

static void put_marks(struct parts *p, uint64_t shift)
{
	static const char *const names[MARKS] = {
		[MARK_STACK_FREED] = "stack_freed",
		[MARK_STACK_DAMAGED] = "stack_damaged",
		[MARK_REGISTERS_NOT_SAVED] = "registers_not_saved",
	};
	struct buffer *symbols = &p->bytes[SECTION_SYMBOLS], *strings = &p->bytes[SECTION_STRINGS];
	buffer_fill(symbols, 0, sizeof(Elf64_Sym));
	buffer_putc(strings, 0);
	for (unsigned i = 0; i < MARKS; i++) {
		Elf64_Sym s = {
			.st_name = (Elf64_Word)strings->len, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = SECTION_TEXT, .st_value = mark_address(i) - shift, .st_size = MARK_SIZE,
		};
		buffer_put(symbols, &s, sizeof(s));
		buffer_put(strings, names[i], strlen(names[i]) + 1);
	}
	p->text = WINDOW_MARKS - shift;
	p->text_size = MARKS * MARK_SIZE;
}

/* Sections without bytes stay as headers of no type: gdb sees none. */
static void make(struct buffer *out, struct parts *p)
{
	static const struct {
		const char *name;
		Elf64_Word type;
		Elf64_Xword align, entry;
	} kinds[SECTIONS] = {
		[SECTION_TEXT] = { ".text", SHT_NOBITS, 1, 0 },
		[SECTION_FRAME] = { ".debug_frame", SHT_PROGBITS, 8, 0 },
		[SECTION_SYMBOLS] = { ".symtab", SHT_SYMTAB, 8, sizeof(Elf64_Sym) },
		[SECTION_STRINGS] = { ".strtab", SHT_STRTAB, 1, 0 },
		[SECTION_INFO] = { ".debug_info", SHT_PROGBITS, 1, 0 },
		[SECTION_ABBREV] = { ".debug_abbrev", SHT_PROGBITS, 1, 0 },
		[SECTION_RANGES] = { ".debug_aranges", SHT_PROGBITS, 1, 0 },
		[SECTION_NAMES] = { ".shstrtab", SHT_STRTAB, 1, 0 },
	};
	Elf64_Ehdr h = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_entry = p->text,
		.e_ehsize = sizeof(h), .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = SECTIONS,
		.e_shstrndx = SECTION_NAMES,
	};
	Elf64_Shdr s[SECTIONS] = { { .sh_type = SHT_NULL } };
	struct buffer *names = &p->bytes[SECTION_NAMES];
	size_t at[SECTIONS] = { 0 };
	buffer_putc(names, 0);
	for (size_t i = 1; i < SECTIONS; i++) {
		at[i] = names->len;
		buffer_put(names, kinds[i].name, strlen(kinds[i].name) + 1);
	}
	buffer_put(out, &h, sizeof(h));
	for (size_t i = 1; i < SECTIONS; i++) {
		struct buffer *b = &p->bytes[i];
		s[i] = (Elf64_Shdr){ .sh_name = (Elf64_Word)at[i], .sh_type = kinds[i].type,
				     .sh_addralign = kinds[i].align, .sh_entsize = kinds[i].entry };
		if (i == SECTION_TEXT) {
			s[i].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
			s[i].sh_addr = p->text;
			s[i].sh_size = p->text_size;
		} else if (!b->len) {
			s[i].sh_type = SHT_NULL;
		}
		buffer_fill(out, 0, -out->len % kinds[i].align);
		s[i].sh_offset = out->len;
		s[i].sh_size += b->len;
		buffer_put(out, b->data, b->len);
		out->failed |= b->failed;
	}
	s[SECTION_SYMBOLS].sh_link = SECTION_STRINGS;
	s[SECTION_SYMBOLS].sh_info = 1;         /* the first that is global */
	buffer_fill(out, 0, -out->len & 7);
	h.e_shoff = out->len;
	buffer_put(out, s, sizeof(s));
	if (!out->failed)
		memcpy(out->data, &h, sizeof(h));
}

static struct error *write_parts(const char *cache_dir, const char *name, struct parts *p)
{
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	struct cache_file f;
	make(&b, p);
	if (b.failed)
		return error_nomem();
	struct error *err = cache_create(cache_dir, name, &f);
	if (err)
		return err;
	if (write(f.fd, b.data, b.len) != (ssize_t)b.len) {
		err = error_os(errno ? errno : ENOSPC, "%s", f.path);
		cache_abandon(&f);
		return err;
	}
	return cache_commit(&f);
}

struct error *companion_write(const char *cache_dir, const char *name, const struct buffer *frame)
{
	/* gdb wants a .text, and one that covered kernel addresses would make it look for symbols here. */
	_cleanup_parts_ struct parts p = { .text = WINDOW_MARKS, .text_size = 1 };
	buffer_put(&p.bytes[SECTION_FRAME], frame->data, frame->len);
	p.bytes[SECTION_FRAME].failed |= frame->failed;
	return write_parts(cache_dir, name, &p);
}

/*
 * "The unit has no code." Without this gdb takes the variables' addresses for code of the unit's,
 * and warns when it looks for the function at one.
 */
static void put_ranges(struct buffer *b)
{
	static const struct {
		uint32_t length;
		uint16_t version;
		uint32_t unit;
		unsigned char address_size, segment_size;
		uint32_t padding;       /* pairs are aligned to their size */
		uint64_t end[2];
	} __attribute__((packed)) ranges = { .length = sizeof(ranges) - 4, .version = 2, .address_size = 8 };
	buffer_put(b, &ranges, sizeof(ranges));
}

/* What is declared: `percpu` are the types of the per-CPU variables, NULL: nothing is. */
struct declared {
	const uint64_t *percpu;
	bool left_out[VARIABLES];
};

static struct error *put_variables(const struct companion_options *o, const struct declared *d, uint64_t shift,
				   struct parts *p)
{
	struct dwarf_writer w;
	dwarf_writer_init(&w, "kstub");
	struct error *err = variables_write(o->vmlinux, o->types, d->percpu, d->left_out, shift, &w);
	buffer_put(&p->bytes[SECTION_INFO], w.info.data, w.info.len);
	buffer_put(&p->bytes[SECTION_ABBREV], w.abbrev.data, w.abbrev.len);
	put_ranges(&p->bytes[SECTION_RANGES]);
	dwarf_writer_deinit(&w);
	return err;
}

/* Some ten thousand bytes: made anew each time, so that it is never stale. */
static struct error *write_one(const char *cache_dir, const char *name, const struct companion_options *o,
			       const struct declared *d, uint64_t shift, char **path_ret)
{
	_cleanup_parts_ struct parts p = { .text = 0 };
	_cleanup_free_ char *path = NULL;
	put_frame(&p.bytes[SECTION_FRAME], shift);
	put_marks(&p, shift);
	struct error *err = d->percpu ? put_variables(o, d, shift, &p) : NULL;
	if (!err && asprintf(&path, "%s/%s", cache_dir, name) < 0) {
		path = NULL;
		err = error_nomem();
	}
	if (!err)
		err = write_parts(cache_dir, name, &p);
	if (!err)
		*path_ret = steal(path);
	return err;
}

static bool any_known(const uint64_t *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (types[i])
			return true;
	return false;
}

/*
 * BTF can lack all variables (pahole's --skip_encoding_btf_vars, as in Debian's 5.10): DWARF has
 * them. NULL in `ret`: it has none either, or there is no DWARF.
 */
static struct error *ask_dwarf(const char *cache_dir, const struct companion_options *o, struct types **ret,
			       uint64_t **percpu)
{
	size_t n;
	struct types *dwarf;
	uint64_t *found;
	*ret = NULL;
	symbols_percpu(o->vmlinux, &n);
	if (!n || !o->may_ask_dwarf || any_known(*percpu, n))
		return NULL;
	struct error *err = types_from_dwarf(symbols_path(o->vmlinux), &dwarf);
	if (err && err->code == ERROR_NOMEM)
		return err;
	if (err) {
		error_free(err);
		return NULL;
	}
	err = percpu_types(o->vmlinux, dwarf, cache_dir, o->progress, &found);
	if (!err && any_known(found, n)) {
		free(*percpu);
		*percpu = found;
		*ret = dwarf;
		return NULL;
	}
	if (!err)
		free(found);
	types_destroy(dwarf);
	return err;
}

struct error *companion_files(const char *cache_dir, const struct companion_options *options, struct companion *ret)
{
	struct companion_options o = *options;
	struct types *dwarf = NULL;
	_cleanup_free_ uint64_t *percpu = NULL;
	_cleanup_free_ char *exec_file = NULL;
	struct declared d = { NULL };
	struct error *err = NULL;
	if (o.vmlinux && o.types) {
		err = percpu_types(o.vmlinux, o.types, cache_dir, o.progress, &percpu);
		if (!err)
			err = ask_dwarf(cache_dir, &o, &dwarf, &percpu);
		if (dwarf)
			o.types = dwarf;
	}
	unsigned nleft_out = 0;
	for (unsigned v = 0; !err && percpu && v < VARIABLES; v++)
		nleft_out += d.left_out[v] = o.is_taken(o.arg, variable_name(v));
	d.percpu = nleft_out < VARIABLES ? percpu : NULL;
	if (!err)
		err = write_one(cache_dir, "companion", &o, &d, 0, &exec_file);
	if (!err)
		err = write_one(cache_dir, "companion-library", &o, &d, COMPANION_OFFSET, &ret->library);
	if (!err)
		ret->exec_file = steal(exec_file);
	types_destroy(dwarf);
	return err;
}

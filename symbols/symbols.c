/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/symbols.h"

#include <ctype.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stub/base/cleanup.h"
#include "symbols/elf.h"
#include "symbols/windows.h"

/* How far behind a function's end an address may lie and still be called its own. */
enum { PADDING = 16 };

/* include/linux/kallsyms.h, KSYM_NAME_LEN */
enum { NAME_LEN_MAX = 512 };

struct symbols {
	struct elf_file file;
	bool tables_read;
	const Elf64_Sym *syms;          /* borrowed from the file */
	size_t nsyms;
	const char *names;
	size_t names_len;
	uint32_t *by_address;           /* made at the first look-up by address */
	size_t nby_address;
	uint32_t *by_name;              /* open addressing: index + 1, made at the first look-up */
	size_t name_slots;
	struct symbol *percpu;          /* made at the first question */
	size_t npercpu;
	struct types *types;
};

struct error *symbols_open(const char *path, struct symbols **ret)
{
	struct symbols *s = calloc(1, sizeof(*s));
	if (!s)
		return error_nomem();
	s->file.fd = -1;
	struct error *err = elf_file_open(path, &s->file);
	if (err) {
		free(s);
		return err;
	}
	*ret = s;
	return NULL;
}

void symbols_close(struct symbols *s)
{
	if (!s)
		return;
	types_destroy(s->types);
	free(s->by_address);
	free(s->by_name);
	free(s->percpu);
	elf_file_close(&s->file);
	free(s);
}

const char *symbols_path(const struct symbols *s)
{
	return s->file.path;
}

const struct build_id *symbols_build_id(const struct symbols *s)
{
	return &s->file.build_id;
}

uint16_t symbols_machine(const struct symbols *s)
{
	return s->file.machine;
}

static uint64_t hash(uint64_t h, const void *bytes, size_t len)
{
	for (const unsigned char *p = bytes; len--; p++)
		h = (h ^ *p) * 0x100000001b3;
	return h;
}

uint64_t symbols_fingerprint(const struct symbols *s)
{
	const struct build_id *id = &s->file.build_id;
	struct stat st;
	uint64_t h = hash(0xcbf29ce484222325, id->bytes, id->len);
	for (size_t i = 0; i < s->file.nsections; i++) {
		const struct section *section = &s->file.sections[i];
		const uint64_t numbers[] = { section->addr, section->size, section->offset, section->flags,
					     section->type };
		h = hash(h, numbers, sizeof(numbers));
		h = hash(h, section->name, strlen(section->name) + 1);
	}
	if (!id->len && !stat(s->file.path, &st)) {
		h = hash(h, &st.st_size, sizeof(st.st_size));
		h = hash(h, &st.st_mtim, sizeof(st.st_mtim));
	}
	return h;
}

const struct section *symbols_sections(const struct symbols *s, size_t *n_ret)
{
	*n_ret = s->file.nsections;
	return s->file.sections;
}

const struct section *symbols_section(const struct symbols *s, const char *name)
{
	for (size_t i = 0; i < s->file.nsections; i++)
		if (!strcmp(s->file.sections[i].name, name))
			return &s->file.sections[i];
	return NULL;
}

bool symbols_has_dwarf(const struct symbols *s)
{
	return symbols_section(s, ".debug_info") || symbols_section(s, ".zdebug_info");
}

const struct segment *symbols_segments(const struct symbols *s, size_t *n_ret)
{
	*n_ret = s->file.nsegments;
	return s->file.segments;
}

struct error *symbols_section_data(struct symbols *s, const char *name, const void **ret, size_t *len_ret)
{
	const struct section *section = symbols_section(s, name);
	if (!section)
		return error_new(ERROR_NOT_FOUND, "%s has no section %s", s->file.path, name);
	return elf_file_data(&s->file, (size_t)(section - s->file.sections), ret, len_ret);
}

/* The symbol table and its names, with bounds set once; a damaged one is an empty one. */
static void read_tables(struct symbols *s)
{
	const void *syms, *names;
	size_t len, names_len;
	if (s->tables_read)
		return;
	s->tables_read = true;
	struct error *err = symbols_section_data(s, ".symtab", &syms, &len);
	if (!err)
		err = symbols_section_data(s, ".strtab", &names, &names_len);
	if (!err && names_len && !((const char *)names)[names_len - 1] &&
	    (uintptr_t)syms % _Alignof(Elf64_Sym) == 0 && len / sizeof(Elf64_Sym) < UINT32_MAX) {
		s->syms = syms;
		s->nsyms = len / sizeof(Elf64_Sym);
		s->names = names;
		s->names_len = names_len;
	}
	error_free(err);
}

static const char *name_of(const struct symbols *s, uint32_t i)
{
	return s->syms[i].st_name < s->names_len ? s->names + s->syms[i].st_name : "";
}

static void fill(const struct symbols *s, uint32_t i, struct symbol *ret)
{
	const Elf64_Sym *y = &s->syms[i];
	*ret = (struct symbol){
		.name = name_of(s, i), .addr = y->st_value, .size = y->st_size,
		.type = ELF64_ST_TYPE(y->st_info), .bind = ELF64_ST_BIND(y->st_info),
		.section = y->st_shndx,
	};
}

static bool is_named(const struct symbols *s, uint32_t i)
{
	unsigned type = ELF64_ST_TYPE(s->syms[i].st_info);
	return s->syms[i].st_shndx != SHN_UNDEF && type != STT_FILE && type != STT_SECTION &&
	       *name_of(s, i);
}

static uint32_t hash_of(const char *name)
{
	uint32_t h = 2166136261u;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

/* Globals first, so that they are met first. */
static bool index_names(struct symbols *s)
{
	read_tables(s);
	if (s->by_name || !s->nsyms)
		return s->by_name;
	size_t slots = 16;
	while (slots < s->nsyms * 2)
		slots *= 2;
	s->by_name = calloc(slots, sizeof(*s->by_name));
	if (!s->by_name)
		return false;
	s->name_slots = slots;
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < s->nsyms; i++) {
			bool local = ELF64_ST_BIND(s->syms[i].st_info) == STB_LOCAL;
			if (local != (pass == 1) || !is_named(s, i))
				continue;
			size_t slot = hash_of(name_of(s, i)) & (slots - 1);
			while (s->by_name[slot])
				slot = (slot + 1) & (slots - 1);
			s->by_name[slot] = i + 1;
		}
	}
	return true;
}

bool symbols_lookup(struct symbols *s, const char *name, struct symbol *ret)
{
	if (!index_names(s))
		return false;
	for (size_t slot = hash_of(name) & (s->name_slots - 1); s->by_name[slot];
	     slot = (slot + 1) & (s->name_slots - 1)) {
		if (!strcmp(name_of(s, s->by_name[slot] - 1), name)) {
			fill(s, s->by_name[slot] - 1, ret);
			return true;
		}
	}
	return false;
}

/* Of several at one address the best name stands last: functions, then globals. */
static int rank_of(const Elf64_Sym *y)
{
	return (ELF64_ST_TYPE(y->st_info) == STT_FUNC) * 4 + (y->st_size != 0) * 2 +
	       (ELF64_ST_BIND(y->st_info) != STB_LOCAL);
}

static int compare_addresses(const void *a, const void *b, void *arg)
{
	const struct symbols *s = arg;
	const Elf64_Sym *x = &s->syms[*(const uint32_t *)a], *y = &s->syms[*(const uint32_t *)b];
	if (x->st_value != y->st_value)
		return x->st_value < y->st_value ? -1 : 1;
	return rank_of(x) - rank_of(y);
}

static bool index_addresses(struct symbols *s)
{
	read_tables(s);
	if (s->by_address || !s->nsyms)
		return s->by_address;
	s->by_address = calloc(s->nsyms, sizeof(*s->by_address));
	if (!s->by_address)
		return false;
	for (uint32_t i = 0; i < s->nsyms; i++)
		if (is_named(s, i) && s->syms[i].st_shndx < SHN_LORESERVE)
			s->by_address[s->nby_address++] = i;
	qsort_r(s->by_address, s->nby_address, sizeof(*s->by_address), compare_addresses, s);
	return true;
}

bool symbols_by_address(struct symbols *s, uint64_t addr, struct symbol *ret)
{
	if (!index_addresses(s))
		return false;
	size_t low = 0, high = s->nby_address;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->syms[s->by_address[middle]].st_value <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	const Elf64_Sym *y = &s->syms[s->by_address[low - 1]];
	if (y->st_shndx >= s->file.nsections)
		return false;
	const struct section *in = &s->file.sections[y->st_shndx];
	if (addr - in->addr >= in->size)
		return false;
	if (y->st_size && addr - y->st_value >= y->st_size + PADDING)
		return false;
	fill(s, s->by_address[low - 1], ret);
	return true;
}

/* A name that C can have, and not one to fill memory with. */
static bool is_identifier(const char *name)
{
	size_t len = 0;
	if (isdigit((unsigned char)*name))
		return false;
	while (len < NAME_LEN_MAX && (isalnum((unsigned char)name[len]) || name[len] == '_'))
		len++;
	return len && !name[len];
}

static int compare_percpu(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The first of each name stays. */
static size_t drop_namesakes(struct symbol *list, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		size_t same = 0;
		while (same < kept && strcmp(list[same].name, list[i].name))
			same++;
		if (same == kept)
			list[kept++] = list[i];
	}
	return kept;
}

const struct symbol *symbols_percpu(struct symbols *s, size_t *n_ret)
{
	const struct section *section = symbols_section(s, PERCPU_SECTION);
	size_t n = 0;
	*n_ret = s->npercpu;
	if (s->percpu || !section)
		return s->percpu;
	read_tables(s);
	s->percpu = calloc(PERCPU_MAX, sizeof(*s->percpu));
	for (uint32_t i = 0; s->percpu && i < s->nsyms && n < PERCPU_MAX; i++) {
		struct symbol *v = &s->percpu[n];
		fill(s, i, v);
		n += v->section == section - s->file.sections && v->type == STT_OBJECT &&
		     v->addr - section->addr < section->size && is_identifier(v->name);
	}
	if (!s->percpu)
		return NULL;
	qsort(s->percpu, n, sizeof(*s->percpu), compare_percpu);
	*n_ret = s->npercpu = drop_namesakes(s->percpu, n);
	return s->percpu;
}

struct error *symbols_types(struct symbols *s, enum types_source from, struct types **ret)
{
	const void *btf;
	size_t len;
	struct error *err = NULL;
	if (!s->types && from != TYPES_DWARF) {
		err = symbols_section_data(s, ".BTF", &btf, &len);
		if (!err)
			err = types_from_btf(btf, len, &s->types);
		if (err && from == TYPES_BTF)
			return error_prefix(err, "--types=btf");
		error_free(err);
		err = NULL;
	}
	if (!s->types)
		err = types_from_dwarf(s->file.path, &s->types);
	if (!err)
		*ret = s->types;
	return err;
}

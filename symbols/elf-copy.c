/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/elf-copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stub/base/cleanup.h"

enum { CHUNK = 8 << 20 };

static struct error *write_at(int fd, const void *bytes, size_t len, uint64_t offset)
{
	const char *p = bytes;
	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_os(errno, "writing a prepared file");
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return NULL;
}

static struct error *read_at(int fd, void *bytes, size_t len, uint64_t offset)
{
	ssize_t n = pread(fd, bytes, len, (off_t)offset);
	if (n < 0)
		return error_os(errno, "reading an ELF file");
	return (size_t)n == len ? NULL : error_new(ERROR_TRUNCATED, "the ELF file is truncated");
}

/* copy_file_range() shares blocks where the file system can; else the kernel copies. */
static struct error *copy_range(const struct elf_copy *c, uint64_t from, uint64_t to, uint64_t len)
{
	if (from > c->from_size || len > c->from_size - from)
		return error_new(ERROR_TRUNCATED, "the ELF file is truncated");
	_cleanup_free_ char *buf = NULL;
	while (len) {
		loff_t in = (loff_t)from, out = (loff_t)to;
		size_t want = len < CHUNK ? len : CHUNK;
		ssize_t n = copy_file_range(c->from, &in, c->to, &out, want, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 && errno != ENOSPC && errno != EDQUOT && errno != EFBIG) {
			if (!buf && !(buf = malloc(CHUNK)))
				return error_nomem();
			struct error *err = read_at(c->from, buf, want, from);
			if (!err)
				err = write_at(c->to, buf, want, to);
			if (err)
				return err;
			n = (ssize_t)want;
		}
		if (n < 0)
			return error_os(errno, "writing a prepared file");
		from += (uint64_t)n;
		to += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return NULL;
}

struct error *elf_copy_start(struct elf_file *f, int to, struct elf_copy *ret)
{
	struct elf_copy c = { .from = f->fd, .to = to, .names = BUFFER_INIT };
	struct stat st;
	if (fstat(f->fd, &st))
		return error_os(errno, "%s", f->path);
	c.from_size = (uint64_t)st.st_size;
	struct error *err = read_at(f->fd, &c.header, sizeof(c.header), 0);
	c.nsections = f->nsections;
	if (!err && (c.header.e_shentsize != sizeof(Elf64_Shdr) || c.header.e_shstrndx >= c.nsections ||
		     c.nsections >= SHN_LORESERVE))
		err = error_new(ERROR_UNSUPPORTED, "%s: section headers of an unusual kind", f->path);
	if (err)
		return err;
	c.sections = calloc(c.nsections, sizeof(*c.sections));
	if (!c.sections)
		return error_nomem();
	err = read_at(f->fd, c.sections, c.nsections * sizeof(*c.sections), c.header.e_shoff);
	const void *names;
	size_t len;
	if (!err)
		err = elf_file_data(f, c.header.e_shstrndx, &names, &len);
	if (!err)
		buffer_put(&c.names, names, len);
	if (!err)
		err = buffer_error(&c.names);
	if (err) {
		elf_copy_deinit(&c);
		return err;
	}
	*ret = c;
	return NULL;
}

void elf_copy_deinit(struct elf_copy *c)
{
	free(c->sections);
	buffer_deinit(&c->names);
	*c = (struct elf_copy){ .from = -1, .to = -1 };
}

void elf_copy_drop(struct elf_copy *c, size_t index)
{
	uint32_t name = c->sections[index].sh_name;
	c->sections[index] = (Elf64_Shdr){ .sh_name = name, .sh_type = SHT_NULL };
}

/*
 * The end of what must stay where it is: program headers and everything that is loaded. Without
 * program headers (a module) nothing must.
 */
static uint64_t fixed_end(const struct elf_copy *c)
{
	uint64_t end = sizeof(c->header);
	if (!c->header.e_phnum)
		return end;
	end = c->header.e_phoff + (uint64_t)c->header.e_phnum * c->header.e_phentsize;
	for (size_t i = 0; i < c->nsections; i++) {
		const Elf64_Shdr *s = &c->sections[i];
		if ((s->sh_flags & SHF_ALLOC) && s->sh_type != SHT_NOBITS && s->sh_type != SHT_NULL &&
		    s->sh_offset + s->sh_size > end)
			end = s->sh_offset + s->sh_size;
	}
	return end;
}

struct error *elf_copy_sections(struct elf_copy *c, struct progress *progress)
{
	uint64_t end = fixed_end(c);
	struct error *err = copy_range(c, 0, 0, end < c->from_size ? end : c->from_size);
	for (size_t i = 0; i < c->nsections && !err; i++) {
		Elf64_Shdr *s = &c->sections[i];
		bool is_names = i == c->header.e_shstrndx;
		bool stays = c->header.e_phnum && (s->sh_flags & SHF_ALLOC);
		if (stays || s->sh_type == SHT_NULL || s->sh_type == SHT_NOBITS || is_names)
			continue;
		uint64_t align = s->sh_addralign > 1 && s->sh_addralign <= 4096 ? s->sh_addralign : 1;
		end = (end + align - 1) / align * align;
		/* Sections that lie over each other could make the copy as large as they like. */
		err = end > c->from_size * 2 + CHUNK ?
		      error_new(ERROR_FORMAT, "the ELF file's sections overlap") :
		      copy_range(c, s->sh_offset, end, s->sh_size);
		s->sh_offset = end;
		end += s->sh_size;
		progress_report(progress, "copying vmlinux", (int)(i * 100 / c->nsections));
	}
	c->end = end;
	return err;
}

/* Section numbers in what the copy has of one section: symbols, and the members of a group. */
static struct error *renumber_content(struct elf_copy *c, const Elf64_Shdr *s, const uint32_t *moved)
{
	bool is_group = s->sh_type == SHT_GROUP;
	if ((s->sh_type != SHT_SYMTAB && !is_group) || !s->sh_size)
		return NULL;
	if (s->sh_size > c->from_size)
		return error_new(ERROR_TRUNCATED, "the ELF file is truncated");
	_cleanup_free_ unsigned char *bytes = malloc(s->sh_size);
	if (!bytes)
		return error_nomem();
	struct error *err = read_at(c->to, bytes, s->sh_size, s->sh_offset);
	if (err)
		return err;
	size_t entry = is_group ? sizeof(Elf32_Word) : sizeof(Elf64_Sym);
	/* A group's first word is its flags. */
	for (size_t i = is_group; i < s->sh_size / entry; i++) {
		unsigned char *at = bytes + i * entry;
		Elf64_Sym symbol;
		Elf32_Word member;
		if (is_group) {
			memcpy(&member, at, sizeof(member));
			if (member < c->nsections)
				member = moved[member];
			memcpy(at, &member, sizeof(member));
		} else {
			memcpy(&symbol, at, sizeof(symbol));
			if (symbol.st_shndx < c->nsections)
				symbol.st_shndx = (Elf64_Section)moved[symbol.st_shndx];
			memcpy(at, &symbol, sizeof(symbol));
		}
	}
	return write_at(c->to, bytes, s->sh_size, s->sh_offset);
}

struct error *elf_copy_loaded_first(struct elf_copy *c)
{
	_cleanup_free_ uint32_t *moved = calloc(c->nsections, sizeof(*moved));
	_cleanup_free_ Elf64_Shdr *sections = calloc(c->nsections, sizeof(*sections));
	struct error *err = NULL;
	uint32_t n = 1;                 /* 0 stands for "none" and stays */
	if (!moved || !sections)
		return error_nomem();
	for (int loaded = 1; loaded >= 0; loaded--)
		for (size_t i = 1; i < c->nsections; i++)
			if (!!(c->sections[i].sh_flags & SHF_ALLOC) == loaded)
				moved[i] = n++;
	for (size_t i = 0; i < c->nsections && !err; i++) {
		Elf64_Shdr s = c->sections[i];
		bool names_section = s.sh_type == SHT_REL || s.sh_type == SHT_RELA ||
				     (s.sh_flags & SHF_INFO_LINK);
		if (i && s.sh_link < c->nsections)
			s.sh_link = moved[s.sh_link];
		if (names_section && s.sh_info < c->nsections)
			s.sh_info = moved[s.sh_info];
		sections[moved[i]] = s;
		err = renumber_content(c, &s, moved);
	}
	if (err)
		return err;
	c->header.e_shstrndx = (Elf64_Half)moved[c->header.e_shstrndx];
	free(c->sections);
	c->sections = steal(sections);
	return NULL;
}

struct error *elf_copy_put(struct elf_copy *c, size_t index, const void *bytes, size_t len)
{
	Elf64_Shdr *s = &c->sections[index];
	c->end = (c->end + 7) & ~7ull;
	struct error *err = write_at(c->to, bytes, len, c->end);
	if (err)
		return err;
	s->sh_type = SHT_PROGBITS;
	s->sh_flags &= ~(uint64_t)(SHF_COMPRESSED | SHF_ALLOC);
	s->sh_offset = c->end;
	s->sh_size = len;
	s->sh_addralign = 8;
	c->end += len;
	return NULL;
}

struct error *elf_copy_add(struct elf_copy *c, const char *name, const void *bytes, size_t len)
{
	Elf64_Shdr *longer = reallocarray(c->sections, c->nsections + 1, sizeof(*longer));
	if (!longer)
		return error_nomem();
	c->sections = longer;
	c->sections[c->nsections++] = (Elf64_Shdr){ .sh_name = (uint32_t)c->names.len };
	buffer_put(&c->names, name, strlen(name) + 1);
	struct error *err = buffer_error(&c->names);
	return err ? err : elf_copy_put(c, c->nsections - 1, bytes, len);
}

struct error *elf_copy_add_relocations(struct elf_copy *c, const char *name, const void *bytes, size_t len)
{
	size_t symtab = 1, relocated = c->nsections - 1;
	while (symtab < c->nsections && c->sections[symtab].sh_type != SHT_SYMTAB)
		symtab++;
	if (symtab == c->nsections)
		return error_new(ERROR_FORMAT, "the ELF file has no symbols");
	struct error *err = elf_copy_add(c, name, bytes, len);
	if (err)
		return err;
	Elf64_Shdr *s = &c->sections[c->nsections - 1];
	s->sh_type = SHT_RELA;
	s->sh_flags = SHF_INFO_LINK;
	s->sh_link = (Elf64_Word)symtab;
	s->sh_info = (Elf64_Word)relocated;
	s->sh_entsize = sizeof(Elf64_Rela);
	return NULL;
}

struct error *elf_copy_finish(struct elf_copy *c)
{
	Elf64_Shdr *names = &c->sections[c->header.e_shstrndx];
	uint64_t at = (c->end + 7) & ~7ull;
	struct error *err = write_at(c->to, c->names.data, c->names.len, at);
	names->sh_offset = at;
	names->sh_size = c->names.len;
	names->sh_flags &= ~(uint64_t)SHF_COMPRESSED;
	at = (at + c->names.len + 7) & ~7ull;
	if (!err)
		err = write_at(c->to, c->sections, c->nsections * sizeof(*c->sections), at);
	c->header.e_shoff = at;
	c->header.e_shnum = (uint16_t)c->nsections;
	if (!err)
		err = write_at(c->to, &c->header, sizeof(c->header), 0);
	if (!err && ftruncate(c->to, (off_t)(at + c->nsections * sizeof(*c->sections))))
		err = error_os(errno, "writing a prepared file");
	return err;
}

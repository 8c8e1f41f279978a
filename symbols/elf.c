/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One ELF file by libelf: sections, segments, build-id, and the bytes of a section. */
#include "symbols/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stub/base/cleanup.h"

enum { SECTIONS_MAX = 1 << 20, NOTE_GNU_BUILD_ID = 3 };

bool build_id_equal(const struct build_id *a, const struct build_id *b)
{
	return a->len && a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

void build_id_text(const struct build_id *id, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	for (unsigned i = 0; i < id->len; i++) {
		*ret++ = digits[id->bytes[i] >> 4];
		*ret++ = digits[id->bytes[i] & 15];
	}
	*ret = '\0';
}

static int digit_value(char c)
{
	const char *digits = "0123456789abcdef", *hit = c ? strchr(digits, c | ((c >= 'A' && c <= 'F') ? 0x20 : 0)) : NULL;
	return hit ? (int)(hit - digits) : -1;
}

bool build_id_parse(const char *text, size_t len, struct build_id *ret)
{
	struct build_id id = { .len = (unsigned)(len / 2) };
	if (len % 2 || !len || len / 2 > BUILD_ID_MAX)
		return false;
	for (size_t i = 0; i < len; i += 2) {
		int high = digit_value(text[i]), low = digit_value(text[i + 1]);
		if (high < 0 || low < 0)
			return false;
		id.bytes[i / 2] = (unsigned char)(high << 4 | low);
	}
	*ret = id;
	return true;
}

bool build_id_from_notes(const void *notes, size_t len, struct build_id *ret)
{
	const unsigned char *bytes = notes;
	for (size_t at = 0; len - at >= sizeof(GElf_Nhdr);) {
		GElf_Nhdr n;
		memcpy(&n, bytes + at, sizeof(n));
		size_t left = len - at - sizeof(n);
		size_t name_room = ((size_t)n.n_namesz + 3) & ~(size_t)3;
		if (name_room > left || n.n_descsz > left - name_room)
			return false;
		const unsigned char *name = bytes + at + sizeof(n), *desc = name + name_room;
		if (n.n_type == NOTE_GNU_BUILD_ID && n.n_namesz == 4 && !memcmp(name, "GNU", 4) &&
		    n.n_descsz && n.n_descsz <= BUILD_ID_MAX) {
			memcpy(ret->bytes, desc, n.n_descsz);
			ret->len = n.n_descsz;
			return true;
		}
		size_t step = sizeof(n) + name_room + (((size_t)n.n_descsz + 3) & ~(size_t)3);
		if (step > len - at)
			return false;
		at += step;
	}
	return false;
}

static struct error *libelf_error(const char *path)
{
	return error_new(ERROR_FORMAT, "%s: %s", path, elf_errmsg(-1));
}

static struct error *read_sections(struct elf_file *f)
{
	size_t n, names;
	if (elf_getshdrnum(f->elf, &n) || elf_getshdrstrndx(f->elf, &names))
		return libelf_error(f->path);
	if (n > SECTIONS_MAX)
		return error_new(ERROR_FORMAT, "%s: %zu sections", f->path, n);
	f->sections = calloc(n ? n : 1, sizeof(*f->sections));
	if (!f->sections)
		return error_nomem();
	f->nsections = n;
	for (size_t i = 0; i < n; i++) {
		GElf_Shdr h;
		Elf_Scn *scn = elf_getscn(f->elf, i);
		if (!scn || !gelf_getshdr(scn, &h))
			return libelf_error(f->path);
		const char *name = elf_strptr(f->elf, names, h.sh_name);
		f->sections[i] = (struct section){
			.name = name ? name : "", .addr = h.sh_addr, .size = h.sh_size,
			.offset = h.sh_offset, .align = h.sh_addralign, .flags = h.sh_flags,
			.type = h.sh_type,
		};
	}
	return NULL;
}

static struct error *read_segments(struct elf_file *f)
{
	size_t n;
	if (elf_getphdrnum(f->elf, &n))
		return libelf_error(f->path);
	if (n > SECTIONS_MAX)
		return error_new(ERROR_FORMAT, "%s: %zu program headers", f->path, n);
	f->segments = calloc(n ? n : 1, sizeof(*f->segments));
	if (!f->segments)
		return error_nomem();
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr h;
		if (!gelf_getphdr(f->elf, (int)i, &h))
			return libelf_error(f->path);
		if (h.p_type == PT_LOAD)
			f->segments[f->nsegments++] = (struct segment){
				h.p_vaddr, h.p_paddr, h.p_memsz, h.p_filesz, h.p_offset, h.p_flags,
			};
	}
	return NULL;
}

static void read_build_id(struct elf_file *f)
{
	for (size_t i = 0; i < f->nsections && !f->build_id.len; i++) {
		if (f->sections[i].type != SHT_NOTE)
			continue;
		Elf_Data *d = elf_rawdata(elf_getscn(f->elf, i), NULL);
		if (!d || !d->d_buf || !build_id_from_notes(d->d_buf, d->d_size, &f->build_id))
			f->build_id.len = 0;
	}
}

struct error *elf_file_open(const char *path, struct elf_file *ret)
{
	struct elf_file f = { .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), .path = strdup(path) };
	struct error *err = NULL;
	GElf_Ehdr h;
	if (f.fd < 0)
		err = error_os(errno, "%s", path);
	else if (!f.path)
		err = error_nomem();
	elf_version(EV_CURRENT);
	if (!err && !(f.elf = elf_begin(f.fd, ELF_C_READ_MMAP, NULL)))
		err = libelf_error(path);
	if (!err && (elf_kind(f.elf) != ELF_K_ELF || !gelf_getehdr(f.elf, &h)))
		err = error_new(ERROR_FORMAT, "%s is no ELF file", path);
	if (!err && (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB))
		err = error_new(ERROR_UNSUPPORTED, "%s is no 64-bit little-endian ELF file", path);
	if (!err) {
		f.machine = h.e_machine;
		f.is_relocatable = h.e_type == ET_REL;
		err = read_sections(&f);
	}
	if (!err)
		err = read_segments(&f);
	if (err) {
		elf_file_close(&f);
		return err;
	}
	read_build_id(&f);
	*ret = f;
	return NULL;
}

void elf_file_close(struct elf_file *f)
{
	if (f->elf)
		elf_end(f->elf);
	if (f->fd >= 0)
		close(f->fd);
	free(f->sections);
	free(f->segments);
	free(f->path);
	*f = (struct elf_file){ .fd = -1 };
}

struct error *elf_file_data(struct elf_file *f, size_t index, const void **ret, size_t *len_ret)
{
	const struct section *s = &f->sections[index];
	Elf_Scn *scn = elf_getscn(f->elf, index);
	if (s->type == SHT_NOBITS)
		return error_new(ERROR_NOT_FOUND, "%s: section %s has no bytes", f->path, s->name);
	GElf_Shdr now;
	if (!scn || !gelf_getshdr(scn, &now))
		return libelf_error(f->path);
	if ((now.sh_flags & SHF_COMPRESSED) && elf_compress(scn, 0, 0) < 0)     /* it changes sh_flags */
		return libelf_error(f->path);
	Elf_Data *d = (s->flags & SHF_COMPRESSED) ? elf_getdata(scn, NULL) : elf_rawdata(scn, NULL);
	if (!d || (!d->d_buf && d->d_size))
		return libelf_error(f->path);
	*ret = d->d_buf;
	*len_ret = d->d_size;
	return NULL;
}

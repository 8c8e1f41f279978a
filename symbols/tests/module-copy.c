/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy of a module for gdb, which takes the n-th address for its n-th section: everything
 * that the kernel loads must have the first numbers, and every name must still mean the same.
 * What is right is what libelf reads in the original.
 */
#include <config.h>

#include "symbols/prepared.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <unistd.h>

#include "stub/base/cleanup.h"
#include "stub/base/tests/tap.h"
#include "symbols/cache.h"

struct file {
	int fd;
	Elf *elf;
	size_t n, names;
};

static bool open_file(const char *path, struct file *ret)
{
	struct file f = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	f.elf = elf_begin(f.fd, ELF_C_READ, NULL);
	if (elf_getshdrnum(f.elf, &f.n) || elf_getshdrstrndx(f.elf, &f.names)) {
		tap_diag("%s: %s", path, elf_errmsg(-1));
		return false;
	}
	*ret = f;
	return true;
}

static void close_file(struct file *f)
{
	elf_end(f->elf);
	close(f->fd);
}

static GElf_Shdr header(const struct file *f, size_t index)
{
	GElf_Shdr h = { .sh_type = SHT_NULL };
	Elf_Scn *scn = elf_getscn(f->elf, index);
	if (scn)
		gelf_getshdr(scn, &h);
	return h;
}

/* "" for a number that is none of the file's. */
static const char *name_of(const struct file *f, size_t index)
{
	GElf_Shdr h = header(f, index);
	const char *name = h.sh_type == SHT_NULL ? NULL : elf_strptr(f->elf, f->names, h.sh_name);
	return name ? name : "";
}

static size_t find(const struct file *f, const char *name)
{
	for (size_t i = 1; i < f->n; i++)
		if (!strcmp(name_of(f, i), name))
			return i;
	return 0;
}

static Elf_Data *bytes_of(const struct file *f, const char *name)
{
	static Elf_Data none;
	Elf_Data *data = elf_rawdata(elf_getscn(f->elf, find(f, name)), NULL);
	return data ? data : &none;
}

static bool loaded_first(const struct file *f)
{
	bool behind = false;
	for (size_t i = 1; i < f->n; i++) {
		GElf_Shdr h = header(f, i);
		if ((h.sh_flags & SHF_ALLOC) && behind)
			return false;
		behind |= !(h.sh_flags & SHF_ALLOC);
	}
	return true;
}

/* Sections, links and infos by the names of what they stand for; contents as they are. */
static void check_sections(const struct file *from, const struct file *to)
{
	char last[64] = "";
	for (size_t i = 1; i < from->n; i++) {
		const char *name = name_of(from, i);
		size_t at = find(to, name);
		GElf_Shdr a = header(from, i), b = header(to, at);
		if (!tap_ok(at, "%s is there", name))
			continue;
		tap_ok(a.sh_type == b.sh_type && a.sh_flags == b.sh_flags && a.sh_addralign == b.sh_addralign &&
		       (a.sh_size == b.sh_size || i == from->names), "%s is what it was", name);
		tap_is_str(name_of(to, b.sh_link), name_of(from, a.sh_link), "its link");
		if (a.sh_type == SHT_RELA)
			tap_is_str(name_of(to, b.sh_info), name_of(from, a.sh_info), "what it relocates");
		else
			tap_is_u64(b.sh_info, a.sh_info, "its info");
		if (a.sh_flags & SHF_ALLOC) {
			tap_ok(find(to, last) < at, "%s is behind %s", name, last);
			snprintf(last, sizeof(last), "%s", name);
		}
		if (!a.sh_size || (a.sh_type != SHT_PROGBITS && a.sh_type != SHT_RELA && a.sh_type != SHT_STRTAB))
			continue;
		Elf_Data *x = bytes_of(from, name), *y = bytes_of(to, name);
		tap_ok(x->d_size <= y->d_size && !memcmp(x->d_buf, y->d_buf, x->d_size),
		       "its bytes");
	}
}

static void check_symbols(const struct file *from, const struct file *to)
{
	GElf_Shdr table = header(from, find(from, ".symtab"));
	Elf_Data *a = bytes_of(from, ".symtab"), *b = bytes_of(to, ".symtab");
	size_t n = table.sh_size / sizeof(Elf64_Sym);
	tap_ok(n > 10 && a->d_size == b->d_size, "%zu symbols", n);
	for (size_t i = 1; i < n && a->d_size == b->d_size; i++) {
		Elf64_Sym x, y;
		memcpy(&x, (char *)a->d_buf + i * sizeof(x), sizeof(x));
		memcpy(&y, (char *)b->d_buf + i * sizeof(y), sizeof(y));
		const char *where = name_of(from, x.st_shndx);
		tap_ok(where[0] && !strcmp(where, name_of(to, y.st_shndx)) && x.st_value == y.st_value &&
		       x.st_name == y.st_name && x.st_info == y.st_info, "symbol %zu is in %s", i, where);
	}
}

static void check_group(const struct file *from, const struct file *to)
{
	Elf_Data *a = bytes_of(from, ".group"), *b = bytes_of(to, ".group");
	Elf32_Word x[8], y[8];
	size_t n = a->d_size / sizeof(*x);
	if (!tap_ok(n > 1 && n <= 8 && a->d_size == b->d_size, "a group of %zu words", n))
		return;
	memcpy(x, a->d_buf, a->d_size);
	memcpy(y, b->d_buf, b->d_size);
	tap_is_u64(y[0], x[0], "its flags");
	for (size_t i = 1; i < n; i++)
		tap_is_str(name_of(to, y[i]), name_of(from, x[i]), "its member");
}

static void check(const char *original, const char *cache)
{
	_cleanup_symbols_ struct symbols *ko = NULL;
	_cleanup_free_ char *path = NULL, *again = NULL, *warning = NULL;
	struct file from, to;
	_cleanup_error_ struct error *err = symbols_open(original, &ko);
	if (!err)
		err = prepared_module(ko, NULL, cache, "layout", &path, &warning);
	if (!tap_ok(!err, "%s is prepared", original)) {
		tap_diag("%s", err->text);
		return;
	}
	if (!open_file(original, &from) || !open_file(path, &to)) {
		tap_ok(false, "both can be read");
		return;
	}
	tap_ok(!loaded_first(&from) && loaded_first(&to), "what is loaded comes first");
	check_sections(&from, &to);
	check_symbols(&from, &to);
	check_group(&from, &to);
	close_file(&from);
	close_file(&to);

	_cleanup_symbols_ struct symbols *copy = NULL;
	_cleanup_error_ struct error *second = symbols_open(path, &copy);
	if (!second)
		second = prepared_module(copy, NULL, cache, "layout", &again, &warning);
	tap_ok(!second && !strcmp(path, again), "the copy needs no copy");
}

int main(void)
{
	static char root[] = "/tmp/kstub-test-XXXXXX";
	const char *dir = getenv("top_builddir");
	_cleanup_free_ char *original = NULL;
	elf_version(EV_CURRENT);
	if (!mkdtemp(root) || asprintf(&original, "%s/symbols/tests/layout.ko", dir ? dir : ".") < 0)
		return 1;
	check(original, root);
	cache_remove_tree(root);
	return tap_done();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that calls itself a vmlinux or a module: sections, symbols, types, and the copy of it. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbols/elf-copy.h"
#include "symbols/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ask(struct symbols *s)
{
	static const char *const names[] = { "_text", "init_task", "", "a" };
	static const char *const sections[] = { ".BTF", ".modinfo", ".orc_unwind", ".text", ".symtab" };
	struct symbol symbol;
	struct types *t;
	struct member m;
	const void *bytes;
	size_t n;
	volatile char sum = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (symbols_lookup(s, names[i], &symbol))
			symbols_by_address(s, symbol.addr + 1, &symbol);
	symbols_by_address(s, 0xffffffff81000000, &symbol);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		struct error *err = symbols_section_data(s, sections[i], &bytes, &n);
		if (!err && n)
			sum += ((const char *)bytes)[0] + ((const char *)bytes)[n - 1];
		error_free(err);
	}
	symbols_segments(s, &n);
	struct error *err = symbols_types(s, TYPES_AUTO, &t);
	if (!err)
		err = types_member(t, "a", "b", &m);
	error_free(err);
	(void)sum;
}

static void copy(const char *path)
{
	struct elf_file f = { .fd = -1 };
	struct elf_copy c = { .from = -1, .to = -1 };
	struct error *err = elf_file_open(path, &f);
	if (err) {
		error_free(err);
		return;
	}
	int to = memfd_create("copy", MFD_CLOEXEC);
	err = elf_copy_start(&f, to, &c);
	if (!err && c.nsections > 1)
		elf_copy_drop(&c, 1);
	if (!err)
		err = elf_copy_sections(&c, NULL);
	if (!err)
		err = elf_copy_add(&c, ".new", "new", 3);
	if (!err)
		err = elf_copy_finish(&c);
	error_free(err);
	elf_copy_deinit(&c);
	elf_file_close(&f);
	close(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char path[64];
	struct symbols *s;
	int fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct error *err = symbols_open(path, &s);
	if (!err) {
		ask(s);
		symbols_close(s);
		copy(path);
	}
	error_free(err);
	close(fd);
	return 0;
}

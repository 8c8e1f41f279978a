/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ORC tables and a compiler's .debug_frame from a hostile vmlinux. The input: the layout of struct
 * orc_entry, the number of entries, their addresses, the entries, and the rest is .debug_frame.
 */
#include <elf.h>
#include <stdlib.h>

#include "symbols/cfi.h"
#include "symbols/orc.h"
#include "symbols/tests/orc-types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { TEXT = 0x1000, TEXT_SIZE = 0x1000, ENTRY = 6, FRAME_MAX = 1 << 16 };
enum { SECTION_NULL, SECTION_TEXT, SECTION_FRAME, SECTION_NAMES, SECTIONS };
static const char names[] = "\0.text\0.debug_frame\0.shstrtab";

/* Just enough of a file for libdw to find the frame section in. */
struct image {
	Elf64_Ehdr header;
	Elf64_Shdr sections[SECTIONS];
	char names[sizeof(names)];
	char frame[FRAME_MAX];
};

static void merge(const struct orc *orc, const uint8_t *frame, size_t len)
{
	static struct image image;
	struct section sections[] = {
		{ .name = "" },
		{ .name = ".text", .addr = TEXT, .size = TEXT_SIZE, .flags = SHF_ALLOC | SHF_EXECINSTR },
		{ .name = ".text.again", .addr = TEXT + 16, .size = TEXT_SIZE, .flags = SHF_ALLOC | SHF_EXECINSTR },
		{ .name = ".all", .addr = 0, .size = UINT64_MAX, .flags = SHF_ALLOC | SHF_EXECINSTR },
	};
	struct elf_file f = { .path = (char *)(uintptr_t)"input", .sections = sections, .nsections = 4, .fd = -1 };
	struct buffer out = BUFFER_INIT;
	struct cfi_stats stats;
	if (len > FRAME_MAX)
		len = FRAME_MAX;
	image = (struct image){
		.header = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
			.e_ehsize = sizeof(Elf64_Ehdr), .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = SECTIONS,
			.e_shstrndx = SECTION_NAMES, .e_shoff = offsetof(struct image, sections),
		},
		.sections = {
			[SECTION_TEXT] = { .sh_name = 1, .sh_type = SHT_NOBITS, .sh_addr = TEXT, .sh_size = TEXT_SIZE,
					   .sh_flags = SHF_ALLOC | SHF_EXECINSTR },
			[SECTION_FRAME] = { .sh_name = 7, .sh_type = SHT_PROGBITS, .sh_size = len,
					    .sh_offset = offsetof(struct image, frame), .sh_addralign = 8 },
			[SECTION_NAMES] = { .sh_name = 20, .sh_type = SHT_STRTAB, .sh_size = sizeof(names),
					    .sh_offset = offsetof(struct image, names) },
		},
	};
	memcpy(image.names, names, sizeof(names));
	memcpy(image.frame, frame, len);
	elf_version(EV_CURRENT);
	f.elf = elf_memory((char *)&image, sizeof(image));
	if (!f.elf)
		return;
	/* In memory of exactly that size. */
	void *exact = malloc(len ? len : 1);
	if (exact) {
		memcpy(exact, frame, len);
		error_free(cfi_merge(&f, exact, len, orc, &out, &stats));
		free(exact);
	}
	buffer_deinit(&out);
	elf_end(f.elf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct types *types[LAYOUTS];
	struct orc orc;
	if (len < 2)
		return 0;
	enum layout layout = data[0] % LAYOUTS;
	size_t n = data[1], ip_len = n * 4, table_len = n * ENTRY;
	if (len - 2 < ip_len + table_len)
		return 0;
	if (!types[layout])
		types[layout] = types_of("orc_entry", ENTRY, fields_of[layout]);
	const uint8_t *table = data + 2 + ip_len, *frame = table + table_len;
	struct error *err = orc_parse(data + 2, ip_len, TEXT, table, table_len, types[layout], &orc);
	if (err) {
		error_free(err);
		return 0;
	}
	for (uint64_t addr = TEXT; addr < TEXT + TEXT_SIZE; addr += 64) {
		const struct orc_entry *e = orc_find(&orc, addr);
		if (e && (e->start > addr || e->end <= addr))
			abort();
	}
	merge(&orc, frame, len - (size_t)(frame - data));
	orc_deinit(&orc);
	return 0;
}

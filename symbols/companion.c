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

/*
 * One byte in the non-canonical hole: gdb wants a .text, and one that covered kernel addresses
 * would make it look for their symbols here.
 */
static const uint64_t TEXT = 0x8000000000000000;

/* User addresses of 5-level paging, and so of 4-level as well; page 0 stays uncovered. */
static const uint64_t USER_START = 0x1000, USER_END = 0x00fffffffffff000;

enum { SECTION_NULL, SECTION_TEXT, SECTION_FRAME, SECTION_NAMES, SECTIONS };
static const char names[] = "\0.text\0.debug_frame\0.shstrtab";

/* "Nobody called": with a CFA, since gdb 13 aborts on an FDE without one. */
static void put_frame(struct buffer *b)
{
	_cleanup_buffer_ struct buffer end = BUFFER_INIT;
	buffer_putc(&end, DW_CFA_def_cfa);
	cfi_uleb(&end, 7);
	cfi_uleb(&end, 8);
	buffer_putc(&end, DW_CFA_undefined);
	cfi_uleb(&end, 16);
	cfi_cie(b, false);
	cfi_fde(b, 0, USER_START, USER_END - USER_START, &end);
	b->failed |= end.failed;
}

static void make(struct buffer *out, const struct buffer *frame)
{
	Elf64_Ehdr h = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_entry = TEXT,
		.e_ehsize = sizeof(h), .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = SECTIONS,
		.e_shstrndx = SECTION_NAMES,
	};
	Elf64_Shdr s[SECTIONS] = {
		[SECTION_TEXT] = { .sh_name = 1, .sh_type = SHT_NOBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
				   .sh_addr = TEXT, .sh_offset = sizeof(h), .sh_size = 1, .sh_addralign = 1 },
		[SECTION_FRAME] = { .sh_name = 7, .sh_type = SHT_PROGBITS, .sh_offset = sizeof(h),
				    .sh_size = frame->len, .sh_addralign = 8 },
		[SECTION_NAMES] = { .sh_name = 20, .sh_type = SHT_STRTAB, .sh_offset = sizeof(h) + frame->len,
				    .sh_size = sizeof(names), .sh_addralign = 1 },
	};
	size_t pad = -(sizeof(h) + frame->len + sizeof(names)) & 7;
	h.e_shoff = sizeof(h) + frame->len + sizeof(names) + pad;
	buffer_put(out, &h, sizeof(h));
	buffer_put(out, frame->data, frame->len);
	buffer_put(out, names, sizeof(names));
	buffer_fill(out, 0, pad);
	buffer_put(out, s, sizeof(s));
	out->failed |= frame->failed;
}

struct error *companion_write(const char *cache_dir, const char *name, const struct buffer *frame)
{
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	struct cache_file f;
	make(&b, frame);
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

/* A few hundred bytes: made anew each time, so that it is never stale. */
struct error *companion_file(const char *cache_dir, char **ret)
{
	_cleanup_buffer_ struct buffer frame = BUFFER_INIT;
	_cleanup_free_ char *path = NULL;
	put_frame(&frame);
	if (asprintf(&path, "%s/companion", cache_dir) < 0) {
		path = NULL;
		return error_nomem();
	}
	struct error *err = companion_write(cache_dir, "companion", &frame);
	if (!err)
		*ret = steal(path);
	return err;
}

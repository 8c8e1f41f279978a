/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crashed kernel in small as a dump file that the real program opens, identifies and serves:
 * two CPUs, the second one panicked within a call of _text() by _text() from user space.
 */
#ifndef STUB_TESTS_SMALL_DUMP_H
#define STUB_TESTS_SMALL_DUMP_H

#include <fcntl.h>
#include <unistd.h>

#include "stub/linux/tests/small-kernel.h"
#include "stub/target/tests/writer.h"

enum {
	SMALL_KDUMP = 1,                /* zlib where it is built in, else plain pages */
	SMALL_NO_CPUS = 2,
	SMALL_NO_VMCOREINFO = 4,
	SMALL_AARCH64 = 8,
	SMALL_32_BIT = 16,
	SMALL_OTHER_BUILD = 32,         /* a build-id that no file has */
};

/* The last of the page of init_top_pgt that no table uses, as a stack. */
enum { SMALL_STACK = 8 * PAGE - 256, SMALL_PC = 0x10, SMALL_CALLER = 0x14, SMALL_USER = 0x401234 };

/* writer_kdump()'s callbacks have no argument. */
static const struct memory *small_memory;

static bool small_is_ram(uint64_t pfn)
{
	return pfn < RAM / PAGE;
}

/* A filter leaves out pages of zeros. */
static bool small_is_dumped(uint64_t pfn)
{
	static const char zeros[PAGE];
	return small_is_ram(pfn) && memcmp(small_memory->ram + pfn * PAGE, zeros, PAGE) != 0;
}

static void small_fill(uint64_t pfn, unsigned char *page, size_t size)
{
	memcpy(page, small_memory->ram + pfn * PAGE, size);
}

/* struct elf_prstatus: the registers are those of struct user_regs_struct, from byte 112 on. */
static void small_put_cpu(struct buffer *notes, uint64_t stack, bool panicked)
{
	enum { AT = 112, RBP = 4, RIP = 16, CS = 17, RSP = 19, SS = 20 };
	unsigned char prstatus[336] = { 0 };
	const uint64_t regs[][2] = {
		{ RBP, panicked ? stack : 0 }, { RIP, panicked ? LINK + SMALL_PC : SMALL_USER },
		{ CS, panicked ? 0x10 : 0x33 }, { RSP, panicked ? stack : 0x7ffc0000 }, { SS, panicked ? 0x18 : 0x2b },
	};
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		memcpy(prstatus + AT + regs[i][0] * 8, &regs[i][1], 8);
	put_note(notes, "CORE", NT_PRSTATUS, prstatus, sizeof(prstatus));
}

static void small_put_notes(struct memory *m, struct buffer *notes, unsigned flags)
{
	const uint64_t stack = m->top_va + SMALL_STACK;
	_cleanup_buffer_ struct buffer info = BUFFER_INIT;
	const uint64_t frames[] = { stack + 16, LINK + SMALL_CALLER, 0, SMALL_USER };
	memcpy(m->ram + phys(stack), frames, sizeof(frames));
	for (unsigned cpu = 0; cpu < 2 && !(flags & SMALL_NO_CPUS); cpu++)
		small_put_cpu(notes, stack, cpu == 1);
	buffer_printf(&info, "%sBUILD-ID=%s\n", m->note, flags & SMALL_OTHER_BUILD ?
		      "00112233445566778899aabbccddeeff00112233" : m->build_id);
	if (!(flags & SMALL_NO_VMCOREINFO))
		put_note(notes, "VMCOREINFO", 0, info.data, (uint32_t)info.len);
}

static bool small_write_elf(const struct memory *m, int fd, const struct buffer *notes, unsigned flags)
{
	_cleanup_buffer_ struct buffer head = BUFFER_INIT;
	const uint64_t low = 640 << 10, high = 1 << 20, data = 1 << 16;
	Elf64_Ehdr e = { .e_type = ET_CORE, .e_machine = flags & SMALL_AARCH64 ? EM_AARCH64 : EM_X86_64,
			 .e_version = 1, .e_phoff = sizeof(e), .e_ehsize = sizeof(e),
			 .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3 };
	const Elf64_Phdr p[3] = {
		{ PT_NOTE, 0, PAGE, 0, 0, notes->len, notes->len, 0 },
		{ PT_LOAD, 0, data, 0, 0, low, low, 0 },
		{ PT_LOAD, 0, data + high, 0, high, RAM - high, RAM - high, 0 },
	};
	memcpy(e.e_ident, ELFMAG, 4);
	e.e_ident[EI_CLASS] = flags & SMALL_32_BIT ? ELFCLASS32 : ELFCLASS64;
	e.e_ident[EI_DATA] = ELFDATA2LSB;
	if (flags & SMALL_32_BIT)
		e.e_machine = EM_386;
	put_at(&head, 0, &e, sizeof(e));
	put_at(&head, sizeof(e), p, sizeof(p));
	put_at(&head, PAGE, notes->data, notes->len);
	bool good = pwrite(fd, head.data, head.len, 0) == (ssize_t)head.len &&
		    !ftruncate(fd, (off_t)(data + RAM));
	/* Zeros stay holes. */
	for (uint64_t pfn = 0; good && pfn < RAM / PAGE; pfn++)
		if (small_is_dumped(pfn))
			good = pwrite(fd, m->ram + pfn * PAGE, PAGE, (off_t)(data + pfn * PAGE)) == PAGE;
	return good;
}

static bool small_write_kdump(int fd, const struct buffer *notes, unsigned flags)
{
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	const struct pages pages = { RAM / PAGE, small_is_ram, small_is_dumped, small_fill, notes, "" };
	const struct shape shape = {
		.version = 6, .page = PAGE, .compression = unpacker_knows(PAGE_ZLIB) ? PAGE_ZLIB : 0,
		.machine = flags & SMALL_AARCH64 ? "aarch64" : "x86_64",
	};
	writer_kdump(&b, &shape, &pages);
	return !b.failed && write(fd, b.data, b.len) == (ssize_t)b.len;
}

/* Writes `m`, into which load() has put a fixture, to `path`. */
static bool small_dump_write(struct memory *m, const char *path, unsigned flags)
{
	_cleanup_buffer_ struct buffer notes = BUFFER_INIT;
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	small_memory = m;
	small_put_notes(m, &notes, flags);
	bool good = fd >= 0 && !notes.failed && (flags & SMALL_KDUMP ? small_write_kdump(fd, &notes, flags) :
								       small_write_elf(m, fd, &notes, flags));
	return tap_ok(good, "%s is written", path);
}

#endif

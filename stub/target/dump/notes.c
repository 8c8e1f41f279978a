/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/target/dump/notes.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "stub/arch/x86_64.h"
#include "stub/base/bytes.h"
#include "stub/base/cleanup.h"

enum {
	NOTES_MAX = 64 << 20,           /* bytes: 8,192 CPUs need 7 MiB */
	CPU_NOTES_MAX = 8192,
	VMCOREINFO_MAX = 1 << 20,
	/* struct elf_prstatus of x86-64 (include/uapi/linux/elfcore.h): pr_reg */
	PRSTATUS_REGS = 112,
};

/* The n-th note of its kind belongs to the n-th CPU; `used` counts them. */
static struct cpu_note *cpu_slot(struct notes *n, unsigned used)
{
	if (used < n->ncpus)
		return &n->cpus[used];
	if (used >= CPU_NOTES_MAX)
		return NULL;
	struct cpu_note *longer = reallocarray(n->cpus, used + 1, sizeof(*longer));
	if (!longer)
		return NULL;
	n->cpus = longer;
	n->cpus[used] = (struct cpu_note){ 0 };
	n->ncpus = used + 1;
	return &n->cpus[used];
}

static unsigned count_of(const struct notes *n, bool qemu)
{
	unsigned i = 0;
	while (i < n->ncpus && (qemu ? n->cpus[i].qemu : n->cpus[i].prstatus))
		i++;
	return i;
}

static bool name_is(const unsigned char *name, uint32_t len, const char *wanted)
{
	size_t wanted_len = strlen(wanted);
	return (len == wanted_len || len == wanted_len + 1) && !memcmp(name, wanted, wanted_len);
}

static struct error *take_note(struct notes *n, const unsigned char *name, uint32_t name_len,
			       uint32_t type, const unsigned char *desc, uint32_t desc_len, uint64_t at)
{
	if (name_is(name, name_len, "CORE") && type == NT_PRSTATUS) {
		struct cpu_note *cpu = cpu_slot(n, count_of(n, false));
		if (cpu) {
			cpu->prstatus = at;
			cpu->prstatus_len = desc_len;
		}
	} else if (name_is(name, name_len, "QEMU")) {
		struct cpu_note *cpu = cpu_slot(n, count_of(n, true));
		if (cpu) {
			cpu->qemu = at;
			cpu->qemu_len = desc_len;
		}
	} else if (name_is(name, name_len, "VMCOREINFO") && !n->vmcoreinfo && desc_len &&
		   desc_len <= VMCOREINFO_MAX) {
		n->vmcoreinfo = malloc(desc_len);
		if (!n->vmcoreinfo)
			return error_nomem();
		memcpy(n->vmcoreinfo, desc, desc_len);
		n->vmcoreinfo_len = desc_len;
	}
	return NULL;
}

struct error *notes_read(struct dump_file *f, uint64_t offset, uint64_t len, struct notes *n,
			 bool *damaged_ret)
{
	*damaged_ret = len > NOTES_MAX || offset >= f->size || len > f->size - offset;
	if (offset >= f->size)
		return NULL;
	if (len > f->size - offset)
		len = f->size - offset;
	if (len > NOTES_MAX)
		len = NOTES_MAX;
	_cleanup_free_ unsigned char *bytes = malloc(len ? len : 1);
	if (!bytes)
		return error_nomem();
	struct error *err = dump_file_read(f, offset, bytes, len);
	for (uint64_t at = 0; !err && len - at >= sizeof(Elf64_Nhdr);) {
		uint32_t name_len = u32_at(bytes + at), desc_len = u32_at(bytes + at + 4);
		uint32_t type = u32_at(bytes + at + 8);
		uint64_t name = at + sizeof(Elf64_Nhdr);
		uint64_t desc = name + (((uint64_t)name_len + 3) & ~3ull);
		uint64_t next = desc + (((uint64_t)desc_len + 3) & ~3ull);
		if (!name_len && !desc_len && !type)
			break;          /* the kernel's buffers end in zeros */
		if (desc > len || desc_len > len - desc) {
			*damaged_ret = true;
			break;
		}
		err = take_note(n, bytes + name, name_len, type, bytes + desc, desc_len, offset + desc);
		if (next >= len)
			break;
		at = next;
	}
	return err;
}

void notes_deinit(struct notes *n)
{
	free(n->cpus);
	free(n->vmcoreinfo);
	*n = (struct notes){ NULL, 0, NULL, 0 };
}

/* struct user_regs_struct (arch/x86/include/asm/user_64.h), in its order. */
static const unsigned char prstatus_order[] = {
	X86_R15, X86_R14, X86_R13, X86_R12, X86_RBP, X86_RBX, X86_R11, X86_R10, X86_R9,
	X86_R8, X86_RAX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_ORIG_RAX, X86_RIP, X86_CS,
	X86_EFLAGS, X86_RSP, X86_SS, X86_FS_BASE, X86_GS_BASE, X86_DS, X86_ES, X86_FS, X86_GS,
};
enum { PRSTATUS_COUNT = sizeof(prstatus_order) };

static struct error *add_prstatus(struct dump_file *f, const struct cpu_note *c, struct regs *r)
{
	unsigned char bytes[PRSTATUS_COUNT * 8];
	if (c->prstatus_len < PRSTATUS_REGS + sizeof(bytes))
		return NULL;
	struct error *err = dump_file_read(f, c->prstatus + PRSTATUS_REGS, bytes, sizeof(bytes));
	for (unsigned i = 0; !err && i < PRSTATUS_COUNT; i++)
		regs_set(r, prstatus_order[i], u64_at(bytes + i * 8));
	return err;
}

/* QEMU's struct QEMUCPUState (target/i386/arch_dump.c), version 1. */
enum {
	QEMU_REGS = 8,                  /* rax rbx rcx rdx rsi rdi rsp rbp r8..r15 rip rflags */
	QEMU_SEGMENTS = QEMU_REGS + 18 * 8, /* cs ds es fs gs ss ldt tr gdt idt, 24 bytes each */
	QEMU_CR = QEMU_SEGMENTS + 10 * 24,
	QEMU_KERNEL_GS = QEMU_CR + 5 * 8,
	QEMU_MIN = QEMU_KERNEL_GS,
	QEMU_ALL = QEMU_KERNEL_GS + 8,
};

/* Each is selector, limit, flags, padding, base. */
static void add_segment(const unsigned char *segment, const struct x86_64_segment_regs *to, struct regs *r)
{
	if (to->selector != X86_NREGS) {
		regs_set(r, to->selector, u32_at(segment));
		regs_set(r, to->attributes, u32_at(segment + 8));
	}
	regs_set(r, to->limit, u32_at(segment + 4));
	regs_set(r, to->base, u64_at(segment + 16));
}

static struct error *add_qemu(struct dump_file *f, const struct cpu_note *c, struct regs *r)
{
	static const unsigned char general[] = {
		X86_RAX, X86_RBX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_RSP, X86_RBP, X86_R8,
		X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15, X86_RIP, X86_EFLAGS,
	};
	unsigned char note[QEMU_ALL] = { 0 };
	size_t len = c->qemu_len < sizeof(note) ? c->qemu_len : sizeof(note);
	if (len < QEMU_MIN)
		return NULL;
	struct error *err = dump_file_read(f, c->qemu, note, len);
	if (err)
		return err;
	if (u32_at(note) != 1)
		return NULL;
	for (unsigned i = 0; i < sizeof(general); i++)
		regs_set(r, general[i], u64_at(note + QEMU_REGS + i * 8));
	for (unsigned i = 0; i < X86_NSEGMENTS; i++)
		add_segment(note + QEMU_SEGMENTS + i * 24, &x86_64_segments[i], r);
	regs_set(r, X86_CR0, u64_at(note + QEMU_CR));
	regs_set(r, X86_CR2, u64_at(note + QEMU_CR + 16));
	regs_set(r, X86_CR3, u64_at(note + QEMU_CR + 24));
	regs_set(r, X86_CR4, u64_at(note + QEMU_CR + 32));
	if (len >= QEMU_ALL)
		regs_set(r, X86_K_GS_BASE, u64_at(note + QEMU_KERNEL_GS));
	return NULL;
}

struct error *notes_regs(struct dump_file *f, const struct notes *n, unsigned cpu, struct regs *ret)
{
	struct regs r = { .known = { 0 } };
	if (cpu >= n->ncpus)
		return error_new(ERROR_NOT_FOUND, "the dump has no registers of CPU %u", cpu);
	struct error *err = NULL;
	if (n->cpus[cpu].prstatus)
		err = add_prstatus(f, &n->cpus[cpu], &r);
	if (!err && n->cpus[cpu].qemu)
		err = add_qemu(f, &n->cpus[cpu], &r);
	if (!err)
		*ret = r;
	return err;
}

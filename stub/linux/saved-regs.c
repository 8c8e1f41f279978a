/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/saved-regs.h"

#include <stdlib.h>
#include <string.h>

#include "stub/arch/x86_64.h"
#include "stub/base/bytes.h"
#include "stub/linux/cpus.h"
#include "stub/linux/layout.h"

enum { SAVED = 7, FRAME_MAX = 256 };

struct frame_layout {
	struct member saved[SAVED], size;
};

/*
 * What __switch_to_asm pushes and thread.sp points at (arch/x86/include/asm/switch_to.h). Behind
 * it is the stack as the caller of __switch_to_asm has it.
 */
#define SAVED_ROW(member, i) { "inactive_task_frame", member, offsetof(struct frame_layout, saved[i]) }
static const struct layout_row rows[] = {
	SAVED_ROW("ret_addr", 0), SAVED_ROW("bx", 1), SAVED_ROW("bp", 2), SAVED_ROW("r12", 3),
	SAVED_ROW("r13", 4), SAVED_ROW("r14", 5), SAVED_ROW("r15", 6),
	{ "inactive_task_frame", NULL, offsetof(struct frame_layout, size) },
};
static const unsigned registers[SAVED] = { X86_RIP, X86_RBX, X86_RBP, X86_R12, X86_R13, X86_R14, X86_R15 };

/* A kernel with KASAN has stacks of 64 KiB (arch/x86/include/asm/page_64_types.h): none is larger. */
static const uint64_t STACK_MAX = 64 << 10;

/*
 * Bytes of a task's stack. The linker script knows them (include/asm-generic/vmlinux.lds.h); 6.9
 * gave the end its newer name.
 */
static uint64_t find_stack_size(struct kernel *k)
{
	static const char *const ends[] = { "__end_init_stack", "__end_init_task" };
	uint64_t start, end = 0;
	struct error *err = kernel_symbol(k, "init_stack", &start);
	bool found = !err;
	error_free(err);
	for (size_t i = 0; found && !end && i < 2; i++) {
		err = kernel_symbol(k, ends[i], &end);
		error_free(err);
	}
	return found && end > start && end - start < STACK_MAX ? end - start : STACK_MAX;
}

/* What is the same for every task, found once: gdb asks for the registers of each. */
struct saved_frame {
	bool known;
	struct frame_layout l;
	uint64_t stack_size, text_start, text_end;
};

static const struct saved_frame *frame_of(struct kernel *k)
{
	struct saved_frame *f = k->saved_frame;
	if (f || !k->types)
		return f;
	f = k->saved_frame = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	_cleanup_error_ struct error *err = layout_require(k->types, rows, sizeof(rows) / sizeof(rows[0]), &f->l);
	_cleanup_error_ struct error *start = kernel_symbol(k, "_text", &f->text_start);
	_cleanup_error_ struct error *end = kernel_symbol(k, "_etext", &f->text_end);
	if (start || end) {             /* somewhere in the kernel's half of the addresses */
		f->text_start = 1ull << 63;
		f->text_end = UINT64_MAX;
	}
	f->stack_size = find_stack_size(k);
	f->known = !err && f->l.size.size <= FRAME_MAX && f->l.size.size <= f->stack_size;
	for (size_t i = 0; i < SAVED; i++)      /* a debug info may say anything */
		f->known = f->known && f->l.saved[i].size == 8 && f->l.saved[i].offset + 8 <= f->l.size.size;
	return f;
}

/*
 * Every task was switched out in the kernel's own code; a stack pointer that went astray within its
 * stack leads to an address that is none.
 */
static bool read_frame(struct kernel *k, const struct task *t, struct regs *ret)
{
	unsigned char frame[FRAME_MAX];
	const struct saved_frame *f = frame_of(k);
	if (!f || !f->known || (t->sp & 7) || t->sp < t->stack || t->sp - t->stack > f->stack_size - f->l.size.size)
		return false;
	struct error *err = kernel_read(k, t->sp, frame, f->l.size.size);
	bool read = !err;
	error_free(err);
	uint64_t caller = read ? u64_at(frame + f->l.saved[0].offset) : 0;
	if (caller < f->text_start || caller >= f->text_end)
		return false;
	for (size_t i = 0; i < SAVED; i++)
		regs_set(ret, registers[i], u64_at(frame + f->l.saved[i].offset));
	regs_set(ret, X86_RSP, t->sp + f->l.size.size);
	return true;
}

enum saved_regs saved_regs(struct kernel *k, const struct task *t, struct regs *ret)
{
	unsigned index;
	memset(ret, 0, sizeof(*ret));
	if (t->running) {
		if (!cpus_regs(k, t->cpu, &index))
			return SAVED_REGS_NO_CPU;
		struct error *err = k->target->ops->read_regs(k->target, index, ret);
		if (!err)
			return SAVED_REGS_KNOWN;
		error_free(err);
		memset(ret, 0, sizeof(*ret));
		return SAVED_REGS_NO_CPU;
	}
	if (!t->stack)
		return SAVED_REGS_NO_STACK;
	return read_frame(k, t, ret) ? SAVED_REGS_KNOWN : SAVED_REGS_BAD_STACK;
}

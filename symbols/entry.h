/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules for a kernel without ORC (CONFIG_UNWINDER_FRAME_POINTER, CONFIG_UNWINDER_GUESS): what its
 * code itself says of the places where compiler and debugger would be wrong.
 */
#ifndef SYMBOLS_ENTRY_H
#define SYMBOLS_ENTRY_H

#include "symbols/elf.h"
#include "symbols/orc.h"

/*
 * Rules for the entry code (the registers that it saved, or no more than that the stack is not
 * known there), for the outermost functions, and for calls on another stack. May find nothing.
 */
struct error *entry_rules(struct symbols *s, struct elf_file *f, struct orc *ret) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwind rules for a module whose file has none for gdb, because it was stripped: a .debug_frame
 * made of the file's ORC tables, with relocations, as the file's sections are at no address yet.
 */
#ifndef SYMBOLS_MODULE_FRAME_H
#define SYMBOLS_MODULE_FRAME_H

#include "stub/base/buffer.h"
#include "stub/base/error.h"
#include "symbols/symbols.h"

struct module_frame {
	struct buffer section;          /* .debug_frame; where functions start is all left 0 */
	struct buffer relocations;      /* for it: Elf64_Rela by the numbers of the file's symbols */
};

#define MODULE_FRAME_INIT { BUFFER_INIT, BUFFER_INIT }

/* True for a file with ORC tables and without a .debug_frame. */
bool module_frame_is_missing(const struct symbols *ko);

/*
 * `types`: of the kernel, for struct orc_entry. ERROR_FORMAT: damaged tables; ERROR_UNSUPPORTED:
 * not as kstub knows them. `ret` is initialized and empty.
 */
struct error *module_frame_make(const struct symbols *ko, struct types *types,
				struct module_frame *ret) must_check;
void module_frame_deinit(struct module_frame *f);
#define _cleanup_module_frame_ __attribute__((cleanup(module_frame_deinit)))

#endif

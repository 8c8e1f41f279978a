/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DWARF of the variables that kstub invents (windows.h), for the companion. Structs of the
 * kernel's are declared by name alone: gdb takes the rest from vmlinux.
 */
#ifndef SYMBOLS_VARIABLES_H
#define SYMBOLS_VARIABLES_H

#include "symbols/dwarf-writer.h"
#include "symbols/symbols.h"
#include "symbols/types.h"

enum variable { VARIABLE_CURRENT, VARIABLE_K, VARIABLE_KSTUB, VARIABLES };
const char *variable_name(enum variable v);

/*
 * Writes them and ends the unit. `percpu` has the type of each of symbols_percpu(), 0: void;
 * `left_out` are those that the kernel has a symbol of; `shift` is taken off every address.
 */
struct error *variables_write(struct symbols *s, struct types *t, const uint64_t *percpu,
			      const bool left_out[VARIABLES], uint64_t shift,
			      struct dwarf_writer *w) must_check;

#endif

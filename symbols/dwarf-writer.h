/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes one compile unit of DWARF 4: an entry (DIE) is opened, given attributes, closed, and may
 * have children. Types are named by labels, which may be used before they are placed.
 */
#ifndef SYMBOLS_DWARF_WRITER_H
#define SYMBOLS_DWARF_WRITER_H

#include "stub/base/buffer.h"

enum { DWARF_ATTRIBUTES_MAX = 8 };

struct dwarf_attribute {
	unsigned name, form;            /* DW_AT_*, DW_FORM_* */
};

struct dwarf_writer {
	struct buffer info, abbrev;     /* the sections' bytes, whole after dwarf_writer_finish() */
	struct buffer shapes;           /* of struct dwarf_shape: tags and attributes met so far */
	struct buffer labels;           /* uint32_t: the offset of each label's entry, 0: not placed */
	struct buffer references;       /* where in `info` a label's offset belongs */
	struct dwarf_attribute attributes[DWARF_ATTRIBUTES_MAX];  /* of the entry that is open */
	struct buffer values;
	unsigned tag, nattributes;
};

/* Starts the unit. All failures are of memory, and are told by dwarf_writer_finish(). */
void dwarf_writer_init(struct dwarf_writer *w, const char *unit_name);
void dwarf_writer_deinit(struct dwarf_writer *w);

/* A label is never 0, which stands for void. */
uint32_t dwarf_label(struct dwarf_writer *w);

/* `label` 0: an entry that nothing refers to. */
void dwarf_open(struct dwarf_writer *w, unsigned tag, uint32_t label);
void dwarf_name(struct dwarf_writer *w, const char *name);      /* "": none */
void dwarf_type(struct dwarf_writer *w, uint32_t label);        /* 0: void */
void dwarf_number(struct dwarf_writer *w, unsigned attribute, uint64_t value);
void dwarf_signed(struct dwarf_writer *w, unsigned attribute, int64_t value);
void dwarf_flag(struct dwarf_writer *w, unsigned attribute);
void dwarf_address(struct dwarf_writer *w, uint64_t addr);      /* DW_AT_location */

/* With children, those entries follow up to dwarf_children_end(). */
void dwarf_close(struct dwarf_writer *w);
void dwarf_close_with_children(struct dwarf_writer *w);
void dwarf_children_end(struct dwarf_writer *w);

/* Ends the unit: lengths and references. A label that was never placed is a reference to void. */
struct error *dwarf_writer_finish(struct dwarf_writer *w) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/dwarf-writer.h"

#include <dwarf.h>
#include <string.h>

#include "symbols/cfi.h"

/* One line of .debug_abbrev; its code is its number here, from 1. */
struct dwarf_shape {
	unsigned tag, children, nattributes;
	struct dwarf_attribute attributes[DWARF_ATTRIBUTES_MAX];
};

struct reference {
	uint32_t at, label;
};


static void put_u32(struct buffer *b, uint32_t value)
{
	buffer_put(b, &value, sizeof(value));
}

void dwarf_writer_init(struct dwarf_writer *w, const char *unit_name)
{
	const uint16_t version = 4;
	*w = (struct dwarf_writer){ .tag = 0 };
	put_u32(&w->info, 0);
	buffer_put(&w->info, &version, sizeof(version));
	put_u32(&w->info, 0);
	buffer_putc(&w->info, 8);
	put_u32(&w->labels, 0);
	dwarf_open(w, DW_TAG_compile_unit, 0);
	dwarf_name(w, unit_name);
	dwarf_number(w, DW_AT_language, DW_LANG_C99);
	dwarf_close_with_children(w);
}

void dwarf_writer_deinit(struct dwarf_writer *w)
{
	buffer_deinit(&w->info);
	buffer_deinit(&w->abbrev);
	buffer_deinit(&w->shapes);
	buffer_deinit(&w->labels);
	buffer_deinit(&w->references);
	buffer_deinit(&w->values);
}

uint32_t dwarf_label(struct dwarf_writer *w)
{
	uint32_t label = (uint32_t)(w->labels.len / sizeof(uint32_t));
	put_u32(&w->labels, 0);
	return label;
}

void dwarf_open(struct dwarf_writer *w, unsigned tag, uint32_t label)
{
	uint32_t at = (uint32_t)w->info.len;
	w->tag = tag;
	w->nattributes = 0;
	w->values.len = 0;      /* a failure stays */
	if (label && label < w->labels.len / sizeof(at))
		memcpy(w->labels.data + label * sizeof(at), &at, sizeof(at));
}

static void add(struct dwarf_writer *w, unsigned attribute, unsigned form)
{
	if (w->nattributes < DWARF_ATTRIBUTES_MAX)
		w->attributes[w->nattributes++] = (struct dwarf_attribute){ attribute, form };
}

void dwarf_name(struct dwarf_writer *w, const char *name)
{
	if (!*name)
		return;
	add(w, DW_AT_name, DW_FORM_string);
	buffer_put(&w->values, name, strlen(name) + 1);
}

/* The label stands in for the offset until dwarf_writer_finish(). */
void dwarf_type(struct dwarf_writer *w, uint32_t label)
{
	if (!label)
		return;
	add(w, DW_AT_type, DW_FORM_ref4);
	put_u32(&w->values, label);
}

void dwarf_number(struct dwarf_writer *w, unsigned attribute, uint64_t value)
{
	add(w, attribute, DW_FORM_udata);
	cfi_uleb(&w->values, value);
}

void dwarf_signed(struct dwarf_writer *w, unsigned attribute, int64_t value)
{
	add(w, attribute, DW_FORM_sdata);
	cfi_sleb(&w->values, value);
}

void dwarf_flag(struct dwarf_writer *w, unsigned attribute)
{
	add(w, attribute, DW_FORM_flag_present);
}

void dwarf_address(struct dwarf_writer *w, uint64_t addr)
{
	add(w, DW_AT_location, DW_FORM_exprloc);
	cfi_uleb(&w->values, 1 + sizeof(addr));
	buffer_putc(&w->values, DW_OP_addr);
	buffer_put(&w->values, &addr, sizeof(addr));
}

/* The code of the open entry's tag and attributes; there are a few dozen of them at most. */
static uint64_t shape_code(struct dwarf_writer *w, bool children)
{
	struct dwarf_shape s;
	size_t n = w->shapes.len / sizeof(s);
	memset(&s, 0, sizeof(s));
	s.tag = w->tag;
	s.children = children;
	s.nattributes = w->nattributes;
	memcpy(s.attributes, w->attributes, w->nattributes * sizeof(s.attributes[0]));
	for (size_t i = 0; i < n; i++)
		if (!memcmp(w->shapes.data + i * sizeof(s), &s, sizeof(s)))
			return i + 1;
	buffer_put(&w->shapes, &s, sizeof(s));
	cfi_uleb(&w->abbrev, n + 1);
	cfi_uleb(&w->abbrev, s.tag);
	buffer_putc(&w->abbrev, children ? DW_CHILDREN_yes : DW_CHILDREN_no);
	for (unsigned i = 0; i < s.nattributes; i++) {
		cfi_uleb(&w->abbrev, s.attributes[i].name);
		cfi_uleb(&w->abbrev, s.attributes[i].form);
	}
	buffer_fill(&w->abbrev, 0, 2);
	return n + 1;
}

/* Bytes of one value, which may be a reference. */
static size_t value_size(const char *at, unsigned form)
{
	size_t n = 0;
	switch (form) {
	case DW_FORM_string: return strlen(at) + 1;
	case DW_FORM_ref4: return sizeof(uint32_t);
	case DW_FORM_exprloc: return 1 + (unsigned char)*at;
	case DW_FORM_udata: case DW_FORM_sdata:
		while (at[n++] & 0x80)
			;
		return n;
	default: return 0;      /* DW_FORM_flag_present */
	}
}

static void close_entry(struct dwarf_writer *w, bool children)
{
	cfi_uleb(&w->info, shape_code(w, children));
	size_t at = 0;
	for (unsigned i = 0; i < w->nattributes && !w->values.failed; i++) {
		if (w->attributes[i].form == DW_FORM_ref4) {
			struct reference r = { .at = (uint32_t)(w->info.len + at) };
			memcpy(&r.label, w->values.data + at, sizeof(r.label));
			buffer_put(&w->references, &r, sizeof(r));
		}
		at += value_size(w->values.data + at, w->attributes[i].form);
	}
	buffer_put(&w->info, w->values.data, w->values.len);
}

void dwarf_close(struct dwarf_writer *w)
{
	close_entry(w, false);
}

void dwarf_close_with_children(struct dwarf_writer *w)
{
	close_entry(w, true);
}

void dwarf_children_end(struct dwarf_writer *w)
{
	buffer_putc(&w->info, 0);
}

/* What a label that was never placed refers to. */
static uint32_t put_void(struct dwarf_writer *w)
{
	uint32_t at = (uint32_t)w->info.len;
	dwarf_open(w, DW_TAG_unspecified_type, 0);
	dwarf_name(w, "void");
	dwarf_close(w);
	return at;
}

struct error *dwarf_writer_finish(struct dwarf_writer *w)
{
	uint32_t nothing = 0, offset;
	struct reference r;
	bool failed = w->labels.failed || w->references.failed || w->values.failed || w->shapes.failed ||
		      w->abbrev.failed;
	for (size_t i = 0; !failed && i < w->references.len; i += sizeof(r)) {
		memcpy(&r, w->references.data + i, sizeof(r));
		memcpy(&offset, w->labels.data + r.label * sizeof(offset), sizeof(offset));
		if (!offset && !nothing)
			nothing = put_void(w);
		offset = offset ? offset : nothing;
		if (!w->info.failed)
			memcpy(w->info.data + r.at, &offset, sizeof(offset));
	}
	dwarf_children_end(w);
	buffer_putc(&w->abbrev, 0);
	if (failed || w->info.failed || w->abbrev.failed || w->info.len > UINT32_MAX)
		return error_nomem();
	uint32_t length = (uint32_t)(w->info.len - sizeof(length));
	memcpy(w->info.data, &length, sizeof(length));
	return NULL;
}

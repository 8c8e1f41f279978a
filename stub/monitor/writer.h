/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a command prints: fields ("KERNEL: ..."), then a table of rows, then notes. One writer makes
 * aligned text of them, or one JSON object { fields..., "rows": [...], "notes": [...] }, or the items
 * of gdb's osdata: the rows, then one item for each note; without the fields. Text out of a dump
 * never reaches a terminal with its control bytes.
 */
#ifndef STUB_MONITOR_WRITER_H
#define STUB_MONITOR_WRITER_H

#include "stub/base/json.h"
#include "stub/monitor/monitor.h"

struct monitor_writer;

enum { WRITER_COLUMNS_MAX = 16 };

struct writer_column {
	const char *title;              /* "OBJECT FILE"; NULL: a table without a head, cells joined by a blank */
	const char *key;                /* in JSON: "object_file"; osdata's name where there is no title */
	bool right;                     /* numbers */
};

struct error *writer_create(enum monitor_format format, struct monitor_writer **ret) must_check;
void writer_destroy(struct monitor_writer *w);
static inline void writer_destroy_ptr(struct monitor_writer **w)
{
	writer_destroy(*w);
}
#define _cleanup_writer_ __attribute__((cleanup(writer_destroy_ptr)))

/* One field: in text "TITLE: text"; `title` NULL keeps it out of the text. */
void writer_field(struct monitor_writer *w, const char *title, const char *key, const char *text);
void writer_field_hex(struct monitor_writer *w, const char *title, const char *key, uint64_t value);
void writer_field_uint(struct monitor_writer *w, const char *title, const char *key, uint64_t value);

/* At most one table in a command's output; `columns` must outlive the writer. */
void writer_table(struct monitor_writer *w, const struct writer_column *columns, size_t n);

/* Cells of the next row, from left to right; then writer_row_end(). */
void writer_cell(struct monitor_writer *w, const char *text);
void writer_cell_bytes(struct monitor_writer *w, const char *text, size_t len);
void writer_cell_hex(struct monitor_writer *w, uint64_t value);
void writer_cell_uint(struct monitor_writer *w, uint64_t value);

/* "[   12.345678]" as dmesg writes it, a number in JSON. */
void writer_cell_time(struct monitor_writer *w, uint64_t nsec);

/* A cell that there is nothing for: "-", null. */
void writer_cell_none(struct monitor_writer *w);

/* A cell that reads otherwise in JSON; takes `value`. */
void writer_cell_both(struct monitor_writer *w, const char *text, struct json *value);

/* A cell that is not in the text; takes `value`. */
void writer_cell_json(struct monitor_writer *w, struct json *value);

void writer_row_end(struct monitor_writer *w);

/* A sentence behind everything else, "notes" in JSON. */
void writer_note(struct monitor_writer *w, const char *fmt, ...) printf_like(2, 3);

/* Appends everything to `ret`. */
struct error *writer_finish(struct monitor_writer *w, struct buffer *ret) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/monitor/writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/base/utf8.h"
#include "stub/base/xml.h"

/* A cell's text is at [start, end) of `cells`; start == HIDDEN keeps it out of the text. */
struct cell {
	size_t start, end;
};
static const size_t HIDDEN = SIZE_MAX;

struct monitor_writer {
	enum monitor_format format;
	struct buffer fields;           /* text of the fields: "title\0text\0"... */
	struct buffer notes;            /* text of the notes, whole lines */
	struct buffer cells;            /* text of all cells */
	struct buffer table;            /* struct cell, ncolumns of them a row */
	const struct writer_column *columns;
	size_t ncolumns, column;        /* column: of the next cell */
	struct json *json, *rows, *row, *json_notes;
};

struct error *writer_create(enum monitor_format format, struct monitor_writer **ret)
{
	_cleanup_writer_ struct monitor_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return error_nomem();
	w->format = format;
	if (format == MONITOR_JSON && !(w->json = json_new_object()))
		return error_nomem();
	*ret = steal(w);
	return NULL;
}

void writer_destroy(struct monitor_writer *w)
{
	if (!w)
		return;
	buffer_deinit(&w->fields);
	buffer_deinit(&w->notes);
	buffer_deinit(&w->cells);
	buffer_deinit(&w->table);
	json_free(w->row);
	json_free(w->rows);
	json_free(w->json_notes);
	json_free(w->json);
	free(w);
}

/*
 * A dump's text must not drive the terminal that shows it: ESC and its like print as \x1b, and so
 * do C1's controls and bytes that are no character at all; of "\t\n" `stays` is left alone.
 */
static void put_printable(struct buffer *b, const char *text, size_t len, const char *stays)
{
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)text[i];
		size_t n = utf8_len(text + i, len - i), end = i + (n ? n : 1);
		bool c1 = n == 2 && c == 0xc2 && (unsigned char)text[i + 1] < 0xa0;
		if (n && !c1 && c != 0x7f && (c >= 0x20 || (c && strchr(stays, c))))
			buffer_put(b, text + i, n);
		else
			for (size_t at = i; at < end; at++)
				buffer_printf(b, "\\x%02x", (unsigned char)text[at]);
		i = end;
	}
}

static void put_field(struct monitor_writer *w, const char *title, const char *text)
{
	if (w->format != MONITOR_TEXT || !title)
		return;
	buffer_put(&w->fields, title, strlen(title) + 1);
	put_printable(&w->fields, text, strlen(text), "\t");
	buffer_putc(&w->fields, '\0');
}

void writer_field(struct monitor_writer *w, const char *title, const char *key, const char *text)
{
	put_field(w, title, text);
	if (w->json)
		json_set_text(w->json, key, text);
}

void writer_field_hex(struct monitor_writer *w, const char *title, const char *key, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIx64, value);
	put_field(w, title, text);
	if (w->json)
		json_set(w->json, key, json_new_hex(value));
}

void writer_field_uint(struct monitor_writer *w, const char *title, const char *key, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, value);
	put_field(w, title, text);
	if (w->json)
		json_set(w->json, key, json_new_uint(value));
}

void writer_table(struct monitor_writer *w, const struct writer_column *columns, size_t n)
{
	w->columns = columns;
	w->ncolumns = n < WRITER_COLUMNS_MAX ? n : WRITER_COLUMNS_MAX;
	w->column = 0;
	if (w->json && !w->rows)
		w->rows = json_new_array();
}

/* Takes `value`. */
static void put_cell(struct monitor_writer *w, const char *text, size_t len, struct json *value)
{
	if (w->column >= w->ncolumns) {
		json_free(value);
		return;
	}
	if (w->json) {
		if (!w->row)
			w->row = json_new_object();
		json_set(w->row, w->columns[w->column].key, value);
	} else {
		struct cell c = { HIDDEN, HIDDEN };
		if (text) {
			c.start = w->cells.len;
			/* A table with a head is one of columns. */
			put_printable(&w->cells, text, len, w->columns[0].title ? "" : "\t");
			c.end = w->cells.len;
		}
		buffer_put(&w->table, &c, sizeof(c));
	}
	w->column++;
}

void writer_cell_bytes(struct monitor_writer *w, const char *text, size_t len)
{
	put_cell(w, text, len, w->json ? json_new_text(text, len) : NULL);
}

void writer_cell(struct monitor_writer *w, const char *text)
{
	writer_cell_bytes(w, text, strlen(text));
}

void writer_cell_hex(struct monitor_writer *w, uint64_t value)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRIx64, value);
	put_cell(w, text, (size_t)len, w->json ? json_new_hex(value) : NULL);
}

void writer_cell_uint(struct monitor_writer *w, uint64_t value)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRIu64, value);
	put_cell(w, text, (size_t)len, w->json ? json_new_uint(value) : NULL);
}

void writer_cell_time(struct monitor_writer *w, uint64_t nsec)
{
	char text[40];
	int len = snprintf(text, sizeof(text), "[%5" PRIu64 ".%06" PRIu64 "]", nsec / 1000000000,
			   nsec % 1000000000 / 1000);
	put_cell(w, text, (size_t)len, w->json ? json_new_seconds(nsec) : NULL);
}

void writer_cell_none(struct monitor_writer *w)
{
	put_cell(w, "-", 1, NULL);
}

void writer_cell_both(struct monitor_writer *w, const char *text, struct json *value)
{
	if (!w->json) {
		json_free(value);
		value = NULL;
	}
	put_cell(w, text, strlen(text), value);
}

/* Every item of osdata has every column, so there such a cell shows its JSON. */
static void put_hidden(struct monitor_writer *w, struct json *value)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT;
	_cleanup_json_ struct json *owned = value;
	struct error *err = value ? json_write(value, false, &text) : NULL;
	if (err)
		w->cells.failed = true;
	error_free(err);
	put_cell(w, buffer_text(&text), text.len ? text.len - 1 : 0, NULL);
}

void writer_cell_json(struct monitor_writer *w, struct json *value)
{
	if (w->json) {
		put_cell(w, NULL, 0, value);
	} else if (w->format == MONITOR_OSDATA) {
		put_hidden(w, value);
	} else {
		json_free(value);
		put_cell(w, NULL, 0, NULL);
	}
}

void writer_row_end(struct monitor_writer *w)
{
	if (w->json) {
		json_add(w->rows, steal(w->row));
		w->column = 0;
		return;
	}
	while (w->column < w->ncolumns)
		put_cell(w, NULL, 0, NULL);
	w->column = 0;
}

void writer_note(struct monitor_writer *w, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;
	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		text = NULL;
		w->notes.failed = true;
		return;
	}
	if (w->json) {
		if (!w->json_notes)
			w->json_notes = json_new_array();
		json_add(w->json_notes, json_new_text(text, (size_t)len));
		return;
	}
	put_printable(&w->notes, text, (size_t)len, "\t\n");
	buffer_putc(&w->notes, '\n');
}

static void finish_fields(struct monitor_writer *w, struct buffer *ret)
{
	size_t width = 0;
	const char *end = w->fields.data + w->fields.len;
	for (const char *p = w->fields.data; p < end; p += strlen(p) + 1) {
		size_t len = strlen(p);
		width = len > width ? len : width;
		p += len + 1;
	}
	for (const char *p = w->fields.data; p < end; p += strlen(p) + 1) {
		size_t len = strlen(p);
		buffer_printf(ret, "%*s: %s\n", (int)width, p, p + len + 1);
		p += len + 1;
	}
}

static void put_padded(struct buffer *b, const char *text, size_t len, size_t width, bool right)
{
	size_t pad = width > len ? width - len : 0;
	buffer_fill(b, ' ', right ? pad : 0);
	buffer_put(b, text, len);
	buffer_fill(b, ' ', right ? 0 : pad);
}

static void trim_line(struct buffer *b)
{
	while (b->len && b->data[b->len - 1] == ' ')
		b->len--;
	buffer_putc(b, '\n');
}

static void finish_table(struct monitor_writer *w, struct buffer *ret)
{
	const struct cell *cells = (const struct cell *)w->table.data;
	size_t n = w->table.len / sizeof(*cells), width[WRITER_COLUMNS_MAX] = { 0 };
	bool head = w->ncolumns && w->columns[0].title;
	if (!n)
		return;
	for (size_t c = 0; head && c < w->ncolumns; c++)
		width[c] = w->columns[c].title ? strlen(w->columns[c].title) : 0;
	for (size_t i = 0; head && i < n; i++) {
		size_t len = cells[i].start == HIDDEN ? 0 : cells[i].end - cells[i].start;
		if (len > width[i % w->ncolumns])
			width[i % w->ncolumns] = len;
	}
	if (ret->len && head)
		buffer_putc(ret, '\n');
	for (size_t c = 0; head && c < w->ncolumns; c++) {
		const char *title = w->columns[c].title;
		if (!title)
			continue;
		put_padded(ret, title, strlen(title), width[c], w->columns[c].right);
		buffer_puts(ret, "  ");
	}
	if (head)
		trim_line(ret);
	for (size_t i = 0; i < n; i++) {
		size_t c = i % w->ncolumns;
		if (cells[i].start != HIDDEN) {
			put_padded(ret, w->cells.data + cells[i].start, cells[i].end - cells[i].start,
				   width[c], w->columns[c].right);
			buffer_puts(ret, head ? "  " : " ");
		}
		if (c == w->ncolumns - 1)
			trim_line(ret);
	}
}

/* gdb's head of a column without a title, of a table that has none. */
static void put_column(struct buffer *ret, const struct writer_column *column)
{
	buffer_puts(ret, "<column name=\"");
	if (column->title && *column->title)
		xml_escape(ret, column->title);
	else
		for (const char *p = column->key; *p; p++)
			buffer_putc(ret, (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p));
	buffer_puts(ret, "\">");
}

/*
 * gdb wants each item to have the same columns, so a note is an item whose first column has it,
 * and whose others are empty.
 */
static void finish_notes(struct monitor_writer *w, struct buffer *ret)
{
	static const struct writer_column alone = { "NOTE", "note", false };
	const struct writer_column *columns = w->ncolumns ? w->columns : &alone;
	const char *end = w->notes.data + w->notes.len;
	for (const char *p = w->notes.data, *line; p < end; p = line + 1) {
		line = memchr(p, '\n', (size_t)(end - p));
		buffer_puts(ret, "<item>");
		for (size_t c = 0; c < (w->ncolumns ? w->ncolumns : 1); c++) {
			put_column(ret, &columns[c]);
			if (!c) {
				buffer_puts(ret, w->ncolumns ? "note: " : "");
				xml_escape_bytes(ret, p, (size_t)(line - p));
			}
			buffer_puts(ret, "</column>");
		}
		buffer_puts(ret, "</item>\n");
	}
}

static void finish_items(struct monitor_writer *w, struct buffer *ret)
{
	const struct cell *cells = (const struct cell *)w->table.data;
	size_t n = w->table.len / sizeof(*cells);
	for (size_t i = 0; i < n; i++) {
		size_t c = i % w->ncolumns;
		if (!c)
			buffer_puts(ret, "<item>");
		put_column(ret, &w->columns[c]);
		if (cells[i].start != HIDDEN)
			xml_escape_bytes(ret, w->cells.data + cells[i].start, cells[i].end - cells[i].start);
		buffer_puts(ret, c == w->ncolumns - 1 ? "</column></item>\n" : "</column>");
	}
	if (w->notes.len)
		finish_notes(w, ret);
}

struct error *writer_finish(struct monitor_writer *w, struct buffer *ret)
{
	if (w->json) {
		if (w->rows)
			json_set(w->json, "rows", steal(w->rows));
		if (w->json_notes)
			json_set(w->json, "notes", steal(w->json_notes));
		return json_write(w->json, false, ret);
	}
	if (w->fields.failed || w->cells.failed || w->table.failed || w->notes.failed)
		return error_nomem();
	if (w->format == MONITOR_OSDATA) {
		finish_items(w, ret);
		return buffer_error(ret);
	}
	if (w->fields.len)
		finish_fields(w, ret);
	finish_table(w, ret);
	if (w->notes.len) {
		if (ret->len && w->table.len && w->columns[0].title)
			buffer_putc(ret, '\n');
		buffer_put(ret, w->notes.data, w->notes.len);
	}
	return buffer_error(ret);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON to write. The one file over json-c; whatever text comes out of a dump becomes valid JSON.
 * Out of memory shows once, when the whole is written.
 */
#ifndef STUB_BASE_JSON_H
#define STUB_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub/base/buffer.h"
#include "stub/base/error.h"

struct json;

/* New values; NULL when out of memory, which json_set() and json_add() take for null. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_uint(uint64_t value);
struct json *json_new_bool(bool value);

/* Bytes that are not UTF-8 become U+FFFD. */
struct json *json_new_text(const char *text, size_t len);

/* "0x..." as text: a number of 64 bits does not survive every reader of JSON. */
struct json *json_new_hex(uint64_t value);

/* The number that `text`, such as "0.1", is. */
struct json *json_new_decimal(const char *text);

/* A number with nine digits behind the point, from nanoseconds. */
struct json *json_new_seconds(uint64_t nsec);

/* Both take `value`, whatever happens. */
void json_set(struct json *object, const char *key, struct json *value);
void json_add(struct json *array, struct json *value);

/* NUL-terminated; NULL is null. */
void json_set_text(struct json *object, const char *key, const char *text);

/* Accepts NULL. */
void json_free(struct json *j);
static inline void json_free_ptr(struct json **j)
{
	json_free(*j);
}
#define _cleanup_json_ __attribute__((cleanup(json_free_ptr)))

/* Appends the text and a newline; one line, or indented when `pretty`. */
struct error *json_write(struct json *j, bool pretty, struct buffer *ret) must_check;

#endif

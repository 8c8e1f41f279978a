/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/base/json.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/base/utf8.h"

/* struct json is json-c's struct json_object under a name of our own. */
static struct json_object *inner(struct json *j)
{
	return (struct json_object *)j;
}

static struct json *outer(struct json_object *o)
{
	return (struct json *)o;
}

struct json *json_new_object(void)
{
	return outer(json_object_new_object());
}

struct json *json_new_array(void)
{
	return outer(json_object_new_array());
}

struct json *json_new_uint(uint64_t value)
{
	return outer(json_object_new_uint64(value));
}

struct json *json_new_bool(bool value)
{
	return outer(json_object_new_boolean(value));
}

struct json *json_new_text(const char *text, size_t len)
{
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	for (size_t i = 0; i < len;) {
		size_t n = utf8_len(text + i, len - i);
		if (n)
			buffer_put(&b, text + i, n);
		else
			buffer_puts(&b, UTF8_REPLACEMENT);
		i += n ? n : 1;
	}
	if (b.failed || b.len > INT32_MAX)
		return NULL;
	return outer(json_object_new_string_len(b.data ? b.data : "", (int)b.len));
}

struct json *json_new_hex(uint64_t value)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_new_text(text, (size_t)len);
}

struct json *json_new_seconds(uint64_t nsec)
{
	char text[40];
	snprintf(text, sizeof(text), "%" PRIu64 ".%09" PRIu64, nsec / 1000000000, nsec % 1000000000);
	return outer(json_object_new_double_s((double)nsec / 1e9, text));
}

struct json *json_new_decimal(const char *text)
{
	return outer(json_object_new_double_s(strtod(text, NULL), text));
}

void json_set(struct json *object, const char *key, struct json *value)
{
	if (!object || json_object_object_add(inner(object), key, inner(value)))
		json_free(value);
}

void json_add(struct json *array, struct json *value)
{
	if (!array || json_object_array_add(inner(array), inner(value)))
		json_free(value);
}

void json_set_text(struct json *object, const char *key, const char *text)
{
	json_set(object, key, text ? json_new_text(text, strlen(text)) : NULL);
}

void json_free(struct json *j)
{
	json_object_put(inner(j));
}

struct error *json_write(struct json *j, bool pretty, struct buffer *ret)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE | JSON_C_TO_STRING_SPACED |
		    (pretty ? JSON_C_TO_STRING_PRETTY : 0);
	const char *text = j ? json_object_to_json_string_ext(inner(j), flags) : NULL;
	if (!text)
		return error_nomem();
	buffer_puts(ret, text);
	buffer_putc(ret, '\n');
	return buffer_error(ret);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct orc_entry of every time, as BTF made by hand: for the test and the fuzz target. */
#ifndef SYMBOLS_TESTS_ORC_TYPES_H
#define SYMBOLS_TESTS_ORC_TYPES_H

#include <stdint.h>
#include <string.h>

#include "symbols/types.h"

/* By the first version that has it. */
enum layout { V4_14, V4_18, V6_3, V6_4, LAYOUTS };
struct orc_field {
	const char *name;
	unsigned at, bits;      /* bits 0: a whole s16 */
};

struct btf {
	struct {
		uint16_t magic;
		uint8_t version, flags;
		uint32_t hdr_len, type_off, type_len, str_off, str_len;
	} header;
	uint32_t types[64];
	char strings[256];
};

static uint32_t put_string(struct btf *b, const char *text)
{
	uint32_t at = b->header.str_len;
	strcpy(b->strings + at, text);
	b->header.str_len += (uint32_t)strlen(text) + 1;
	return at;
}

static void put_u32(struct btf *b, uint32_t value)
{
	b->types[b->header.type_len / 4] = value;
	b->header.type_len += 4;
}

/* A struct with these members; NULL: it was not taken. 1: short, 2: unsigned int, 3: the struct. */
__attribute__((unused)) static struct types *types_of(const char *name, unsigned size, const struct orc_field *fields)
{
	struct btf b = { .header = { 0xeb9f, 1, 0, 24, 0, 0, 0, 1 } };
	struct types *t = NULL;
	unsigned n = 0;
	put_u32(&b, put_string(&b, "short int"));
	put_u32(&b, 1u << 24);
	put_u32(&b, 2);
	put_u32(&b, 1u << 24 | 16);
	put_u32(&b, put_string(&b, "unsigned int"));
	put_u32(&b, 1u << 24);
	put_u32(&b, 4);
	put_u32(&b, 32);
	while (fields[n].name)
		n++;
	put_u32(&b, put_string(&b, name));
	put_u32(&b, 1u << 31 | 4u << 24 | n);
	put_u32(&b, size);
	for (unsigned i = 0; i < n; i++) {
		put_u32(&b, put_string(&b, fields[i].name));
		put_u32(&b, fields[i].bits ? 2 : 1);
		put_u32(&b, fields[i].bits << 24 | fields[i].at);
	}
	b.header.str_off = b.header.type_len;
	memcpy((char *)b.types + b.header.type_len, b.strings, b.header.str_len);
	error_free(types_from_btf(&b, 24 + b.header.type_len + b.header.str_len, &t));
	return t;
}

static const struct orc_field fields_of[LAYOUTS][8] = {
	[V4_14] = { { "sp_offset", 0, 0 }, { "bp_offset", 16, 0 }, { "sp_reg", 32, 4 }, { "bp_reg", 36, 4 },
		    { "type", 40, 2 } },
	[V4_18] = { { "sp_offset", 0, 0 }, { "bp_offset", 16, 0 }, { "sp_reg", 32, 4 }, { "bp_reg", 36, 4 },
		    { "type", 40, 2 }, { "end", 42, 1 } },
	[V6_3] = { { "sp_offset", 0, 0 }, { "bp_offset", 16, 0 }, { "sp_reg", 32, 4 }, { "bp_reg", 36, 4 },
		   { "type", 40, 2 }, { "signal", 42, 1 }, { "end", 43, 1 } },
	[V6_4] = { { "sp_offset", 0, 0 }, { "bp_offset", 16, 0 }, { "sp_reg", 32, 4 }, { "bp_reg", 36, 4 },
		   { "type", 40, 3 }, { "signal", 43, 1 } },
};

#endif

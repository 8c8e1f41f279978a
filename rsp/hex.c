/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rsp/hex.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

/* Eight bytes at a time: each nibble into a byte of its own, then to its digit by arithmetic. */
static inline uint64_t spread(uint32_t four)
{
	uint64_t x = four;
	x = (x | x << 16) & 0x0000ffff0000ffff;
	x = (x | x << 8) & 0x00ff00ff00ff00ff;
	/* Memory order: the high nibble's digit comes first. */
	x = (x >> 4 & 0x000f000f000f000f) | (x & 0x000f000f000f000f) << 8;
	uint64_t letters = (x + 0x0606060606060606) >> 4 & 0x0101010101010101;
	return x + 0x3030303030303030 + letters * ('a' - '0' - 10);
}

void hex_encode(const void *bytes, size_t len, char *out)
{
	const unsigned char *in = bytes;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (; len >= 4; len -= 4, in += 4, out += 8) {
		uint32_t four;
		memcpy(&four, in, sizeof(four));
		uint64_t text = spread(four);
		memcpy(out, &text, sizeof(text));
	}
#endif
	for (; len; len--, in++) {
		*out++ = digits[*in >> 4];
		*out++ = digits[*in & 15];
	}
}

static int value_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(const char *text, size_t len, void *out)
{
	unsigned char *bytes = out;
	if (len % 2)
		return false;
	for (size_t i = 0; i < len; i += 2) {
		int high = value_of(text[i]), low = value_of(text[i + 1]);
		if (high < 0 || low < 0)
			return false;
		bytes[i / 2] = (unsigned char)(high << 4 | low);
	}
	return true;
}

bool hex_number(const char **text, const char *end, uint64_t *ret)
{
	const char *p = *text;
	uint64_t number = 0;
	unsigned n = 0;
	for (; p < end && value_of(*p) >= 0; p++) {
		if (++n > 16)
			return false;
		number = number << 4 | (uint64_t)value_of(*p);
	}
	if (!n)
		return false;
	*text = p;
	*ret = number;
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rsp/hex.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

/* Sixteen bytes at a time, in the compiler's own terms of vectors: bulk reads live on this. */
typedef unsigned char lanes __attribute__((vector_size(16)));

static inline lanes digits_of(lanes nibbles)
{
	lanes letters = (lanes)(nibbles > 9) & (unsigned char)('a' - '0' - 10);
	return nibbles + (unsigned char)'0' + letters;
}

void hex_encode(const void *bytes, size_t len, char *out)
{
	const unsigned char *in = bytes;
#if __has_builtin(__builtin_shufflevector)
	for (; len >= 16; len -= 16, in += 16, out += 32) {
		lanes x;
		memcpy(&x, in, sizeof(x));
		lanes high = digits_of(x >> 4), low = digits_of(x & 15);
		lanes first = __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
		lanes second = __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30,
						       15, 31);
		memcpy(out, &first, sizeof(first));
		memcpy(out + 16, &second, sizeof(second));
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

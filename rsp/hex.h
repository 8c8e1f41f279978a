/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hexadecimal text, strictly: a wrong digit is refused, never taken for a zero that would end
 * up in somebody's memory.
 */
#ifndef RSP_HEX_H
#define RSP_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 2 * len digits into `out`, which has room for them; not NUL-terminated. */
void hex_encode(const void *bytes, size_t len, char *out);

/* `len` digits (an even number) into len / 2 bytes; false on anything but digits. */
bool hex_decode(const char *text, size_t len, void *out);

/*
 * The number at *text, 1 to 16 digits, ending before `end`; *text is behind it afterwards. False
 * when there is no digit or too many of them.
 */
bool hex_number(const char **text, const char *end, uint64_t *ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bytes are text. Names in a kernel are any bytes; XML and JSON carry characters only. */
#ifndef STUB_BASE_UTF8_H
#define STUB_BASE_UTF8_H

#include <stddef.h>

/* What stands where bytes are no character: U+FFFD. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the character at `s`, of `left` that there are, at least 1; 0: that is none. */
size_t utf8_len(const char *s, size_t left);

#endif

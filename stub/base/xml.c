/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/base/xml.h"

#include <string.h>

#include "stub/base/utf8.h"

/* A character's bytes as they are, unless XML has none such (XML 1.0, section 2.2). */
static void put_character(struct buffer *b, const char *s, size_t len)
{
	bool c1 = len == 2 && s[0] == '\xc2' && (unsigned char)s[1] < 0xa0;
	bool noncharacter = len == 3 && !memcmp(s, "\xef\xbf", 2) && (unsigned char)s[2] >= 0xbe;
	if (!len || noncharacter)
		buffer_puts(b, UTF8_REPLACEMENT);
	else if (c1)
		buffer_putc(b, '?');
	else
		buffer_put(b, s, len);
}

void xml_escape_bytes(struct buffer *b, const char *text, size_t left)
{
	for (size_t len; left; text += len, left -= len) {
		unsigned char c = (unsigned char)*text;
		len = 1;
		switch (c) {
		case '<': buffer_puts(b, "&lt;"); break;
		case '>': buffer_puts(b, "&gt;"); break;
		case '&': buffer_puts(b, "&amp;"); break;
		case '"': buffer_puts(b, "&quot;"); break;
		case '\'': buffer_puts(b, "&apos;"); break;
		default:
			if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f) {
				buffer_putc(b, '?');
				break;
			}
			len = utf8_len(text, left);
			put_character(b, text, len);
			len += !len;
		}
	}
}

void xml_escape(struct buffer *b, const char *text)
{
	xml_escape_bytes(b, text, strlen(text));
}

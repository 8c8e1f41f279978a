/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/base/xml.h"

void xml_escape(struct buffer *b, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		switch (c) {
		case '<': buffer_puts(b, "&lt;"); break;
		case '>': buffer_puts(b, "&gt;"); break;
		case '&': buffer_puts(b, "&amp;"); break;
		case '"': buffer_puts(b, "&quot;"); break;
		case '\'': buffer_puts(b, "&apos;"); break;
		default: buffer_putc(b, (c < 0x20 && c != '\t' && c != '\n') ? '?' : (char)c);
		}
	}
}

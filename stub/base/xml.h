/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text into XML: what gdb's readers need escaped, and nothing more. */
#ifndef STUB_BASE_XML_H
#define STUB_BASE_XML_H

#include "stub/base/buffer.h"

/*
 * Appends `text` with < > & " ' escaped. Any bytes come out as XML that gdb reads, since one that it
 * does not costs the whole document, and as nothing that a terminal obeys: control characters
 * become '?', and what is no UTF-8 becomes U+FFFD.
 */
void xml_escape(struct buffer *b, const char *text);
void xml_escape_bytes(struct buffer *b, const char *text, size_t len);

#endif

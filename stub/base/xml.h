/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text into XML: what gdb's readers need escaped, and nothing more. */
#ifndef STUB_BASE_XML_H
#define STUB_BASE_XML_H

#include "stub/base/buffer.h"

/* Appends `text` with < > & " ' escaped; control bytes, which XML cannot carry, become '?'. */
void xml_escape(struct buffer *b, const char *text);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as XML: names and paths of a kernel are not always text. */
#include "stub/base/tests/tap.h"
#include "stub/base/buffer.h"
#include "stub/base/utf8.h"
#include "stub/base/xml.h"

static const struct {
	const char *what, *bytes, *xml;
} rows[] = {
	{ "nothing", "", "" },
	{ "a name", "kworker/0:1", "kworker/0:1" },
	{ "markup", "quo\"te'<&>", "quo&quot;te&apos;&lt;&amp;&gt;" },
	{ "two, three and four bytes", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7" },
	{ "a byte of no character", "no\xfftext", "no" UTF8_REPLACEMENT "text" },
	{ "a character cut off at the end", "fifteen bytes \xc3", "fifteen bytes " UTF8_REPLACEMENT },
	{ "a character cut off by the next", "\xe2\x82" "a", UTF8_REPLACEMENT UTF8_REPLACEMENT "a" },
	{ "longer than need be", "\xc0\xaf", UTF8_REPLACEMENT UTF8_REPLACEMENT },
	{ "half of a UTF-16 pair", "\xed\xa0\x80", UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT },
	{ "behind the last character", "\xf4\x90\x80\x80",
	  UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT },
	{ "what is no character of XML's", "\xef\xbf\xbe" "a\xef\xbf\xbf", UTF8_REPLACEMENT "a" UTF8_REPLACEMENT },
	{ "the last that is one", "\xef\xbf\xbd", "\xef\xbf\xbd" },
	{ "control characters", "\x01" "a\x1b[1m\x7f", "?a?[1m?" },
	{ "those of ISO 6429 with eight bits", "\xc2\x9b" "1m\xc2\xa0", "?1m\xc2\xa0" },
	{ "tab and line end", "a\tb\n", "a\tb\n" },
};

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer b = BUFFER_INIT;
		xml_escape(&b, rows[i].bytes);
		buffer_putc(&b, 0);
		tap_is_str(b.data, rows[i].xml, rows[i].what);
		buffer_deinit(&b);
	}
	return tap_done();
}

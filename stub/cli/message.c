/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/cli/message.h"

#include <stdio.h>

#include "stub/base/cleanup.h"
#include "stub/cli/progress.h"

void message(const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;
	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		text = NULL;
		fputs("kstub: out of memory\n", stderr);
		return;
	}
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t')
			*p = '?';
	progress_clear();
	fprintf(stderr, "kstub: %s\n", text);
}

void message_warning(const char *text)
{
	message("warning: %s", text);
}

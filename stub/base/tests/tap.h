/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A test program prints TAP: one line a check, and a plan at the end. */
#ifndef STUB_BASE_TESTS_TAP_H
#define STUB_BASE_TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static unsigned tap_count, tap_failures;

__attribute__((format(printf, 2, 3), unused)) static bool tap_ok(bool ok, const char *fmt, ...)
{
	va_list args;
	printf("%sok %u - ", ok ? "" : "not ", ++tap_count);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	tap_failures += !ok;
	return ok;
}

__attribute__((format(printf, 1, 2), unused)) static void tap_diag(const char *fmt, ...)
{
	va_list args;
	fputs("# ", stdout);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

__attribute__((unused)) static bool tap_is_str(const char *got, const char *want, const char *name)
{
	bool same = got && want ? !strcmp(got, want) : got == want;
	tap_ok(same, "%s", name);
	if (!same)
		tap_diag("got '%s', not '%s'", got ? got : "(null)", want ? want : "(null)");
	return same;
}

__attribute__((unused)) static bool tap_is_u64(uint64_t got, uint64_t want, const char *name)
{
	tap_ok(got == want, "%s", name);
	if (got != want)
		tap_diag("got 0x%llx, not 0x%llx", (unsigned long long)got, (unsigned long long)want);
	return got == want;
}

/* One check that lacks its ground. */
__attribute__((format(printf, 1, 2), unused)) static void tap_skip(const char *fmt, ...)
{
	va_list args;
	printf("ok %u # SKIP ", ++tap_count);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

/* The plan; the value for main() to return. */
__attribute__((unused)) static int tap_done(void)
{
	printf("1..%u\n", tap_count);
	return tap_failures ? 1 : 0;
}

#endif

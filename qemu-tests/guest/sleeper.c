/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A user process that sleeps: something to find in a dump. It prints where in its memory
 * the known text is, then waits in the kernel until the machine dies. Given any argument,
 * it never enters the kernel again.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char known[] = "the sleeper keeps this text";

int main(int argc, char **argv)
{
	struct timespec week = { .tv_sec = 7 * 24 * 3600 };
	char on_stack[64];

	snprintf(on_stack, sizeof(on_stack), "on the stack: %s", known);
	printf("sleeper pid %d data %p \"%s\" stack %p \"%s\"\n", getpid(), (void *)known,
	       known, (void *)on_stack, on_stack);
	fflush(stdout);
	(void)argv;
	while (argc > 1)
		;
	while (nanosleep(&week, NULL))
		;
	return on_stack[0] == known[0];
}

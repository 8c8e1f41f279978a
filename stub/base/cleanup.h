/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resources that free themselves at the end of their scope, for every kind of resource, and
 * steal() to hand one on. A variable with one of these must be initialised where it is declared.
 */
#ifndef STUB_BASE_CLEANUP_H
#define STUB_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_free_ __attribute__((cleanup(cleanup_free)))
#define _cleanup_close_ __attribute__((cleanup(cleanup_close)))
#define _cleanup_fclose_ __attribute__((cleanup(cleanup_fclose)))

/* The pointer's value; the variable is NULL afterwards. */
#define steal(ptr) ({ __auto_type stolen_ = (ptr); (ptr) = NULL; stolen_; })

/* The descriptor's value; the variable is -1 afterwards. */
static inline int steal_fd(int *fd)
{
	int stolen = *fd;
	*fd = -1;
	return stolen;
}

#endif

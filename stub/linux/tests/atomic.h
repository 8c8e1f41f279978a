/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A type that a header defines: debug info of era 5 does not describe it. */
typedef struct {
	long counter;
} atomic_long_t;

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types of per-CPU variables of every kind; the test asks its own compiler where members are. */
#ifndef SYMBOLS_TESTS_PERCPU_H
#define SYMBOLS_TESTS_PERCPU_H

struct percpu_one {
	int a;
};
typedef struct percpu_one percpu_one_alias;
union percpu_either {
	long word;
	char bytes[8];
};
enum percpu_color { PERCPU_RED, PERCPU_GREEN = 5, PERCPU_BLUE = -1 };
typedef struct {
	int counter;
} percpu_counter;
typedef struct {
	unsigned char low : 3, high : 5;
	percpu_counter inner;
	struct percpu_one named;
	union {
		long word;
		char bytes[8];
	};
	short grid[2][3];
	enum percpu_color color;
	int (*call)(struct percpu_one *);
} percpu_mixed;

#endif

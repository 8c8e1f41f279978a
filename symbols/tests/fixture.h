/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Structs with everything in them that kernels have. The test includes this, too, and so knows
 * from its own compiler where each member is.
 */
#ifndef SYMBOLS_TESTS_FIXTURE_H
#define SYMBOLS_TESTS_FIXTURE_H

typedef unsigned int fixture_u32;
typedef struct {
	int counter;
} fixture_atomic;

enum fixture_small { FIXTURE_MINUS = -5, FIXTURE_ZERO = 0, FIXTURE_BIG = 0x7fffffff };
enum fixture_wide { FIXTURE_WIDE = 0x123456789abcLL };

struct fixture_list {
	struct fixture_list *next, *prev;
};

struct fixture_inner {
	char pad[3];
	short value;
	struct fixture_list list;
};

struct fixture_part {
	void *base;
	unsigned size;
};

typedef const volatile struct fixture_inner fixture_alias;

struct fixture_outer {
	char name[16];
	signed char negative;
	unsigned char positive;
	struct fixture_inner inner;
	union {
		struct {
			fixture_u32 first;
			union {
				unsigned long deep;
				unsigned char deep_bytes[8];
			};
		};
		unsigned char all[16];
	};
	struct fixture_part parts[7];
	fixture_alias aliased;
	short grid[4][6];
	unsigned flag_a : 1, flag_b : 3, : 2, flag_c : 20;
	int signed_bits : 5;
	unsigned long long wide_bits : 40;
	enum fixture_small small;
	enum fixture_wide wide;
	void (*call)(struct fixture_outer *);
	struct fixture_opaque *opaque;
	fixture_atomic atomic;
	unsigned char tail[];
};

struct fixture_packed {
	unsigned char lead;
	unsigned short low : 4, high : 8;
	unsigned short straddles : 7;
	unsigned value;
} __attribute__((packed));

union fixture_union {
	unsigned long number;
	char text[24];
};

#endif

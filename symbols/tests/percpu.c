/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Per-CPU variables as a vmlinux has them; linked by kernel.lds, or behind .data as since 6.15. */
#include "symbols/tests/percpu.h"

#define PERCPU __attribute__((section(".percpu"), used))

PERCPU long of_first = 20;
PERCPU struct percpu_one of_struct = { 1 };
PERCPU percpu_one_alias of_typedef = { 2 };
PERCPU struct percpu_one *of_pointer = (void *)3;
PERCPU struct percpu_one of_array[4] = { { 4 } };
PERCPU int of_grid[2][3] = { { 5 } };
PERCPU _Bool of_bool = 1;
PERCPU percpu_counter of_counter = { 6 };
PERCPU percpu_mixed of_mixed = { .word = 7 };
PERCPU enum percpu_color of_enum = PERCPU_GREEN;
PERCPU void *of_void = (void *)8;
PERCPU int (*of_call)(void) = (void *)9;
PERCPU const volatile long of_qualified = 10;
PERCPU union percpu_either of_union = { 11 };
PERCPU struct {
	int x;
} of_nameless = { 12 };
PERCPU static unsigned of_file = 13;
extern struct percpu_one of_declared;
PERCPU struct percpu_one of_declared = { 14 };

/* Not in the debug info: more names, one as a linker script makes it, an object without a type. Not C's: the rest. */
asm(".globl second_name, sizeless_name, of_assembly\n"
    ".set second_name, of_struct\n"
    ".type second_name, @object\n"
    ".size second_name, 4\n"
    ".set sizeless_name, of_struct\n"
    ".type sizeless_name, @object\n"
    ".size sizeless_name, 0\n"
    ".pushsection .percpu, \"aw\"\n"
    ".balign 8\n"
    "of_assembly: .quad 15\n"
    ".type of_assembly, @object\n"
    ".size of_assembly, 8\n"
    "dotted.1: .quad 16\n"
    ".type dotted.1, @object\n"
    ".size dotted.1, 8\n"
    "label: .quad 17\n"
    ".popsection");

/* Of these names the kernel has its own. */
int k = 1;
int ordinary = 2;

void _start(void);
void _start(void)
{
	of_file++;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions of every shape of frame, compiled as a kernel is, for the test of unwind rules; they
 * never run. Labels in inline assembly say where the compiler does not know what happens.
 */
#ifdef __clang__
#define ALONE __attribute__((noinline, used))
#else
#define ALONE __attribute__((noinline, noclone, noipa, used))
#endif

long frames_outside(long a, long b, long c, long d);
void frames_asm(void);
void frames_no_return(void) __attribute__((noreturn));
long frames_saved(long a, long b, long c, long d);
long frames_aligned(unsigned long n);
long frames_of_size(unsigned long n);
long frames_pushed(long a, long b, long c);
long frames_switched(long a, long b, void *stack);
long frames_inlined(long a, long b, void *stack);
void frames_stopped(long a);
void _start(void);

ALONE long frames_outside(long a, long b, long c, long d)
{
	asm volatile("" ::: "memory");
	return a + b + c + d;
}

ALONE void frames_no_return(void)
{
	for (;;)
		asm volatile("pause");
}

/* Callee-saved registers are pushed. */
ALONE long frames_saved(long a, long b, long c, long d)
{
	long e = frames_outside(a, b, c, d), f = frames_outside(b, a, d, e);
	return frames_outside(a, b, c, d) * frames_outside(e, f, c, d);
}

/* A stack of unknown size and of another alignment: the CFA is an expression. */
ALONE long frames_aligned(unsigned long n)
{
	long data[n], line[8] __attribute__((aligned(64))) = { 1, 2, 3 };
	asm volatile("" : : "r"(data), "r"(line) : "memory");
	return frames_outside(line[0], data[1], line[2], data[3]) + (long)n;
}

/* A stack of unknown size: the CFA is by rbp. */
ALONE long frames_of_size(unsigned long n)
{
	long data[n];
	asm volatile("" : : "r"(data) : "memory");
	return frames_outside(data[0], (long)n, 0, 0);
}

/* As hypercalls do: rbp is pushed, and something else is in it. */
ALONE long frames_pushed(long a, long b, long c)
{
	long d = frames_outside(a, b, c, 0);
	asm volatile("push %%rbp\n"
		     ".globl frames_pushed_from, frames_pushed_to\n"
		     "frames_pushed_from:\n\t"
		     "mov %0, %%rbp\n\t"
		     "nop\n\t"
		     "pop %%rbp\n"
		     "frames_pushed_to:\n\t"
		     "nop" : : "r"(d) : "memory");
	return frames_outside(a, b, c, d) + d;
}

/* As call_on_stack() does: the old stack pointer is at the top of another stack. */
#define CALL_ON(stack, name)                                                                     \
	asm volatile("movq %%rsp, (%0)\n\t"                                                       \
		     "movq %0, %%rsp\n"                                                           \
		     ".globl " name "_from, " name "_to\n"                                        \
		     name "_from:\n\t"                                                            \
		     "call frames_asm\n\t"                                                        \
		     "popq %%rsp\n"                                                               \
		     name "_to:\n\t"                                                              \
		     "nop" : "+r"(stack) : : "memory", "rax", "rcx", "rdx", "rsi", "rdi", "r8",   \
		     "r9", "r10", "r11")

ALONE long frames_switched(long a, long b, void *stack)
{
	long c = frames_outside(a, b, 0, 0);
	CALL_ON(stack, "frames_switched");
	return frames_outside(a, b, c, 0) + c;
}

/* The same in an inlined call. */
static inline __attribute__((always_inline)) void call_on(void *stack)
{
	CALL_ON(stack, "frames_inlined");
}

ALONE long frames_inlined(long a, long b, void *stack)
{
	long c = frames_outside(a, b, 0, 0);
	call_on(stack);
	return frames_outside(a, b, c, 0) + c;
}

/* The address that the last call pushes is of the next function. */
ALONE void frames_stopped(long a)
{
	frames_outside(a, a, a, a);
	frames_no_return();
}

void _start(void)
{
	char stack[64];
	frames_saved(1, 2, 3, 4);
	frames_aligned(16);
	frames_of_size(16);
	frames_pushed(1, 2, 3);
	frames_switched(1, 2, stack);
	frames_inlined(1, 2, stack);
	frames_stopped(1);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files whose debug information the tests ask, a program and a module; they never run. */
#include "symbols/tests/fixture.h"

struct fixture_outer fixture_outer_data;
struct fixture_packed fixture_packed_data;
union fixture_union fixture_union_data = { 1 };
void fixture_global(struct fixture_outer *o);
void _start(void);

#ifdef MODULE_OF
static const char modinfo[] __attribute__((section(".modinfo"), used)) =
	"license=GPL\0vermagic=" MODULE_OF " SMP preempt mod_unload\0name=fixture";
#endif

static int fixture_same;

__attribute__((noinline, used)) static void fixture_local(struct fixture_outer *o)
{
	o->call(o);
	fixture_same++;
}

void fixture_global(struct fixture_outer *o)
{
	fixture_local(o);
	fixture_packed_data.value++;
}

void _start(void)
{
	fixture_global(&fixture_outer_data);
}

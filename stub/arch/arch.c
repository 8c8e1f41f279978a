/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/arch/arch.h"

static const struct arch *const known[] = { &arch_x86_64 };

const struct arch *arch_by_elf_machine(uint16_t elf_machine)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i]->elf_machine == elf_machine)
			return known[i];
	return NULL;
}

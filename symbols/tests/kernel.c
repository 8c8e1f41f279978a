/* SPDX-License-Identifier: GPL-2.0-or-later */
/* With frames.c and frames-asm.S a vmlinux in small: ORC tables and a per-CPU section at 0. */

/* arch/x86/include/asm/orc_types.h, 6.4 */
struct orc_entry {
	short sp_offset, bp_offset;
	unsigned sp_reg : 4, bp_reg : 4, type : 3, signal : 1;
} __attribute__((packed));

extern const struct orc_entry orc_table[6];
__attribute__((section(".orc_unwind"), used)) const struct orc_entry orc_table[6] = {
	{ 0, 0, 0, 0, 0, 0 },
	{ 8, 0, 5, 0, 2, 0 },
	{ 16, -16, 5, 1, 2, 0 },
	{ 8, 0, 5, 0, 2, 0 },
	{ 8, 0, 5, 0, 4, 1 },
	{ 0, 0, 0, 0, 0, 0 },
};

asm(".pushsection .orc_unwind_ip, \"a\"\n"
    ".long frames_outside - .\n"
    ".long frames_asm - .\n"
    ".long frames_asm_pushed - .\n"
    ".long frames_asm_popped - .\n"
    ".long frames_entry - .\n"
    ".long frames_entry_end - .\n"
    ".popsection");

extern long percpu_word, percpu_array[64];
__attribute__((section(".percpu"))) long percpu_word = 1;
__attribute__((section(".percpu"))) long percpu_array[64] = { 2 };

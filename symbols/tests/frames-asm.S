/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions of which no compiler told anything: only ORC knows their frames. */
	.text
	.globl	frames_asm, frames_asm_pushed, frames_asm_popped, frames_asm_end
	.type	frames_asm, @function
frames_asm:
	nop
	push	%rbp
frames_asm_pushed:
	call	frames_outside
	pop	%rbp
frames_asm_popped:
	ret
frames_asm_end:
	.size	frames_asm, . - frames_asm

	.globl	frames_entry, frames_entry_pushed, frames_entry_end
	.type	frames_entry, @function
frames_entry:
	sub	$120, %rsp
frames_entry_pushed:
	call	frames_outside
	iretq
frames_entry_end:
	.size	frames_entry, . - frames_entry

	.globl	frames_first, frames_first_end
	.type	frames_first, @function
frames_first:
	call	frames_outside
	ud2
frames_first_end:
	.size	frames_first, . - frames_first
	.section .note.GNU-stack, "", @progbits

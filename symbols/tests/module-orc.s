/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A module without debug information, with ORC as from 6.4 on: all its sections are at 0, and the
 * tables' entries lie by sections, not by address. Some entries are named by a function instead of
 * its section, as objtool does where there are no symbols of sections.
 */
	.macro orc where, sp_offset, bp_offset, sp_reg, bp_reg, type
	.pushsection .orc_unwind_ip, "a", @progbits
	.long \where - .
	.popsection
	.pushsection .orc_unwind, "a", @progbits
	.short \sp_offset, \bp_offset
	.short \sp_reg | \bp_reg << 4 | \type << 8
	.popsection
	.endm
	.set SP, 5
	.set BP, 4
	.set PREV_SP, 1

	.section .noinstr.text, "ax", @progbits
entry:
	sub	$120, %rsp
entry_pushed:
	call	outside
	iretq
entry_end:
	orc	entry, 0, 0, SP, 0, 4
	orc	entry_pushed, 0, 0, SP, 0, 3
	orc	entry_end, 0, 0, 0, 0, 0

	.section .silent.text, "ax", @progbits
silent:
	call	outside
	ret

	.section .init.text, "ax", @progbits
	.globl init_function
	nop
init_function:
	push	%rbx
init_pushed:
	call	outside
	pop	%rbx
init_popped:
	ret
init_end:
	orc	init_function + 0, 8, 0, SP, 0, 2
	orc	init_function + 1, 16, 0, SP, 0, 2
	orc	init_popped, 8, 0, SP, 0, 2
	orc	init_end, 0, 0, 0, 0, 0

	.text
	.globl function
	.skip	32, 0x90
function:
	push	%rbp
function_pushed:
	mov	%rsp, %rbp
function_framed:
	call	outside
	pop	%rbp
function_popped:
	ret
function_end:
	orc	function, 8, 0, SP, 0, 2
	orc	function_pushed, 16, -16, SP, PREV_SP, 2
	orc	function_framed, 16, -16, BP, PREV_SP, 2
	orc	function_popped, 8, 0, SP, 0, 2
	orc	function_end, 0, 0, 0, 0, 0

	.data
	.globl variable
variable:
	.quad	silent
	.quad	entry

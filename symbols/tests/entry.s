/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's entry code in small: what entry.c looks for, with labels that say where it is. */
	.macro function name
	.globl \name
	.type \name, @function
\name:
	.endm
	.macro finish name
	.size \name, . - \name
	.endm

	.cfi_sections .debug_frame
	.text
	function exc_page_fault
	ret
	finish exc_page_fault
	function smp_reschedule_interrupt
	ret
	finish smp_reschedule_interrupt
	function helper
	ret
	finish helper
	function ret_from_fork
	nop
	nop
	finish ret_from_fork

	/* C code that calls on another stack, and one that only looks like it */
	function do_softirq
	.cfi_startproc
	push %rbx
	.cfi_adjust_cfa_offset 8
	mov %rsp, (%r11)
	mov %r11, %rsp
	.globl switched
switched:
	call helper
	pop %rsp
	.globl switched_back
switched_back:
	pop %rbx
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
	finish do_softirq
	function restores
	.cfi_startproc
	mov %r11, %rsp
	call helper
	pop %rsp
	.globl restored
restored:
	ret
	.cfi_endproc
	finish restores

	.globl __entry_text_start
__entry_text_start:
	function asm_exc_page_fault
	push %rax
	.globl calls_handler
calls_handler:
	call exc_page_fault
	.globl handler_returns
handler_returns:
	nop
	.globl calls_helper
calls_helper:
	call helper
	.globl helper_returns
helper_returns:
	nop
	call smp_reschedule_interrupt
	.globl interrupt_returns
interrupt_returns:
	nop
	nop
	finish asm_exc_page_fault
	function asm_call_on_stack
	push %rbp
	mov %rsp, %rbp
	.globl framed
framed:
	mov %rdi, %rsp
	call *%rsi
	leave
	ret
	finish asm_call_on_stack
	nop
	.globl __entry_text_end
__entry_text_end:
	nop

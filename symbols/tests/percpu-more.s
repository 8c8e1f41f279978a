/* Another file's variable of the same name (percpu.c): the first of them has it. */
	.section .percpu, "aw"
	.balign 8
of_file:
	.quad 18
	.type of_file, @object
	.size of_file, 8
	.section .note.GNU-stack, "", @progbits

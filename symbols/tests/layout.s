/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A module's sections in an order that linkers give them, too: loaded ones behind others, with
 * all that names a section by its number: symbols, relocations, a group, a link.
 */
	.text
	.globl early
early:	.quad late
	.section .debug_x, "", @progbits
debug_x:
	.quad early
	.quad late
	.section .late, "aw", @progbits
	.globl late
late:	.quad early
	.quad grouped
	.section .grouped, "awG", @progbits, signature, comdat
signature:
grouped:
	.quad late
	.section .linked, "ao", @progbits, .late
linked:	.quad late
	.section .debug_y, "", @progbits
debug_y:
	.quad grouped
	.section .nothing, "aw", @nobits
nothing:
	.zero 64
	.section .latest, "a", @progbits
latest:	.quad debug_y

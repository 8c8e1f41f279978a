/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/orc.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 1 << 24, ENTRY_BYTES_MAX = 8 };

/* Where the fields of struct orc_entry are, as bits from its start. */
struct field {
	unsigned at, bits;
};

/*
 * arch/x86/include/asm/orc_types.h: what ORC_REG_* stand for, as DWARF numbers them (rax 0,
 * rdx 1, rdi 5, rbp 6, rsp 7; -1: cannot be a frame's base). Debug info does not tell.
 */
struct numbering {
	unsigned sp;
	signed char reg[16];
	unsigned prev_sp, bp, sp_indirect, bp_indirect;
};

static const struct numbering numberings[] = {
	{ 5, { -1, -1, 1, 5, 6, 7, 10, 13, 6, 7, -1, -1, -1, -1, -1, -1 }, 1, 4, 9, 8 },
	/* 7.1, commit 96f3b16a9de5: rax is one of them, and all are in another order */
	{ 3, { -1, 0, 1, 7, 6, 5, 10, 13, -1, 7, 6, -1, -1, -1, -1, -1 }, 8, 4, 9, 10 },
};

struct dialect {
	uint64_t entry_size;
	struct field sp_offset, bp_offset, sp_reg, bp_reg, type, end;
	bool has_end;                   /* since 4.18, commit d31a580266ee */
	bool new_types;                 /* since 6.4, commit fb799447ae29, which took `end` away */
	const struct numbering *regs;
};

static bool field_of(struct types *t, const char *name, struct field *ret)
{
	struct member m;
	struct error *err = types_member(t, "orc_entry", name, &m);
	if (err) {
		error_free(err);
		return false;
	}
	ret->at = (unsigned)m.offset * 8 + m.bit_offset;
	ret->bits = m.bit_size ? m.bit_size : (unsigned)m.size * 8;
	return true;
}

static struct error *read_dialect(struct types *t, struct dialect *ret)
{
	struct dialect d = { .entry_size = 0 };
	struct error *err = t ? types_sizeof(t, "orc_entry", &d.entry_size) :
				error_new(ERROR_NOT_FOUND, "no types");
	if (err) {
		error_free(err);
		return error_new(ERROR_UNSUPPORTED, "the debug info does not describe struct orc_entry");
	}
	bool known = field_of(t, "sp_offset", &d.sp_offset) && field_of(t, "bp_offset", &d.bp_offset) &&
		     field_of(t, "sp_reg", &d.sp_reg) && field_of(t, "bp_reg", &d.bp_reg) &&
		     field_of(t, "type", &d.type);
	d.has_end = field_of(t, "end", &d.end);
	d.new_types = d.type.bits == 3;
	known = known && (d.new_types ? !d.has_end : d.type.bits == 2);
	const struct field *fields[] = { &d.sp_offset, &d.bp_offset, &d.sp_reg, &d.bp_reg, &d.type, &d.end };
	for (size_t i = 0; known && i < (d.has_end ? 6u : 5u); i++)
		known = fields[i]->bits && fields[i]->bits <= 16 &&
			fields[i]->at + fields[i]->bits <= d.entry_size * 8;
	if (!known || !d.entry_size || d.entry_size > ENTRY_BYTES_MAX || d.sp_reg.bits > 4 || d.bp_reg.bits > 4)
		return error_new(ERROR_UNSUPPORTED, "struct orc_entry has members that kstub does not know");
	*ret = d;
	return NULL;
}

static uint64_t entry_bits(const unsigned char *p, uint64_t size)
{
	uint64_t bits = 0;
	for (uint64_t i = size; i-- > 0;)
		bits = bits << 8 | p[i];
	return bits;
}

static unsigned get(uint64_t bits, struct field f)
{
	return (unsigned)(bits >> f.at & ((1u << f.bits) - 1));
}

static int get_signed(uint64_t bits, struct field f)
{
	unsigned value = get(bits, f);
	return value >> (f.bits - 1) ? (int)value - (1 << f.bits) : (int)value;
}

/* Most of a kernel's code has its frame at rsp: the register's number tells the numbering. */
static struct error *choose_registers(struct dialect *d, const unsigned char *table, size_t n)
{
	size_t count[16] = { 0 }, most = 1;
	for (size_t i = 0; i < n; i++)
		count[get(entry_bits(table + i * d->entry_size, d->entry_size), d->sp_reg)]++;
	for (size_t r = 1; r < 16; r++)
		if (count[r] > count[most])
			most = r;
	if (!count[most])
		return error_new(ERROR_UNSUPPORTED, "the ORC tables know no frame");
	for (size_t i = 0; i < sizeof(numberings) / sizeof(*numberings); i++) {
		if (numberings[i].sp == most) {
			d->regs = &numberings[i];
			return NULL;
		}
	}
	return error_new(ERROR_UNSUPPORTED, "ORC numbers the stack pointer %zu: a dialect that kstub "
					    "does not know", most);
}

static enum orc_kind kind_of(const struct dialect *d, uint64_t bits)
{
	static const enum orc_kind before[] = { ORC_KIND_CALL, ORC_KIND_REGS, ORC_KIND_REGS_PARTIAL };
	static const enum orc_kind since[] = { ORC_KIND_UNDEFINED, ORC_KIND_END, ORC_KIND_CALL,
					       ORC_KIND_REGS, ORC_KIND_REGS_PARTIAL };
	unsigned type = get(bits, d->type);
	if (d->new_types)
		return type < 5 ? since[type] : ORC_KIND_UNDEFINED;
	if (!get(bits, d->sp_reg))      /* the kernel looks at `end` here alone */
		return d->has_end && get(bits, d->end) ? ORC_KIND_END : ORC_KIND_UNDEFINED;
	return type < 3 ? before[type] : ORC_KIND_UNDEFINED;
}

static struct orc_rule rule_of(const struct dialect *d, uint64_t bits)
{
	const struct numbering *n = d->regs;
	unsigned sp = get(bits, d->sp_reg), bp = get(bits, d->bp_reg);
	struct orc_rule r = {
		.kind = kind_of(d, bits), .cfa_reg = n->reg[sp],
		.cfa_offset = get_signed(bits, d->sp_offset),
		.rbp_offset = get_signed(bits, d->bp_offset),
	};
	/*
	 * Of the stack's old pointer at the top of the interrupt stack: up to 5.7 entry code put
	 * the registers behind it (and a return address on it), so the offset counts before the
	 * load; since 5.12, commit aafeb14e9da2, C code does, and it counts after.
	 */
	if (sp == n->sp_indirect)
		r.cfa_deref = r.kind == ORC_KIND_CALL ? 1 : 2;
	else if (sp == n->bp_indirect)
		r.cfa_deref = 2;
	r.rbp_saved = bp == n->prev_sp;
	r.rbp_deref = bp == n->bp;
	/* Where the kernel's own unwinder gives up, too. */
	if (r.kind >= ORC_KIND_CALL && (r.cfa_reg < 0 || (bp && !r.rbp_saved && !r.rbp_deref)))
		r.kind = ORC_KIND_UNDEFINED;
	return r;
}

/* Of two at one address the end mark of a section without code there comes first, and is hidden. */
static int compare(const void *a, const void *b)
{
	const struct orc_entry *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->rule.kind != ORC_KIND_UNDEFINED) - (y->rule.kind != ORC_KIND_UNDEFINED);
}

struct error *orc_parse(const void *ip, size_t ip_len, uint64_t ip_addr, const void *table, size_t table_len,
			struct types *types, struct orc *ret)
{
	struct dialect d = { .entry_size = 0 };
	struct error *err = read_dialect(types, &d);
	if (err)
		return err;
	size_t n = ip_len / 4;
	if (!n || n > ENTRIES_MAX || ip_len % 4 || table_len != n * d.entry_size)
		return error_new(ERROR_FORMAT, "the ORC tables do not fit each other: %zu bytes of addresses, "
					       "%zu of entries", ip_len, table_len);
	err = choose_registers(&d, table, n);
	if (err)
		return err;
	struct orc_entry *entries = calloc(n, sizeof(*entries));
	if (!entries)
		return error_nomem();
	bool sorted = true;
	for (size_t i = 0; i < n; i++) {
		int32_t offset;
		memcpy(&offset, (const char *)ip + i * 4, sizeof(offset));
		entries[i].start = ip_addr + i * 4 + (uint64_t)(int64_t)offset;
		entries[i].rule = rule_of(&d, entry_bits((const unsigned char *)table + i * d.entry_size,
							 d.entry_size));
		sorted = sorted && (!i || compare(&entries[i - 1], &entries[i]) <= 0);
	}
	/* On disk they are sorted since 5.6 (scripts/sorttable); before, the kernel sorted at boot. */
	if (!sorted)
		qsort(entries, n, sizeof(*entries), compare);
	for (size_t i = 0; i < n; i++)
		entries[i].end = i + 1 < n ? entries[i + 1].start : entries[i].start;
	*ret = (struct orc){ entries, n };
	return NULL;
}

void orc_deinit(struct orc *o)
{
	free(o->entries);
	*o = (struct orc){ NULL, 0 };
}

size_t orc_first_behind(const struct orc *o, uint64_t addr)
{
	size_t low = 0, high = o->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (o->entries[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct orc_entry *orc_find(const struct orc *o, uint64_t addr)
{
	size_t i = orc_first_behind(o, addr);
	return i < o->n && o->entries[i].start <= addr ? &o->entries[i] : NULL;
}

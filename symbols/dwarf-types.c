/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types out of DWARF, by libdw, for kernels without BTF. A vmlinux repeats its structs in
 * thousands of compile units; names are indexed unit by unit and only as far as a search needs.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/elf.h"
#include "symbols/types-source.h"

struct name_slot {
	const char *name;               /* borrowed from the file */
	Dwarf_Off die;
};

struct dwarf_types {
	struct types t;
	struct elf_file file;
	Dwarf *dwarf;
	Dwfl *relocated;                /* owns `dwarf` of a module, whose offsets need relocation */
	Dwarf_Off next_unit;            /* where the index goes on; 0 with `whole`: nowhere */
	bool whole;
	struct name_slot *slots;
	size_t nslots, used;
	const char *strings;            /* .debug_str: a name that is not in it names nothing */
	size_t strings_len;
};

/* Damaged DWARF may name a sibling before itself: every walk over siblings has an end. */
enum { NAMES_MAX = 1 << 22, SIBLINGS_MAX = 1 << 22 };

static bool next_sibling(Dwarf_Die *die, unsigned *walked)
{
	return ++*walked < SIBLINGS_MAX && !dwarf_siblingof(die, die);
}

static uint32_t hash_of(const char *name)
{
	uint32_t h = 2166136261u;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

static struct name_slot *slot_of(struct dwarf_types *d, const char *name)
{
	size_t i = hash_of(name) & (d->nslots - 1);
	while (d->slots[i].name && strcmp(d->slots[i].name, name))
		i = (i + 1) & (d->nslots - 1);
	return &d->slots[i];
}

static bool grow(struct dwarf_types *d)
{
	struct name_slot *old = d->slots;
	size_t n = d->nslots;
	if (n && d->used * 2 < n)
		return true;
	if (n >= NAMES_MAX)
		return false;
	d->nslots = n ? n * 2 : 8192;
	d->slots = calloc(d->nslots, sizeof(*d->slots));
	if (!d->slots) {
		d->slots = old;
		d->nslots = n;
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (old[i].name)
			*slot_of(d, old[i].name) = old[i];
	free(old);
	return true;
}

static void add_name(struct dwarf_types *d, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	if (!name || dwarf_hasattr(die, DW_AT_declaration) || !grow(d))
		return;
	struct name_slot *slot = slot_of(d, name);
	if (slot->name)
		return;
	slot->name = name;
	slot->die = dwarf_dieoffset(die);
	d->used++;
}

/* One unit's structs and unions, then its typedefs, so that a struct wins over a typedef. */
static void index_unit(struct dwarf_types *d, Dwarf_Die *unit)
{
	for (int pass = 0; pass < 2; pass++) {
		Dwarf_Die die;
		unsigned walked = 0;
		if (dwarf_child(unit, &die))
			return;
		do {
			int tag = dwarf_tag(&die);
			bool wanted = pass ? tag == DW_TAG_typedef :
					     tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
			if (wanted)
				add_name(d, &die);
		} while (next_sibling(&die, &walked));
	}
}

static bool index_next_unit(struct dwarf_types *d)
{
	Dwarf_Off at = d->next_unit;
	size_t header;
	Dwarf_Die unit;
	if (d->whole || dwarf_nextcu(d->dwarf, at, &d->next_unit, &header, NULL, NULL, NULL)) {
		d->whole = true;
		return false;
	}
	if (dwarf_offdie(d->dwarf, at + header, &unit))
		index_unit(d, &unit);
	if (d->next_unit <= at)
		d->whole = true;
	return true;
}

/* The linker keeps a string that ends another one ("task_struct") within that one alone. */
static bool may_exist(const struct dwarf_types *d, const char *name)
{
	return !d->strings || memmem(d->strings, d->strings_len, name, strlen(name) + 1);
}

static bool dwarf_find(struct types *t, const char *name, uint64_t *ret)
{
	struct dwarf_types *d = (struct dwarf_types *)t;
	bool looked = false;
	for (;;) {
		struct name_slot *slot = d->nslots ? slot_of(d, name) : NULL;
		if (slot && slot->name) {
			*ret = slot->die;
			return true;
		}
		/* Short names may stand in the DIE itself (DW_FORM_string). */
		if (!looked && strlen(name) >= 4 && !may_exist(d, name))
			return false;
		looked = true;
		if (!index_next_unit(d))
			return false;
	}
}

static bool strip(struct dwarf_types *d, uint64_t type, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;
	if (!dwarf_offdie(d->dwarf, type, ret))
		return false;
	for (int i = 0; i < TYPE_CHAIN_MAX; i++) {
		switch (dwarf_tag(ret)) {
		case DW_TAG_typedef: case DW_TAG_const_type: case DW_TAG_volatile_type:
		case DW_TAG_restrict_type: case DW_TAG_atomic_type:
			if (!dwarf_attr_integrate(ret, DW_AT_type, &attr) || !dwarf_formref_die(&attr, ret))
				return false;
			break;
		default: return true;
		}
	}
	return false;
}

static uint64_t type_of(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Die type;
	if (!dwarf_attr_integrate(die, DW_AT_type, &attr) || !dwarf_formref_die(&attr, &type))
		return 0;
	return dwarf_dieoffset(&type);
}

/* The product of all dimensions: [2][3] counts 6 elements, as a flat array would. */
static uint64_t array_count(Dwarf_Die *array)
{
	Dwarf_Die child;
	Dwarf_Attribute attr;
	Dwarf_Word n;
	uint64_t count = 1;
	unsigned walked = 0;
	bool any = false;
	if (dwarf_child(array, &child))
		return 0;
	do {
		if (dwarf_tag(&child) != DW_TAG_subrange_type)
			continue;
		if (dwarf_attr(&child, DW_AT_count, &attr) && !dwarf_formudata(&attr, &n))
			;
		else if (dwarf_attr(&child, DW_AT_upper_bound, &attr) && !dwarf_formudata(&attr, &n))
			n = n == UINT64_MAX ? 0 : n + 1;
		else
			n = 0;
		if (n > UINT32_MAX || count > UINT32_MAX)
			return 0;
		count *= n;
		any = true;
	} while (next_sibling(&child, &walked));
	return any ? count : 0;
}

static bool describe_depth(struct dwarf_types *d, uint64_t type, struct type_info *ret, unsigned depth)
{
	Dwarf_Die die;
	Dwarf_Attribute attr;
	Dwarf_Word encoding = 0;
	struct type_info element;
	if (!type || depth == TYPE_DEPTH_MAX || !strip(d, type, &die))
		return false;
	int size = dwarf_bytesize(&die);
	*ret = (struct type_info){ .kind = TYPE_SCALAR, .size = size > 0 ? (uint64_t)size : 0 };
	switch (dwarf_tag(&die)) {
	case DW_TAG_structure_type: case DW_TAG_union_type: {
		/* A declaration stands for the body somewhere else. */
		uint64_t whole;
		const char *name = dwarf_diename(&die);
		ret->kind = TYPE_STRUCT;
		if (dwarf_hasattr(&die, DW_AT_declaration) && name && dwarf_find(&d->t, name, &whole) &&
		    dwarf_offdie(d->dwarf, whole, &die) && (size = dwarf_bytesize(&die)) > 0)
			ret->size = (uint64_t)size;
		return true;
	}
	case DW_TAG_array_type:
		ret->kind = TYPE_ARRAY;
		ret->element = type_of(&die);
		ret->count = array_count(&die);
		if (!describe_depth(d, ret->element, &element, depth + 1))
			return false;
		return !__builtin_mul_overflow(element.size, ret->count, &ret->size);
	case DW_TAG_base_type:
		if (dwarf_attr(&die, DW_AT_encoding, &attr) && !dwarf_formudata(&attr, &encoding))
			ret->is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
		return true;
	case DW_TAG_pointer_type: ret->size = 8; return true;
	default: return true;
	}
}

static bool dwarf_describe(struct types *t, uint64_t type, struct type_info *ret)
{
	return describe_depth((struct dwarf_types *)t, type, ret, 0);
}

static bool number_of(Dwarf_Die *die, unsigned name, Dwarf_Word *ret)
{
	Dwarf_Attribute attr;
	return dwarf_attr(die, name, &attr) && !dwarf_formudata(&attr, ret);
}

/* Bit-fields in DWARF 4's and 5's manner, and in that of older compilers (from the high end). */
static void place_member(Dwarf_Die *die, uint64_t storage, struct type_member *m)
{
	Dwarf_Word n, size;
	if (number_of(die, DW_AT_data_member_location, &n))
		m->bits = n * 8;
	if (number_of(die, DW_AT_bit_size, &size) && size && size < 65)
		m->bit_size = (unsigned)size;
	if (number_of(die, DW_AT_data_bit_offset, &n))
		m->bits = n;
	else if (m->bit_size && number_of(die, DW_AT_bit_offset, &n) && storage * 8 >= n + size)
		m->bits += storage * 8 - n - size;
}

static void dwarf_members(struct types *t, uint64_t type,
			  bool (*each)(void *arg, const struct type_member *m), void *arg)
{
	struct dwarf_types *d = (struct dwarf_types *)t;
	Dwarf_Die die, child;
	uint64_t whole;
	if (!strip(d, type, &die))
		return;
	const char *own = dwarf_diename(&die);
	if (dwarf_hasattr(&die, DW_AT_declaration) &&
	    (!own || !dwarf_find(t, own, &whole) || !dwarf_offdie(d->dwarf, whole, &die)))
		return;
	if (dwarf_child(&die, &child))
		return;
	unsigned walked = 0;
	do {
		if (dwarf_tag(&child) != DW_TAG_member)
			continue;
		const char *name = dwarf_diename(&child);
		struct type_member m = { .name = name ? name : "", .type = type_of(&child) };
		struct type_info info = { .size = 0 };
		if (dwarf_hasattr(&child, DW_AT_bit_size))
			dwarf_describe(t, m.type, &info);
		place_member(&child, info.size, &m);
		if (!each(arg, &m))
			return;
	} while (next_sibling(&child, &walked));
}

static void dwarf_enumerators(struct types *t, uint64_t type,
			      bool (*each)(void *arg, const char *name, int64_t value), void *arg)
{
	struct dwarf_types *d = (struct dwarf_types *)t;
	Dwarf_Die die, child;
	Dwarf_Attribute attr;
	Dwarf_Sword value;
	unsigned walked = 0;
	if (!strip(d, type, &die) || dwarf_tag(&die) != DW_TAG_enumeration_type || dwarf_child(&die, &child))
		return;
	do {
		const char *name = dwarf_diename(&child);
		if (name && dwarf_attr(&child, DW_AT_const_value, &attr) && !dwarf_formsdata(&attr, &value) &&
		    !each(arg, name, value))
			return;
	} while (next_sibling(&child, &walked));
}

static bool enumerator_in(Dwarf_Die *unit, const char *name, int64_t *ret)
{
	Dwarf_Die die, child;
	Dwarf_Attribute attr;
	Dwarf_Sword value;
	unsigned walked = 0;
	if (dwarf_child(unit, &die))
		return false;
	do {
		if (dwarf_tag(&die) != DW_TAG_enumeration_type || dwarf_child(&die, &child))
			continue;
		do {
			const char *own = dwarf_diename(&child);
			if (own && !strcmp(own, name) && dwarf_attr(&child, DW_AT_const_value, &attr) &&
			    !dwarf_formsdata(&attr, &value)) {
				*ret = value;
				return true;
			}
		} while (next_sibling(&child, &walked));
	} while (next_sibling(&die, &walked));
	return false;
}

static bool dwarf_enumerator_of(struct types *t, const char *name, int64_t *ret)
{
	struct dwarf_types *d = (struct dwarf_types *)t;
	Dwarf_Off at = 0, next;
	size_t header;
	if (!may_exist(d, name))
		return false;
	while (!dwarf_nextcu(d->dwarf, at, &next, &header, NULL, NULL, NULL)) {
		Dwarf_Die unit;
		if (dwarf_offdie(d->dwarf, at + header, &unit) && enumerator_in(&unit, name, ret))
			return true;
		if (next <= at)
			break;
		at = next;
	}
	return false;
}

/*
 * DWARF keeps the dimensions of an array together: an id of the array behind N of them is the
 * array's own with N in the bits that no offset reaches.
 */
enum { DIMENSION_SHIFT = 56 };

static bool count_of(Dwarf_Die *subrange, uint64_t *ret)
{
	Dwarf_Word n;
	if (number_of(subrange, DW_AT_count, &n)) {
		*ret = n;
		return true;
	}
	if (!number_of(subrange, DW_AT_upper_bound, &n))
		return false;
	*ret = n + 1;           /* of no elements: the bound is -1 */
	return true;
}

static void array_shape(Dwarf_Die *array, uint64_t type, struct type_shape *ret)
{
	Dwarf_Die child;
	unsigned walked = 0, dimension = (unsigned)(type >> DIMENSION_SHIFT), n = 0;
	ret->kind = SHAPE_ARRAY;
	ret->target = type_of(array);
	if (dwarf_child(array, &child))
		return;
	do {
		if (dwarf_tag(&child) != DW_TAG_subrange_type)
			continue;
		if (n == dimension && !count_of(&child, &ret->count))
			ret->count = 0;
		if (n == dimension + 1) {
			ret->target = dwarf_dieoffset(array) | (uint64_t)n << DIMENSION_SHIFT;
			return;
		}
	} while (++n < TYPE_DEPTH_MAX && next_sibling(&child, &walked));
}

static void named_shape(Dwarf_Die *die, enum shape_kind kind, struct type_shape *ret)
{
	Dwarf_Word n;
	ret->kind = kind;
	if (number_of(die, DW_AT_byte_size, &n))
		ret->size = n;
	if (kind == SHAPE_BASE && number_of(die, DW_AT_encoding, &n))
		ret->encoding = (unsigned)n;
	if (kind != SHAPE_BASE && kind != SHAPE_STRUCT && kind != SHAPE_UNION)
		ret->target = type_of(die);
}

static void dwarf_shape(struct types *t, uint64_t type, struct type_shape *ret)
{
	struct dwarf_types *d = (struct dwarf_types *)t;
	Dwarf_Die die;
	*ret = (struct type_shape){ .name = "" };
	if (!type || !dwarf_offdie(d->dwarf, type & ((1ull << DIMENSION_SHIFT) - 1), &die))
		return;
	for (int i = 0; i < TYPE_CHAIN_MAX; i++) {
		int tag = dwarf_tag(&die);
		if (tag != DW_TAG_const_type && tag != DW_TAG_volatile_type && tag != DW_TAG_restrict_type &&
		    tag != DW_TAG_atomic_type)
			break;
		uint64_t next = type_of(&die);
		if (!next || !dwarf_offdie(d->dwarf, next, &die))
			return;
	}
	const char *name = dwarf_diename(&die);
	if (name)
		ret->name = name;
	switch (dwarf_tag(&die)) {
	case DW_TAG_base_type: named_shape(&die, SHAPE_BASE, ret); break;
	case DW_TAG_structure_type: named_shape(&die, SHAPE_STRUCT, ret); break;
	case DW_TAG_union_type: named_shape(&die, SHAPE_UNION, ret); break;
	case DW_TAG_enumeration_type: named_shape(&die, SHAPE_ENUM, ret); break;
	case DW_TAG_typedef: named_shape(&die, SHAPE_TYPEDEF, ret); break;
	case DW_TAG_pointer_type: named_shape(&die, SHAPE_POINTER, ret); ret->size = 8; break;
	case DW_TAG_subroutine_type: named_shape(&die, SHAPE_FUNCTION, ret); break;
	case DW_TAG_array_type: array_shape(&die, type, ret); break;
	default: break;
	}
}

/* A definition may stand apart from the declaration that has name and type. */
static bool variable_of(Dwarf_Die *die, const struct type_section *in, struct type_variable *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Op *op;
	size_t n;
	if (!dwarf_attr(die, DW_AT_location, &attr) || dwarf_getlocation(&attr, &op, &n) || n != 1 ||
	    op->atom != DW_OP_addr || op->number - in->addr >= in->size)
		return false;
	if (!dwarf_attr_integrate(die, DW_AT_name, &attr) || !(ret->name = dwarf_formstring(&attr)))
		return false;
	ret->addr = op->number;
	ret->type = type_of(die);
	return true;
}

static bool unit_variables(Dwarf_Die *unit, const struct type_section *in,
			   bool (*each)(void *arg, const struct type_variable *v), void *arg)
{
	Dwarf_Die die;
	unsigned walked = 0;
	if (dwarf_child(unit, &die))
		return true;
	do {
		struct type_variable v;
		if (dwarf_tag(&die) == DW_TAG_variable && variable_of(&die, in, &v) && !each(arg, &v))
			return false;
	} while (next_sibling(&die, &walked));
	return true;
}

static void dwarf_variables(struct types *t, const struct type_section *in,
			    bool (*each)(void *arg, const struct type_variable *v), void *arg)
{
	struct dwarf_types *d = (struct dwarf_types *)t;
	Dwarf_Off at = 0, next;
	size_t header;
	while (!dwarf_nextcu(d->dwarf, at, &next, &header, NULL, NULL, NULL)) {
		Dwarf_Die unit;
		if (dwarf_offdie(d->dwarf, at + header, &unit) && !unit_variables(&unit, in, each, arg))
			return;
		if (next <= at)
			return;
		at = next;
	}
}

static void dwarf_destroy(struct types *t)
{
	struct dwarf_types *d = (struct dwarf_types *)t;
	if (d->relocated)
		dwfl_end(d->relocated);
	else if (d->dwarf)
		dwarf_end(d->dwarf);
	elf_file_close(&d->file);
	free(d->slots);
	free(d);
}

static const struct types_ops dwarf_source = {
	.name = "DWARF",
	.destroy = dwarf_destroy,
	.find = dwarf_find,
	.describe = dwarf_describe,
	.members = dwarf_members,
	.enumerator = dwarf_enumerator_of,
	.enumerators = dwarf_enumerators,
	.variables_are_slow = true,
	.shape = dwarf_shape,
	.variables = dwarf_variables,
};

static void take_strings(struct dwarf_types *d)
{
	for (size_t i = 0; i < d->file.nsections; i++) {
		const void *data;
		if (strcmp(d->file.sections[i].name, ".debug_str"))
			continue;
		struct error *err = elf_file_data(&d->file, i, &data, &d->strings_len);
		if (!err)
			d->strings = data;
		error_free(err);
	}
}

/* The file has its debug information itself or is of no use: nothing is looked for elsewhere. */
static int find_no_other(Dwfl_Module *m, void **user, const char *name, Dwarf_Addr base, const char *file,
			 const char *link, GElf_Word crc, char **ret)
{
	(void)m, (void)user, (void)name, (void)base, (void)file, (void)link, (void)crc, (void)ret;
	return -1;
}

static Dwarf *open_relocated(struct dwarf_types *d, const char *path)
{
	static const Dwfl_Callbacks callbacks = {
		.section_address = dwfl_offline_section_address,
		.find_debuginfo = find_no_other,
	};
	Dwarf_Addr bias;
	d->relocated = dwfl_begin(&callbacks);
	if (!d->relocated)
		return NULL;
	Dwfl_Module *m = dwfl_report_offline(d->relocated, "module", path, -1);
	dwfl_report_end(d->relocated, NULL, NULL);
	return m ? dwfl_module_getdwarf(m, &bias) : NULL;
}

struct error *types_from_dwarf(const char *elf_path, struct types **ret)
{
	struct dwarf_types *d = calloc(1, sizeof(*d));
	if (!d)
		return error_nomem();
	d->t.source = &dwarf_source;
	d->file.fd = -1;
	struct error *err = elf_file_open(elf_path, &d->file);
	if (!err) {
		d->dwarf = d->file.is_relocatable ? open_relocated(d, elf_path) :
						    dwarf_begin_elf(d->file.elf, DWARF_C_READ, NULL);
		if (!d->dwarf)
			err = error_new(ERROR_NOT_FOUND, "%s has no debug information (%s)", elf_path,
					d->relocated ? dwfl_errmsg(-1) : dwarf_errmsg(-1));
	}
	if (err) {
		dwarf_destroy(&d->t);
		return err;
	}
	take_strings(d);
	*ret = &d->t;
	return NULL;
}

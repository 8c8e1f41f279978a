/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/variables.h"

#include <dwarf.h>
#include <stdlib.h>

#include "symbols/types-source.h"
#include "symbols/windows.h"

/* One type of the source, or a pointer to it, that has a label in the writer. */
struct known {
	uint64_t type;
	uint32_t label;
	bool pointer;
};

/* What no kernel comes near: void stands for types beyond that, and members are left out. */
enum { KNOWN_MAX = 4096, INFO_MAX = 4 << 20 };

struct writing {
	struct types *t;
	struct dwarf_writer *w;
	struct known known[KNOWN_MAX];  /* in the order in which they are to be written */
	size_t nknown;
};

const char *variable_name(enum variable v)
{
	static const char *const names[VARIABLES] = { "current", "k", "kstub" };
	return names[v];
}

static bool is_full(const struct writing *g)
{
	return g->w->info.len >= INFO_MAX;
}

static uint32_t known_label(struct writing *g, uint64_t type, bool pointer)
{
	for (size_t i = 0; i < g->nknown; i++)
		if (g->known[i].type == type && g->known[i].pointer == pointer)
			return g->known[i].label;
	if (g->nknown == KNOWN_MAX)
		return 0;
	uint32_t label = dwarf_label(g->w);
	g->known[g->nknown++] = (struct known){ type, label, pointer };
	return label;
}

/* Behind all typedefs; 0: they do not end. */
static uint64_t behind_typedefs(struct types *t, uint64_t type, struct type_shape *ret)
{
	for (int i = 0; i < TYPE_CHAIN_MAX; i++) {
		t->source->shape(t, type, ret);
		if (ret->kind != SHAPE_TYPEDEF)
			return type;
		type = ret->target;
	}
	*ret = (struct type_shape){ .kind = SHAPE_VOID, .name = "" };
	return 0;
}

static bool is_nameless(const struct type_shape *s)
{
	return !*s->name && (s->kind == SHAPE_STRUCT || s->kind == SHAPE_UNION || s->kind == SHAPE_ENUM);
}

/* A typedef is worth its while where it is the only name that a type has. */
static uint32_t label_of(struct writing *g, uint64_t type)
{
	struct type_shape s;
	uint64_t bare = behind_typedefs(g->t, type, &s);
	if (s.kind == SHAPE_VOID)
		return 0;
	return known_label(g, is_nameless(&s) ? type : bare, false);
}

static uint32_t pointer_to(struct writing *g, uint64_t type)
{
	struct type_shape s;
	uint64_t bare = behind_typedefs(g->t, type, &s);
	if (s.kind == SHAPE_VOID)
		return known_label(g, 0, true);
	return known_label(g, is_nameless(&s) ? type : bare, true);
}

static void put_simple(struct writing *g, unsigned tag, uint32_t label, uint32_t target)
{
	dwarf_open(g->w, tag, label);
	if (tag == DW_TAG_pointer_type)
		dwarf_number(g->w, DW_AT_byte_size, 8);
	dwarf_type(g->w, target);
	dwarf_close(g->w);
}

static void put_array(struct writing *g, uint32_t label, const struct type_shape *s)
{
	dwarf_open(g->w, DW_TAG_array_type, label);
	dwarf_type(g->w, label_of(g, s->target));
	dwarf_close_with_children(g->w);
	dwarf_open(g->w, DW_TAG_subrange_type, 0);
	dwarf_number(g->w, DW_AT_count, s->count);
	dwarf_close(g->w);
	dwarf_children_end(g->w);
}

static bool put_member(void *arg, const struct type_member *m)
{
	struct writing *g = arg;
	if (is_full(g))
		return false;
	uint32_t type = label_of(g, m->type);
	dwarf_open(g->w, DW_TAG_member, 0);
	dwarf_name(g->w, m->name);
	dwarf_type(g->w, type);
	if (m->bit_size) {
		dwarf_number(g->w, DW_AT_bit_size, m->bit_size);
		dwarf_number(g->w, DW_AT_data_bit_offset, m->bits);
	} else {
		dwarf_number(g->w, DW_AT_data_member_location, m->bits / 8);
	}
	dwarf_close(g->w);
	return true;
}

static bool put_enumerator(void *arg, const char *name, int64_t value)
{
	struct writing *g = arg;
	if (is_full(g))
		return false;
	dwarf_open(g->w, DW_TAG_enumerator, 0);
	dwarf_name(g->w, name);
	dwarf_signed(g->w, DW_AT_const_value, value);
	dwarf_close(g->w);
	return true;
}

/* Declared by its name, but for an enum, which gdb 13 does not complete, and what has none. */
static void put_tagged(struct writing *g, uint64_t type, uint32_t label, const struct type_shape *s)
{
	unsigned tag = s->kind == SHAPE_STRUCT ? DW_TAG_structure_type :
		       s->kind == SHAPE_UNION ? DW_TAG_union_type : DW_TAG_enumeration_type;
	dwarf_open(g->w, tag, label);
	dwarf_name(g->w, s->name);
	if (*s->name && s->kind != SHAPE_ENUM) {
		dwarf_flag(g->w, DW_AT_declaration);
		dwarf_close(g->w);
		return;
	}
	dwarf_number(g->w, DW_AT_byte_size, s->size);
	dwarf_close_with_children(g->w);
	if (s->kind == SHAPE_ENUM)
		g->t->source->enumerators(g->t, type, put_enumerator, g);
	else
		g->t->source->members(g->t, type, put_member, g);
	dwarf_children_end(g->w);
}

static void put_type(struct writing *g, struct known k)
{
	struct type_shape s;
	if (is_full(g))
		return;
	if (k.pointer) {
		put_simple(g, DW_TAG_pointer_type, k.label, label_of(g, k.type));
		return;
	}
	g->t->source->shape(g->t, k.type, &s);
	switch (s.kind) {
	case SHAPE_BASE:
		dwarf_open(g->w, DW_TAG_base_type, k.label);
		dwarf_name(g->w, s.name);
		dwarf_number(g->w, DW_AT_byte_size, s.size);
		dwarf_number(g->w, DW_AT_encoding, s.encoding);
		dwarf_close(g->w);
		break;
	case SHAPE_POINTER: put_simple(g, DW_TAG_pointer_type, k.label, label_of(g, s.target)); break;
	case SHAPE_FUNCTION: put_simple(g, DW_TAG_subroutine_type, k.label, label_of(g, s.target)); break;
	case SHAPE_ARRAY: put_array(g, k.label, &s); break;
	case SHAPE_STRUCT: case SHAPE_UNION: case SHAPE_ENUM: put_tagged(g, k.type, k.label, &s); break;
	case SHAPE_TYPEDEF: {
		const char *name = s.name;
		uint32_t target = known_label(g, behind_typedefs(g->t, k.type, &s), false);
		dwarf_open(g->w, DW_TAG_typedef, k.label);
		dwarf_name(g->w, name);
		dwarf_type(g->w, target);
		dwarf_close(g->w);
		break;
	}
	case SHAPE_VOID: break;
	}
}

static void put_member_at(struct dwarf_writer *w, const char *name, uint32_t type, uint64_t offset)
{
	dwarf_open(w, DW_TAG_member, 0);
	dwarf_name(w, name);
	dwarf_type(w, type);
	dwarf_number(w, DW_AT_data_member_location, offset);
	dwarf_close(w);
}

/* An array becomes a pointer to its first element, as it does in C. */
static void put_cpu(struct writing *g, struct symbols *s, const uint64_t *percpu, uint32_t label)
{
	size_t n;
	const struct symbol *variables = symbols_percpu(s, &n);
	dwarf_open(g->w, DW_TAG_structure_type, label);
	dwarf_name(g->w, "kstub_cpu");
	dwarf_number(g->w, DW_AT_byte_size, n * 8);
	dwarf_close_with_children(g->w);
	for (size_t i = 0; i < n; i++) {
		struct type_shape shape;
		behind_typedefs(g->t, percpu[i], &shape);
		put_member_at(g->w, variables[i].name,
			      pointer_to(g, shape.kind == SHAPE_ARRAY ? shape.target : percpu[i]), i * 8);
	}
	dwarf_children_end(g->w);
	/* The list grows while it is written. */
	for (size_t i = 0; i < g->nknown; i++)
		put_type(g, g->known[i]);
}

static uint32_t put_pointer(struct writing *g, uint32_t target)
{
	uint32_t label = dwarf_label(g->w);
	put_simple(g, DW_TAG_pointer_type, label, target);
	return label;
}

static uint32_t put_declared(struct writing *g, const char *name)
{
	uint32_t label = dwarf_label(g->w);
	dwarf_open(g->w, DW_TAG_structure_type, label);
	dwarf_name(g->w, name);
	dwarf_flag(g->w, DW_AT_declaration);
	dwarf_close(g->w);
	return label;
}

static uint32_t put_base(struct writing *g, const char *name, uint64_t size, unsigned encoding)
{
	uint32_t label = dwarf_label(g->w);
	dwarf_open(g->w, DW_TAG_base_type, label);
	dwarf_name(g->w, name);
	dwarf_number(g->w, DW_AT_byte_size, size);
	dwarf_number(g->w, DW_AT_encoding, encoding);
	dwarf_close(g->w);
	return label;
}

static void put_variable(struct dwarf_writer *w, enum variable v, uint32_t type, uint64_t addr)
{
	dwarf_open(w, DW_TAG_variable, 0);
	dwarf_name(w, variable_name(v));
	dwarf_type(w, type);
	dwarf_flag(w, DW_AT_external);
	dwarf_address(w, addr);
	dwarf_close(w);
}

struct error *variables_write(struct symbols *s, struct types *t, const uint64_t *percpu,
			      const bool left_out[VARIABLES], uint64_t shift, struct dwarf_writer *w)
{
	size_t n;
	struct writing *g = calloc(1, sizeof(*g));
	if (!g)
		return error_nomem();
	g->t = t;
	g->w = w;
	symbols_percpu(s, &n);
	uint32_t cpu = dwarf_label(w), view = dwarf_label(w);
	uint32_t task = put_pointer(g, put_declared(g, "task_struct"));
	const uint32_t members[VIEW_MEMBERS] = {
		[VIEW_CURRENT] = task,
		[VIEW_TASK] = put_pointer(g, task),
		[VIEW_CPU] = n ? put_pointer(g, cpu) : 0,
		[VIEW_MODULE] = put_pointer(g, put_pointer(g, put_declared(g, "module"))),
		[VIEW_PHYS] = put_pointer(g, put_base(g, "unsigned char", 1, DW_ATE_unsigned_char)),
		[VIEW_KASLR_OFFSET] = put_base(g, "unsigned long", 8, DW_ATE_unsigned),
	};
	static const char *const names[VIEW_MEMBERS] = {
		[VIEW_CURRENT] = "current", [VIEW_TASK] = "task", [VIEW_CPU] = "cpu",
		[VIEW_MODULE] = "module", [VIEW_PHYS] = "phys", [VIEW_KASLR_OFFSET] = "kaslr_offset",
	};
	dwarf_open(w, DW_TAG_structure_type, view);
	dwarf_name(w, "kstub_view");
	dwarf_number(w, DW_AT_byte_size, VIEW_MEMBERS * 8);
	dwarf_close_with_children(w);
	for (unsigned i = 0; i < VIEW_MEMBERS; i++)
		if (members[i])
			put_member_at(w, names[i], members[i], i * 8);
	dwarf_children_end(w);
	for (unsigned v = 0; v < VARIABLES; v++)
		if (!left_out[v])
			put_variable(w, v, v == VARIABLE_CURRENT ? task : view,
				     (v == VARIABLE_CURRENT ? WINDOW_CURRENT : WINDOW_VIEW) - shift);
	if (n)
		put_cpu(g, s, percpu, cpu);
	free(g);
	return dwarf_writer_finish(w);
}

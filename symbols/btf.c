/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types out of BTF, by libbpf. The bytes may come from a damaged or hostile file and Debian 12's
 * libbpf (1.1) believes most of what they say, so all of it is checked here first.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "symbols/types-source.h"

struct btf_types {
	struct types t;
	struct btf *btf;
	uint32_t *slots;                /* open addressing over names of structs, unions, typedefs */
	size_t nslots;
};

enum { TYPES_MAX = 1 << 22 };

struct raw {
	const unsigned char *types;
	uint32_t types_len, strings_len;
	const char *strings;
	uint32_t count;
};

static bool open_raw(const void *data, size_t len, struct raw *r)
{
	struct btf_header h;
	if (len < sizeof(h) || len > UINT32_MAX)
		return false;
	memcpy(&h, data, sizeof(h));
	if (h.magic != BTF_MAGIC || h.version != BTF_VERSION || h.hdr_len < sizeof(h) || h.hdr_len > len || h.hdr_len % 4)
		return false;
	size_t body = len - h.hdr_len;
	if (h.type_off > body || h.type_len > body - h.type_off || h.str_off > body ||
	    h.str_len > body - h.str_off || !h.str_len || h.type_off % 4)
		return false;
	r->types = (const unsigned char *)data + h.hdr_len + h.type_off;
	r->types_len = h.type_len;
	r->strings = (const char *)data + h.hdr_len + h.str_off;
	r->strings_len = h.str_len;
	return !r->strings[0] && !r->strings[r->strings_len - 1];
}

/* Bytes of each of the btf_vlen() entries behind struct btf_type; 0: the kind has none. */
static uint64_t entry_size(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT: case BTF_KIND_UNION: return sizeof(struct btf_member);
	case BTF_KIND_ENUM: return sizeof(struct btf_enum);
	case BTF_KIND_ENUM64: return sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO: return sizeof(struct btf_param);
	case BTF_KIND_DATASEC: return sizeof(struct btf_var_secinfo);
	default: return 0;
	}
}

/* Bytes behind struct btf_type; false for an unknown kind. */
static bool extra_size(const struct btf_type *t, uint64_t *ret)
{
	*ret = btf_vlen(t) * entry_size(t);
	switch (btf_kind(t)) {
	case BTF_KIND_INT: case BTF_KIND_VAR: case BTF_KIND_DECL_TAG: *ret = 4; return true;
	case BTF_KIND_ARRAY: *ret = sizeof(struct btf_array); return true;
	case BTF_KIND_STRUCT: case BTF_KIND_UNION: case BTF_KIND_ENUM: case BTF_KIND_ENUM64:
	case BTF_KIND_FUNC_PROTO: case BTF_KIND_DATASEC:
	case BTF_KIND_PTR: case BTF_KIND_FWD: case BTF_KIND_TYPEDEF: case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST: case BTF_KIND_RESTRICT: case BTF_KIND_FUNC: case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG: return true;
	default: return false;
	}
}

static bool has_type_ref(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_PTR: case BTF_KIND_TYPEDEF: case BTF_KIND_VOLATILE: case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT: case BTF_KIND_FUNC: case BTF_KIND_FUNC_PROTO: case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG: case BTF_KIND_TYPE_TAG: return true;
	default: return false;
	}
}

static bool check_references(const struct raw *r, const struct btf_type *t)
{
	const unsigned char *extra = (const unsigned char *)(t + 1);
	if (t->name_off >= r->strings_len || (has_type_ref(t) && t->type > r->count))
		return false;
	if (btf_kind(t) == BTF_KIND_ARRAY) {
		const struct btf_array *a = (const void *)extra;
		return a->type <= r->count && a->index_type <= r->count;
	}
	for (uint32_t i = 0; entry_size(t) && i < btf_vlen(t); i++) {
		/* The first word of each is a name, but for a section's variable, and the second
		 * of a member or parameter a type. */
		const uint32_t *words = (const void *)(extra + i * entry_size(t));
		if (btf_kind(t) == BTF_KIND_DATASEC ? words[0] > r->count : words[0] >= r->strings_len)
			return false;
		if ((btf_is_composite(t) || btf_kind(t) == BTF_KIND_FUNC_PROTO) && words[1] > r->count)
			return false;
	}
	return true;
}

/* Two passes: how many types there are, then that none names one beyond. */
static bool check_types(struct raw *r)
{
	for (int pass = 0; pass < 2; pass++) {
		uint32_t count = 0;
		for (uint64_t at = 0; at < r->types_len;) {
			const struct btf_type *t = (const void *)(r->types + at);
			uint64_t extra;
			if (r->types_len - at < sizeof(*t) || !extra_size(t, &extra) ||
			    extra > r->types_len - at - sizeof(*t) || ++count > TYPES_MAX)
				return false;
			if (pass && !check_references(r, t))
				return false;
			at += sizeof(*t) + extra;
		}
		r->count = count;
	}
	return true;
}

static uint32_t hash_of(const char *name)
{
	uint32_t h = 2166136261u;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

static const char *name_at(struct btf_types *b, uint32_t offset)
{
	const char *name = btf__name_by_offset(b->btf, offset);
	return name ? name : "";
}

/* Structs and unions first, so that one wins over a typedef of the same name. */
static bool index_names(struct btf_types *b)
{
	uint32_t count = btf__type_cnt(b->btf);
	size_t slots = 1024;
	while (slots < (size_t)count)
		slots *= 2;
	b->slots = calloc(slots, sizeof(*b->slots));
	if (!b->slots)
		return false;
	b->nslots = slots;
	size_t used = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t id = 1; id < count && used < slots - 1; id++) {
			const struct btf_type *t = btf__type_by_id(b->btf, id);
			bool wanted = pass ? btf_kind(t) == BTF_KIND_TYPEDEF : btf_is_composite(t);
			if (!wanted || !t->name_off)
				continue;
			size_t slot = hash_of(name_at(b, t->name_off)) & (slots - 1);
			while (b->slots[slot])
				slot = (slot + 1) & (slots - 1);
			b->slots[slot] = id;
			used++;
		}
	}
	return true;
}

static void btf_destroy(struct types *t)
{
	struct btf_types *b = (struct btf_types *)t;
	btf__free(b->btf);
	free(b->slots);
	free(b);
}

static bool btf_find(struct types *t, const char *name, uint64_t *ret)
{
	struct btf_types *b = (struct btf_types *)t;
	for (size_t slot = hash_of(name) & (b->nslots - 1); b->slots[slot]; slot = (slot + 1) & (b->nslots - 1)) {
		const struct btf_type *type = btf__type_by_id(b->btf, b->slots[slot]);
		if (!strcmp(name_at(b, type->name_off), name)) {
			*ret = b->slots[slot];
			return true;
		}
	}
	return false;
}

/* Typedefs, qualifiers and tags taken off; NULL for void or a chain without an end. */
static const struct btf_type *strip(struct btf_types *b, uint64_t id)
{
	for (int i = 0; i < TYPE_CHAIN_MAX; i++) {
		const struct btf_type *t = id ? btf__type_by_id(b->btf, (uint32_t)id) : NULL;
		if (!t || !(btf_is_mod(t) || btf_is_typedef(t)))
			return t;
		id = t->type;
	}
	return NULL;
}

static bool describe_depth(struct btf_types *b, uint64_t id, struct type_info *ret, unsigned depth)
{
	const struct btf_type *t = strip(b, id);
	struct type_info element;
	if (!t || depth == TYPE_DEPTH_MAX)
		return false;
	*ret = (struct type_info){ .kind = TYPE_SCALAR, .size = t->size };
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT: case BTF_KIND_UNION: ret->kind = TYPE_STRUCT; return true;
	case BTF_KIND_INT: ret->is_signed = btf_int_encoding(t) & BTF_INT_SIGNED; return true;
	case BTF_KIND_ENUM: case BTF_KIND_ENUM64: ret->is_signed = btf_kflag(t); return true;
	case BTF_KIND_FLOAT: return true;
	case BTF_KIND_PTR: ret->size = 8; return true;
	case BTF_KIND_ARRAY:
		ret->kind = TYPE_ARRAY;
		ret->element = btf_array(t)->type;
		ret->count = btf_array(t)->nelems;
		if (!describe_depth(b, ret->element, &element, depth + 1))
			return false;
		return !__builtin_mul_overflow(element.size, ret->count, &ret->size);
	default: ret->size = 0; return true;
	}
}

static bool btf_describe(struct types *t, uint64_t type, struct type_info *ret)
{
	return describe_depth((struct btf_types *)t, type, ret, 0);
}

static void each_member(struct types *t, uint64_t type,
			bool (*each)(void *arg, const struct type_member *m), void *arg)
{
	struct btf_types *b = (struct btf_types *)t;
	const struct btf_type *s = strip(b, type);
	if (!s || !btf_is_composite(s))
		return;
	for (uint32_t i = 0; i < btf_vlen(s); i++) {
		const struct btf_member *m = &btf_members(s)[i];
		struct type_member out = {
			.name = name_at(b, m->name_off), .bits = btf_member_bit_offset(s, i),
			.bit_size = btf_member_bitfield_size(s, i), .type = m->type,
		};
		if (!each(arg, &out))
			return;
	}
}

static int64_t enum_value(const struct btf_type *e, uint32_t i, uint32_t *name_off_ret)
{
	if (btf_is_enum64(e)) {
		*name_off_ret = btf_enum64(e)[i].name_off;
		return (int64_t)btf_enum64_value(&btf_enum64(e)[i]);
	}
	*name_off_ret = btf_enum(e)[i].name_off;
	return btf_enum(e)[i].val;
}

static void each_enumerator(struct types *t, uint64_t type,
			    bool (*each)(void *arg, const char *name, int64_t value), void *arg)
{
	struct btf_types *b = (struct btf_types *)t;
	const struct btf_type *e = strip(b, type);
	if (!e || (!btf_is_enum(e) && !btf_is_enum64(e)))
		return;
	for (uint32_t i = 0; i < btf_vlen(e); i++) {
		uint32_t name_off;
		int64_t value = enum_value(e, i, &name_off);
		if (!each(arg, name_at(b, name_off), value))
			return;
	}
}

static bool btf_enumerator(struct types *t, const char *name, int64_t *ret)
{
	struct btf_types *b = (struct btf_types *)t;
	for (uint32_t id = 1; id < btf__type_cnt(b->btf); id++) {
		const struct btf_type *e = btf__type_by_id(b->btf, id);
		if (!btf_is_enum(e) && !btf_is_enum64(e))
			continue;
		for (uint32_t i = 0; i < btf_vlen(e); i++) {
			uint32_t name_off;
			int64_t value = enum_value(e, i, &name_off);
			if (strcmp(name_at(b, name_off), name))
				continue;
			*ret = value;
			return true;
		}
	}
	return false;
}

static unsigned encoding_of(const struct btf_type *t)
{
	unsigned encoding = btf_int_encoding(t);
	if (encoding & BTF_INT_BOOL)
		return DW_ATE_boolean;
	/* The kernel has no character of more than a byte; pahole does not mark characters. */
	if (t->size == 1)
		return encoding & BTF_INT_SIGNED ? DW_ATE_signed_char : DW_ATE_unsigned_char;
	return encoding & BTF_INT_SIGNED ? DW_ATE_signed : DW_ATE_unsigned;
}

static void btf_shape(struct types *t, uint64_t type, struct type_shape *ret)
{
	struct btf_types *b = (struct btf_types *)t;
	const struct btf_type *y = type < btf__type_cnt(b->btf) ? btf__type_by_id(b->btf, (uint32_t)type) : NULL;
	for (int i = 0; y && btf_is_mod(y) && i < TYPE_CHAIN_MAX; i++)
		y = y->type ? btf__type_by_id(b->btf, y->type) : NULL;
	*ret = (struct type_shape){ .name = "" };
	if (!type || !y)
		return;
	ret->name = name_at(b, y->name_off);
	switch (btf_kind(y)) {
	case BTF_KIND_INT: ret->kind = SHAPE_BASE; ret->size = y->size; ret->encoding = encoding_of(y); break;
	case BTF_KIND_FLOAT: ret->kind = SHAPE_BASE; ret->size = y->size; ret->encoding = DW_ATE_float; break;
	case BTF_KIND_STRUCT: ret->kind = SHAPE_STRUCT; ret->size = y->size; break;
	case BTF_KIND_UNION: ret->kind = SHAPE_UNION; ret->size = y->size; break;
	case BTF_KIND_FWD: ret->kind = btf_kflag(y) ? SHAPE_UNION : SHAPE_STRUCT; break;
	case BTF_KIND_ENUM: case BTF_KIND_ENUM64: ret->kind = SHAPE_ENUM; ret->size = y->size; break;
	case BTF_KIND_PTR: ret->kind = SHAPE_POINTER; ret->size = 8; ret->target = y->type; break;
	case BTF_KIND_TYPEDEF: ret->kind = SHAPE_TYPEDEF; ret->target = y->type; break;
	case BTF_KIND_FUNC_PROTO: ret->kind = SHAPE_FUNCTION; ret->target = y->type; break;
	case BTF_KIND_ARRAY:
		ret->kind = SHAPE_ARRAY;
		ret->target = btf_array(y)->type;
		ret->count = btf_array(y)->nelems;
		break;
	default: break;
	}
}

static void each_variable(struct types *t, const struct type_section *in,
			  bool (*each)(void *arg, const struct type_variable *v), void *arg)
{
	struct btf_types *b = (struct btf_types *)t;
	for (uint32_t id = 1; id < btf__type_cnt(b->btf); id++) {
		const struct btf_type *s = btf__type_by_id(b->btf, id);
		if (!btf_is_datasec(s) || strcmp(name_at(b, s->name_off), in->name))
			continue;
		for (uint32_t i = 0; i < btf_vlen(s); i++) {
			const struct btf_var_secinfo *at = &btf_var_secinfos(s)[i];
			const struct btf_type *var = at->type ? btf__type_by_id(b->btf, at->type) : NULL;
			if (!var || !btf_is_var(var))
				continue;
			struct type_variable v = {
				.name = name_at(b, var->name_off), .addr = in->addr + at->offset,
				.type = var->type,
			};
			if (!each(arg, &v))
				return;
		}
	}
}

static const struct types_ops btf_source = {
	.name = "BTF",
	.destroy = btf_destroy,
	.find = btf_find,
	.describe = btf_describe,
	.members = each_member,
	.enumerator = btf_enumerator,
	.enumerators = each_enumerator,
	.shape = btf_shape,
	.variables = each_variable,
};

static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

struct error *types_from_btf(const void *data, size_t len, struct types **ret)
{
	struct raw r = { .count = 0 };
	_cleanup_free_ void *aligned = NULL;
	if ((uintptr_t)data % 4) {
		if (!(aligned = malloc(len ? len : 1)))
			return error_nomem();
		data = memcpy(aligned, data, len);
	}
	if (!open_raw(data, len, &r) || !check_types(&r))
		return error_new(ERROR_FORMAT, "the BTF is damaged");
	struct btf_types *b = calloc(1, sizeof(*b));
	if (!b)
		return error_nomem();
	libbpf_set_print(say_nothing);
	b->t.source = &btf_source;
	b->btf = btf__new(data, (uint32_t)len);
	if (!b->btf) {
		int error_number = errno;
		free(b);
		return error_number == ENOMEM ? error_nomem() : error_new(ERROR_FORMAT, "the BTF is damaged");
	}
	if (!index_names(b)) {
		btf_destroy(&b->t);
		return error_nomem();
	}
	*ret = &b->t;
	return NULL;
}

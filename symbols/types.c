/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/types.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/types-source.h"

void types_destroy(struct types *t)
{
	if (t)
		t->source->destroy(t);
}

const char *types_origin(const struct types *t)
{
	return t->source->name;
}

struct search {
	struct types *t;
	const char *name;
	size_t len;
	unsigned depth;
	unsigned *left;                 /* members yet to look at: structs may hold each other many times */
	uint64_t bits;                  /* of the anonymous structs around it */
	bool found;
	struct type_member member;      /* its bits count from the outermost struct */
};

static bool look_at(void *arg, const struct type_member *m)
{
	struct search *s = arg;
	if (!*s->left)
		return false;
	--*s->left;
	if (strlen(m->name) == s->len && s->len && !memcmp(m->name, s->name, s->len)) {
		s->found = true;
		s->member = *m;
		s->member.bits += s->bits;
		return false;
	}
	if (*m->name || s->depth == TYPE_DEPTH_MAX)
		return true;
	struct type_info info;
	if (!s->t->source->describe(s->t, m->type, &info) || info.kind != TYPE_STRUCT)
		return true;
	struct search inner = *s;
	inner.depth++;
	inner.bits += m->bits;
	s->t->source->members(s->t, m->type, look_at, &inner);
	if (inner.found) {
		s->found = true;
		s->member = inner.member;
	}
	return !s->found;
}

static struct error *no_member(const char *type, const char *path)
{
	return error_new(ERROR_NOT_FOUND, "no member '%s' in struct %s", path, type);
}

/* "[N]" behind a member's name. */
static bool take_index(const char **path, uint64_t *ret)
{
	char *end;
	if (**path != '[' || !isdigit((unsigned char)(*path)[1]))
		return false;
	*ret = strtoull(*path + 1, &end, 10);
	if (*end != ']')
		return false;
	*path = end + 1;
	return true;
}

struct error *types_member(struct types *t, const char *type, const char *path, struct member *ret)
{
	uint64_t at, bits = 0, index;
	struct type_info info;
	struct member m = { .present = true };
	const char *rest = path;
	if (!t->source->find(t, type, &at))
		return error_new(ERROR_NOT_FOUND, "no struct %s", type);
	do {
		size_t len = strcspn(rest, ".[");
		unsigned left = TYPE_STEPS_MAX;
		struct search s = { .t = t, .name = rest, .len = len, .left = &left };
		t->source->members(t, at, look_at, &s);
		if (!s.found)
			return no_member(type, path);
		rest += len;
		at = s.member.type;
		bits += s.member.bits;
		m.bit_size = s.member.bit_size;
		if (!t->source->describe(t, at, &info))
			return no_member(type, path);
		while (take_index(&rest, &index)) {
			struct type_info element;
			if (info.kind != TYPE_ARRAY || !t->source->describe(t, info.element, &element) ||
			    (index && index >= info.count))
				return no_member(type, path);
			bits += index * element.size * 8;
			at = info.element;
			info = element;
		}
		if (*rest && *rest != '.')
			return no_member(type, path);
	} while (*rest++ == '.');
	m.size = info.size;
	m.count = info.kind == TYPE_ARRAY ? info.count : 0;
	m.is_signed = info.is_signed;
	m.offset = bits / 8;
	if (m.bit_size && info.size) {
		/* Counted from the storage unit that holds all of it, as the compiler reads it. */
		m.offset = bits / 8 / info.size * info.size;
		if (bits - m.offset * 8 + m.bit_size > info.size * 8)   /* packed: it straddles */
			m.offset = bits / 8;
		m.bit_offset = (unsigned)(bits - m.offset * 8);
	}
	*ret = m;
	return NULL;
}

struct error *types_sizeof(struct types *t, const char *type, uint64_t *ret)
{
	uint64_t at;
	struct type_info info;
	if (!t->source->find(t, type, &at) || !t->source->describe(t, at, &info))
		return error_new(ERROR_NOT_FOUND, "no struct %s", type);
	*ret = info.size;
	return NULL;
}

struct error *types_enumerator(struct types *t, const char *name, int64_t *ret)
{
	if (!t->source->enumerator(t, name, ret))
		return error_new(ERROR_NOT_FOUND, "no enumerator %s", name);
	return NULL;
}

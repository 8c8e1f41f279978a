/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BTF of a guest may be anything. libFuzzer's input is the whole of it; then everything is asked. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "symbols/types-source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Strings are read to their ends. */
static bool take_variable(void *arg, const struct type_variable *v)
{
	*(size_t *)arg += strlen(v->name);
	return true;
}

static bool take_member(void *arg, const struct type_member *m)
{
	*(size_t *)arg += strlen(m->name);
	return true;
}

static bool take_enumerator(void *arg, const char *name, int64_t value)
{
	*(size_t *)arg += strlen(name) + (size_t)value;
	return true;
}

/* As a writer of types asks: everything, by the numbers that the answers have. */
static void ask_shapes(struct types *t)
{
	enum { IDS = 512 };
	static const struct type_section in = { ".data..percpu", 0, 4096 };
	size_t sum = 0;
	t->source->variables(t, &in, take_variable, &sum);
	for (uint64_t id = 0; id < IDS; id++) {
		struct type_shape s;
		t->source->shape(t, id, &s);
		sum += strlen(s.name);
		t->source->shape(t, s.target, &s);
		t->source->members(t, id, take_member, &sum);
		t->source->enumerators(t, id, take_enumerator, &sum);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const names[] = { "s", "a", "int", "task_struct", "list_head" };
	static const char *const paths[] = { "a", "a.b", "b[1]", "comm", "next.prev" };
	struct types *t;
	struct member m;
	uint64_t size;
	int64_t value;
	struct error *err = types_from_btf(data, len, &t);
	if (err) {
		error_free(err);
		return 0;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		for (size_t k = 0; k < sizeof(paths) / sizeof(*paths); k++)
			error_free(types_member(t, names[i], paths[k], &m));
		error_free(types_sizeof(t, names[i], &size));
		error_free(types_enumerator(t, names[i], &value));
	}
	ask_shapes(t);
	types_destroy(t);
	return 0;
}

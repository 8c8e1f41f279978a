/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks DWARF 4, compressed DWARF 5, a module's DWARF and BTF for the members of fixture.h, and
 * the compiler for the truth. Damaged BTF: any answer, but never a step outside of it.
 */
#include "symbols/types.h"

#include <elf.h>
#include <stdlib.h>

#include "stub/base/cleanup.h"
#include "stub/base/tests/tap.h"
#include "symbols/symbols.h"
#include "symbols/tests/fixture.h"

struct row {
	const char *type, *path;
	uint64_t offset, size, count;
	bool is_signed;
};

#define MEMBER_OF(type, path) (((type *)0)->path)
#define ROW(type, path, count, is_signed) \
	{ #type, #path, offsetof(type, path), sizeof(MEMBER_OF(type, path)), count, is_signed }
#define OUTER(path, count, is_signed) ROW(struct fixture_outer, path, count, is_signed)

static const struct row rows[] = {
	OUTER(name, 16, false),
	OUTER(negative, 0, true),
	OUTER(positive, 0, false),
	OUTER(inner, 0, false),
	OUTER(inner.value, 0, true),
	OUTER(inner.list.prev, 0, false),
	OUTER(first, 0, false),
	OUTER(deep, 0, false),
	OUTER(deep_bytes, 8, false),
	OUTER(deep_bytes[5], 0, false),
	OUTER(all, 16, false),
	OUTER(parts, 7, false),
	OUTER(parts[0].base, 0, false),
	OUTER(parts[6].size, 0, false),
	OUTER(aliased.list.next, 0, false),
	OUTER(small, 0, true),
	OUTER(call, 0, false),
	OUTER(opaque, 0, false),
	OUTER(atomic.counter, 0, true),
	{ "struct fixture_outer", "tail", offsetof(struct fixture_outer, tail), 0, 0, false },
	ROW(struct fixture_packed, value, 0, false),
	ROW(union fixture_union, number, 0, false),
	ROW(union fixture_union, text, 24, false),
	ROW(fixture_atomic, counter, 0, true),
	ROW(fixture_alias, list.prev, 0, false),
};

/* "struct x" is asked for as "x". */
static const char *bare(const char *type)
{
	const char *blank = strchr(type, ' ');
	return blank ? blank + 1 : type;
}

static bool quiet(struct error *err)
{
	bool ok = !err;
	if (err)
		tap_diag("%s", err->text);
	error_free(err);
	return ok;
}

static void test_row(struct types *t, const struct row *r)
{
	struct member m = { .offset = 0 };
	bool ok = quiet(types_member(t, bare(r->type), r->path, &m));
	tap_ok(ok && m.present && m.offset == r->offset && m.size == r->size && m.count == r->count && !m.bit_size,
	       "%s: %s.%s", types_origin(t), r->type, r->path);
	if (ok && (m.offset != r->offset || m.size != r->size || m.count != r->count))
		tap_diag("offset %lu not %lu, size %lu not %lu, count %lu not %lu", (unsigned long)m.offset,
			 (unsigned long)r->offset, (unsigned long)m.size, (unsigned long)r->size,
			 (unsigned long)m.count, (unsigned long)r->count);
	/* BTF from pahole may say nothing of an enum's sign; all else must agree. */
	if (ok && strcmp(r->path, "small"))
		tap_ok(m.is_signed == r->is_signed, "%s: the sign of %s", types_origin(t), r->path);
}

/* `bytes`: a struct in which that bit-field alone is all ones. */
static void test_bits(struct types *t, const char *type, const char *name, const void *bytes, size_t len)
{
	const unsigned char *b = bytes;
	size_t first = 0, n = 0;
	struct member m = { .offset = 0 };
	while (first < len * 8 && !(b[first / 8] >> first % 8 & 1))
		first++;
	while (first + n < len * 8 && b[(first + n) / 8] >> (first + n) % 8 & 1)
		n++;
	bool ok = quiet(types_member(t, type, name, &m));
	tap_ok(ok && m.offset * 8 + m.bit_offset == first && m.bit_size == n &&
	       m.bit_offset + m.bit_size <= m.size * 8,
	       "%s: bits %zu to %zu are %s.%s", types_origin(t), first, first + n - 1, type, name);
	if (ok)
		tap_diag("offset %lu, bits %u + %u, size %lu", (unsigned long)m.offset, m.bit_offset, m.bit_size,
			 (unsigned long)m.size);
}

#define BITS(type, name) do { \
	struct type s; \
	memset(&s, 0, sizeof(s)); \
	s.name--;       /* all ones */ \
	test_bits(t, #type, #name, &s, sizeof(s)); \
} while (0)

static void test_bit_fields(struct types *t)
{
	BITS(fixture_outer, flag_a);
	BITS(fixture_outer, flag_b);
	BITS(fixture_outer, flag_c);
	BITS(fixture_outer, signed_bits);
	BITS(fixture_outer, wide_bits);
	BITS(fixture_packed, low);
	BITS(fixture_packed, high);
	BITS(fixture_packed, straddles);
}

static void test_absent(struct types *t)
{
	static const char *const paths[] = { "", ".", "nothing", "name.first", "inner.", "inner.nothing",
					     "parts[7]", "parts[x]", "parts[0", "name[0][0]", "first[0]",
					     "inner.list.next.next.prev.", "parts[99999999999999999999]" };
	struct member m = { .offset = 42 };
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct error *err = types_member(t, "fixture_outer", paths[i], &m);
		tap_ok(err && err->code == ERROR_NOT_FOUND && m.offset == 42, "%s: no member '%s'",
		       types_origin(t), paths[i]);
		error_free(err);
	}
	struct error *err = types_member(t, "fixture_nothing", "x", &m);
	tap_ok(err && err->code == ERROR_NOT_FOUND && strstr(err->text, "fixture_nothing"), "%s: no such struct",
	       types_origin(t));
	error_free(err);
	uint64_t size = 0;
	/* A pointer's target that nobody defined, and a struct of which the compiler says no more. */
	tap_ok(!quiet(types_sizeof(t, "fixture_opaque", &size)), "%s: a struct without a body", types_origin(t));
}

static void test_sizes(struct types *t)
{
	uint64_t size = 0;
	tap_ok(quiet(types_sizeof(t, "fixture_outer", &size)) && size == sizeof(struct fixture_outer),
	       "%s: size of a struct", types_origin(t));
	tap_ok(quiet(types_sizeof(t, "fixture_union", &size)) && size == sizeof(union fixture_union),
	       "%s: size of a union", types_origin(t));
	tap_ok(quiet(types_sizeof(t, "fixture_u32", &size)) && size == sizeof(fixture_u32),
	       "%s: size of a typedef", types_origin(t));
}

static void test_enumerators(struct types *t, bool has_wide)
{
	int64_t value = 1;
	tap_ok(quiet(types_enumerator(t, "FIXTURE_ZERO", &value)) && value == 0, "%s: 0", types_origin(t));
	tap_ok(quiet(types_enumerator(t, "FIXTURE_MINUS", &value)) && value == FIXTURE_MINUS, "%s: -5",
	       types_origin(t));
	tap_ok(quiet(types_enumerator(t, "FIXTURE_BIG", &value)) && value == FIXTURE_BIG, "%s: 0x7fffffff",
	       types_origin(t));
	if (has_wide)
		tap_ok(quiet(types_enumerator(t, "FIXTURE_WIDE", &value)) && value == FIXTURE_WIDE,
		       "%s: more than 32 bits", types_origin(t));
	tap_ok(!quiet(types_enumerator(t, "FIXTURE_NOTHING", &value)), "%s: no such enumerator", types_origin(t));
}

static void test_types(struct types *t, bool has_wide)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		test_row(t, &rows[i]);
	/* BTF keeps an array of arrays, DWARF its dimensions; the whole must be the same. */
	struct member m = { .size = 0 };
	tap_ok(quiet(types_member(t, "fixture_outer", "grid", &m)) &&
	       m.offset == offsetof(struct fixture_outer, grid) &&
	       m.size == sizeof(MEMBER_OF(struct fixture_outer, grid)), "%s: an array of arrays", types_origin(t));
	test_bit_fields(t);
	test_absent(t);
	test_sizes(t);
	test_enumerators(t, has_wide);
}

static void test_file(const char *name, enum types_source from, bool has_wide)
{
	char path[4096];
	const char *build = getenv("top_builddir");
	_cleanup_symbols_ struct symbols *s = NULL;
	struct types *t = NULL;
	snprintf(path, sizeof(path), "%s/symbols/tests/%s", build ? build : ".", name);
	struct error *err = symbols_open(path, &s);
	if (err) {
		s = NULL;
		tap_ok(quiet(err), "%s opens", name);
		return;
	}
	if (from == TYPES_BTF && !symbols_section(s, ".BTF")) {
		tap_skip("no pahole: BTF of a compiler not tested");
		return;
	}
	tap_diag("%s", name);
	if (tap_ok(quiet(symbols_types(s, from, &t)), "%s has types", name))
		test_types(t, has_wide);
}

/*
 * BTF by hand: 0 void, 1 int, 2 char, 3 "u" fwd, 4 struct "s" (32 bytes), 5 enum64, 6 typedef to
 * itself, 7 struct "s" again, 8 struct of itself twice over without a name.
 */
static const char strings[] = "\0int\0char\0s\0a\0b\0E\0loop\0many\0arr";
enum { S_INT = 1, S_CHAR = 5, S_S = 10, S_A = 12, S_B = 14, S_E = 16, S_LOOP = 18, S_MANY = 23, S_ARR = 28 };

static const uint32_t types[] = {
	S_INT, 1 << 24, 4, 1 << 24 | 32,                                /* 1: signed int */
	S_CHAR, 1 << 24, 1, 8,                                          /* 2: char */
	S_S, 7 << 24, 0,                                                /* 3: struct s; */
	S_S, 4 << 24 | 2, 32, S_A, 1, 0, S_B, 9, 64,                    /* 4: struct s { int a; char b[24]; } */
	0, 19u << 24 | 1, 8, S_E, 0x89abcdef, 0x01234567,               /* 5: enum { E } */
	S_LOOP, 8 << 24, 6,                                             /* 6: typedef loop loop */
	S_S, 4 << 24 | 1, 4, S_A, 2, 0,                                 /* 7: struct s { char a; } */
	S_MANY, 4 << 24 | 4, 8, 0, 8, 0, 0, 8, 0, 0, 8, 0, 0, 8, 0,     /* 8: struct many { struct many, ... } */
	0, 3 << 24, 0, 2, 1, 24,                                        /* 9: char [24] */
	S_ARR, 4 << 24 | 1, 8, S_A, 11, 0,                              /* 10: struct arr { loop of arrays a; } */
	0, 3 << 24, 0, 11, 1, 0xffffffff,                               /* 11: an array of itself */
};

struct image {
	struct {
		uint16_t magic;
		uint8_t version, flags;
		uint32_t hdr_len, type_off, type_len, str_off, str_len;
	} header;
	uint32_t types[sizeof(types) / 4];
	char strings[sizeof(strings)];
};

static void make(struct image *i)
{
	*i = (struct image){ .header = { 0xeb9f, 1, 0, 24, 0, sizeof(types), sizeof(types), sizeof(strings) } };
	memcpy(i->types, types, sizeof(types));
	memcpy(i->strings, strings, sizeof(strings));
}

/* Asks everything; the answers do not matter. */
static void ask_all(struct types *t)
{
	static const char *const names[] = { "s", "loop", "many", "arr", "E", "int", "a" };
	static const char *const paths[] = { "a", "b", "b[3]", "a[1].a", "a.b" };
	struct member m;
	uint64_t size;
	int64_t value;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		for (size_t k = 0; k < sizeof(paths) / sizeof(*paths); k++)
			error_free(types_member(t, names[i], paths[k], &m));
		error_free(types_sizeof(t, names[i], &size));
		error_free(types_enumerator(t, names[i], &value));
	}
}

/* True when libbpf and our own pass took it. In memory of exactly that size, for ASan to watch. */
static bool try_bytes(const void *bytes, size_t len)
{
	_cleanup_free_ void *exact = malloc(len ? len : 1);
	struct types *t = NULL;
	memcpy(exact, bytes, len);
	struct error *err = types_from_btf(exact, len, &t);
	if (!err) {
		ask_all(t);
		types_destroy(t);
	}
	bool taken = !err;
	error_free(err);
	return taken;
}

static void test_by_hand(void)
{
	struct image i;
	struct types *t = NULL;
	struct member m = { .offset = 0 };
	int64_t value = 0;
	make(&i);
	if (!tap_ok(quiet(types_from_btf(&i, sizeof(i), &t)), "BTF by hand"))
		return;
	tap_is_str(types_origin(t), "BTF", "says what it is");
	tap_ok(quiet(types_member(t, "s", "b", &m)) && m.offset == 8 && m.size == 24 && m.count == 24,
	       "the first struct of a name that has a body is taken");
	tap_ok(quiet(types_member(t, "s", "b[23]", &m)) && m.offset == 31 && m.size == 1, "the last element");
	tap_ok(!quiet(types_member(t, "s", "b[24]", &m)), "none behind it");
	tap_ok(quiet(types_enumerator(t, "E", &value)) && value == 0x0123456789abcdef, "a 64-bit enumerator");
	tap_ok(!quiet(types_member(t, "loop", "a", &m)), "a typedef of itself ends");
	tap_ok(!quiet(types_member(t, "many", "a", &m)), "a struct of itself many times over ends");
	tap_ok(!quiet(types_member(t, "arr", "a", &m)), "an array of itself ends");
	types_destroy(t);
}

static void test_damage(void)
{
	struct image whole, i;
	unsigned taken = 0, tried = 0, refused = 0;
	make(&whole);
	for (size_t len = 0; len < sizeof(whole); len++)
		refused += !try_bytes(&whole, len);
	tap_is_u64(refused, sizeof(whole), "BTF cut short anywhere is refused");
	static const uint32_t evil[] = { 0, 1, 12, 0x7f, 0xff, 0xffff, 0x00ffffff, 0x7fffffff, 0x80000000, 0xffffffff,
					 4u << 24 | 0xffff, 1u << 24 | 3, 15u << 24 | 0xffff, 13u << 24 | 0xffff,
					 31u << 24 };
	for (size_t at = 0; at + 4 <= sizeof(i); at += 4) {
		for (size_t k = 0; k < sizeof(evil) / sizeof(*evil); k++, tried++) {
			i = whole;
			memcpy((char *)&i + at, &evil[k], 4);
			taken += try_bytes(&i, sizeof(i));
		}
	}
	uint32_t seed = 1;
	for (int n = 0; n < 2000; n++, tried++) {
		i = whole;
		for (int k = 0; k < 3; k++) {
			seed = seed * 1664525 + 1013904223;
			((unsigned char *)&i)[(seed >> 8) % sizeof(i)] = (unsigned char)(seed >> 24);
		}
		taken += try_bytes(&i, sizeof(i));
	}
	tap_ok(taken && taken < tried, "damaged BTF: %u of %u still make sense", taken, tried);
	i = whole;
	i.types[8 + 3 + 4] = 12;        /* struct s: its first member is of the type behind the last */
	tap_ok(!try_bytes(&i, sizeof(i)), "a type that is not there is refused");
	i = whole;
	i.types[8 + 3 + 3] = sizeof(strings);
	tap_ok(!try_bytes(&i, sizeof(i)), "a name that is not there is refused");
	unsigned char moved[sizeof(whole) + 1];
	memcpy(moved + 1, &whole, sizeof(whole));
	struct types *t = NULL;
	tap_ok(quiet(types_from_btf(moved + 1, sizeof(whole), &t)), "BTF at an odd address");
	types_destroy(t);
}

int main(void)
{
	test_by_hand();
	test_damage();
	test_file("fixture-dwarf4.elf", TYPES_DWARF, true);
	test_file("fixture-dwarf5.elf", TYPES_DWARF, true);
	test_file("fixture.ko", TYPES_DWARF, true);
	test_file("fixture-btf.elf", TYPES_BTF, false);
	test_file("fixture-gbtf.elf", TYPES_BTF, false);
	return tap_done();
}

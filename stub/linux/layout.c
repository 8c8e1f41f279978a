/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/layout.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LEN = 128 };

/* Copies the next alternative of "a|b|c"; false at the end. */
static bool next_alternative(const char **rest, char *ret)
{
	if (!**rest)
		return false;
	size_t len = strcspn(*rest, "|");
	snprintf(ret, NAME_MAX_LEN, "%.*s", (int)len, *rest);
	*rest += len + ((*rest)[len] == '|');
	return true;
}

static struct error *resolve_one(struct types *t, const char *type, const char *member,
				 struct member *ret)
{
	if (member)
		return types_member(t, type, member, ret);
	struct member whole = { 0 };
	struct error *err = types_sizeof(t, type, &whole.size);
	if (!err)
		*ret = whole;
	return err;
}

static struct error *resolve_row(struct types *t, const struct layout_row *row, struct member *ret)
{
	char type[NAME_MAX_LEN], member[NAME_MAX_LEN];
	for (const char *types = row->type; next_alternative(&types, type);) {
		const char *members = row->member ? row->member : "-";
		while (next_alternative(&members, member)) {
			struct error *err = resolve_one(t, type, row->member ? member : NULL, ret);
			if (!err) {
				ret->present = true;
				return NULL;
			}
			if (err->code != ERROR_NOT_FOUND)
				return err;
			error_free(err);
		}
	}
	return NULL;
}

struct error *layout_resolve(struct types *t, const struct layout_row *rows, size_t nrows, void *ret)
{
	if (!t)
		return error_new(ERROR_NOT_FOUND, "the types of this kernel are not known without a vmlinux");
	for (size_t i = 0; i < nrows; i++) {
		struct member found = { 0 };
		struct error *err = resolve_row(t, &rows[i], &found);
		if (err)
			return err;
		memcpy((char *)ret + rows[i].at, &found, sizeof(found));
	}
	return NULL;
}

struct error *layout_need(const struct member *m, const struct layout_row *row)
{
	if (m->present)
		return NULL;
	if (!row->member)
		return error_new(ERROR_NOT_FOUND, "this kernel's debug info has no struct %s", row->type);
	return error_new(ERROR_NOT_FOUND, "this kernel has no member '%s' in struct %s", row->member,
			 row->type);
}

struct error *layout_require(struct types *t, const struct layout_row *rows, size_t nrows, void *ret)
{
	struct error *err = layout_resolve(t, rows, nrows, ret);
	for (size_t i = 0; !err && i < nrows; i++)
		err = layout_need((const struct member *)((const char *)ret + rows[i].at), &rows[i]);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/target/dump/dump.h"

#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/target/dump/readers.h"

enum { PARTS_MAX = 64, MAGIC_LEN = 8 };

struct parts {
	struct dump_file file[PARTS_MAX];
	size_t n;
};

static void parts_close(struct parts *p)
{
	for (size_t i = 0; i < p->n; i++)
		dump_file_close(&p->file[i]);
}

static struct error *parts_open(const char *path, struct parts *ret)
{
	_cleanup_free_ char *copy = strdup(path);
	char *rest = copy;
	if (!copy)
		return error_nomem();
	while (rest) {
		char *part = strsep(&rest, ",");
		if (ret->n == PARTS_MAX)
			return error_new(ERROR_USAGE, "a split set of more than %d parts", PARTS_MAX);
		struct error *err = dump_file_open(part, &ret->file[ret->n]);
		if (err)
			return err;
		ret->n++;
	}
	return NULL;
}

static struct error *open_by_magic(struct parts *p, const char *path, struct target **ret)
{
	char magic[MAGIC_LEN] = { 0 };
	struct dump_file *first = &p->file[0];
	struct error *err = dump_file_read(first, 0, magic, first->size < sizeof(magic) ? first->size : sizeof(magic));
	if (err)
		return error_prefix(err, "%s", first->path);
	if (!memcmp(magic, "KDUMP   ", 8) || !memcmp(magic, "DISKDUMP", 8))
		return kdump_open(p->file, p->n, ret);
	if (p->n > 1)
		return error_new(ERROR_FORMAT, "%s is no part of a split kdump; only those are given joined by "
					       "commas", first->path);
	if (!memcmp(magic, "\177ELF", 4))
		return elf_core_open(first, ret);
	return libkdumpfile_open(path, ret);
}

struct error *dump_open(const char *path, struct target **ret)
{
	struct parts *p = calloc(1, sizeof(*p));
	if (!p)
		return error_nomem();
	/* A file whose name has a comma is a file. */
	struct error *err = NULL;
	if (strchr(path, ',') && access(path, F_OK)) {
		err = parts_open(path, p);
	} else {
		err = dump_file_open(path, &p->file[0]);
		p->n = !err;
	}
	bool cut_off = false;
	for (size_t i = 0; i < p->n; i++)
		cut_off |= p->file[i].cut_off;
	struct target *t = NULL;
	if (!err)
		err = open_by_magic(p, path, &t);
	parts_close(p);
	free(p);
	/* makedumpfile writes the headers last: then there is nothing to serve. */
	if (err && cut_off && err->code != ERROR_NOMEM) {
		struct error *why = error_new(err->code, "%s; it is a flattened dump that ends too early", err->text);
		error_free(err);
		return why;
	}
	if (err)
		return err;
	if (cut_off)
		target_warn(t, "%s is a flattened dump that ends too early: what is behind the end is missing",
			    path);
	*ret = t;
	return NULL;
}

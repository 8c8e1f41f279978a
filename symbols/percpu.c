/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/percpu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stub/base/cleanup.h"
#include "symbols/cache.h"

/* The number goes up whenever the file changes its content: an older one is made anew. */
static const char CACHE_FILE[] = "percpu-types", CACHE_FORMAT[] = "kstub per-CPU types 2";
enum { HEAD_LEN = 64 };

struct search {
	const struct symbol *variables;
	size_t n;
	uint64_t *types;
	size_t left;                    /* that have no type yet */
};

static size_t first_at(const struct search *s, uint64_t addr)
{
	size_t low = 0, high = s->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->variables[middle].addr < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool take_type(void *arg, const struct type_variable *v)
{
	struct search *s = arg;
	for (size_t i = first_at(s, v->addr); i < s->n && s->variables[i].addr == v->addr; i++) {
		if (s->types[i] || strcmp(s->variables[i].name, v->name))
			continue;
		s->types[i] = v->type;
		s->left -= v->type != 0;
	}
	return s->left;
}

/*
 * A second name for the same object (const_pcpu_hot) has no variable of its own in debug info; nor
 * a size, where the linker script makes it (const_current_task, since 6.15).
 */
static void take_aliases(const struct search *s)
{
	for (size_t i = 0; i + 1 < s->n; i++) {
		const struct symbol *a = &s->variables[i], *b = a + 1;
		if (a->addr != b->addr || (a->size != b->size && a->size && b->size) ||
		    !s->types[i] == !s->types[i + 1])
			continue;
		s->types[i] = s->types[i + 1] = s->types[i] ? s->types[i] : s->types[i + 1];
	}
}

static void put_head(struct symbols *s, char *ret)
{
	memset(ret, 0, HEAD_LEN);
	snprintf(ret, HEAD_LEN, "%s of %016llx", CACHE_FORMAT, (unsigned long long)symbols_fingerprint(s));
}

/* False when the file is not there, or is of another vmlinux. */
static bool read_cache(const char *cache_dir, const char *head, uint64_t *types, size_t n)
{
	_cleanup_free_ char *path = NULL;
	char found[HEAD_LEN];
	if (asprintf(&path, "%s/%s", cache_dir, CACHE_FILE) < 0) {
		path = NULL;
		return false;
	}
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	return f && fread(found, sizeof(found), 1, f) == 1 && !memcmp(found, head, HEAD_LEN) &&
	       fread(types, sizeof(*types), n, f) == n && fgetc(f) == EOF;
}

static struct error *write_cache(const char *cache_dir, const char *head, const uint64_t *types, size_t n)
{
	struct cache_file f;
	struct error *err = cache_create(cache_dir, CACHE_FILE, &f);
	if (err)
		return err;
	if (write(f.fd, head, HEAD_LEN) != HEAD_LEN ||
	    write(f.fd, types, n * sizeof(*types)) != (ssize_t)(n * sizeof(*types))) {
		err = error_os(errno ? errno : ENOSPC, "%s", f.path);
		cache_abandon(&f);
		return err;
	}
	return cache_commit(&f);
}

struct error *percpu_types(struct symbols *s, struct types *t, const char *cache_dir,
			   struct progress *progress, uint64_t **ret)
{
	char head[HEAD_LEN];
	size_t n;
	const struct symbol *variables = symbols_percpu(s, &n);
	const struct section *section = symbols_section(s, PERCPU_SECTION);
	_cleanup_free_ uint64_t *types = calloc(n ? n : 1, sizeof(*types));
	if (!types)
		return error_nomem();
	bool slow = t->source->variables_are_slow && n;
	put_head(s, head);
	if (n && !(slow && read_cache(cache_dir, head, types, n))) {
		struct search search = { variables, n, types, n };
		struct type_section in = { PERCPU_SECTION, section->addr, section->size };
		memset(types, 0, n * sizeof(*types));
		if (slow)
			progress_report(progress, "reading the types of per-CPU variables", -1);
		t->source->variables(t, &in, take_type, &search);
		take_aliases(&search);
		/* Not kept: the next start is as slow as this one, and nothing is wrong. */
		if (slow)
			error_free(write_cache(cache_dir, head, types, n));
	}
	*ret = steal(types);
	return NULL;
}

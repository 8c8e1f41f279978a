/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/vmcoreinfo.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/linux/scan.h"

enum { VALUE_MAX = 160, TEXT_MAX = 1 << 20 };

/* The value of `key` as text; the first one counts. */
static bool value_of(const char *text, size_t len, const char *key, char ret[VALUE_MAX])
{
	size_t key_len = strlen(key);
	for (size_t at = 0; at < len && text[at];) {
		const char *line = text + at;
		const char *end = memchr(line, '\n', len - at);
		size_t line_len = end ? (size_t)(end - line) : strnlen(line, len - at);
		if (line_len > key_len && line[key_len] == '=' && !memcmp(line, key, key_len)) {
			snprintf(ret, VALUE_MAX, "%.*s", (int)(line_len - key_len - 1),
				 line + key_len + 1);
			return true;
		}
		at += line_len + 1;
	}
	return false;
}

static bool number_of(const char *text, size_t len, const char *key, int base, uint64_t *ret)
{
	char value[VALUE_MAX], *end;
	if (!value_of(text, len, key, value) || !value[0])
		return false;
	errno = 0;
	uint64_t number = value[0] == '-' ? (uint64_t)strtoll(value, &end, base) :
					    strtoull(value, &end, base);
	if (errno || *end)
		return false;
	*ret = number;
	return true;
}

bool vmcoreinfo_parse(const char *text, size_t len, struct vmcoreinfo *ret)
{
	struct vmcoreinfo v = { .kaslr_offset = 0 };
	char value[VALUE_MAX];
	uint64_t number;

	if (!text || len > TEXT_MAX || !value_of(text, len, "OSRELEASE", value))
		return false;
	snprintf(v.release, sizeof(v.release), "%.*s", (int)sizeof(v.release) - 1, value);
	for (const char *c = v.release; *c; c++)
		if (!isgraph((unsigned char)*c))
			return false;
	if (value_of(text, len, "BUILD-ID", value) &&
	    !build_id_parse(value, strlen(value), &v.build_id))
		v.build_id.len = 0;
	v.has_kaslr = number_of(text, len, "KERNELOFFSET", 16, &v.kaslr_offset);
	v.has_phys_base = number_of(text, len, "NUMBER(phys_base)", 10, &number);
	if (v.has_phys_base)
		v.phys_base = (int64_t)number;
	/* x86 lists it as init_top_pgt; the generic code under the name it has elsewhere. */
	v.has_top_table = number_of(text, len, "SYMBOL(init_top_pgt)", 16, &v.top_table) ||
			  number_of(text, len, "SYMBOL(swapper_pg_dir)", 16, &v.top_table);
	v.has_stext = number_of(text, len, "SYMBOL(_stext)", 16, &v.stext);
	if (number_of(text, len, "NUMBER(pgtable_l5_enabled)", 10, &number))
		v.five_levels = number != 0;
	if (!number_of(text, len, "NUMBER(sme_mask)", 10, &v.sme_mask))
		v.sme_mask = 0;
	*ret = v;
	return true;
}

struct vmcoreinfo_hits {
	struct vmcoreinfo *found;
	size_t n;
};

static bool look_at_page(void *arg, uint64_t pa, const unsigned char *page, size_t len)
{
	struct vmcoreinfo_hits *hits = arg;
	(void)pa;
	if (memcmp(page, "OSRELEASE=", 10) || !memmem(page, len, "\nSYMBOL(", 8))
		return true;
	if (vmcoreinfo_parse((const char *)page, len, &hits->found[hits->n]))
		hits->n++;
	return hits->n < VMCOREINFO_CANDIDATES;
}

struct error *vmcoreinfo_scan(struct target *t, struct vmcoreinfo *ret, size_t *n_ret)
{
	struct vmcoreinfo_hits hits = { ret, 0 };
	struct error *err = scan_pages(t, look_at_page, &hits);
	if (!err)
		*n_ret = hits.n;
	return err;
}

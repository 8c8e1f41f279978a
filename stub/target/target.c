/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/target/target.h"

#include <stdio.h>
#include <stdlib.h>

void target_warn(struct target *t, const char *fmt, ...)
{
	char **longer = reallocarray(t->warnings, t->nwarnings + 1, sizeof(*longer));
	if (!longer)
		return;
	t->warnings = longer;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&t->warnings[t->nwarnings], fmt, args) >= 0)
		t->nwarnings++;
	va_end(args);
}

void target_deinit(struct target *t)
{
	for (size_t i = 0; i < t->nwarnings; i++)
		free(t->warnings[i]);
	free(t->warnings);
	free(t->path);
	free(t->format);
}

void target_close(struct target *t)
{
	if (t)
		t->ops->close(t);
}

struct error *target_read_phys_some(struct target *t, uint64_t pa, void *buf, size_t len, size_t *got_ret)
{
	struct error *err = target_read_phys(t, pa, buf, len);
	if (err && err->addr > pa && err->addr - pa < len) {
		len = (size_t)(err->addr - pa);
		error_free(err);
		err = NULL;
	}
	if (!err)
		*got_ret = len;
	return err;
}

static struct error *read_for_walk(void *arg, uint64_t pa, void *buf, size_t len)
{
	return target_read_phys(arg, pa, buf, len);
}

struct phys_reader target_phys_reader(struct target *t)
{
	return (struct phys_reader){ read_for_walk, t };
}

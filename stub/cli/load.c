/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/cli/load.h"

#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/cli/message.h"
#include "stub/cli/progress.h"
#include "stub/linux/module.h"
#include "stub/open.h"
#include "symbols/cache.h"

/* The directory of the dump, or of the first part of a split one. */
static struct error *directory_of(const char *path, char **ret)
{
	size_t len = strcspn(path, ",");
	if (!access(path, F_OK))
		len = strlen(path);
	const char *slash = memrchr(path, '/', len);
	char *dir = !slash ? strdup(".") : slash == path ? strdup("/")
						       : strndup(path, (size_t)(slash - path));
	if (!dir)
		return error_nomem();
	*ret = dir;
	return NULL;
}

/* Unpacked modules need the cache; what is wrong with it is said as any other warning. */
static struct error *find_modules(struct loaded *l)
{
	struct kernel *k = l->kernel;
	char key[BUILD_ID_MAX * 2 + 1] = "unknown-build";
	if (!k->nmodules)
		return NULL;
	if (k->build_id.len)
		build_id_text(&k->build_id, key);
	struct error *err = cache_dir(key, &k->cache_dir, &k->cache_private);
	return err ? err : modules_find_files(k, &l->options);
}

struct error *load_open(const struct options *o, const char *path, enum load_depth depth,
			struct loaded *ret)
{
	_cleanup_loaded_ struct loaded l = { .target = NULL };
	struct progress *progress = progress_start();
	struct error *err = open_target(path, &l.target);
	if (!err)
		err = directory_of(path, &l.beside);
	if (err)
		return err;
	l.options = (struct kernel_options){
		.find = {
			.vmlinux = o->vmlinux,
			.roots = o->roots,
			.nroots = o->nroots,
			.beside = l.beside,
			.force = o->force,
			.progress = progress,
		},
		.types = o->types,
		.gdb = o->gdb,
		.no_debuginfo = o->no_debuginfo,
		.progress = progress,
	};
	err = kernel_open(l.target, &l.options, &l.kernel);
	if (!err && depth == LOAD_FILES)
		err = kernel_prepare_files(l.kernel, &l.options);
	else if (!err && depth == LOAD_MODULES)
		err = find_modules(&l);
	progress_clear();
	if (err)
		return err;
	*ret = l;
	memset(&l, 0, sizeof(l));
	return NULL;
}

void load_close(struct loaded *l)
{
	kernel_close(l->kernel);
	target_close(l->target);
	free(l->beside);
	memset(l, 0, sizeof(*l));
}

void load_print_warnings(const struct loaded *l)
{
	const struct kernel *k = l->kernel;
	for (size_t i = 0; i < l->target->nwarnings; i++)
		message_warning(l->target->warnings[i]);
	for (size_t i = 0; i < k->nwarnings; i++)
		message_warning(k->warnings[i]);
	if (k->modules_damage)
		message_warning(k->modules_damage);
	if (k->missing)
		message("%s", k->missing);
	for (size_t i = 0; i < k->nmodules; i++)
		if (k->modules[i].missing)
			message("module %s: %s", k->modules[i].name, k->modules[i].missing);
}

int load_panic_cpu(const struct loaded *l)
{
	const struct kernel *k = l->kernel;
	for (unsigned i = 0; i < l->target->ncpus; i++)
		if (k->panic_cpu >= 0 && k->cpu_numbers[i] == (unsigned)k->panic_cpu)
			return (int)i;
	return l->target->ncpus ? 0 : -1;
}

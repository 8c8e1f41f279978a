/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/cli/load.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "stub/base/cleanup.h"
#include "stub/cli/message.h"
#include "stub/cli/progress.h"
#include "stub/linux/module.h"
#include "stub/linux/task.h"
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
	if (!k->nmodules)
		return NULL;
	struct error *err = kernel_take_cache(k);
	return err || !k->cache_dir ? err : modules_find_files(k, &l->options);
}

static struct error *check_roots(const struct options *o)
{
	for (size_t i = 0; i < o->nroots; i++)
		if (access(o->roots[i], R_OK | X_OK))
			return error_os(errno, "--symbols %s", o->roots[i]);
	return NULL;
}

/* Before gdb waits for an answer. */
static struct error *find_threads(const struct options *o, struct kernel *k)
{
	const struct tasks *all;
	if (o->threads != THREADS_TASKS)
		return NULL;
	struct error *err = tasks_get(k, &all);
	if (!err || err->code == ERROR_NOMEM)
		return err;
	kernel_warn(k, "gdb's threads are the CPUs alone: %s", k->types ? err->text : "tasks are not known "
			"without the kernel's types");
	error_free(err);
	return NULL;
}

static struct error *open_all(const struct options *o, const char *path, enum load_depth depth,
			      struct loaded *l)
{
	struct progress *progress = progress_start();
	struct error *err = check_roots(o);
	if (!err)
		err = open_target(path, &l->target);
	if (!err)
		err = directory_of(path, &l->beside);
	if (err)
		return err;
	l->options = (struct kernel_options){
		.find = {
			.vmlinux = o->vmlinux,
			.roots = o->roots,
			.nroots = o->nroots,
			.beside = l->beside,
			.force = o->force,
			.progress = progress,
		},
		.types = o->types,
		.gdb = o->gdb,
		.no_debuginfo = o->no_debuginfo,
		.progress = progress,
	};
	err = kernel_open(l->target, &l->options, &l->kernel);
	if (!err && depth == LOAD_FILES)
		err = kernel_prepare_files(l->kernel, &l->options);
	if (!err && depth == LOAD_FILES)
		err = find_threads(o, l->kernel);
	else if (!err && depth == LOAD_MODULES)
		err = find_modules(l);
	progress_clear();
	return err;
}

/* A user has no patience: what was made so far goes, and the signal does what it always does. */
struct interruptible {
	struct loaded *l;
	struct server *listening;
	sigset_t signals;
};

static void *wait_for_signal(void *arg)
{
	struct interruptible *i = arg;
	int number = SIGTERM;
	sigwait(&i->signals, &number);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	progress_clear();
	server_close(i->listening);
	const struct kernel *k = i->l->kernel;
	/* The other thread may be about to make one more file. */
	for (int tries = 0; k && k->cache_private && !access(k->cache_dir, F_OK) && tries < 1000; tries++)
		cache_remove_tree(k->cache_dir);
	signal(number, SIG_DFL);
	kill(getpid(), number);
	pthread_sigmask(SIG_UNBLOCK, &i->signals, NULL);
	_exit(128 + number);
}

static struct error *open_interruptible(const struct options *o, const char *path, enum load_depth depth,
					struct server *listening, struct loaded *l)
{
	struct interruptible i = { .l = l, .listening = listening };
	sigset_t before;
	pthread_t waiter;
	server_signals(&i.signals);
	pthread_sigmask(SIG_BLOCK, &i.signals, &before);
	int failed = pthread_create(&waiter, NULL, wait_for_signal, &i);
	struct error *err = failed ? error_os(failed, "no thread can be started") :
				     open_all(o, path, depth, l);
	if (!failed) {
		pthread_cancel(waiter);
		pthread_join(waiter, NULL);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

struct error *load_open(const struct options *o, const char *path, enum load_depth depth,
			struct server *listening, struct loaded *ret)
{
	_cleanup_loaded_ struct loaded l = { .target = NULL };
	/* To identify alone leaves nothing behind. */
	struct error *err = depth == LOAD_KERNEL && !listening ?
			    open_all(o, path, depth, &l) : open_interruptible(o, path, depth, listening, &l);
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
	if (k->tasks && k->tasks->damage)
		message_warning(k->tasks->damage);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/linux/cpus.h"
#include "stub/linux/identify.h"
#include "stub/linux/module.h"
#include "stub/linux/task.h"
#include "symbols/cache.h"
#include "symbols/companion.h"
#include "symbols/prepared.h"

void kernel_warn(struct kernel *k, const char *fmt, ...)
{
	char **longer = reallocarray(k->warnings, k->nwarnings + 1, sizeof(*longer));
	if (!longer)
		return;
	k->warnings = longer;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&k->warnings[k->nwarnings], fmt, args) >= 0)
		k->nwarnings++;
	va_end(args);
}

/* An error that costs only a part of the picture. */
static struct error *demote(struct kernel *k, struct error *err)
{
	if (!err || err->code == ERROR_NOMEM)
		return err;
	kernel_warn(k, "%s", err->text);
	error_free(err);
	return NULL;
}

/* A vmlinux that was found by name alone must prove itself. */
static struct error *check_match(struct kernel *k, const struct kernel_options *o)
{
	unsigned decided = 0;
	for (unsigned i = 0; i < k->nprobes; i++)
		decided += k->probes[i].result != PROBE_UNREADABLE;
	if (!k->placed || !k->vmlinux || k->nagree * 2 >= decided)
		return NULL;
	if (o->find.force) {
		kernel_warn(k, "%s does not fit this memory: only %u of %u checks agree (--force)",
			    symbols_path(k->vmlinux), k->nagree, decided);
		return NULL;
	}
	return error_new(ERROR_MISMATCH,
			 "%s is not the kernel in this memory: only %u of %u checks agree; give the "
			 "right one with --vmlinux, or --force to use it all the same",
			 symbols_path(k->vmlinux), k->nagree, decided);
}

struct error *kernel_open(struct target *t, const struct kernel_options *o, struct kernel **ret)
{
	_cleanup_kernel_ struct kernel *k = calloc(1, sizeof(*k));
	if (!k)
		return error_nomem();
	k->target = t;
	k->panic_cpu = -1;
	struct error *err = identify_kernel(k, o);
	if (err)
		return err;
	identify_probe(k);
	err = check_match(k, o);
	if (err)
		return err;
	if (k->placed && k->vmlinux) {
		err = demote(k, cpus_read(k));
		if (!err)
			err = demote(k, modules_read(k));
	}
	if (!err)
		err = cpus_number(k);
	if (err)
		return err;
	*ret = steal(k);
	return NULL;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	modules_free(k);
	tasks_free(k->tasks);
	free(k->saved_frame);
	symbols_close(k->vmlinux);
	aspace_destroy(k->as);
	if (k->cache_private && k->cache_dir)
		cache_remove_tree(k->cache_dir);
	for (size_t i = 0; i < k->nwarnings; i++)
		free(k->warnings[i]);
	free(k->warnings);
	free(k->missing);
	free(k->release);
	free(k->percpu_offset);
	free(k->cpu_numbers);
	free(k->modules_damage);
	free(k->cache_dir);
	free(k->prepared_path);
	free(k->cfi_path);
	free(k->companion_path);
	free(k->companion_library_path);
	free(k);
}

struct error *kernel_take_cache(struct kernel *k)
{
	char key[BUILD_ID_MAX * 2 + 1] = "unknown-build";
	_cleanup_error_ struct error *why = NULL;
	const struct build_id *id = k->vmlinux ? symbols_build_id(k->vmlinux) : &k->build_id;
	/* With --force, vmlinux is of another build: what is made of it is kept under its own id. */
	if (!id->len)
		id = &k->build_id;
	if (id->len)
		build_id_text(id, key);
	struct error *err = demote(k, cache_dir(key, &k->cache_dir, &why));
	k->cache_private = why != NULL;
	if (why)
		kernel_warn(k, "the cache cannot be used (%s): %s holds this session's files and goes with it, "
			       "and the next start is as slow as this one; set XDG_CACHE_HOME to a directory "
			       "of yours", why->text, k->cache_dir);
	return err;
}

/* Is it the name of a function or an object of vmlinux or of a module? */
static bool is_symbol(void *arg, const char *name)
{
	struct kernel *k = arg;
	struct symbol s;
	if (symbols_lookup(k->vmlinux, name, &s))
		return true;
	for (size_t i = 0; i < k->nmodules; i++)
		if (k->modules[i].symbols && symbols_lookup(k->modules[i].symbols, name, &s))
			return true;
	return false;
}

/* Last, when it is known which names the modules use. */
static struct error *make_companion(struct kernel *k, const struct kernel_options *o)
{
	struct companion_options companion = { .is_taken = is_symbol, .arg = k, .progress = o->progress };
	struct companion files = { NULL, NULL };
	if (k->placed) {
		companion.vmlinux = k->vmlinux;
		companion.types = k->types;
		companion.may_ask_dwarf = o->types == TYPES_AUTO;
	}
	struct error *err = demote(k, companion_files(k->cache_dir, &companion, &files));
	k->companion_path = files.exec_file;
	k->companion_library_path = files.library;
	return err;
}

static struct error *prepare_vmlinux(struct kernel *k, const struct kernel_options *o)
{
	struct prepared_options prepared = { .gdb = o->gdb, .progress = o->progress };
	_cleanup_free_ char *warning = NULL;
	struct prepared files = { NULL, NULL };
	struct error *err = demote(k, prepared_vmlinux(k->vmlinux, k->cache_dir, &prepared, &files, &warning));
	k->prepared_path = files.vmlinux;
	k->cfi_path = files.cfi;
	if (!err && warning)
		kernel_warn(k, "%s", warning);
	if (!err)
		err = modules_find_files(k, o);
	return err;
}

struct error *kernel_prepare_files(struct kernel *k, const struct kernel_options *o)
{
	struct error *err = kernel_take_cache(k);
	if (err || !k->cache_dir)
		return err;
	if (k->vmlinux && k->placed)
		err = prepare_vmlinux(k, o);
	return err ? err : make_companion(k, o);
}

struct error *kernel_read(struct kernel *k, uint64_t va, void *buf, size_t len)
{
	if (!k->as)
		return error_at(ERROR_FAULT, va, "the kernel's page tables are not known: no memory");
	return aspace_read(k->as, va, buf, len);
}

struct error *kernel_read_uint(struct kernel *k, uint64_t va, size_t size, uint64_t *ret)
{
	unsigned char bytes[8];
	if (size < 1 || size > sizeof(bytes))
		return error_new(ERROR_FORMAT, "an integer of %zu bytes at 0x%llx", size,
				 (unsigned long long)va);
	struct error *err = kernel_read(k, va, bytes, size);
	if (err)
		return err;
	uint64_t value = 0;
	for (size_t i = size; i-- > 0;)
		value = value << 8 | bytes[i];
	*ret = value;
	return NULL;
}

struct error *kernel_read_member(struct kernel *k, uint64_t base, const struct member *m, uint64_t *ret)
{
	return kernel_read_uint(k, base + m->offset, m->size, ret);
}

struct error *kernel_read_u64(struct kernel *k, uint64_t va, uint64_t *ret)
{
	return kernel_read_uint(k, va, 8, ret);
}

struct error *kernel_read_u32(struct kernel *k, uint64_t va, uint32_t *ret)
{
	uint64_t value;
	struct error *err = kernel_read_uint(k, va, 4, &value);
	if (!err)
		*ret = (uint32_t)value;
	return err;
}

struct error *kernel_read_text(struct kernel *k, uint64_t va, char *buf, size_t cap)
{
	size_t got = 0;
	if (!k->as)
		return kernel_read(k, va, buf, 1);
	struct error *err = aspace_read_some(k->as, va, buf, cap - 1, &got);
	if (err)
		return err;
	buf[got] = '\0';
	return NULL;
}

struct error *kernel_symbol(struct kernel *k, const char *name, uint64_t *ret)
{
	struct symbol s;
	if (!k->vmlinux)
		return error_new(ERROR_NOT_FOUND, "'%s' is not known without a vmlinux", name);
	if (!symbols_lookup(k->vmlinux, name, &s))
		return error_new(ERROR_NOT_FOUND, "this kernel has no symbol '%s'", name);
	/* Per-CPU symbols of a section linked at 0 and absolute ones do not move with KASLR. */
	*ret = s.addr >> 63 ? s.addr + k->kaslr_offset : s.addr;
	return NULL;
}

bool kernel_symbolize(struct kernel *k, uint64_t addr, char *ret, size_t cap)
{
	struct symbol s;
	struct module *m = module_by_address(k, addr);
	if (m) {
		snprintf(ret, cap, "0x%llx [%s]", (unsigned long long)addr, m->name);
		return false;
	}
	if (!k->vmlinux || !symbols_by_address(k->vmlinux, addr - k->kaslr_offset, &s)) {
		snprintf(ret, cap, "0x%llx", (unsigned long long)addr);
		return false;
	}
	snprintf(ret, cap, "%s+0x%llx/0x%llx", s.name,
		 (unsigned long long)(addr - k->kaslr_offset - s.addr), (unsigned long long)s.size);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/base/json.h"
#include "stub/cli/cli.h"
#include "stub/cli/load.h"
#include "stub/linux/module.h"

struct report {
	struct buffer text;
	struct json *json;              /* NULL: text is wanted */
};

static const char *const results[] = {
	[PROBE_AGREES] = "agrees",
	[PROBE_DISAGREES] = "disagrees",
	[PROBE_UNREADABLE] = "unreadable",
};

static void put_line(struct report *r, const char *title, const char *fmt, ...) printf_like(3, 4);
static void put_line(struct report *r, const char *title, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;
	if (r->json)
		return;
	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		text = NULL;
		r->text.failed = true;
		return;
	}
	for (char *p = text; *p; p++)   /* a dump's text must not drive the terminal */
		if (((unsigned char)*p < 0x20 && *p != '\n') || *p == 0x7f)
			*p = '?';
	for (char *line = text; line; title = "") {
		size_t len = strcspn(line, "\n");
		if (len || line == text)
			buffer_printf(&r->text, "%-13s %.*s\n", title, (int)len, line);
		line = line[len] ? line + len + 1 : NULL;
	}
}

static void put_size(struct report *r, const char *title, const char *key, uint64_t bytes,
		     const char *more)
{
	put_line(r, title, "%.1f MiB%s", (double)bytes / (1 << 20), more);
	if (r->json)
		json_set(r->json, key, json_new_uint(bytes));
}

static void put_hex(struct report *r, const char *title, const char *key, uint64_t value)
{
	put_line(r, title, "0x%" PRIx64, value);
	if (r->json)
		json_set(r->json, key, json_new_hex(value));
}

static void put_text(struct report *r, const char *title, const char *key, const char *text)
{
	if (text)
		put_line(r, title, "%s", text);
	if (r->json)
		json_set_text(r->json, key, text);
}

/* makedumpfile's -d (print_info.c): the sum of what was left out. */
static void report_dump_level(struct report *r, unsigned level)
{
	static const char *const kinds[] = { "zero", "cache", "private cache", "user", "free" };
	char text[80] = "";
	size_t len = 0;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (level & 1u << i)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? ", " : "", kinds[i]);
	put_line(r, "dump level", len ? "%u: without %s pages" : "%u: with all pages", level, text);
	if (r->json)
		json_set(r->json, "dump_level", json_new_uint(level));
}

static void report_target(struct report *r, const struct target *t)
{
	uint64_t ram = 0;
	char ranges[40];
	for (size_t i = 0; i < t->nram; i++)
		ram += t->ram[i].end - t->ram[i].start;
	snprintf(ranges, sizeof(ranges), " in %zu range%s", t->nram, t->nram == 1 ? "" : "s");
	put_text(r, "dump", "dump", t->path);
	put_text(r, "format", "format", t->format);
	if (t->file_size)
		put_size(r, "file", "file_size", t->file_size, "");
	put_size(r, "memory", "ram_size", ram, ranges);
	if (t->dump_level >= 0)
		report_dump_level(r, (unsigned)t->dump_level);
	put_line(r, "CPUs", t->ncpus ? "%u with registers" : "none has registers in this dump", t->ncpus);
	if (r->json)
		json_set(r->json, "cpus", json_new_uint(t->ncpus));
}

static void report_probes(struct report *r, const struct kernel *k)
{
	struct json *list = r->json ? json_new_array() : NULL;
	if (k->nprobes)
		put_line(r, "checks", "%u of %u agree", k->nagree, k->nprobes);
	for (unsigned i = 0; i < k->nprobes; i++) {
		const struct probe *p = &k->probes[i];
		put_line(r, "", "%-20s %s%s%s", p->name, results[p->result], p->detail[0] ? ": " : "",
			 p->detail);
		if (!r->json)
			continue;
		struct json *row = json_new_object();
		json_set_text(row, "name", p->name);
		json_set_text(row, "result", results[p->result]);
		json_set_text(row, "detail", p->detail);
		json_add(list, row);
	}
	if (r->json) {
		json_set(r->json, "checks", list);
		json_set(r->json, "checks_agree", json_new_uint(k->nagree));
	}
}

static void report_kernel(struct report *r, const struct kernel *k)
{
	char id[BUILD_ID_MAX * 2 + 1] = "";
	if (k->build_id.len)
		build_id_text(&k->build_id, id);
	put_text(r, "kernel", "release", k->release);
	put_text(r, "build-id", "build_id", k->build_id.len ? id : NULL);
	put_text(r, "found by", "found_by", k->placed ? k->found_by : NULL);
	if (k->placed) {
		put_hex(r, "KASLR offset", "kaslr_offset", k->kaslr_offset);
		put_hex(r, "phys_base", "phys_base", k->phys_base);
		put_line(r, "page tables", "%u levels, root 0x%" PRIx64, k->paging.levels, k->paging.root);
	}
	if (k->placed && r->json) {
		json_set(r->json, "paging_levels", json_new_uint(k->paging.levels));
		json_set(r->json, "paging_root", json_new_hex(k->paging.root));
	}
	if (k->panic_cpu >= 0) {
		put_line(r, "panicked", "CPU %d", k->panic_cpu);
		if (r->json)
			json_set(r->json, "panic_cpu", json_new_uint((uint64_t)k->panic_cpu));
	}
	report_probes(r, k);
	put_text(r, "vmlinux", "vmlinux", k->vmlinux ? symbols_path(k->vmlinux) : NULL);
	put_text(r, "types", "types", k->types ? types_origin(k->types) : NULL);
	put_text(r, "cache", "cache", k->cache_private ? NULL : k->cache_dir);
	if (k->missing)
		put_text(r, "missing", "missing", k->missing);
}

static void report_modules(struct report *r, const struct kernel *k)
{
	size_t found = 0;
	struct json *list = r->json ? json_new_array() : NULL;
	for (size_t i = 0; i < k->nmodules; i++)
		found += k->modules[i].path != NULL;
	if (k->vmlinux)
		put_line(r, "modules", "%zu, %zu with a file", k->nmodules, found);
	for (size_t i = 0; i < k->nmodules; i++) {
		const struct module *m = &k->modules[i];
		put_line(r, "", "%-20s %s", m->name,
			 m->path ? m->path : m->missing ? m->missing : "not looked for");
		if (!r->json)
			continue;
		struct json *row = json_new_object();
		json_set_text(row, "name", m->name);
		json_set(row, "base", json_new_hex(m->base));
		json_set(row, "size", json_new_uint(m->size));
		json_set_text(row, "file", m->path);
		if (m->missing)
			json_set_text(row, "missing", m->missing);
		json_add(list, row);
	}
	if (r->json)
		json_set(r->json, "modules", list);
}

static void report_warnings(struct report *r, const struct loaded *l)
{
	const struct kernel *k = l->kernel;
	struct json *list = r->json ? json_new_array() : NULL;
	size_t n = l->target->nwarnings + k->nwarnings;
	for (size_t i = 0; i < n; i++) {
		const char *text = i < l->target->nwarnings ? l->target->warnings[i]
							    : k->warnings[i - l->target->nwarnings];
		put_line(r, "warning", "%s", text);
		if (r->json)
			json_add(list, json_new_text(text, strlen(text)));
	}
	if (k->modules_damage) {
		put_line(r, "warning", "%s", k->modules_damage);
		if (r->json)
			json_add(list, json_new_text(k->modules_damage, strlen(k->modules_damage)));
	}
	if (r->json)
		json_set(r->json, "warnings", list);
}

static struct error *run(const struct options *o, int *exit_ret)
{
	(void)exit_ret;
	_cleanup_loaded_ struct loaded l = { .target = NULL };
	struct report r = { .text = BUFFER_INIT };
	struct error *err = load_open(o, o->target, LOAD_MODULES, NULL, &l);
	if (err)
		return err;
	if (o->json)
		r.json = json_new_object();
	report_target(&r, l.target);
	report_kernel(&r, l.kernel);
	report_modules(&r, l.kernel);
	report_warnings(&r, &l);
	if (o->json)
		err = json_write(r.json, true, &r.text);
	if (!err)
		err = buffer_error(&r.text);
	if (!err)
		fwrite(r.text.data, 1, r.text.len, stdout);
	json_free(r.json);
	buffer_deinit(&r.text);
	return err;
}

const struct cli_command cli_info = {
	.name = "info",
	.args = "TARGET",
	.summary = "what was identified, by which method, and what is missing",
	.details = "Names the dump, its kernel, where that kernel put itself, how many independent checks\n"
		   "agree with that, and the files with debug information. What is missing is named\n"
		   "with its remedy.\n\n"
		   "  $ kstub info vmcore",
	.options = OPTIONS_TARGET | OPTIONS_JSON,
	.words = WORDS_TARGET,
	.run = run,
};

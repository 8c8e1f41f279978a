/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stub/base/cleanup.h"
#include "stub/linux/cpus.h"
#include "stub/linux/layout.h"
#include "stub/linux/printk.h"
#include "stub/monitor/monitor.h"
#include "stub/monitor/writer.h"

enum { UTS_LEN = 65 };  /* __NEW_UTS_LEN + 1 (include/uapi/linux/utsname.h) */

struct sys_layout {
	struct member nodename, release, version, machine;
	/* 6.13 (commit 0e4d0f5cc2b8) gave tk_core a named type. */
	struct member tk_timekeeper, timekeeper_sizeof;
	struct member xtime_sec, ktime_sec;
};

#define ROW(type, member, field) { type, member, offsetof(struct sys_layout, field) }
static const struct layout_row rows[] = {
	ROW("uts_namespace", "name.nodename", nodename),
	ROW("uts_namespace", "name.release", release),
	ROW("uts_namespace", "name.version", version),
	ROW("uts_namespace", "name.machine", machine),
	ROW("tk_data", "timekeeper", tk_timekeeper),
	ROW("timekeeper", NULL, timekeeper_sizeof),
	ROW("timekeeper", "xtime_sec", xtime_sec),
	ROW("timekeeper", "ktime_sec", ktime_sec),
};
#undef ROW

/* A field whose text is in guest memory; left out when it cannot be read. */
static void show_text(struct monitor_writer *w, struct kernel *k, const char *title, const char *key,
		      uint64_t base, const struct member *m)
{
	char text[UTS_LEN];
	if (!m->present)
		return;
	size_t cap = m->size < sizeof(text) ? m->size : sizeof(text);
	struct error *err = cap ? kernel_read_text(k, base + m->offset, text, cap) : NULL;
	if (!err && cap)
		writer_field(w, title, key, text);
	error_free(err);
}

/*
 * The timekeeper in tk_core, which before 6.13 had a type without a name: a sequence count, then
 * the timekeeper to the end (kernel/time/timekeeping.c). Since 6.17 ("timekeeping: Introduce
 * auxiliary timekeepers") it is the first of an array.
 */
static bool find_timekeeper(struct kernel *k, const struct sys_layout *l, uint64_t *ret)
{
	struct symbol s;
	uint64_t core;
	struct error *err = kernel_symbol(k, "tk_core", &core);
	if (err) {
		error_free(err);
		err = kernel_symbol(k, "timekeeper_data", &core);
	}
	error_free(err);
	if (err)
		return false;
	if (l->tk_timekeeper.present) {
		*ret = core + l->tk_timekeeper.offset;
		return true;
	}
	if (!l->timekeeper_sizeof.present || !symbols_lookup(k->vmlinux, "tk_core", &s) ||
	    s.size < l->timekeeper_sizeof.size)
		return false;
	*ret = core + (s.size - l->timekeeper_sizeof.size);
	return true;
}

static bool read_seconds(struct kernel *k, uint64_t timekeeper, const struct member *m, uint64_t *ret)
{
	if (!m->present)
		return false;
	struct error *err = kernel_read_uint(k, timekeeper + m->offset, m->size, ret);
	error_free(err);
	return !err;
}

static void show_time(struct monitor_writer *w, struct kernel *k, const struct sys_layout *l)
{
	uint64_t timekeeper, seconds;
	char text[64];
	struct tm tm;
	if (!find_timekeeper(k, l, &timekeeper))
		return;
	if (read_seconds(k, timekeeper, &l->xtime_sec, &seconds)) {
		time_t when = (time_t)seconds;
		if (gmtime_r(&when, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
			writer_field(w, "DATE", "date", text);
	}
	if (read_seconds(k, timekeeper, &l->ktime_sec, &seconds)) {
		snprintf(text, sizeof(text), "%" PRIu64 " days, %02u:%02u:%02u", seconds / 86400,
			 (unsigned)(seconds / 3600 % 24), (unsigned)(seconds / 60 % 60),
			 (unsigned)(seconds % 60));
		writer_field(w, "UPTIME", "uptime", text);
	}
}

/* avenrun[] has FSHIFT = 11 bits behind the point (include/linux/sched/loadavg.h). */
static void show_load(struct monitor_writer *w, struct kernel *k)
{
	uint64_t at, value[3];
	char text[80];
	struct error *err = kernel_symbol(k, "avenrun", &at);
	for (unsigned i = 0; i < 3 && !err; i++)
		err = kernel_read_u64(k, at + i * 8, &value[i]);
	if (!err) {
		int len = 0;
		for (unsigned i = 0; i < 3; i++)
			len += snprintf(text + len, sizeof(text) - (size_t)len, "%s%" PRIu64 ".%02u",
					i ? ", " : "", value[i] >> 11,
					(unsigned)((value[i] & 2047) * 100 >> 11));
		writer_field(w, "LOAD AVERAGE", "load_average", text);
	}
	error_free(err);
}

struct find_panic {
	char text[256];
	bool is_panic;
};

static bool contains(const struct log_record *r, const char *what)
{
	return memmem(r->text, r->len, what, strlen(what));
}

/* The last panic line, else the last line that an oops begins with. */
static bool look_for_panic(void *arg, const struct log_record *r)
{
	struct find_panic *f = arg;
	static const char *const oopses[] = { "BUG: ", "kernel BUG at", "Oops: ", "general protection fault",
					      "divide error: ", "stack guard page was hit" };
	/* At the start: "---[ end Kernel panic ..." is no news. */
	static const char panic[] = "Kernel panic - not syncing";
	bool is_panic = r->len >= sizeof(panic) - 1 && !memcmp(r->text, panic, sizeof(panic) - 1), is_oops = false;
	for (size_t i = 0; i < sizeof(oopses) / sizeof(oopses[0]); i++)
		is_oops |= contains(r, oopses[i]);
	if (!is_panic && (f->is_panic || !is_oops))
		return true;
	f->is_panic |= is_panic;
	const char *newline = memchr(r->text, '\n', r->len);
	size_t len = newline ? (size_t)(newline - r->text) : r->len;
	snprintf(f->text, sizeof(f->text), "%.*s", (int)(len < 255 ? len : 255), r->text);
	return true;
}

static void show_panic(struct monitor_writer *w, struct kernel *k)
{
	struct find_panic f = { .is_panic = false };
	_cleanup_free_ char *damage = NULL;
	struct error *err = printk_each(k, look_for_panic, &f, &damage);
	error_free(err);
	if (f.text[0])
		writer_field(w, "PANIC", "panic", f.text);
	if (k->panic_cpu >= 0)
		writer_field_uint(w, "PANIC CPU", "panic_cpu", (uint64_t)k->panic_cpu);
}

static void show_cpus(struct monitor_writer *w, struct kernel *k)
{
	_cleanup_free_ unsigned *cpus = NULL;
	size_t present = 0;
	uint64_t at;
	uint32_t online = 0;
	struct error *err = cpus_present(k, &cpus, &present);
	error_free(err);
	writer_field_uint(w, "CPUS", "cpus", present ? present : k->target->ncpus);
	/* Since 5.3 (commit 0c09ab96fc82). */
	err = kernel_symbol(k, "__num_online_cpus", &at);
	if (!err)
		err = kernel_read_u32(k, at, &online);
	if (!err)
		writer_field_uint(w, "CPUS ONLINE", "cpus_online", online);
	error_free(err);
}

static void show_memory(struct monitor_writer *w, const struct target *t)
{
	uint64_t bytes = 0;
	char text[64];
	for (size_t i = 0; i < t->nram; i++)
		bytes += t->ram[i].end - t->ram[i].start;
	if (bytes >> 30)
		snprintf(text, sizeof(text), "%.1f GiB", (double)bytes / (1u << 30));
	else
		snprintf(text, sizeof(text), "%.1f MiB", (double)bytes / (1u << 20));
	writer_field(w, "MEMORY", "memory", text);
}

static struct error *run(const struct monitor_context *c, int argc, char **argv,
			 struct monitor_writer *w)
{
	(void)argv;
	struct kernel *k = c->kernel;
	struct sys_layout l;
	uint64_t uts;
	memset(&l, 0, sizeof(l));
	if (argc > 1)
		return monitor_usage(&monitor_sys);
	if (k->vmlinux)
		writer_field(w, "KERNEL", "kernel", symbols_path(k->vmlinux));
	writer_field(w, "DUMPFILE", "dumpfile", c->target->path);
	writer_field(w, "FORMAT", "format", c->target->format);
	if (!k->types || !k->placed) {
		writer_field_uint(w, "CPUS", "cpus", c->target->ncpus);
		show_memory(w, c->target);
		if (k->release)
			writer_field(w, "RELEASE", "release", k->release);
		if (k->missing)
			writer_note(w, "%s", k->missing);
		return NULL;
	}
	struct error *err = layout_resolve(k->types, rows, sizeof(rows) / sizeof(rows[0]), &l);
	if (err)
		return err;
	show_cpus(w, k);
	show_time(w, k, &l);
	show_load(w, k);
	err = kernel_symbol(k, "init_uts_ns", &uts);
	error_free(err);
	if (!err) {
		show_text(w, k, "NODENAME", "nodename", uts, &l.nodename);
		show_text(w, k, "RELEASE", "release", uts, &l.release);
		show_text(w, k, "VERSION", "version", uts, &l.version);
		show_text(w, k, "MACHINE", "machine", uts, &l.machine);
	}
	show_memory(w, c->target);
	show_panic(w, k);
	return NULL;
}

const struct monitor_command monitor_sys = {
	.name = "sys",
	.args = "",
	.summary = "the system that crashed: kernel, CPUs, date, memory, why it panicked",
	.details = "DATE and UPTIME are the kernel's own clock at its last tick. PANIC is the last panic\n"
		   "message of the log, or the last oops when nobody panicked.\n\n"
		   "  (gdb) monitor sys",
	.run = run,
};

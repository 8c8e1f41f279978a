/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of QEMU's monitor that gef and pwndbg send through gdb, in QEMU's own words, which
 * they take apart (target/i386/monitor.c, monitor/misc.c and softmmu/memory.c of 7.2).
 */
#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stub/base/cleanup.h"
#include "stub/linux/cpus.h"
#include "stub/linux/task.h"
#include "stub/monitor/monitor.h"
#include "stub/monitor/writer.h"

enum { RANGES_MAX = 1 << 16, MAP_SECONDS = 4, CHECK_EVERY = 64, DUMP_MAX = 1 << 19, LINE = 16 };

/* Of text as QEMU prints it, each line a row. */
static const struct writer_column lines[] = { { NULL, "line", false } };

static void put_lines(struct monitor_writer *w, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		writer_cell_bytes(w, text, len);
		writer_row_end(w);
		text += len + (text[len] == '\n');
	}
}

/* As in C: 0x and hexadecimal digits, or decimal ones. */
static struct error *parse_number(const char *text, uint64_t *ret)
{
	char *end;
	errno = 0;
	uint64_t value = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)text[0]) || *end || errno)
		return error_new(ERROR_USAGE, "'%.64s' is no number; an address is 0x and hexadecimal digits here, or "
					      "decimal", text);
	*ret = value;
	return NULL;
}

/* --- info registers, info cpus ----------------------------------------------------------- */

/* The register set of the CPU that the selected thread runs or ran on, else the first. */
static unsigned current_cpu(const struct monitor_context *c)
{
	if (c->cpu >= 0)
		return (unsigned)c->cpu;
	unsigned index = 0;
	return c->task && cpus_regs(c->kernel, c->task->cpu, &index) ? index : 0;
}

static struct error *show_cpu(const struct monitor_context *c, unsigned index, struct buffer *ret)
{
	struct regs r = { .known = { 0 } };
	struct error *err = c->target->ops->read_regs(c->target, index, &r);
	if (err)
		return err;
	buffer_printf(ret, "\nCPU#%u\n", c->kernel->cpu_numbers[index]);
	c->target->arch->show_regs(&r, ret);
	return NULL;
}

static struct error *info_registers(const struct monitor_context *c, int argc, char **argv, struct monitor_writer *w)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT;
	bool all = argc == 2 && !strcmp(argv[1], "-a");
	if (argc > 2 || (argc == 2 && !all))
		return error_new(ERROR_USAGE, "usage: info registers [-a]; 'help info' says more");
	if (!c->target->ncpus)
		return error_new(ERROR_NOT_FOUND, "the dump has no registers");
	struct error *err = NULL;
	unsigned first = all ? 0 : current_cpu(c), end = all ? c->target->ncpus : first + 1;
	for (unsigned i = first; i < end && !err; i++)
		err = show_cpu(c, i, &text);
	if (!err)
		err = buffer_error(&text);
	if (err)
		return err;
	writer_table(w, lines, 1);
	put_lines(w, buffer_text(&text));
	return NULL;
}

static struct error *info_cpus(const struct monitor_context *c, int argc, char **argv, struct monitor_writer *w)
{
	char line[32];
	(void)argv;
	if (argc > 1)
		return error_new(ERROR_USAGE, "usage: info cpus; 'help info' says more");
	writer_table(w, lines, 1);
	for (unsigned i = 0; i < c->target->ncpus; i++) {
		snprintf(line, sizeof(line), "%c CPU #%u:", i == current_cpu(c) ? '*' : ' ', c->kernel->cpu_numbers[i]);
		writer_cell(w, line);
		writer_row_end(w);
	}
	return NULL;
}

/* --- info mem ---------------------------------------------------------------------------- */

static const struct writer_column ranges[] = {
	{ NULL, "range", false }, { NULL, "size", false }, { NULL, "prot", false },
};

struct show_ranges {
	struct map_visitor visitor;
	struct monitor_writer *w;
	uint64_t start, end;            /* of the range that is not yet shown; equal: none */
	unsigned prot;
	size_t shown, tables, missing;
	uint64_t first_missing, stopped_at;
	bool stopped;
	time_t until;
};

static time_t seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void show_range(struct show_ranges *s)
{
	char text[40];
	if (s->start == s->end)
		return;
	snprintf(text, sizeof(text), "%016" PRIx64 "-%016" PRIx64, s->start, s->end);
	writer_cell(s->w, text);
	snprintf(text, sizeof(text), "%016" PRIx64, s->end - s->start);
	writer_cell(s->w, text);
	snprintf(text, sizeof(text), "%cr%c", s->prot & MAP_USER ? 'u' : '-', s->prot & MAP_WRITE ? 'w' : '-');
	writer_cell(s->w, text);
	writer_row_end(s->w);
	s->start = s->end;
	s->shown++;
}

static bool stop_at(struct show_ranges *s, uint64_t va)
{
	s->stopped = true;
	s->stopped_at = va;
	return false;
}

/* Whether pages may be executed is nothing that QEMU prints. */
static bool add_range(struct map_visitor *v, uint64_t va, uint64_t len, unsigned prot)
{
	struct show_ranges *s = (struct show_ranges *)v;
	prot &= MAP_USER | MAP_WRITE;
	if (s->start != s->end && s->end == va && s->prot == prot) {
		s->end += len;
		return true;
	}
	show_range(s);
	if (s->shown == RANGES_MAX)
		return stop_at(s, va);
	s->start = va;
	s->end = va + len;
	s->prot = prot;
	return true;
}

/* Somebody waits for the answer, and gdb can do nothing else meanwhile. */
static bool add_table(struct map_visitor *v, uint64_t va)
{
	struct show_ranges *s = (struct show_ranges *)v;
	if (s->tables++ % CHECK_EVERY == 0 && seconds() >= s->until)
		return stop_at(s, va);
	return true;
}

static void add_missing(struct map_visitor *v, uint64_t va, uint64_t len)
{
	struct show_ranges *s = (struct show_ranges *)v;
	(void)len;
	if (!s->missing++)
		s->first_missing = va;
}

/* The tables in use where the selected thread runs; the kernel's own where these are not known. */
static struct error *current_paging(const struct monitor_context *c, struct paging *ret)
{
	struct error *err = task_or_cpu_paging(c->kernel, c->task, c->cpu, ret);
	if (err && c->kernel->placed) {
		error_free(err);
		*ret = c->kernel->paging;
		err = NULL;
	}
	return err;
}

static struct error *info_mem(const struct monitor_context *c, int argc, char **argv, struct monitor_writer *w)
{
	struct paging paging;
	struct show_ranges s = { .visitor = { add_table, add_range, add_missing }, .w = w,
				 .until = seconds() + MAP_SECONDS };
	(void)argv;
	if (argc > 1)
		return error_new(ERROR_USAGE, "usage: info mem; 'help info' says more");
	struct error *err = current_paging(c, &paging);
	if (err)
		return err;
	writer_table(w, ranges, sizeof(ranges) / sizeof(ranges[0]));
	c->target->arch->map(&paging, target_phys_reader(c->target), &s.visitor);
	show_range(&s);
	if (s.missing)
		writer_note(w, "%zu page tables are not in the dump, the first is that of %016" PRIx64, s.missing,
			    s.first_missing);
	if (s.stopped)
		writer_note(w, "cut off at %016" PRIx64 ": %s", s.stopped_at, s.shown == RANGES_MAX ?
			    "more ranges than anybody reads" : "this takes too long, the tables may be damaged");
	return NULL;
}

/* --- info mtree, info version ------------------------------------------------------------ */

/* What is RAM: the ranges of the dump. Devices and ROM are not in it. */
static struct error *info_mtree(const struct monitor_context *c, int argc, char **argv, struct monitor_writer *w)
{
	char line[80];
	if (argc != 2 || strcmp(argv[1], "-f"))
		return error_new(ERROR_USAGE, "usage: info mtree -f; 'help info' says more");
	writer_table(w, lines, 1);
	put_lines(w, "FlatView #0\n AS \"memory\", root: system\n Root memory region: system\n");
	for (size_t i = 0; i < c->target->nram; i++) {
		snprintf(line, sizeof(line), "  %016" PRIx64 "-%016" PRIx64 " (prio 0, ram): ram\n",
			 c->target->ram[i].start, c->target->ram[i].end - 1);
		put_lines(w, line);
	}
	put_lines(w, "\n");
	return NULL;
}

/* QEMU's is "7.2.22Debian 1:7.2": numbers, then what its packager calls it. */
static struct error *info_version(const struct monitor_context *c, int argc, char **argv, struct monitor_writer *w)
{
	(void)c;
	(void)argv;
	if (argc > 1)
		return error_new(ERROR_USAGE, "usage: info version; 'help info' says more");
	writer_table(w, lines, 1);
	put_lines(w, PACKAGE_VERSION " (" PACKAGE_NAME ")");
	return NULL;
}

static struct error *run_info(const struct monitor_context *c, int argc, char **argv, struct monitor_writer *w)
{
	static const struct {
		const char *name;
		struct error *(*run)(const struct monitor_context *, int, char **, struct monitor_writer *);
	} words[] = {
		{ "registers", info_registers }, { "mem", info_mem }, { "mtree", info_mtree },
		{ "cpus", info_cpus }, { "version", info_version },
	};
	if (argc < 2)
		return monitor_usage(&monitor_info);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].name, argv[1]))
			return words[i].run(c, argc - 1, argv + 1, w);
	/* QEMU's words; scripts look for them. */
	return error_new(ERROR_USAGE, "unknown command: 'info %.64s'; 'help info' lists those of QEMU that there are",
			 argv[1]);
}

const struct monitor_command monitor_info = {
	.name = "info",
	.args = "WHAT",
	.summary = "registers, mapped memory and RAM in the words of QEMU's monitor",
	.details = "For gef and pwndbg, which take QEMU's text apart. WHAT is one of:\n\n"
		   "  registers [-a]  of the CPU that the selected thread runs on, or of all; what the dump\n"
		   "                  does not have is left out\n"
		   "  mem             mapped ranges of the page tables in use there: user, read, write\n"
		   "  mtree -f        ranges of RAM\n"
		   "  cpus            their numbers\n"
		   "  version         of kstub\n\n"
		   "  (gdb) monitor info registers\n"
		   "  $ kstub cmd vmcore info mem",
	.run = run_info,
};

/* --- xp ---------------------------------------------------------------------------------- */

struct format {
	unsigned long count;
	char how;
	unsigned size;
};

/* "/16xb", as x of gdb takes it; `text` begins behind the slash. */
static struct error *parse_format(const char *text, struct format *ret)
{
	static const struct { char letter; unsigned size; } sizes[] = {
		{ 'b', 1 }, { 'h', 2 }, { 'w', 4 }, { 'g', 8 }, { 'L', 8 },
	};
	char *end = NULL;
	if (isdigit((unsigned char)*text)) {
		ret->count = strtoul(text, &end, 10);
		text = end;
	}
	for (; *text; text++) {
		bool is_size = false;
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			if (sizes[i].letter == *text) {
				ret->size = sizes[i].size;
				is_size = true;
			}
		}
		if (!is_size && !strchr("xoduc", *text))
			return error_new(ERROR_USAGE, "invalid char in format: '%c'; it is a count, one of xoduc, one of "
						      "bhwg", *text);
		if (!is_size)
			ret->how = *text;
	}
	if (!ret->count || ret->count > DUMP_MAX / ret->size)
		return error_new(ERROR_USAGE, "xp shows up to %d bytes at a time", DUMP_MAX);
	return NULL;
}

static void put_char(struct buffer *b, unsigned char c)
{
	const char *escaped = c == '\'' ? "\\'" : c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\r' ? "\\r" : NULL;
	if (escaped)
		buffer_printf(b, "'%s'", escaped);
	else if (c >= ' ' && c <= '~')
		buffer_printf(b, "'%c'", c);
	else
		buffer_printf(b, "'\\x%02x'", c);
}

static void put_value(struct buffer *b, const struct format *f, uint64_t v)
{
	int bits = (int)f->size * 8;
	switch (f->how) {
	case 'o': buffer_printf(b, "%#*" PRIo64, (bits + 2) / 3, v); break;
	case 'u': buffer_printf(b, "%*" PRIu64, (bits * 10 + 32) / 33, v); break;
	case 'd': buffer_printf(b, "%*" PRId64, (bits * 10 + 32) / 33, (int64_t)v); break;
	case 'c': put_char(b, (unsigned char)v); break;
	default: buffer_printf(b, "0x%0*" PRIx64, bits / 4, v); break;
	}
}

static const struct writer_column dumped[] = {
	{ NULL, "address", false }, { NULL, "values", false },
};

static struct error *dump_physical(const struct monitor_context *c, const struct format *f, uint64_t pa,
				   struct monitor_writer *w)
{
	uint64_t left = f->count * f->size;
	size_t line = f->size == 1 ? 8 : LINE, step = f->how == 'c' ? 1 : f->size;
	_cleanup_buffer_ struct buffer text = BUFFER_INIT;
	char address[24];
	writer_table(w, dumped, 2);
	while (left) {
		unsigned char bytes[LINE];
		size_t n = left < line ? (size_t)left : line;
		buffer_clear(&text);
		struct error *err = target_read_phys(c->target, pa, bytes, n);
		for (size_t i = 0; i < n && !err; i += step) {
			uint64_t v = 0;
			memcpy(&v, bytes + i, step);
			buffer_puts(&text, i ? " " : "");
			put_value(&text, f, v);
		}
		if (err)
			buffer_puts(&text, "Cannot access memory");
		snprintf(address, sizeof(address), "%016" PRIx64 ":", pa);
		writer_cell(w, address);
		writer_cell(w, buffer_text(&text));
		writer_row_end(w);
		if (err) {
			error_free(err);
			break;
		}
		pa += n;
		left -= n;
	}
	return NULL;
}

/* "xp/4gx ADDR" is one word less than "xp /4gx ADDR". */
static struct error *run_xp(const struct monitor_context *c, int argc, char **argv, struct monitor_writer *w)
{
	struct format f = { .count = 1, .how = 'x', .size = 4 };
	const char *slash = strchr(argv[0], '/');
	uint64_t pa;
	int at = 1;
	if (!slash && argc > 1 && argv[1][0] == '/')
		slash = argv[at++];
	if (argc != at + 1)
		return monitor_usage(&monitor_xp);
	struct error *err = slash ? parse_format(slash + 1, &f) : NULL;
	if (!err)
		err = parse_number(argv[at], &pa);
	return err ? err : dump_physical(c, &f, pa, w);
}

const struct monitor_command monitor_xp = {
	.name = "xp",
	.args = "[/FORMAT] ADDR",
	.summary = "physical memory, as QEMU's monitor shows it",
	.details = "FORMAT is a count, x o d u or c, and b h w or g for 1, 2, 4 or 8 bytes each. ADDR is 0x and\n"
		   "hexadecimal digits, or decimal, as QEMU has it. A page that is not in the dump cannot be\n"
		   "accessed; 'help vtop' has the command that says why.\n\n"
		   "  (gdb) monitor xp /8gx 0x1000000",
	.run = run_xp,
};

/* --- gva2gpa, gpa2hva -------------------------------------------------------------------- */

static struct error *run_gva2gpa(const struct monitor_context *c, int argc, char **argv, struct monitor_writer *w)
{
	struct phys_reader rd = target_phys_reader(c->target);
	struct paging paging;
	struct mapping m;
	uint64_t va;
	char text[32];
	if (argc != 2)
		return monitor_usage(&monitor_gva2gpa);
	struct error *err = parse_number(argv[1], &va);
	/* A process that ran with KPTI has not all of the kernel in its own tables. */
	if (!err && va >> 63 && c->kernel->placed)
		paging = c->kernel->paging;
	else if (!err)
		err = current_paging(c, &paging);
	if (err)
		return err;
	err = c->target->arch->walk(&paging, va, rd, NULL, &m);
	if (err && err->code == ERROR_NOMEM)
		return err;
	if (err)
		snprintf(text, sizeof(text), "Unmapped");
	else
		snprintf(text, sizeof(text), "gpa: %#" PRIx64, m.pa);
	error_free(err);
	writer_table(w, lines, 1);
	put_lines(w, text);
	return NULL;
}

const struct monitor_command monitor_gva2gpa = {
	.name = "gva2gpa",
	.args = "ADDR",
	.summary = "virtual address to physical, as QEMU's monitor says it",
	.details = "ADDR is 0x and hexadecimal digits, or decimal, as QEMU has it. 'vtop' says more.\n\n"
		   "  (gdb) monitor gva2gpa 0xffffffff82a00000",
	.run = run_gva2gpa,
};

static struct error *run_gpa2hva(const struct monitor_context *c, int argc, char **argv, struct monitor_writer *w)
{
	uint64_t pa;
	(void)c;
	(void)w;
	if (argc != 2)
		return monitor_usage(&monitor_gpa2hva);
	struct error *err = parse_number(argv[1], &pa);
	return err ? err : error_new(ERROR_UNSUPPORTED, "0x%" PRIx64 " has no host virtual address: this is a dump; "
				     "read it by xp, or by Qqemu.PhyMemMode", pa);
}

const struct monitor_command monitor_gpa2hva = {
	.name = "gpa2hva",
	.args = "ADDR",
	.summary = "nothing: a dump is in no host's memory; for scripts that ask QEMU",
	.details = "Scripts use it to read a guest's memory in QEMU's process. Of a dump they can read physical\n"
		   "addresses by 'xp', or in gdb:\n\n"
		   "  (gdb) maintenance packet Qqemu.PhyMemMode:1\n"
		   "  (gdb) x/8gx 0x1000000\n"
		   "  (gdb) maintenance packet Qqemu.PhyMemMode:0",
	.run = run_gpa2hva,
};

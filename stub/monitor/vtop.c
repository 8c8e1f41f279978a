/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stub/linux/task.h"
#include "stub/monitor/monitor.h"
#include "stub/monitor/writer.h"
#include "stub/target/aspace.h"

static const struct writer_column columns[] = {
	{ "LEVEL", "level", false },
	{ "ENTRY AT", "entry_at", true },
	{ "ENTRY", "entry", true },
};

struct show_entries {
	struct walk_trace trace;
	struct monitor_writer *w;
};

static void show_entry(struct walk_trace *t, const char *level, uint64_t pa, uint64_t value)
{
	struct monitor_writer *w = ((struct show_entries *)t)->w;
	writer_cell(w, level);
	writer_cell_hex(w, pa);
	writer_cell_hex(w, value);
	writer_row_end(w);
}

/* A number as gdb prints addresses, or a symbol of the kernel. */
static struct error *parse_address(struct kernel *k, const char *text, uint64_t *ret)
{
	char *end;
	errno = 0;
	uint64_t value = strtoull(text, &end, strncmp(text, "0x", 2) ? 16 : 0);
	if (text[0] != '-' && text[0] != '+' && !*end && end != text && !errno) {
		*ret = value;
		return NULL;
	}
	struct error *err = kernel_symbol(k, text, ret);
	if (err && err->code == ERROR_NOT_FOUND) {
		error_free(err);
		err = error_new(ERROR_USAGE, "'%.64s' is neither a hexadecimal address nor a symbol of "
					     "this kernel", text);
	}
	return err;
}

/* The page tables for `va`: the kernel's own, or those of the selected task or CPU for a user's. */
static struct error *choose_paging(const struct monitor_context *c, uint64_t va, struct paging *ret,
				   const char **whose_ret)
{
	bool user = !(va >> 63);
	if (c->kernel->placed && !user) {
		*ret = c->kernel->paging;
		*whose_ret = "the kernel's";
		return NULL;
	}
	*whose_ret = c->task ? "the selected task's" : "the selected CPU's";
	return error_prefix(task_or_cpu_paging(c->kernel, c->task, c->cpu, ret),
			    "no page tables for this address");
}

/* What is at `pa`: in the file, or why it is not. */
static void show_page(const struct monitor_context *c, uint64_t pa, struct monitor_writer *w)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT;
	unsigned char byte;
	struct target *t = c->target;
	_cleanup_error_ struct error *err = target_read_phys(t, pa, &byte, 1);
	if (err && err->code == ERROR_EXCLUDED) {
		buffer_puts(&text, "excluded by makedumpfile");
		if (t->dump_level >= 0)
			buffer_printf(&text, " (dump level %d)", t->dump_level);
	} else if (t->ops->describe_page) {
		t->ops->describe_page(t, pa, &text);
	}
	if (!text.len && err)
		buffer_puts(&text, err->text);
	if (text.len)
		writer_field(w, "PAGE", "page", buffer_text(&text));
}

static struct error *run(const struct monitor_context *c, int argc, char **argv,
			 struct monitor_writer *w)
{
	struct show_entries show = { .trace = { show_entry }, .w = w };
	struct paging paging;
	struct aspace *as = NULL;
	struct mapping m;
	const char *whose = NULL;
	uint64_t va;
	if (argc != 2)
		return monitor_usage(&monitor_vtop);
	struct error *err = parse_address(c->kernel, argv[1], &va);
	if (!err)
		err = choose_paging(c, va, &paging, &whose);
	if (!err)
		err = aspace_create(c->target, &paging, &as);
	if (err)
		return err;

	writer_field_hex(w, "VIRTUAL", "virtual", va);
	writer_table(w, columns, sizeof(columns) / sizeof(columns[0]));
	err = aspace_translate(as, va, &show.trace, &m);
	aspace_destroy(as);
	if (!err) {
		writer_field_hex(w, "PHYSICAL", "physical", m.pa);
		show_page(c, m.pa, w);
	} else if (err->code == ERROR_NOMEM) {
		return err;
	} else if (err->code == ERROR_EXCLUDED) {
		writer_field(w, "PHYSICAL", "physical_missing",
			     "not known: the next page table is excluded by makedumpfile");
	} else {
		writer_field(w, "PHYSICAL", "physical_missing", err->text);
	}
	error_free(err);
	writer_field(w, "PAGE TABLES", "tables", whose);
	writer_field_hex(w, "ROOT", "root", paging.root);
	writer_field_uint(w, "LEVELS", "levels", paging.levels);
	return NULL;
}

const struct monitor_command monitor_vtop = {
	.name = "vtop",
	.args = "ADDR",
	.summary = "virtual address to physical: every page-table entry, and whether the page is there",
	.details = "ADDR is hexadecimal or a symbol. Addresses of the kernel go through its own page tables,\n"
		   "addresses of a process through those of the selected task. PAGE says where\n"
		   "the page is in the dump, or why it is not: a page that makedumpfile excluded is never\n"
		   "shown as zeros.\n\n"
		   "  (gdb) monitor vtop 0xffffffff82a00000\n"
		   "  (gdb) monitor vtop linux_banner",
	.looks_at_task = true,
	.run = run,
};

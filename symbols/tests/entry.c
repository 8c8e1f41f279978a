/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules for a kernel without ORC, on entry code whose labels say what must be found where. */
#include <config.h>

#include "symbols/entry.h"

#include <stdlib.h>

#include "stub/base/cleanup.h"
#include "stub/base/tests/tap.h"

enum { RBP = 6, RSP = 7 };

struct row {
	const char *label;
	int from;                       /* bytes from the label */
	bool known;                     /* to the rules at all */
	struct orc_rule rule;
};

static const struct row rows[] = {
	{ "asm_exc_page_fault", 0, true, { .kind = ORC_KIND_UNDEFINED } },
	{ "calls_handler", -1, true, { .kind = ORC_KIND_UNDEFINED } },
	{ "calls_handler", 0, true, { .kind = ORC_KIND_REGS, .cfa_reg = RSP } },
	{ "handler_returns", -1, true, { .kind = ORC_KIND_REGS, .cfa_reg = RSP } },
	{ "handler_returns", 0, true, { .kind = ORC_KIND_REGS, .cfa_reg = RSP } },
	{ "calls_helper", 0, true, { .kind = ORC_KIND_UNDEFINED } },
	{ "helper_returns", -1, true, { .kind = ORC_KIND_UNDEFINED } },
	{ "interrupt_returns", -1, true, { .kind = ORC_KIND_REGS, .cfa_reg = RSP, .cfa_deref = 1 } },
	{ "framed", -1, true, { .kind = ORC_KIND_UNDEFINED } },
	{ "framed", 0, true, { .kind = ORC_KIND_CALL, .cfa_reg = RBP, .cfa_offset = 16 } },
	{ "__entry_text_end", -1, true, { .kind = ORC_KIND_UNDEFINED } },
	{ "__entry_text_end", 0, false, { 0 } },
	{ "ret_from_fork", 1, true, { .kind = ORC_KIND_UNDEFINED } },
	{ "helper", 0, false, { 0 } },
	{ "do_softirq", 0, false, { 0 } },
	{ "switched", -1, false, { 0 } },
	{ "switched", 0, true, { .kind = ORC_KIND_CALL, .cfa_reg = RSP, .cfa_deref = 1, .cfa_offset = 16 } },
	{ "switched_back", -1, true, { .kind = ORC_KIND_CALL, .cfa_reg = RSP, .cfa_deref = 1, .cfa_offset = 16 } },
	{ "switched_back", 0, false, { 0 } },
	{ "restored", -2, false, { 0 } },
};

static void check(struct symbols *s, const struct orc *orc, const struct row *row)
{
	struct symbol label;
	if (!symbols_lookup(s, row->label, &label)) {
		tap_ok(false, "the fixture has %s", row->label);
		return;
	}
	const struct orc_entry *e = orc_find(orc, label.addr + (uint64_t)(int64_t)row->from);
	const struct orc_rule *want = &row->rule;
	bool same = !e == !row->known;
	if (same && e)
		same = e->rule.kind == want->kind &&
		       (want->kind == ORC_KIND_UNDEFINED ||
			(e->rule.cfa_reg == want->cfa_reg && e->rule.cfa_offset == want->cfa_offset &&
			 e->rule.cfa_deref == want->cfa_deref));
	tap_ok(same, "%s%+d", row->label, row->from);
	if (!same && e)
		tap_diag("kind %d, register %d, offset %d, deref %u", e->rule.kind, e->rule.cfa_reg,
			 e->rule.cfa_offset, e->rule.cfa_deref);
	else if (!same)
		tap_diag("no rule");
}

int main(void)
{
	char path[4096];
	const char *build = getenv("top_builddir");
	_cleanup_symbols_ struct symbols *s = NULL;
	struct elf_file f = { .fd = -1 };
	struct orc orc = { NULL, 0 };
	snprintf(path, sizeof(path), "%s/symbols/tests/entry.elf", build ? build : ".");
	_cleanup_error_ struct error *err = symbols_open(path, &s);
	if (!err)
		err = elf_file_open(path, &f);
	if (!err)
		err = entry_rules(s, &f, &orc);
	if (tap_ok(!err, "%s", err ? err->text : "rules of the fixture")) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
			check(s, &orc, &rows[i]);
		for (size_t i = 1; i < orc.n; i++)
			tap_ok(orc.entries[i - 1].end <= orc.entries[i].start, "rule %zu is behind the one before", i);
	}
	orc_deinit(&orc);
	elf_file_close(&f);
	return tap_done();
}

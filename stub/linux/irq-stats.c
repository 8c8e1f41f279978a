/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interrupts that x86 counts for itself (arch/x86/kernel/irq.c, arch_show_interrupts()). What a
 * kernel does not have, or does not count, has no line.
 */
#include <stdio.h>
#include <string.h>

#include "stub/linux/cpus.h"
#include "stub/linux/irq.h"
#include "stub/linux/layout.h"

static const struct stat {
	const char *name;
	const char *member;             /* of irq_cpustat_t; NULL: a variable of its own */
	const char *symbol;             /* that variable */
	bool one;                       /* it is one for all CPUs */
	unsigned vector;                /* only where this system vector is in use; 0: always */
	const char *pointer;            /* only where this pointer is set; NULL: always */
	const char *text;
} stats[] = {
	{ "NMI", "__nmi_count", NULL, false, 0, NULL, "Non-maskable interrupts" },
	{ "LOC", "apic_timer_irqs", NULL, false, 0, NULL, "Local timer interrupts" },
	{ "SPU", "irq_spurious_count", NULL, false, 0, NULL, "Spurious interrupts" },
	{ "PMI", "apic_perf_irqs", NULL, false, 0, NULL, "Performance monitoring interrupts" },
	{ "IWI", "apic_irq_work_irqs", NULL, false, 0, NULL, "IRQ work interrupts" },
	{ "RTR", "icr_read_retry_count", NULL, false, 0, NULL, "APIC ICR read retries" },
	{ "PLT", "x86_platform_ipis", NULL, false, 0, "x86_platform_ipi_callback", "Platform interrupts" },
	{ "RES", "irq_resched_count", NULL, false, 0, NULL, "Rescheduling interrupts" },
	{ "CAL", "irq_call_count", NULL, false, 0, NULL, "Function call interrupts" },
	{ "TLB", "irq_tlb_count", NULL, false, 0, NULL, "TLB shootdowns" },
	{ "TRM", "irq_thermal_count", NULL, false, 0, NULL, "Thermal event interrupts" },
	{ "THR", "irq_threshold_count", NULL, false, 0, NULL, "Threshold APIC interrupts" },
	{ "DFR", "irq_deferred_error_count", NULL, false, 0, NULL, "Deferred Error APIC interrupts" },
	{ "MCE", NULL, "mce_exception_count", false, 0, NULL, "Machine check exceptions" },
	{ "MCP", NULL, "mce_poll_count", false, 0, NULL, "Machine check polls" },
	/* The vectors: arch/x86/include/asm/irq_vectors.h, the same since 5.0. */
	{ "HYP", "irq_hv_callback_count", NULL, false, 0xf3, NULL, "Hypervisor callback interrupts" },
	{ "HRE", "irq_hv_reenlightenment_count", NULL, false, 0xee, NULL, "Hyper-V reenlightenment interrupts" },
	{ "HVS", "hyperv_stimer0_count", NULL, false, 0xed, NULL, "Hyper-V stimer0 interrupts" },
	{ "ERR", NULL, "irq_err_count", true, 0, NULL, "" },
	{ "MIS", NULL, "irq_mis_count", true, 0, NULL, "" },
	{ "PIN", "kvm_posted_intr_ipis", NULL, false, 0, NULL, "Posted-interrupt notification event" },
	{ "NPI", "kvm_posted_intr_nested_ipis", NULL, false, 0, NULL, "Nested posted-interrupt event" },
	{ "PIW", "kvm_posted_intr_wakeup_ipis", NULL, false, 0, NULL, "Posted-interrupt wakeup event" },
	{ "VPMI", "perf_guest_mediated_pmis", NULL, false, 0, NULL, "Perf Guest Mediated PMI" },
	{ "PMN", "posted_msi_notification_count", NULL, false, 0, NULL, "Posted MSI notification event" },
};

static struct error *test_bit(struct kernel *k, const char *bitmap, uint64_t bit, bool *ret)
{
	uint64_t at, word;
	struct error *err = kernel_symbol(k, bitmap, &at);
	if (!err)
		err = kernel_read_u64(k, at + bit / 64 * 8, &word);
	if (!err)
		*ret = word >> bit % 64 & 1;
	return err;
}

static struct error *is_shown(struct kernel *k, const struct stat *s, bool *ret)
{
	uint64_t at, value;
	*ret = true;
	if (s->vector)
		return test_bit(k, "system_vectors", s->vector, ret);
	if (!s->pointer)
		return NULL;
	struct error *err = kernel_symbol(k, s->pointer, &at);
	if (!err)
		err = kernel_read_u64(k, at, &value);
	if (!err)
		*ret = value != 0;
	return err;
}

/* ERROR_NOT_FOUND: this kernel does not count it. */
static struct error *locate(struct kernel *k, const struct stat *s, uint64_t *ret)
{
	struct member m;
	uint64_t at;
	struct error *err = NULL;
	if (s->member)
		err = types_member(k->types, "irq_cpustat_t", s->member, &m);
	if (!err)
		err = kernel_symbol(k, s->member ? "irq_stat" : s->symbol, &at);
	if (!err)
		*ret = at + (s->member ? m.offset : 0);
	return err;
}

static struct error *show_stat(struct irqs *w, const struct stat *s)
{
	struct irq irq = { .actions = s->text };
	uint64_t at;
	uint32_t count = 0;
	bool shown = false;
	struct error *err = locate(w->k, s, &at);
	if (!err)
		err = is_shown(w->k, s, &shown);
	if (!err && shown && s->one)
		err = kernel_read_u32(w->k, at, &count);
	irq.total = count;
	if (!err && shown && !s->one) {
		err = irqs_count(w, at, &irq.total);
		irq.counts = w->counts;
	}
	if (err || !shown)
		return err;
	snprintf(irq.name, sizeof(irq.name), "%s", s->name);
	w->visit(w->arg, &irq);
	return NULL;
}

struct stats_layout {
	struct member counts, info_sizeof, symbol, text;
};

/* The newest kernels count in one array, and have its names and which of it is shown in others. */
static const struct layout_row rows[] = {
	{ "irq_cpustat_t", "counts", offsetof(struct stats_layout, counts) },
	{ "irq_stat_info", NULL, offsetof(struct stats_layout, info_sizeof) },
	{ "irq_stat_info", "symbol", offsetof(struct stats_layout, symbol) },
	{ "irq_stat_info", "text", offsetof(struct stats_layout, text) },
};
enum { COUNTS_MAX = 256 };

/* "  Non-maskable interrupts\n" without its ends. */
static const char *trim(char *text)
{
	size_t len = strlen(text);
	while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
		text[--len] = '\0';
	return text + strspn(text, " ");
}

static struct error *show_counted(struct irqs *w, const struct stats_layout *l, uint64_t info, uint64_t counts,
				  uint64_t index)
{
	struct irq irq = { .counts = w->counts };
	char text[80];
	uint64_t at, symbol;
	bool shown;
	struct error *err = test_bit(w->k, "irq_stat_count_show", index, &shown);
	if (err || !shown)
		return err;
	info += index * l->info_sizeof.size;
	err = kernel_read_member(w->k, info, &l->symbol, &symbol);
	if (!err)
		err = kernel_read_text(w->k, symbol, irq.name, sizeof(irq.name));
	if (!err)
		err = kernel_read_member(w->k, info, &l->text, &at);
	if (!err)
		err = kernel_read_text(w->k, at, text, sizeof(text));
	if (!err)
		err = irqs_count(w, counts + l->counts.offset + index * 4, &irq.total);
	if (err)
		return err;
	irq.actions = trim(text);
	w->visit(w->arg, &irq);
	return NULL;
}

struct error *irq_stats_each(struct irqs *w)
{
	struct stats_layout l;
	struct kernel *k = w->k;
	uint64_t info, counts;
	struct error *err = layout_resolve(k->types, rows, sizeof(rows) / sizeof(rows[0]), &l);
	if (err)
		return err;
	if (!l.counts.present) {
		for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]) && !err; i++) {
			err = show_stat(w, &stats[i]);
			if (err && err->code == ERROR_NOT_FOUND) {
				error_free(err);
				err = NULL;
			}
			err = irqs_note(w, err, stats[i].name);
		}
		return err;
	}
	err = layout_require(k->types, rows, sizeof(rows) / sizeof(rows[0]), &l);
	if (!err)
		err = kernel_symbol(k, "irq_stat_info", &info);
	if (!err)
		err = kernel_symbol(k, "irq_stat", &counts);
	for (uint64_t i = 0; i < l.counts.count && i < COUNTS_MAX && !err; i++)
		err = show_counted(w, &l, info, counts, i);
	return irqs_note(w, err, "the architecture's interrupts are not all here");
}

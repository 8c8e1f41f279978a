/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The self-check: does what was found agree with what stands in memory? */
#include <stdio.h>
#include <string.h>

#include "stub/arch/x86_64.h"
#include "stub/linux/identify.h"
#include "stub/linux/layout.h"

static struct probe *probe_new(struct kernel *k, const char *name)
{
	if (k->nprobes == PROBES_MAX)
		return NULL;
	struct probe *p = &k->probes[k->nprobes++];
	*p = (struct probe){ .name = name, .result = PROBE_UNREADABLE };
	return p;
}

/* Nothing where something should be disagrees; what the dump lacks says nothing. */
static void probe_failed(struct probe *p, struct error *err)
{
	p->result = err->code == ERROR_FAULT ? PROBE_DISAGREES : PROBE_UNREADABLE;
	snprintf(p->detail, sizeof(p->detail), "%s", err->text);
	error_free(err);
}

static void probe_says(struct kernel *k, struct probe *p, bool agrees)
{
	p->result = agrees ? PROBE_AGREES : PROBE_DISAGREES;
	k->nagree += agrees;
}

/* Text at a symbol, plus an offset in its struct; detail becomes that text. */
static bool probe_text(struct kernel *k, struct probe *p, const char *symbol, uint64_t offset)
{
	uint64_t va;
	struct error *err = kernel_symbol(k, symbol, &va);
	if (!err)
		err = kernel_read_text(k, va + offset, p->detail, sizeof(p->detail));
	if (err) {
		probe_failed(p, err);
		return false;
	}
	for (char *c = p->detail; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
	return true;
}

static void probe_banner(struct kernel *k)
{
	struct probe *p = probe_new(k, "linux_banner");
	if (!p || !probe_text(k, p, "linux_banner", 0))
		return;
	bool agrees = !strncmp(p->detail, "Linux version ", 14);
	if (agrees && k->release)
		agrees = !strncmp(p->detail + 14, k->release, strlen(k->release));
	probe_says(k, p, agrees);
}

static void probe_build_id(struct kernel *k)
{
	struct probe *p = probe_new(k, "build-id in memory");
	const struct section *notes = symbols_section(k->vmlinux, ".notes");
	unsigned char bytes[4096];
	struct build_id id;
	if (!p)
		return;
	if (!notes || !notes->addr) {
		snprintf(p->detail, sizeof(p->detail), "vmlinux has no .notes section");
		return;
	}
	size_t len = notes->size < sizeof(bytes) ? notes->size : sizeof(bytes);
	struct error *err = kernel_read(k, notes->addr + k->kaslr_offset, bytes, len);
	if (err) {
		probe_failed(p, err);
		return;
	}
	bool there = build_id_from_notes(bytes, len, &id);
	if (there) {
		char text[BUILD_ID_MAX * 2 + 1];
		build_id_text(&id, text);
		snprintf(p->detail, sizeof(p->detail), "%s", text);
	}
	probe_says(k, p, there && build_id_equal(&id, symbols_build_id(k->vmlinux)));
}

static const struct layout_row rows[] = {
	{ "task_struct", "comm", 0 },
	{ "uts_namespace", "name.release", sizeof(struct member) },
};

static bool probe_member(struct probe *p, const struct member *m, const struct layout_row *row)
{
	struct error *err = layout_need(m, row);
	if (err)
		probe_failed(p, err);
	return !err;
}

static void probe_init_task(struct kernel *k, const struct member *comm)
{
	struct probe *p = probe_new(k, "init_task.comm");
	if (p && probe_member(p, comm, &rows[0]) && probe_text(k, p, "init_task", comm->offset))
		probe_says(k, p, !strncmp(p->detail, "swapper", 7));
}

static void probe_uts(struct kernel *k, const struct member *release)
{
	struct probe *p = probe_new(k, "init_uts_ns release");
	if (!p || !probe_member(p, release, &rows[1]) || !probe_text(k, p, "init_uts_ns", release->offset))
		return;
	probe_says(k, p, p->detail[0] && (!k->release || !strcmp(p->detail, k->release)));
}

static void probe_percpu(struct kernel *k)
{
	uint64_t va, offset;
	struct symbol s;
	if (!symbols_lookup(k->vmlinux, "__per_cpu_offset", &s))
		return;                 /* CONFIG_SMP=n: per-CPU variables are variables */
	struct probe *p = probe_new(k, "__per_cpu_offset[0]");
	if (!p)
		return;
	struct error *err = kernel_symbol(k, "__per_cpu_offset", &va);
	if (!err)
		err = kernel_read_u64(k, va, &offset);
	if (err) {
		probe_failed(p, err);
		return;
	}
	snprintf(p->detail, sizeof(p->detail), "%#llx", (unsigned long long)offset);
	/* CPU 0's copy of a per-CPU variable must be mapped. */
	uint64_t variable, value;
	err = kernel_symbol(k, "runqueues", &variable);
	if (err) {
		probe_failed(p, err);
		return;
	}
	err = kernel_read_u64(k, variable + offset, &value);
	if (err)
		probe_failed(p, err);
	else
		probe_says(k, p, true);
}

static void probe_text_bytes(struct kernel *k)
{
	struct probe *p = probe_new(k, "_text bytes");
	unsigned char there[16];
	const void *data;
	size_t len;
	struct symbol text;
	if (!p)
		return;
	const struct section *section = symbols_section(k->vmlinux, ".text");
	struct error *err = symbols_section_data(k->vmlinux, ".text", &data, &len);
	if (!err && (!symbols_lookup(k->vmlinux, "_text", &text) || !section ||
		     text.addr < section->addr || len < sizeof(there) ||
		     text.addr - section->addr > len - sizeof(there)))
		err = error_new(ERROR_NOT_FOUND, "vmlinux does not have the bytes of _text");
	if (!err)
		err = kernel_read(k, text.addr + k->kaslr_offset, there, sizeof(there));
	if (err) {
		probe_failed(p, err);
		return;
	}
	const unsigned char *file = (const unsigned char *)data + (text.addr - section->addr);
	probe_says(k, p, !memcmp(there, file, sizeof(there)));
}

/* Is `addr` where page faults go? False with an error when the kernel has no such symbol at all. */
static bool is_page_fault(struct kernel *k, uint64_t addr, struct error **err_ret)
{
	/* Before 5.8 the second; and up to 5.7 as a guest of KVM the third (kvm_apf_trap_init()). */
	static const char *const names[] = { "asm_exc_page_fault", "page_fault", "async_page_fault" };
	bool known = false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint64_t handler;
		_cleanup_error_ struct error *err = kernel_symbol(k, names[i], &handler);
		if (!err && handler == addr)
			return true;
		known |= !err;
	}
	if (!known)
		*err_ret = error_new(ERROR_NOT_FOUND, "this kernel has no symbol '%s'", names[0]);
	return false;
}

/* Entry 14 of the IDT is the page fault's gate (Intel SDM vol. 3A, 6.11 and 6.14.1). */
static void probe_idt(struct kernel *k)
{
	struct regs regs;
	struct error *err;
	if (!k->target->ncpus)
		return;
	err = k->target->ops->read_regs(k->target, 0, &regs);
	error_free(err);
	if (err || !regs.known[X86_IDT_BASE] || !regs.value[X86_IDT_BASE])
		return;
	struct probe *p = probe_new(k, "IDT page-fault gate");
	unsigned char gate[16];
	if (!p)
		return;
	err = kernel_read(k, regs.value[X86_IDT_BASE] + 14 * sizeof(gate), gate, sizeof(gate));
	if (err) {
		probe_failed(p, err);
		return;
	}
	uint64_t target = gate[0] | (uint64_t)gate[1] << 8 | (uint64_t)gate[6] << 16 |
			  (uint64_t)gate[7] << 24 | (uint64_t)gate[8] << 32 |
			  (uint64_t)gate[9] << 40 | (uint64_t)gate[10] << 48 |
			  (uint64_t)gate[11] << 56;
	bool agrees = is_page_fault(k, target, &err);
	if (err) {
		probe_failed(p, err);
		return;
	}
	snprintf(p->detail, sizeof(p->detail), "%#llx", (unsigned long long)target);
	probe_says(k, p, agrees);
}

void identify_probe(struct kernel *k)
{
	struct member members[2] = { { 0 }, { 0 } };
	if (!k->placed || !k->vmlinux)
		return;
	struct error *err = layout_resolve(k->types, rows, 2, members);
	error_free(err);
	probe_banner(k);
	probe_build_id(k);
	probe_init_task(k, &members[0]);
	probe_uts(k, &members[1]);
	probe_percpu(k);
	probe_text_bytes(k);
	probe_idt(k);
}

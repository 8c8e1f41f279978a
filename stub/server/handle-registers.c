/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "stub/base/xml.h"
#include "stub/server/handlers.h"

/* kstub's own, which no CPU has; they stand behind the architecture's. */
enum { OWN_KASLR, OWN_PCPU, OWN_REGS };
static const struct reg_info own_registers[OWN_REGS] = {
	[OWN_KASLR] = { "kaslr", 64, "uint64", "org.kstub.system", NULL },
	[OWN_PCPU] = { "pcpu", 64, "uint64", "org.kstub.system", NULL },
};

static unsigned count_registers(const struct arch *arch)
{
	return arch->nregs + OWN_REGS;
}

/* NULL: not shown to gdb, or there is none. */
static const struct reg_info *shown(const struct arch *arch, uint64_t number)
{
	if (number >= count_registers(arch))
		return NULL;
	const struct reg_info *r = number < arch->nregs ? &arch->regs[number] : &own_registers[number - arch->nregs];
	return r->feature ? r : NULL;
}

static size_t size_of(const struct reg_info *r)
{
	return r->bits / 8u;
}

static void put_register(struct rsp_reply *out, const struct reg_info *info, const struct regs *r, unsigned reg)
{
	unsigned char bytes[16] = { 0 };
	uint64_t value = r->value[reg];
	if (!r->known[reg]) {
		reply_unavailable(out, size_of(info));
		return;
	}
	memcpy(bytes, &value, sizeof(value));
	reply_hex(out, bytes, size_of(info));
}

/*
 * What is added to the address that gdb has of a per-CPU variable, for the copy of the thread's
 * CPU. In a vmlinux of the user's gdb has moved those of a section that is linked at 0, too.
 */
static bool percpu_base(struct session *s, const struct thread *thread, uint64_t *ret)
{
	const struct kernel *k = s->k;
	const struct section *section = k->vmlinux ? symbols_section(k->vmlinux, PERCPU_SECTION) : NULL;
	bool moved = s->user_vmlinux && section && !(section->addr >> 63) && k->kaslr_offset;
	/* Whose file it is that gdb has is not known then: rather no value than a wrong one. */
	if (thread->cpu >= k->npercpu || (moved && s->options.may_have_companion))
		return false;
	*ret = k->percpu_offset[thread->cpu] - (moved ? k->kaslr_offset : 0);
	return true;
}

static void own_regs(struct session *s, const struct thread *thread, struct regs *r)
{
	unsigned first = s->k->target->arch->nregs;
	r->value[first + OWN_KASLR] = s->k->kaslr_offset;
	r->known[first + OWN_KASLR] = s->k->placed;
	r->known[first + OWN_PCPU] = percpu_base(s, thread, &r->value[first + OWN_PCPU]);
}

/*
 * A thread that is not there answers zeros: an error or unavailable registers would end gdb's
 * own dealings with a thread that it remembers.
 */
static void selected_regs(struct session *s, struct regs *r)
{
	struct thread thread;
	memset(r, 0, sizeof(*r));
	if (!session_thread(s, &thread)) {
		memset(r->known, 1, sizeof(r->known));
		return;
	}
	threads_regs(&s->threads, &thread, r);
	own_regs(s, &thread, r);
}

struct error *handle_read_regs(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	const struct arch *arch = s->k->target->arch;
	struct regs r;
	(void)q;
	selected_regs(s, &r);
	for (unsigned i = 0; i < count_registers(arch); i++)
		if (shown(arch, i))
			put_register(out, shown(arch, i), &r, i);
	return NULL;
}

struct error *handle_read_reg(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	const struct arch *arch = s->k->target->arch;
	const struct reg_info *info = shown(arch, q->number);
	struct regs r;
	if (!info)
		return error_new(ERROR_NOT_FOUND, "no such register");
	selected_regs(s, &r);
	put_register(out, info, &r, (unsigned)q->number);
	return NULL;
}

struct error *handle_write_regs(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)s;
	(void)q;
	(void)out;
	return error_new(ERROR_UNSUPPORTED, "the target is a read-only vmcore");
}

/* features/i386/64bit-core.xml of gdb names these flags; without them $eflags is a number. */
static const char eflags[] =
	"<flags id=\"i386_eflags\" size=\"4\">"
	"<field name=\"\" start=\"22\" end=\"31\"/><field name=\"ID\" start=\"21\" end=\"21\"/>"
	"<field name=\"VIP\" start=\"20\" end=\"20\"/><field name=\"VIF\" start=\"19\" end=\"19\"/>"
	"<field name=\"AC\" start=\"18\" end=\"18\"/><field name=\"VM\" start=\"17\" end=\"17\"/>"
	"<field name=\"RF\" start=\"16\" end=\"16\"/><field name=\"NT\" start=\"14\" end=\"14\"/>"
	"<field name=\"OF\" start=\"11\" end=\"11\"/><field name=\"DF\" start=\"10\" end=\"10\"/>"
	"<field name=\"IF\" start=\"9\" end=\"9\"/><field name=\"TF\" start=\"8\" end=\"8\"/>"
	"<field name=\"SF\" start=\"7\" end=\"7\"/><field name=\"ZF\" start=\"6\" end=\"6\"/>"
	"<field name=\"AF\" start=\"4\" end=\"4\"/><field name=\"PF\" start=\"2\" end=\"2\"/>"
	"<field name=\"\" start=\"1\" end=\"1\"/><field name=\"CF\" start=\"0\" end=\"0\"/></flags>\n";

/*
 * osabi none: under gdb's default GNU/Linux it ignores the library list (docs/PROTOCOL.md).
 */
void registers_xml(const struct arch *arch, struct buffer *ret)
{
	const char *feature = NULL;
	buffer_puts(ret, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n");
	buffer_printf(ret, "<architecture>%s</architecture>\n<osabi>none</osabi>\n", arch->name);
	for (unsigned i = 0; i < count_registers(arch); i++) {
		const struct reg_info *r = shown(arch, i);
		if (!r)
			continue;
		if (!feature || strcmp(feature, r->feature)) {
			buffer_printf(ret, "%s<feature name=\"%s\">\n", feature ? "</feature>\n" : "", r->feature);
			if (!feature)
				buffer_puts(ret, eflags);
			feature = r->feature;
		}
		buffer_printf(ret, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\" save-restore=\"no\"/>\n",
			      r->name, r->bits, r->type, i);
	}
	buffer_puts(ret, "</feature>\n</target>\n");
}

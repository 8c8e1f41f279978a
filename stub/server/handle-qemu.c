/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's own packets (docs/system/gdb.rst and gdbstub/ in its source): by them gef and pwndbg know a
 * kernel that they can ask for more, and read page tables.
 */
#include "stub/server/handlers.h"

/* ENABLE | NOIRQ | NOTIMER, QEMU's own default; a dump takes no step. */
static const char steps[] = "0x7";

struct error *handle_step_bits(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)s;
	(void)q;
	reply_text(out, "ENABLE=1,NOIRQ=2,NOTIMER=4");
	return NULL;
}

struct error *handle_step(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)s;
	(void)q;
	reply_text(out, steps);
	return NULL;
}

struct error *handle_set_step(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)s;
	(void)q;
	(void)out;
	return error_new(ERROR_UNSUPPORTED, "a crashed kernel's dump takes no step");
}

struct error *handle_qemu_supported(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)s;
	(void)q;
	reply_text(out, "sstepbits;sstep;PhyMemMode");
	return NULL;
}

struct error *handle_physical(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)q;
	reply_text(out, s->physical ? "1" : "0");
	return NULL;
}

/* From now on addresses in m and qSearch are physical; behind the end of RAM is an error, no zeros. */
struct error *handle_set_physical(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	s->physical = q->number != 0;
	reply_text(out, "OK");
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/arch/arch.h"
#include "stub/server/handlers.h"

/* T05 with the selected thread and the registers that gdb asks for first, to save it a packet. */
struct error *handle_why_stopped(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	const struct arch *arch = s->k->target->arch;
	struct thread thread;
	struct regs r;
	(void)q;
	s->thread = threads_first_selected(&s->threads);
	reply_text(out, "T05thread:");
	reply_hex_number(out, (uint64_t)s->thread);
	reply_text(out, ";");
	if (!session_thread(s, &thread) || !threads_regs(&s->threads, &thread, &r))
		return NULL;
	const unsigned first[] = { arch->sp, arch->pc };
	for (size_t i = 0; i < 2; i++) {
		if (!r.known[first[i]])
			continue;
		reply_hex_number(out, first[i]);
		reply_text(out, ":");
		reply_hex(out, &r.value[first[i]], 8);
		reply_text(out, ";");
	}
	return NULL;
}

struct error *handle_resume(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)s;
	(void)q;
	(void)out;
	return error_new(ERROR_UNSUPPORTED, "a crashed kernel's dump cannot run");
}

struct error *handle_detach(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)q;
	reply_text(out, "OK");
	s->next = SESSION_END;
	return NULL;
}

struct error *handle_kill(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	return handle_detach(s, q, out);
}

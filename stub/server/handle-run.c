/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/arch/arch.h"
#include "stub/server/handlers.h"

/* The selected thread and the registers that gdb asks for first, to save it a packet. */
static void put_stop(struct session *s, const char *signal, struct rsp_reply *out)
{
	const struct arch *arch = s->k->target->arch;
	struct thread thread;
	struct regs r;
	reply_text(out, signal);
	reply_text(out, "thread:");
	reply_hex_number(out, (uint64_t)s->thread);
	reply_text(out, ";");
	if (!session_thread(s, &thread) || !threads_regs(&s->threads, &thread, &r))
		return;
	const unsigned first[] = { arch->sp, arch->pc };
	for (size_t i = 0; i < 2; i++) {
		if (!r.known[first[i]])
			continue;
		reply_hex_number(out, first[i]);
		reply_text(out, ":");
		reply_hex(out, &r.value[first[i]], 8);
		reply_text(out, ";");
	}
}

/* W00 is a process that ended: to gdb in extended mode, that there is none yet. */
struct error *handle_why_stopped(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)q;
	if (!s->attached) {
		reply_text(out, "W00");
		return NULL;
	}
	s->thread = s->stopped = threads_first_selected(&s->threads);
	put_stop(s, "T05", out);
	return NULL;
}

/* It is attached from the beginning, as QEMU's is; from now on the connection outlives that. */
struct error *handle_extended(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)q;
	s->extended = true;
	reply_text(out, "OK");
	return NULL;
}

/* gdb 13 shows nothing of the reason, so the server's terminal tells it, too. */
static struct error *told(struct session *s, struct error *err)
{
	if (err)
		session_notice(s, "%s", err->text);
	return err;
}

/* Any thread may be named: there is one kernel to attach to, and the thread is then selected. */
struct error *handle_attach(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	struct thread thread;
	if (!s->extended)
		return told(s, error_new(ERROR_UNSUPPORTED, "attach needs `target extended-remote`"));
	if (s->attached)
		return told(s, error_new(ERROR_UNSUPPORTED, "gdb is attached already; detach first"));
	if (q->number > INT64_MAX || !threads_find(&s->threads, (int64_t)q->number, &thread))
		return told(s, error_new(ERROR_NOT_FOUND, "the dump has no thread %llu to attach to; `attach %llu` "
					 "takes the one that gdb has first", (unsigned long long)q->number,
					 (unsigned long long)threads_first_selected(&s->threads)));
	s->attached = s->again = true;
	s->exec_file_asked = 0;
	s->thread = s->stopped = (int64_t)q->number;
	put_stop(s, "T05", out);
	return NULL;
}

struct error *handle_run(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)q;
	(void)out;
	return told(s, error_new(ERROR_UNSUPPORTED, "a crashed kernel's dump cannot run a program"));
}

/*
 * Stopped again at once, where it was and by no signal. An error would do, too, but gdb 18 then
 * selects any thread.
 */
struct error *handle_resume(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)q;
	s->console = "a crashed kernel's dump cannot run\n";
	put_stop(s, "T00", out);
	s->stopped = s->thread;
	return NULL;
}

/*
 * Nothing ever comes to it, or changes what it watches, so it is as good as there. Refused, it would
 * keep gdb from asking to run at all, and a front end, to which gdb said "running" before, from
 * hearing of a stop.
 */
struct error *handle_breakpoint(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	enum { ACCESS_WATCHPOINT = 4 };
	(void)s;
	if (q->number <= ACCESS_WATCHPOINT)
		reply_text(out, "OK");
	return NULL;
}

struct error *handle_detach(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)q;
	if (!s->attached)
		return error_new(ERROR_NOT_FOUND, "gdb is not attached");
	reply_text(out, "OK");
	s->attached = false;
	if (!s->extended)
		s->next = SESSION_END;
	return NULL;
}

/* The kernel is dead already. To a bare k nobody waits for an answer: it always ends all. */
struct error *handle_kill(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	if (q->op == 'v')
		return handle_detach(s, q, out);
	reply_text(out, "OK");
	s->next = SESSION_END;
	return NULL;
}

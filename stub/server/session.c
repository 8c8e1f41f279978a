/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/server/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "stub/base/cleanup.h"
#include "stub/base/log.h"
#include "stub/server/handlers.h"

/* How gdb is told that a request failed: it understands text for some packets only. */
enum failure { FAIL_NUMBER, FAIL_TEXT };
enum { ERRNO_EPERM = 0x01, ERRNO_MALFORMED = 0x16 };

static const struct {
	handler *run;
	enum failure failure;
} handlers[] = {
	[RSP_SUPPORTED] = { handle_supported, FAIL_NUMBER },
	[RSP_NO_ACK] = { handle_no_ack, FAIL_NUMBER },
	[RSP_EXTENDED] = { handle_extended, FAIL_NUMBER },
	[RSP_WHY_STOPPED] = { handle_why_stopped, FAIL_NUMBER },
	[RSP_READ_REGS] = { handle_read_regs, FAIL_NUMBER },
	[RSP_WRITE_REGS] = { handle_write_regs, FAIL_TEXT },
	[RSP_READ_REG] = { handle_read_reg, FAIL_NUMBER },
	[RSP_WRITE_REG] = { handle_write_regs, FAIL_TEXT },
	[RSP_READ_MEMORY] = { handle_read_memory, FAIL_NUMBER },
	[RSP_WRITE_MEMORY] = { handle_write_memory, FAIL_NUMBER },
	[RSP_WRITE_BINARY] = { handle_write_memory, FAIL_NUMBER },
	[RSP_SET_THREAD] = { handle_set_thread, FAIL_NUMBER },
	[RSP_THREAD_ALIVE] = { handle_thread_alive, FAIL_NUMBER },
	[RSP_CURRENT_THREAD] = { handle_current_thread, FAIL_NUMBER },
	[RSP_FIRST_THREADS] = { handle_first_threads, FAIL_NUMBER },
	[RSP_NEXT_THREADS] = { handle_next_threads, FAIL_NUMBER },
	[RSP_THREAD_EXTRA] = { handle_thread_extra, FAIL_NUMBER },
	[RSP_ATTACHED] = { handle_attached, FAIL_NUMBER },
	[RSP_OFFSETS] = { handle_offsets, FAIL_NUMBER },
	[RSP_SYMBOL] = { handle_symbol, FAIL_NUMBER },
	[RSP_XFER_READ] = { handle_xfer, FAIL_NUMBER },
	[RSP_MONITOR] = { handle_monitor, FAIL_NUMBER },
	[RSP_SEARCH_MEMORY] = { handle_search_memory, FAIL_NUMBER },
	[RSP_CONT] = { handle_resume, FAIL_TEXT },
	[RSP_RESUME] = { handle_resume, FAIL_TEXT },
	[RSP_BREAKPOINT] = { handle_breakpoint, FAIL_NUMBER },
	[RSP_DETACH] = { handle_detach, FAIL_NUMBER },
	[RSP_KILL] = { handle_kill, FAIL_NUMBER },
	[RSP_ATTACH] = { handle_attach, FAIL_TEXT },
	[RSP_RUN] = { handle_run, FAIL_TEXT },
	[RSP_QEMU_STEP_BITS] = { handle_step_bits, FAIL_NUMBER },
	[RSP_QEMU_STEP] = { handle_step, FAIL_NUMBER },
	[RSP_QEMU_SET_STEP] = { handle_set_step, FAIL_NUMBER },
	[RSP_QEMU_SUPPORTED] = { handle_qemu_supported, FAIL_NUMBER },
	[RSP_QEMU_PHYSICAL] = { handle_physical, FAIL_NUMBER },
	[RSP_QEMU_SET_PHYSICAL] = { handle_set_physical, FAIL_NUMBER },
};

struct error *session_create(struct kernel *k, const struct session_options *o, struct session **ret)
{
	struct session *s = calloc(1, sizeof(*s));
	if (!s)
		return error_nomem();
	s->k = k;
	s->options = *o;
	s->attached = true;
	s->threads = threads_open(k, o->threads);
	s->thread = s->stopped = threads_first_selected(&s->threads);
	s->scratch = malloc(SESSION_PACKET);
	if (!s->scratch) {
		session_destroy(s);
		return error_nomem();
	}
	*ret = s;
	return NULL;
}

void session_destroy(struct session *s)
{
	if (!s)
		return;
	aspace_destroy(s->user);
	free(s->scratch);
	buffer_deinit(&s->target_xml);
	buffer_deinit(&s->libraries);
	buffer_deinit(&s->threads_xml);
	buffer_deinit(&s->exec_file);
	buffer_deinit(&s->osdata);
	free(s);
}

bool session_thread(const struct session *s, struct thread *ret)
{
	return threads_find(&s->threads, s->thread, ret);
}

uint64_t session_task_address(const struct session *s)
{
	struct thread thread;
	return session_thread(s, &thread) && thread.task ? thread.task->addr : 0;
}

struct monitor_context session_context(const struct session *s)
{
	struct thread thread;
	bool selected = session_thread(s, &thread);
	return (struct monitor_context){
		.target = s->k->target, .kernel = s->k,
		.task = selected ? thread.task : NULL, .cpu = selected ? thread.index : -1,
	};
}

bool session_gave_companion(const struct session *s)
{
	return s->gave_companion || s->exec_file_asked;
}

void session_notice(const struct session *s, const char *fmt, ...)
{
	char line[400];
	va_list args;
	if (!s->options.notice)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	s->options.notice(s->options.arg, line);
}

const char *session_console(const struct session *s)
{
	return s->console;
}

enum session_next session_answer(struct session *s, char *body, size_t len, struct rsp_reply *out)
{
	struct rsp_request q;
	s->next = SESSION_GO_ON;
	s->console = NULL;
	reply_clear(out);
	if (log_enabled(LOG_RSP))
		log_line(LOG_RSP, "> %.*s", (int)(len < 200 ? len : 200), body);
	if (!rsp_parse(body, len, &q)) {
		reply_error_number(out, ERRNO_MALFORMED);
	} else if (q.type < sizeof(handlers) / sizeof(handlers[0]) && handlers[q.type].run) {
		struct error *err = handlers[q.type].run(s, &q, out);
		if (err && handlers[q.type].failure == FAIL_TEXT)
			reply_error_text(out, err->text);
		else if (err)
			reply_error_number(out, ERRNO_EPERM);
		error_free(err);
	}
	if (out->overflow)
		reply_error_number(out, ERRNO_EPERM);
	if (log_enabled(LOG_RSP))
		log_line(LOG_RSP, "< %.*s", (int)(out->len < 200 ? out->len : 200), out->body);
	return s->next;
}

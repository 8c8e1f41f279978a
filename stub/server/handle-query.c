/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rsp/hex.h"
#include "stub/base/cleanup.h"
#include "stub/monitor/monitor.h"
#include "stub/server/handlers.h"

/* A reply of monitor may be larger than a packet: gdb takes it in one all the same. */
enum { MONITOR_LINE_MAX = 4096 };

struct error *handle_supported(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	char text[64];
	(void)s;
	(void)q;
	snprintf(text, sizeof(text), "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+", SESSION_PACKET);
	reply_text(out, text);
	/* Never vFile: with it gdb would read a vmlinux through the protocol, 17 times slower. */
	reply_text(out, ";qXfer:exec-file:read+;qXfer:libraries:read+;qXfer:threads:read+;qXfer:osdata:read+");
	return NULL;
}

struct error *handle_no_ack(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)q;
	s->next = SESSION_NO_ACKS;
	reply_text(out, "OK");
	return NULL;
}

/* Any thread may be selected, also one that is gone: its registers are then zeros. */
struct error *handle_set_thread(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	if (q->op == 'g')
		s->thread = q->thread == RSP_THREAD_ALL || q->thread == RSP_THREAD_ANY ?
			    s->stopped : q->thread;
	reply_text(out, "OK");
	return NULL;
}

struct error *handle_thread_alive(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	struct thread thread;
	if (!s->attached || !threads_find(&s->threads, q->thread, &thread))
		return error_new(ERROR_NOT_FOUND, "no such thread");
	reply_text(out, "OK");
	return NULL;
}

struct error *handle_current_thread(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)q;
	reply_text(out, "QC");
	reply_hex_number(out, (uint64_t)s->thread);
	return NULL;
}

/* As many as a packet holds; the next request gets the next ones, and "l" at the end. */
struct error *handle_next_threads(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	enum { ID_MAX_LEN = 17 };
	size_t n = s->attached ? threads_count(&s->threads) : 0;
	(void)q;
	if (s->threads_listed >= n)
		reply_text(out, "l");
	for (; s->threads_listed < n && out->len + ID_MAX_LEN < out->cap; s->threads_listed++) {
		struct thread thread;
		threads_at(&s->threads, s->threads_listed, &thread);
		reply_text(out, out->len ? "," : "m");
		reply_hex_number(out, (uint64_t)thread.id);
	}
	return NULL;
}

struct error *handle_first_threads(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	s->threads_listed = 0;
	return handle_next_threads(s, q, out);
}

struct error *handle_thread_extra(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	struct thread thread;
	_cleanup_buffer_ struct buffer extra = BUFFER_INIT;
	if (!threads_find(&s->threads, q->thread, &thread))
		return error_new(ERROR_NOT_FOUND, "no such thread");
	threads_extra(&s->threads, &thread, &extra);
	reply_hex(out, extra.data, extra.len);
	return buffer_error(&extra);
}

struct error *handle_attached(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)s;
	(void)q;
	reply_text(out, "1");
	return NULL;
}

/*
 * gdb asks for the exec-file before this: once when it has one, the user's vmlinux or the companion
 * of an earlier session, and twice when it has none. When it attaches once more, twice means what
 * it had before; three times (13) or once (18), that the user took that away.
 */
static bool has_users_vmlinux(const struct session *s)
{
	if (!s->k->vmlinux || !s->k->placed)
		return false;
	return s->again ? s->exec_file_asked == 2 && s->user_vmlinux : s->exec_file_asked == 1;
}

/* What such a session lacks; where gdb may have the companion of an earlier one, nobody knows. */
static void tell_vmlinux(struct session *s)
{
	if (s->told_vmlinux || s->options.may_have_companion)
		return;
	s->told_vmlinux = true;
	session_notice(s, "gdb has a vmlinux of its own: %sa stack may end where an interrupt switched to its own; "
			  "a gdb that is started without a file has neither",
		       s->k->kaslr_offset ? "per-CPU symbols are moved by KASLR, and " : "");
}

/*
 * A vmlinux of the user's is moved by its first two segments, everything else by the library list.
 * The companion has no segment, so where the user may have changed one for the other between two
 * attaches, both get them. When no exec-file was asked for nobody attaches: a script wants to know
 * whether this is a process, which has offsets, or a system.
 */
struct error *handle_offsets(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	size_t n;
	char text[96];
	(void)q;
	if (!s->exec_file_asked)
		return NULL;
	s->user_vmlinux = has_users_vmlinux(s);
	s->gave_companion |= !s->user_vmlinux;
	bool same_file = s->again && s->exec_file_asked == 2 && s->k->vmlinux && s->k->placed;
	s->exec_file_asked = 0;
	buffer_clear(&s->libraries);
	if (s->user_vmlinux)
		tell_vmlinux(s);
	else if (!same_file)
		return NULL;
	const struct segment *segments = symbols_segments(s->k->vmlinux, &n);
	if (n < 2)
		return NULL;
	snprintf(text, sizeof(text), "TextSeg=%llx;DataSeg=%llx",
		 (unsigned long long)(segments[0].vaddr + s->k->kaslr_offset),
		 (unsigned long long)(segments[1].vaddr + s->k->kaslr_offset));
	reply_text(out, text);
	return NULL;
}

/* Of one in .data and one in .rodata two builds hardly ever have both at the same place. */
static const char *const landmarks[] = { "init_task", "linux_banner" };
enum { LANDMARKS = sizeof(landmarks) / sizeof(landmarks[0]) };

/* gdb answers with where it has the landmark, or with nothing. A vmlinux that does not fit is told once. */
static void check_landmark(struct session *s, const char *name, const char *answer, const char *end)
{
	uint64_t want, have;
	struct error *err = kernel_symbol(s->k, name, &want);
	bool known = !err;
	error_free(err);
	if (!known || (hex_number(&answer, end, &have) && have == want))
		return;
	s->landmarks_asked = LANDMARKS;
	session_notice(s, "gdb's own vmlinux is of another build than the kernel in this dump ('%s' is elsewhere): "
			  "nothing that it shows can be believed; start it without a file, or with %s", name,
		       symbols_path(s->k->vmlinux));
}

/*
 * gdb offers to look up symbols: where the user brought a vmlinux, that says whether it is the right
 * one. (The companion has no build-id that gdb would compare.)
 */
struct error *handle_symbol(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	const char *end = q->text.data + q->text.len, *name = memchr(q->text.data, ':', q->text.len);
	if (s->user_vmlinux && s->landmarks_asked && s->landmarks_asked <= LANDMARKS && name && name + 1 < end)
		check_landmark(s, landmarks[s->landmarks_asked - 1], q->text.data, name);
	if (!s->user_vmlinux || s->landmarks_asked >= LANDMARKS) {
		reply_text(out, "OK");
		return NULL;
	}
	reply_text(out, "qSymbol:");
	reply_hex(out, landmarks[s->landmarks_asked], strlen(landmarks[s->landmarks_asked]));
	s->landmarks_asked++;
	return NULL;
}

/*
 * One final reply in hex, whatever its size: gdb 13 takes O packets that come after ^C for the
 * answers to its next requests. Errors are text as well; it would not show them otherwise.
 */
struct error *handle_monitor(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	char line[MONITOR_LINE_MAX + 1];
	if (q->text.len / 2 > MONITOR_LINE_MAX || !hex_decode(q->text.data, q->text.len, line))
		return error_new(ERROR_FORMAT, "a monitor command that is too long, or no text");
	line[q->text.len / 2] = '\0';
	_cleanup_buffer_ struct buffer text = BUFFER_INIT;
	struct monitor_context c = session_context(s);
	struct error *err = monitor_run(&c, line, MONITOR_TEXT, &text);
	if (err)
		buffer_printf(&text, "%s\n", err->text);
	error_free(err);
	if (!text.len)
		buffer_puts(&text, "\n");
	if (text.len > out->cap / 2) {
		static const char note[] = "\n(cut off: `kstub cmd` gives all of it)\n";
		reply_hex(out, text.data, out->cap / 2 - sizeof(note));
		reply_hex(out, note, sizeof(note) - 1);
		return NULL;
	}
	reply_hex(out, text.data, text.len);
	return NULL;
}

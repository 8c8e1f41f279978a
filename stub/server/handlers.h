/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The handlers behind a session: each turns one request into one reply and cannot write to the
 * wire. An error that it returns becomes the error reply of that request's kind.
 */
#ifndef STUB_SERVER_HANDLERS_H
#define STUB_SERVER_HANDLERS_H

#include "rsp/reply.h"
#include "rsp/request.h"
#include "stub/monitor/monitor.h"
#include "stub/server/session.h"
#include "stub/server/threads.h"

struct session {
	struct kernel *k;
	struct session_options options;
	struct threads threads;
	size_t threads_listed;          /* by qfThreadInfo and qsThreadInfo */
	int64_t thread;                 /* selected by Hg, or by a stop reply */
	int64_t stopped;                /* of the last stop reply: any thread is this one */
	bool extended;                  /* gdb may detach and attach again */
	bool attached, again;           /* again: not for the first time */
	bool physical;                  /* m reads physical memory: Qqemu.PhyMemMode:1 */
	unsigned exec_file_asked;       /* since the attach; once before qOffsets: the user brought a file */
	bool gave_companion;
	bool user_vmlinux, told_vmlinux;
	unsigned landmarks_asked;       /* of the user's vmlinux; see handle_symbol() */
	bool read_failed, write_failed; /* the first failure was told */
	enum session_next next;
	const char *console;            /* with this reply; static */
	struct aspace *user;            /* of user addresses of `user_thread`; NULL: none yet */
	int64_t user_thread;
	uint64_t user_epoch;
	struct buffer target_xml, libraries, threads_xml, exec_file, osdata;
	unsigned char *scratch;         /* SESSION_PACKET bytes */
};

typedef struct error *handler(struct session *s, const struct rsp_request *q, struct rsp_reply *out);

handler handle_read_memory, handle_write_memory, handle_search_memory;
handler handle_read_regs, handle_read_reg, handle_write_regs;
handler handle_why_stopped, handle_resume, handle_detach, handle_kill;
handler handle_extended, handle_attach, handle_run, handle_breakpoint;
handler handle_supported, handle_no_ack, handle_set_thread, handle_thread_alive;
handler handle_current_thread, handle_first_threads, handle_next_threads, handle_thread_extra;
handler handle_attached, handle_offsets, handle_symbol, handle_monitor;
handler handle_xfer;
handler handle_step_bits, handle_step, handle_set_step, handle_qemu_supported, handle_physical, handle_set_physical;

/* The document that describes the registers; its order is that of `g`. */
void registers_xml(const struct arch *arch, struct buffer *ret);

/* Reads for the selected thread: as many bytes as there are, an error only when there is none. */
struct error *session_read(struct session *s, uint64_t va, void *buf, size_t len, size_t *got_ret) must_check;

/* A line for the user on the server's terminal, where gdb shows nothing or too little. */
void session_notice(const struct session *s, const char *fmt, ...) printf_like(2, 3);

/* What a command may look at, with the selected thread's task. */
struct monitor_context session_context(const struct session *s);

/* The selected thread; false when it does not exist (any more). */
bool session_thread(const struct session *s, struct thread *ret);

/* The selected thread's struct task_struct, 0: not known. */
uint64_t session_task_address(const struct session *s);

#endif

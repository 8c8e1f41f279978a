/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <time.h>

#include "rsp/packet.h"
#include "stub/server/handlers.h"
#include "stub/server/views.h"

enum { PATTERN_MAX = 4096, SEARCH_CHUNK = 1 << 16, SEARCH_MS = 900 };

/* For user addresses: the selected thread's memory. That of one thread is kept. */
static struct error *user_space(struct session *s, struct aspace **ret)
{
	struct thread thread;
	struct paging paging;
	if (s->user && s->user_thread == s->thread && s->user_epoch == s->k->target->epoch) {
		*ret = s->user;
		return NULL;
	}
	if (!session_thread(s, &thread))
		return error_new(ERROR_NOT_FOUND, "no such thread");
	struct error *err = task_or_cpu_paging(s->k, thread.task, thread.index, &paging);
	if (err)
		return err;
	aspace_destroy(s->user);
	s->user = NULL;
	err = aspace_create(s->k->target, &paging, &s->user);
	if (err)
		return err;
	s->user_thread = s->thread;
	s->user_epoch = s->k->target->epoch;
	*ret = s->user;
	return NULL;
}

struct error *session_read(struct session *s, uint64_t va, void *buf, size_t len, size_t *got_ret)
{
	struct aspace *as = s->k->as;
	/* Behind the last address there is nothing, least of all address 0. */
	if (len && len - 1 > UINT64_MAX - va)
		len = (size_t)(UINT64_MAX - va) + 1;
	if (s->physical)
		return target_read_phys_some(s->k->target, va, buf, len, got_ret);
	if (views_cover(va))
		return views_read(s->k, session_task_address(s), va, buf, len, got_ret);
	if (!(va >> 63) || !as) {
		struct error *err = user_space(s, &as);
		if (err)
			return err;
	}
	return aspace_read_some(as, va, buf, len, got_ret);
}

/* gdb shows no reason for a failed read, so the server's terminal tells the first one. */
static void tell_once(struct session *s, uint64_t va, const struct error *err)
{
	if (s->read_failed || err->code == ERROR_FAULT)
		return;
	s->read_failed = true;
	session_notice(s, "gdb asked for memory at 0x%llx: %s (`monitor vtop ADDRESS` tells for others)",
		       (unsigned long long)va, err->text);
}

struct error *handle_read_memory(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	size_t len = q->range.len < SESSION_PACKET / 2 ? q->range.len : SESSION_PACKET / 2, got = 0;
	if (!len)
		return NULL;
	struct error *err = session_read(s, q->range.addr, s->scratch, len, &got);
	if (err) {
		tell_once(s, q->range.addr, err);
		return err;
	}
	reply_hex(out, s->scratch, got);
	return NULL;
}

struct error *handle_write_memory(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	(void)out;
	/* gdb asks with an empty X whether there is X at all; an empty answer says no. */
	if (q->type == RSP_WRITE_BINARY && !q->range.len)
		return NULL;
	/* It says "Cannot access memory" whatever the answer is. */
	if (!s->write_failed)
		session_notice(s, "nothing can be written: the target is a read-only vmcore");
	s->write_failed = true;
	return error_new(ERROR_UNSUPPORTED, "the target is a read-only vmcore");
}

/* Windows overlap by the pattern's length less one, so that a hit across two is seen. */
struct error *handle_search_memory(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	char pattern[PATTERN_MAX];
	if (q->text.len > sizeof(pattern))
		return error_new(ERROR_UNSUPPORTED, "a pattern of more than %d bytes", PATTERN_MAX);
	memcpy(pattern, q->text.data, q->text.len);
	size_t len = rsp_unescape(pattern, q->text.len);
	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	uint64_t addr = q->range.addr, left = q->range.len;
	while (left >= len) {
		size_t want = left < SEARCH_CHUNK ? left : SEARCH_CHUNK, got = 0;
		struct error *err = session_read(s, addr, s->scratch, want, &got);
		if (err)
			return err;
		unsigned char *hit = memmem(s->scratch, got, pattern, len);
		if (hit) {
			reply_text(out, "1,");
			reply_hex_number(out, addr + (uint64_t)(hit - s->scratch));
			return NULL;
		}
		if (got < want)
			return error_at(ERROR_FAULT, addr + got, "no memory");
		if (want == left)
			break;
		addr += want - (len - 1);
		left -= want - (len - 1);
		/* Nobody may wait longer for a reply; gdb then searches by itself. */
		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 > SEARCH_MS)
			return NULL;
	}
	reply_text(out, "0");
	return NULL;
}

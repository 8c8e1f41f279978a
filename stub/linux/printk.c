/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/printk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/linux/layout.h"

/* The largest buffer that CONFIG_LOG_BUF_SHIFT and log_buf_len= allow is 2 GiB; nobody has it. */
enum { RING_BITS_MAX = 28, RECORD_MAX = 1 << 16 };

struct printk_layout {
	/* 5.10 and later (commit 896fbe20b4e2, "printk: use the lockless ringbuffer"): the lockless ring buffer */
	struct member desc_ring, text_ring;
	struct member count_bits, descs, infos, head_id, tail_id;
	struct member size_bits, data;
	struct member desc_sizeof, state_var, begin, next;
	struct member info_sizeof, seq, ts_nsec, text_len, facility, level;
	/* before: records of variable length in log_buf */
	struct member log_sizeof, log_ts, log_len, log_text_len, log_facility, log_level;
};

#define ROW(type, member, field) { type, member, offsetof(struct printk_layout, field) }
static const struct layout_row rows[] = {
	ROW("printk_ringbuffer", "desc_ring", desc_ring),
	ROW("printk_ringbuffer", "text_data_ring", text_ring),
	ROW("prb_desc_ring", "count_bits", count_bits),
	ROW("prb_desc_ring", "descs", descs),
	ROW("prb_desc_ring", "infos", infos),
	ROW("prb_desc_ring", "head_id", head_id),
	ROW("prb_desc_ring", "tail_id", tail_id),
	ROW("prb_data_ring", "size_bits", size_bits),
	ROW("prb_data_ring", "data", data),
	ROW("prb_desc", NULL, desc_sizeof),
	ROW("prb_desc", "state_var", state_var),
	ROW("prb_desc", "text_blk_lpos.begin", begin),
	ROW("prb_desc", "text_blk_lpos.next", next),
	ROW("printk_info", NULL, info_sizeof),
	ROW("printk_info", "seq", seq),
	ROW("printk_info", "ts_nsec", ts_nsec),
	ROW("printk_info", "text_len", text_len),
	ROW("printk_info", "facility", facility),
	ROW("printk_info", "level", level),
	ROW("printk_log", NULL, log_sizeof),
	ROW("printk_log", "ts_nsec", log_ts),
	ROW("printk_log", "len", log_len),
	ROW("printk_log", "text_len", log_text_len),
	ROW("printk_log", "facility", log_facility),
	ROW("printk_log", "level", log_level),
};
#undef ROW
enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

/* The first member of a range of the table that this kernel lacks, as an error. */
static struct error *need_all(const struct printk_layout *l, size_t first, size_t last)
{
	for (size_t i = 0; i < NROWS; i++) {
		if (rows[i].at < first || rows[i].at > last)
			continue;
		struct error *err = layout_need(
			(const struct member *)((const char *)l + rows[i].at), &rows[i]);
		if (err)
			return err;
	}
	return NULL;
}

/* An unsigned member, or bit-field, of a struct that was read into `bytes`. */
static uint64_t get(const unsigned char *bytes, size_t len, const struct member *m)
{
	uint64_t value = 0, size = m->size < 8 ? m->size : 8;
	if (m->offset > len || size > len - m->offset)
		return 0;
	for (uint64_t i = size; i-- > 0;)
		value = value << 8 | bytes[m->offset + i];
	if (m->bit_size && m->bit_size < 64)
		value = value >> m->bit_offset & ((1ull << m->bit_size) - 1);
	return value;
}

static struct error *note_damage(char **damage_ret, uint64_t seq, struct error *err)
{
	if (err->code == ERROR_NOMEM)
		return err;
	char *text = NULL;
	if (asprintf(&text, "log damaged after record %llu: %s", (unsigned long long)seq, err->text) < 0)
		text = NULL;
	free(*damage_ret);
	*damage_ret = text;
	error_free(err);
	return NULL;
}

/*
 * The ring's counters are atomic_long_t, which debug info that leaves out what headers define
 * (CONFIG_DEBUG_INFO_REDUCED) does not describe; a long all the same.
 */
static void complete_counters(struct printk_layout *l)
{
	struct member *counters[] = { &l->head_id, &l->tail_id, &l->state_var };
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		if (counters[i]->present && !counters[i]->size)
			counters[i]->size = sizeof(uint64_t);
}

struct ring {
	struct printk_layout l;
	struct kernel *k;
	uint64_t descs, infos, data;
	uint64_t count, size;
	uint64_t head_id, tail_id;
};

static struct error *read_at(struct kernel *k, uint64_t base, const struct member *outer,
			     const struct member *m, uint64_t *ret)
{
	return kernel_read_uint(k, base + outer->offset + m->offset, m->size, ret);
}

static struct error *open_ring(struct ring *r, uint64_t rb)
{
	const struct printk_layout *l = &r->l;
	uint64_t count_bits = 0, size_bits = 0;
	struct error *err = need_all(l, offsetof(struct printk_layout, desc_ring),
				     offsetof(struct printk_layout, level));
	if (!err)
		err = read_at(r->k, rb, &l->desc_ring, &l->count_bits, &count_bits);
	if (!err)
		err = read_at(r->k, rb, &l->desc_ring, &l->descs, &r->descs);
	if (!err)
		err = read_at(r->k, rb, &l->desc_ring, &l->infos, &r->infos);
	if (!err)
		err = read_at(r->k, rb, &l->desc_ring, &l->head_id, &r->head_id);
	if (!err)
		err = read_at(r->k, rb, &l->desc_ring, &l->tail_id, &r->tail_id);
	if (!err)
		err = read_at(r->k, rb, &l->text_ring, &l->size_bits, &size_bits);
	if (!err)
		err = read_at(r->k, rb, &l->text_ring, &l->data, &r->data);
	if (err)
		return err;
	count_bits &= 0xffffffff;
	size_bits &= 0xffffffff;
	if (count_bits > RING_BITS_MAX || size_bits > RING_BITS_MAX)
		return error_new(ERROR_FORMAT, "the log buffer claims 2^%llu records in 2^%llu bytes",
				 (unsigned long long)count_bits, (unsigned long long)size_bits);
	r->count = 1ull << count_bits;
	r->size = 1ull << size_bits;
	if (l->desc_sizeof.size > RECORD_MAX || l->info_sizeof.size > RECORD_MAX)
		return error_new(ERROR_FORMAT, "the log's descriptors are not believed");
	return NULL;
}

/*
 * Where the text of a block is (kernel/printk/printk_ringbuffer.c, get_data): a block that would
 * cross the end of the ring stands at its start instead. False: no text is kept for it.
 */
static bool locate_text(const struct ring *r, uint64_t begin, uint64_t next, uint64_t *at_ret,
			uint64_t *room_ret)
{
	uint64_t at = begin & (r->size - 1), end = next & (r->size - 1);
	const uint64_t id_size = 8;
	if (begin & 1)          /* "data-less" positions are odd */
		return false;
	if ((begin & ~(r->size - 1)) != (next & ~(r->size - 1))) {
		if (end == 0)
			end = r->size;
		else
			at = 0;
	}
	if (end < at || end - at < id_size)
		return false;
	*at_ret = at + id_size;
	*room_ret = end - at - id_size;
	return true;
}

/* One record; *more is false when `each` had enough. */
static struct error *ring_record(struct ring *r, uint64_t id, unsigned char *scratch, char *text,
				 bool (*each)(void *, const struct log_record *), void *arg, bool *more)
{
	const struct printk_layout *l = &r->l;
	uint64_t index = id & (r->count - 1);
	struct error *err = kernel_read(r->k, r->descs + index * l->desc_sizeof.size, scratch,
					l->desc_sizeof.size);
	if (err)
		return err;
	/* The two top bits are the state: 1 committed, 2 finalized; the rest is the id. */
	uint64_t state = get(scratch, l->desc_sizeof.size, &l->state_var);
	uint64_t begin = get(scratch, l->desc_sizeof.size, &l->begin);
	uint64_t next = get(scratch, l->desc_sizeof.size, &l->next);
	if ((state >> 62 != 1 && state >> 62 != 2) || (state << 2 >> 2) != (id << 2 >> 2))
		return NULL;
	err = kernel_read(r->k, r->infos + index * l->info_sizeof.size, scratch, l->info_sizeof.size);
	if (err)
		return err;
	struct log_record record = {
		.seq = get(scratch, l->info_sizeof.size, &l->seq),
		.ts_nsec = get(scratch, l->info_sizeof.size, &l->ts_nsec),
		.level = (unsigned)get(scratch, l->info_sizeof.size, &l->level),
		.facility = (unsigned)get(scratch, l->info_sizeof.size, &l->facility),
		.text = text,
		.len = get(scratch, l->info_sizeof.size, &l->text_len),
	};
	uint64_t at, room;
	if (!locate_text(r, begin, next, &at, &room))
		record.len = 0;
	else if (record.len > room)
		record.len = room;
	if (record.len > RECORD_MAX)
		record.len = RECORD_MAX;
	if (record.len)
		err = kernel_read(r->k, r->data + at, text, record.len);
	if (!err)
		*more = each(arg, &record);
	return err;
}

static struct error *walk_ring(struct ring *r, uint64_t rb,
			       bool (*each)(void *, const struct log_record *), void *arg,
			       char **damage_ret)
{
	_cleanup_free_ unsigned char *scratch = malloc(RECORD_MAX);
	_cleanup_free_ char *text = malloc(RECORD_MAX);
	if (!scratch || !text)
		return error_nomem();
	struct error *err = open_ring(r, rb);
	if (err)
		return err;
	bool more = true;
	uint64_t id = r->tail_id << 2 >> 2, head = r->head_id << 2 >> 2, seen = 0;
	for (; more && seen < r->count; seen++, id = (id + 1) << 2 >> 2) {
		err = ring_record(r, id, scratch, text, each, arg, &more);
		if (err)
			return note_damage(damage_ret, seen, err);
		if (id == head)
			break;
	}
	return NULL;
}

/* Before 5.10: a record with len 0 says that the next one is at the start of the buffer. */
static struct error *walk_log_buf(struct kernel *k, const struct printk_layout *l,
				  bool (*each)(void *, const struct log_record *), void *arg,
				  char **damage_ret)
{
	uint64_t va, buf, first_va, next_va;
	uint32_t buf_len, first, next;
	struct error *err = need_all(l, offsetof(struct printk_layout, log_sizeof),
				     offsetof(struct printk_layout, log_level));
	if (!err)
		err = kernel_symbol(k, "log_buf", &va);
	if (!err)
		err = kernel_read_u64(k, va, &buf);
	if (!err)
		err = kernel_symbol(k, "log_buf_len", &va);
	if (!err)
		err = kernel_read_u32(k, va, &buf_len);
	if (!err)
		err = kernel_symbol(k, "log_first_idx", &first_va);
	if (!err)
		err = kernel_read_u32(k, first_va, &first);
	if (!err)
		err = kernel_symbol(k, "log_next_idx", &next_va);
	if (!err)
		err = kernel_read_u32(k, next_va, &next);
	if (err)
		return err;
	_cleanup_free_ unsigned char *record = malloc(RECORD_MAX);
	if (!record)
		return error_nomem();
	uint64_t head = l->log_sizeof.size, wraps = 0, seq = 0;
	if (!head || head > RECORD_MAX || buf_len > 1u << RING_BITS_MAX)
		return error_new(ERROR_FORMAT, "the log buffer's length %u is not believed", buf_len);
	for (uint64_t at = first; at != next; seq++) {
		if (at > buf_len - head || buf_len < head)
			return note_damage(damage_ret, seq, error_at(ERROR_FORMAT, buf + at, "a record outside of the buffer"));
		err = kernel_read(k, buf + at, record, head);
		if (err)
			return note_damage(damage_ret, seq, err);
		uint64_t len = get(record, head, &l->log_len);
		if (!len) {
			if (wraps++)
				return note_damage(damage_ret, seq, error_at(ERROR_FORMAT, buf + at, "the log wraps twice"));
			at = 0;
			continue;
		}
		struct log_record r = {
			.seq = seq,
			.ts_nsec = get(record, head, &l->log_ts),
			.level = (unsigned)get(record, head, &l->log_level),
			.facility = (unsigned)get(record, head, &l->log_facility),
			.len = get(record, head, &l->log_text_len),
			.text = (const char *)record,
		};
		if (len < head || r.len > len - head || len > buf_len - at)
			return note_damage(damage_ret, seq, error_at(ERROR_FORMAT, buf + at, "a record with a wrong length"));
		err = kernel_read(k, buf + at + head, record, r.len);
		if (err)
			return note_damage(damage_ret, seq, err);
		if (!each(arg, &r))
			return NULL;
		at += len;
	}
	return NULL;
}

struct error *printk_each(struct kernel *k, bool (*each)(void *arg, const struct log_record *r),
			  void *arg, char **damage_ret)
{
	struct ring r = { .k = k };
	uint64_t va, rb;
	*damage_ret = NULL;
	if (!k->types)
		return error_new(ERROR_NOT_FOUND, "the log cannot be read: %s",
				 k->missing ? k->missing : "no kernel was found");
	struct error *err = layout_resolve(k->types, rows, NROWS, &r.l);
	if (err)
		return err;
	complete_counters(&r.l);
	err = kernel_symbol(k, "prb", &va);
	if (err && err->code == ERROR_NOT_FOUND) {
		error_free(err);
		return walk_log_buf(k, &r.l, each, arg, damage_ret);
	}
	if (!err)
		err = kernel_read_u64(k, va, &rb);
	return err ? err : walk_ring(&r, rb, each, arg, damage_ret);
}

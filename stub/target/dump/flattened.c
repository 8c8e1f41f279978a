/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/target/dump/flattened.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stub/base/cleanup.h"

/* makedumpfile.h: struct makedumpfile_header, padded to 4 KiB, then makedumpfile_data_header. */
static const char MAGIC[16] = "makedumpfile";
enum { HEADER_SIZE = 4096, TYPE_FLAT = 1, VERSION_FLAT = 1, RECORD_HEAD = 16 };
static const uint64_t END_OF_RECORDS = UINT64_MAX;

/* A record's bytes, or several that lie behind each other in the file and in the dump alike. */
struct piece {
	uint64_t offset, end;           /* logical */
	uint64_t at;                    /* in the file */
};

struct flattened {
	struct piece *pieces;           /* sorted by offset, disjoint once opened */
	size_t n, cap;
};

bool flattened_magic(const void *bytes, size_t len)
{
	return len >= sizeof(MAGIC) && !memcmp(bytes, MAGIC, sizeof(MAGIC));
}

static struct error *add_piece(struct flattened *f, const struct piece *p)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 1024;
		struct piece *longer = reallocarray(f->pieces, cap, sizeof(*longer));
		if (!longer)
			return error_nomem();
		f->pieces = longer;
		f->cap = cap;
	}
	f->pieces[f->n++] = *p;
	return NULL;
}

/*
 * Buffered headers: records of a few bytes would cost a system call each, and the large ones
 * are skipped, never read.
 */
struct scanner {
	int fd;
	uint64_t at, file_size;
	unsigned char buf[1 << 16];
	uint64_t buf_at;
	size_t buf_len;
};

static bool scan_head(struct scanner *s, uint64_t *offset, uint64_t *size)
{
	if (s->file_size < RECORD_HEAD || s->at > s->file_size - RECORD_HEAD)
		return false;
	if (s->at < s->buf_at || s->at + RECORD_HEAD > s->buf_at + s->buf_len) {
		ssize_t got = pread(s->fd, s->buf, sizeof(s->buf), (off_t)s->at);
		if (got < RECORD_HEAD)
			return false;
		s->buf_at = s->at;
		s->buf_len = (size_t)got;
	}
	uint64_t head[2];
	memcpy(head, s->buf + (s->at - s->buf_at), sizeof(head));
	*offset = be64toh(head[0]);
	*size = be64toh(head[1]);
	s->at += RECORD_HEAD;
	return true;
}

static struct error *index_records(struct flattened *f, struct scanner *s, bool *cut_off)
{
	uint64_t offset, size;
	*cut_off = true;
	while (scan_head(s, &offset, &size)) {
		if (offset == END_OF_RECORDS) {
			*cut_off = false;
			return NULL;
		}
		if (offset > INT64_MAX || size > INT64_MAX)
			return error_new(ERROR_FORMAT, "a record of %llu bytes at offset %llu",
					 (unsigned long long)size, (unsigned long long)offset);
		uint64_t there = s->file_size - s->at;
		struct piece p = { offset, offset + (size < there ? size : there), s->at };
		if (p.end > p.offset) {
			struct error *err = add_piece(f, &p);
			if (err)
				return err;
		}
		if (size > there)
			return NULL;
		s->at += size;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool is_sorted(const struct flattened *f)
{
	for (size_t i = 1; i < f->n; i++)
		if (f->pieces[i].offset < f->pieces[i - 1].end)
			return false;
	return true;
}

/* A heap of the pieces that cover one offset: the youngest, written last, on top. */
static void heap_push(struct piece *heap, size_t *n, struct piece p)
{
	size_t i = (*n)++;
	for (; i && heap[(i - 1) / 2].at < p.at; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = p;
}

static void heap_pop(struct piece *heap, size_t *n)
{
	struct piece p = heap[--*n];
	size_t i = 0;
	for (size_t child; (child = 2 * i + 1) < *n; i = child) {
		if (child + 1 < *n && heap[child + 1].at > heap[child].at)
			child++;
		if (heap[child].at <= p.at)
			break;
		heap[i] = heap[child];
	}
	heap[i] = p;
}

/* A later record overwrites an earlier one: of each stretch the youngest piece counts. */
static struct error *make_disjoint(struct flattened *f)
{
	_cleanup_free_ struct piece *heap = calloc(f->n, sizeof(*heap));
	struct flattened out = { NULL, 0, 0 };
	size_t active = 0, i = 0;
	uint64_t pos = 0;
	if (!heap)
		return error_nomem();
	qsort(f->pieces, f->n, sizeof(*f->pieces), compare);
	while (active || i < f->n) {
		if (!active && f->pieces[i].offset > pos)
			pos = f->pieces[i].offset;
		while (i < f->n && f->pieces[i].offset <= pos)
			heap_push(heap, &active, f->pieces[i++]);
		while (active && heap[0].end <= pos)
			heap_pop(heap, &active);
		if (!active)
			continue;
		struct piece p = { pos, heap[0].end, heap[0].at + (pos - heap[0].offset) };
		if (i < f->n && f->pieces[i].offset < p.end)
			p.end = f->pieces[i].offset;
		struct error *err = add_piece(&out, &p);
		if (err) {
			free(out.pieces);
			return err;
		}
		pos = p.end;
	}
	free(f->pieces);
	*f = out;
	return NULL;
}

static void join_neighbours(struct flattened *f)
{
	size_t n = 0;
	for (size_t i = 0; i < f->n; i++) {
		struct piece *last = n ? &f->pieces[n - 1] : NULL, p = f->pieces[i];
		if (last && last->end == p.offset && last->at + (last->end - last->offset) == p.at)
			last->end = p.end;
		else
			f->pieces[n++] = p;
	}
	f->n = n;
}

static struct error *check_header(int fd)
{
	struct { char magic[16]; uint64_t type, version; } header;
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return error_new(ERROR_TRUNCATED, "the flattened header is cut off");
	if (be64toh(header.type) != TYPE_FLAT || be64toh(header.version) != VERSION_FLAT)
		return error_new(ERROR_UNSUPPORTED, "flattened format of type %llu, version %llu: unknown",
				 (unsigned long long)be64toh(header.type),
				 (unsigned long long)be64toh(header.version));
	return NULL;
}

struct error *flattened_open(int fd, uint64_t file_size, struct flattened **ret,
			     uint64_t *logical_size_ret, bool *cut_off_ret)
{
	struct error *err = check_header(fd);
	if (err)
		return err;
	struct flattened *f = calloc(1, sizeof(*f));
	_cleanup_free_ struct scanner *s = malloc(sizeof(*s));
	if (!f || !s) {
		free(f);
		return error_nomem();
	}
	*s = (struct scanner){ .fd = fd, .at = HEADER_SIZE, .file_size = file_size };
	bool cut_off = true;
	err = index_records(f, s, &cut_off);
	if (!err && !is_sorted(f))
		err = make_disjoint(f);
	if (err) {
		flattened_close(f);
		return err;
	}
	join_neighbours(f);
	*logical_size_ret = f->n ? f->pieces[f->n - 1].end : 0;
	*cut_off_ret = cut_off;
	*ret = f;
	return NULL;
}

void flattened_close(struct flattened *f)
{
	if (f)
		free(f->pieces);
	free(f);
}

bool flattened_find(const struct flattened *f, uint64_t offset, uint64_t *file_offset_ret,
		    uint64_t *left_ret)
{
	size_t low = 0, high = f->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (f->pieces[middle].end <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == f->n) {
		*left_ret = 0;
		return false;
	}
	const struct piece *p = &f->pieces[low];
	if (offset < p->offset) {
		*left_ret = p->offset - offset;
		return false;
	}
	*file_offset_ret = p->at + (offset - p->offset);
	*left_ret = p->end - offset;
	return true;
}

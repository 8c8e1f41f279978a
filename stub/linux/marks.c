/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tells one build of the kernel from another, found as bytes: the banner and the build-id note. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/linux/place.h"
#include "stub/linux/scan.h"

/* "Linux version 6.1.0 (": init/version-timestamp.c, init/version.c before 6.1. */
static const char BANNER[] = "Linux version ";

/* Elf64_Nhdr of a GNU build-id: name size 4, descriptor size 20, type 3, name. */
static const unsigned char NOTE[] = { 4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0 };
/* Within the image there are holes of a few MiB where its init part was. */
enum { BUILD_ID_LEN = 20, IMAGE_LIMIT = 256 << 20, HOLE_LIMIT = 32 << 20 };

/*
 * Pages come one by one, and either mark may lie across two: the end of a page is kept until the
 * next one shows whether it follows.
 */
enum { SEAM = 192 };
struct search {
	struct build_marks *marks;
	uint64_t next;                  /* the address behind the kept end; 0: none is kept */
	unsigned char seam[2 * SEAM];
};

/* Notes what begins at `text`; what ends within `seen` bytes was noted with the page before. */
static void note_banner(struct build_marks *marks, const char *text, size_t len, size_t seen, uint64_t at)
{
	size_t from = sizeof(BANNER) - 1, end = from;
	while (end < len && isgraph((unsigned char)text[end]))
		end++;
	if (end == len || end < seen || text[end] != ' ' || !isdigit((unsigned char)text[from]) ||
	    end - from >= sizeof(marks->banners[0].release) || marks->nbanners == MARKS_MAX)
		return;
	struct build_banner *b = &marks->banners[marks->nbanners++];
	snprintf(b->release, sizeof(b->release), "%.*s", (int)(end - from), text + from);
	b->at = at;
}

static bool is_noted(const struct build_marks *marks, const struct build_id *id)
{
	for (size_t i = 0; i < marks->nids; i++)
		if (build_id_equal(&marks->ids[i], id))
			return true;
	return false;
}

/* `at`: the address of the first byte; the first `seen` bytes are a page's end, looked at before. */
static void look_for_marks(struct build_marks *marks, uint64_t at, const unsigned char *bytes, size_t len,
			   size_t seen)
{
	const unsigned char *end = bytes + len, *hit;
	for (const unsigned char *p = bytes;
	     (hit = memmem(p, (size_t)(end - p), BANNER, sizeof(BANNER) - 1)); p = hit + 1) {
		size_t from = (size_t)(hit - bytes);
		if (!seen || from < seen)
			note_banner(marks, (const char *)hit, len - from, seen ? seen - from : 0, at + from);
	}
	for (const unsigned char *p = bytes; (hit = memmem(p, (size_t)(end - p), NOTE, sizeof(NOTE)));
	     p = hit + 1) {
		if ((hit - bytes) % 4 || (size_t)(end - hit) < sizeof(NOTE) + BUILD_ID_LEN ||
		    marks->nids == IDS_MAX)
			continue;
		struct build_id *id = &marks->ids[marks->nids];
		memcpy(id->bytes, hit + sizeof(NOTE), BUILD_ID_LEN);
		id->len = BUILD_ID_LEN;
		marks->nids += !is_noted(marks, id);
	}
}

static void look_at_page(struct search *s, uint64_t at, const unsigned char *page)
{
	/* The vDSO images in the kernel are whole ELF files with build-ids of their own. */
	if (!memcmp(page, "\177ELF", 4)) {
		s->next = 0;
		return;
	}
	if (s->next && s->next == at) {
		memcpy(s->seam + SEAM, page, SEAM);
		look_for_marks(s->marks, at - SEAM, s->seam, sizeof(s->seam), SEAM);
	}
	look_for_marks(s->marks, at, page, SCAN_PAGE, 0);
	memcpy(s->seam, page + SCAN_PAGE - SEAM, SEAM);
	s->next = at + SCAN_PAGE;
}

struct error *image_build_marks(struct aspace *as, uint64_t text_va, struct build_marks *ret)
{
	_cleanup_free_ unsigned char *page = malloc(SCAN_PAGE);
	struct search search = { .marks = ret };
	if (!page)
		return error_nomem();
	*ret = (struct build_marks){ .nids = 0 };
	/* All of it: what stands first may be a copy in a page that the kernel freed. */
	uint64_t hole = 0;
	for (uint64_t va = text_va; va < text_va + IMAGE_LIMIT && va < KERNEL_MAP_END && hole < HOLE_LIMIT;
	     va += SCAN_PAGE) {
		size_t got = 0;
		struct error *err = aspace_read_some(as, va, page, SCAN_PAGE, &got);
		error_free(err);
		hole = err ? hole + SCAN_PAGE : 0;
		if (!err && got == SCAN_PAGE)
			look_at_page(&search, va, page);
	}
	return NULL;
}

static bool look_at_ram(void *arg, uint64_t pa, const unsigned char *page, size_t len)
{
	struct search *s = arg;
	(void)len;
	look_at_page(s, pa, page);
	return s->marks->nbanners < MARKS_MAX || s->marks->nids < IDS_MAX;
}

struct error *scan_build_marks(struct target *t, struct build_marks *ret)
{
	struct search search = { .marks = ret };
	*ret = (struct build_marks){ .nids = 0 };
	return scan_pages(t, look_at_ram, &search);
}

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
enum { BUILD_ID_LEN = 20, IMAGE_LIMIT = 256 << 20 };

static void note_banner(struct build_marks *marks, const char *text, size_t len, uint64_t pa)
{
	size_t at = sizeof(BANNER) - 1, end = at;
	while (end < len && isgraph((unsigned char)text[end]))
		end++;
	if (end == len || text[end] != ' ' || !isdigit((unsigned char)text[at]) ||
	    end - at >= sizeof(marks->banners[0].release) || marks->nbanners == MARKS_MAX)
		return;
	struct build_banner *b = &marks->banners[marks->nbanners++];
	snprintf(b->release, sizeof(b->release), "%.*s", (int)(end - at), text + at);
	b->pa = pa;
}

static void look_for_marks(struct build_marks *marks, uint64_t pa, const unsigned char *page, size_t len)
{
	const unsigned char *end = page + len, *hit;
	for (const unsigned char *p = page;
	     (hit = memmem(p, (size_t)(end - p), BANNER, sizeof(BANNER) - 1)); p = hit + 1)
		note_banner(marks, (const char *)hit, (size_t)(end - hit), pa + (uint64_t)(hit - page));

	/* The vDSO images in the kernel are whole ELF files with build-ids of their own. */
	if (!memcmp(page, "\177ELF", 4))
		return;
	for (const unsigned char *p = page; (hit = memmem(p, (size_t)(end - p), NOTE, sizeof(NOTE)));
	     p = hit + 1) {
		if ((hit - page) % 4 || (size_t)(end - hit) < sizeof(NOTE) + BUILD_ID_LEN ||
		    marks->nids == MARKS_MAX)
			continue;
		struct build_id *id = &marks->ids[marks->nids++];
		memcpy(id->bytes, hit + sizeof(NOTE), BUILD_ID_LEN);
		id->len = BUILD_ID_LEN;
	}
}

struct error *image_build_marks(struct aspace *as, uint64_t text_va, struct build_marks *ret)
{
	_cleanup_free_ unsigned char *page = malloc(SCAN_PAGE);
	if (!page)
		return error_nomem();
	*ret = (struct build_marks){ .nids = 0 };
	bool whole = false;
	for (uint64_t va = text_va; va < text_va + IMAGE_LIMIT && va < KERNEL_MAP_END && !whole;
	     va += SCAN_PAGE) {
		size_t got;
		struct error *err = aspace_read_some(as, va, page, SCAN_PAGE, &got);
		error_free(err);
		if (!err && got == SCAN_PAGE)
			look_for_marks(ret, 0, page, SCAN_PAGE);
		/* Both stand in read-only data, the banner before the notes or behind them. */
		whole = ret->nbanners && ret->nids;
	}
	return NULL;
}

static bool look_at_page(void *arg, uint64_t pa, const unsigned char *page, size_t len)
{
	struct build_marks *marks = arg;
	look_for_marks(marks, pa, page, len);
	return marks->nbanners < MARKS_MAX || marks->nids < MARKS_MAX;
}

struct error *scan_build_marks(struct target *t, struct build_marks *ret)
{
	*ret = (struct build_marks){ .nids = 0 };
	return scan_pages(t, look_at_page, ret);
}

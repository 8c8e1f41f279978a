/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/scan.h"

#include "stub/base/cleanup.h"

enum { CHUNK = 1 << 20 };

/* One page at a time, where a large read met a page that the dump lacks. */
static bool look_page_by_page(struct target *t, uint64_t pa, unsigned char *buf, size_t len,
			      bool (*look)(void *, uint64_t, const unsigned char *, size_t), void *arg)
{
	for (size_t at = 0; at < len; at += SCAN_PAGE) {
		_cleanup_error_ struct error *err = target_read_phys(t, pa + at, buf, SCAN_PAGE);
		if (!err && !look(arg, pa + at, buf, SCAN_PAGE))
			return false;
	}
	return true;
}

struct error *scan_pages(struct target *t,
			 bool (*look)(void *arg, uint64_t pa, const unsigned char *page, size_t len),
			 void *arg)
{
	_cleanup_free_ unsigned char *buf = malloc(CHUNK);
	if (!buf)
		return error_nomem();
	for (size_t i = 0; i < t->nram; i++) {
		uint64_t pa = (t->ram[i].start + SCAN_PAGE - 1) & ~(uint64_t)(SCAN_PAGE - 1);
		uint64_t end = t->ram[i].end & ~(uint64_t)(SCAN_PAGE - 1);
		while (pa < end) {
			size_t len = end - pa < CHUNK ? end - pa : CHUNK;
			struct error *err = target_read_phys(t, pa, buf, len);
			bool more = true;
			if (err) {
				error_free(err);
				more = look_page_by_page(t, pa, buf, len, look, arg);
			} else {
				for (size_t at = 0; more && at < len; at += SCAN_PAGE)
					more = look(arg, pa + at, buf + at, SCAN_PAGE);
			}
			if (!more)
				return NULL;
			pa += len;
		}
	}
	return NULL;
}

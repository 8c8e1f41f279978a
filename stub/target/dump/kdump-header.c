/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/target/dump/kdump-header.h"

#include <string.h>

#include "stub/base/bytes.h"

/*
 * makedumpfile's diskdump_mod.h, as x86-64 lays struct disk_dump_header out. QEMU writes it with
 * a wrong phys_base and without a machine name, so neither is believed.
 */
enum {
	H_VERSION = 8,
	H_UTSNAME = 12,                 /* six names of 65 bytes */
	H_MACHINE = H_UTSNAME + 4 * 65,
	H_STATUS = 424,
	H_BLOCK_SIZE = 428,
	H_SUB_BLOCKS = 432,
	H_BITMAP_BLOCKS = 436,
	H_MAX_MAPNR = 440,
	H_SIZE = 464,
	H32_BLOCK_SIZE = 416,           /* where 32-bit machines have it */
};

/* struct kdump_sub_header; each version added members at the end. */
enum {
	S_DUMP_LEVEL = 8,               /* 1 */
	S_SPLIT = 12,                   /* 2 */
	S_START_PFN = 16,
	S_END_PFN = 24,
	S_VMCOREINFO = 32,              /* 3 */
	S_NOTES = 48,                   /* 4 */
	S_START_PFN_64 = 80,            /* 6 */
	S_END_PFN_64 = 88,
	S_MAX_MAPNR_64 = 96,
	S_SIZE = 104,
};

enum { PAGE_SHIFT_MIN = 10, PAGE_SHIFT_MAX = 16, VERSION_MAX = 64, SUB_BLOCKS_MAX = 1 << 20 };

static unsigned page_shift_of(uint32_t block_size)
{
	for (unsigned shift = PAGE_SHIFT_MIN; shift <= PAGE_SHIFT_MAX; shift++)
		if (block_size == 1u << shift)
			return shift;
	return 0;
}

static struct error *check_machine(const struct dump_file *f, const unsigned char *h)
{
	char machine[66] = { 0 };
	memcpy(machine, h + H_MACHINE, 65);
	for (char *c = machine; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (*machine && strcmp(machine, "x86_64"))
		return error_new(ERROR_UNSUPPORTED, "%s is a dump of another architecture: %s; kstub knows "
						    "x86-64", f->path, machine);
	if (page_shift_of(be32toh(u32_at(h + H_BLOCK_SIZE))))
		return error_new(ERROR_UNSUPPORTED, "%s is a dump of a big-endian architecture; kstub knows "
						    "x86-64", f->path);
	if (!page_shift_of(u32_at(h + H_BLOCK_SIZE)) && page_shift_of(u32_at(h + H32_BLOCK_SIZE)))
		return error_new(ERROR_UNSUPPORTED, "%s is a dump of a 32-bit architecture; kstub knows "
						    "x86-64", f->path);
	return NULL;
}

static void take_sub_header(const unsigned char *s, struct kdump_header *h)
{
	uint64_t start = u64_at(s + S_START_PFN), end = u64_at(s + S_END_PFN);
	if (h->version >= 1)
		h->dump_level = (int)(u32_at(s + S_DUMP_LEVEL) & 0x7fffffff);
	if (h->version >= 3)
		h->vmcoreinfo = (struct kdump_piece){ u64_at(s + S_VMCOREINFO), u64_at(s + S_VMCOREINFO + 8) };
	if (h->version >= 4)
		h->notes = (struct kdump_piece){ u64_at(s + S_NOTES), u64_at(s + S_NOTES + 8) };
	if (h->version >= 6) {
		start = u64_at(s + S_START_PFN_64);
		end = u64_at(s + S_END_PFN_64);
		if (u64_at(s + S_MAX_MAPNR_64))
			h->max_pfn = u64_at(s + S_MAX_MAPNR_64);
	}
	if (h->version >= 2 && u32_at(s + S_SPLIT)) {
		h->split = true;
		h->start_pfn = start;
		h->end_pfn = end;
	}
}

/* Where the bitmaps and the page descriptors are; what the bitmaps have no room for is not there. */
static struct error *place_bitmaps(const struct dump_file *f, uint64_t sub_blocks, uint64_t bitmap_blocks,
				   struct kdump_header *h)
{
	uint64_t bytes = bitmap_blocks << h->page_shift;
	uint64_t needed = (h->max_pfn + 7) / 8;
	uint64_t blocks_needed = ((needed - 1) >> h->page_shift) + 1;
	h->bitmap1 = h->bitmap2 = (1 + sub_blocks) << h->page_shift;
	h->descriptors = h->bitmap1 + bytes;
	/* A diskdump without a filter has one bitmap alone. */
	if (bitmap_blocks >= blocks_needed * 2) {
		bytes /= 2;
		h->bitmap2 += bytes;
	} else if (!h->diskdump) {
		return error_new(ERROR_FORMAT, "%s: its page bitmaps (%llu blocks) are too small for its "
					       "%llu pages: damaged", f->path,
				 (unsigned long long)bitmap_blocks, (unsigned long long)h->max_pfn);
	}
	if (needed > bytes)
		return error_new(ERROR_FORMAT, "%s: its page bitmap is too small for its pages: damaged", f->path);
	if (h->bitmap1 >= f->size)
		return error_new(ERROR_TRUNCATED, "%s is truncated within its headers: no memory can be read "
						  "from it", f->path);
	return NULL;
}

struct error *kdump_header_read(struct dump_file *f, struct kdump_header *ret)
{
	unsigned char main[H_SIZE], sub[S_SIZE];
	struct error *err = dump_file_read(f, 0, main, sizeof(main));
	if (err) {
		error_free(err);
		return error_new(ERROR_TRUNCATED, "%s ends within its kdump header: nothing of it can be read",
				 f->path);
	}
	err = check_machine(f, main);
	if (err)
		return err;
	struct kdump_header h = {
		.diskdump = !memcmp(main, "DISKDUMP", 8),
		.version = u32_at(main + H_VERSION),
		.status = u32_at(main + H_STATUS),
		.page_shift = page_shift_of(u32_at(main + H_BLOCK_SIZE)),
		.dump_level = -1,
		.max_pfn = u32_at(main + H_MAX_MAPNR),
	};
	uint64_t sub_blocks = u32_at(main + H_SUB_BLOCKS), bitmap_blocks = u32_at(main + H_BITMAP_BLOCKS);
	memcpy(h.identity, main + H_UTSNAME, sizeof(h.identity));
	if (!h.page_shift || h.version > VERSION_MAX || sub_blocks > SUB_BLOCKS_MAX)
		return error_new(ERROR_FORMAT, "%s: its kdump header is damaged (version %u, blocks of %u bytes)",
				 f->path, h.version, u32_at(main + H_BLOCK_SIZE));
	if (!h.diskdump) {
		err = dump_file_read(f, 1ull << h.page_shift, sub, sizeof(sub));
		if (err) {
			error_free(err);
			return error_new(ERROR_TRUNCATED, "%s ends within its kdump header: nothing of it can be "
							  "read", f->path);
		}
		take_sub_header(sub, &h);
	}
	if (!h.max_pfn || h.max_pfn > (1ull << 52) >> h.page_shift)
		return error_new(ERROR_FORMAT, "%s: its kdump header is damaged (%llu pages)", f->path,
				 (unsigned long long)h.max_pfn);
	err = place_bitmaps(f, sub_blocks, bitmap_blocks, &h);
	if (err)
		return err;
	if (!h.split || h.end_pfn > h.max_pfn)
		h.end_pfn = h.max_pfn;
	if (h.start_pfn > h.end_pfn)
		return error_new(ERROR_FORMAT, "%s: its kdump header is damaged (a part from page %llu on)",
				 f->path, (unsigned long long)h.start_pfn);
	*ret = h;
	return NULL;
}

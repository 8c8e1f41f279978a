/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rarer formats, LKCD above all, through libkdumpfile, where it is built in. What that library
 * does not know either is named, where its first bytes tell.
 */
#include <config.h>

#include "stub/target/dump/readers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stub/base/cleanup.h"

struct known_magic {
	unsigned offset;
	const char *bytes;
	unsigned len;
	enum error_code code;
	const char *advice;
};

#define MAGIC(offset, bytes, code, advice) { offset, bytes, sizeof(bytes) - 1, code, advice }

/* What people take for a dump, and what to do about it. */
static const struct known_magic known[] = {
	MAGIC(0, "LibvirtQemudSave", ERROR_UNSUPPORTED,
	      "is an image of `virsh save`; take the dump by `virsh dump --memory-only`"),
	MAGIC(0, "LibvirtQemudPart", ERROR_UNSUPPORTED, "is an unfinished image of `virsh save`"),
	MAGIC(0, "QEVM", ERROR_UNSUPPORTED,
	      "is a migration stream of QEMU; take the dump by `virsh dump --memory-only`"),
	MAGIC(0, "QFI\xfb", ERROR_FORMAT, "is a disk image (qcow2), not a dump"),
	MAGIC(0, "\x1f\x8b", ERROR_FORMAT, "is compressed as a whole; unpack it with gunzip first"),
	MAGIC(0, "\xfd" "7zXZ", ERROR_FORMAT, "is compressed as a whole; unpack it with unxz first"),
	MAGIC(0, "\x28\xb5\x2f\xfd", ERROR_FORMAT, "is compressed as a whole; unpack it with unzstd first"),
	MAGIC(0, "BZh", ERROR_FORMAT, "is compressed as a whole; unpack it with bunzip2 first"),
	MAGIC(257, "ustar", ERROR_FORMAT, "is a tar archive; unpack it first"),
	MAGIC(0x202, "HdrS", ERROR_FORMAT, "is a kernel image (vmlinuz), not a dump"),
};

static struct error *unknown_format(const char *path, const char *why)
{
	unsigned char head[0x206] = { 0 };
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);
	if (got < 0)
		return error_os(errno, "%s", path);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!memcmp(head + known[i].offset, known[i].bytes, known[i].len))
			return error_new(known[i].code, "%s %s", path, known[i].advice);
	return error_new(ERROR_FORMAT, "%s is not a kernel dump of a format that kstub knows (its first bytes "
				       "are %02x %02x %02x %02x)%s%s%s", path, head[0], head[1], head[2], head[3],
			 why ? " [libkdumpfile: " : "", why ? why : "", why ? "]" : "");
}

#ifndef HAVE_LIBKDUMPFILE

struct error *libkdumpfile_open(const char *path, struct target **ret)
{
	(void)ret;
	return error_prefix(unknown_format(path, NULL), "libkdumpfile is not built in");
}

#else

#include <libkdumpfile/kdumpfile.h>

#include "stub/arch/x86_64.h"
#include "stub/target/dump/lkcd-map.h"

enum {
	RANGES_MAX = 1 << 16,
	CPUS_MAX = 8192,
	/* Of pages; the library looks at each of them, and at as many that it dropped, at each read. */
	CACHE_PAGES = 32,
};

struct foreign {
	struct target t;
	kdump_ctx_t *ctx;
	int fd;
	uint64_t page;
	struct phys_range *ram;
	bool exact;                     /* no page but those in `ram` may be read */
	bool cut_off;
	bool odd_cache;                 /* CACHE_PAGES + 1 of them now */
	char *vmcoreinfo;
};

static void foreign_close(struct target *t)
{
	struct foreign *f = (struct foreign *)t;
	if (f->ctx)
		kdump_free(f->ctx);
	cleanup_close(&f->fd);
	free(f->ram);
	free(f->vmcoreinfo);
	target_deinit(t);
	free(f);
}

/* The range that has pa; NULL: none. */
static const struct phys_range *range_of(const struct foreign *f, uint64_t pa)
{
	size_t low = 0, high = f->t.nram;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (pa >= f->ram[mid].end)
			low = mid + 1;
		else
			high = mid;
	}
	return low < f->t.nram && pa >= f->ram[low].start ? &f->ram[low] : NULL;
}

static bool set_number(kdump_ctx_t *ctx, const char *key, uint64_t value)
{
	const kdump_attr_t a = { .type = KDUMP_NUMBER, .val.number = value };
	bool set = kdump_set_attr(ctx, key, &a) == KDUMP_OK;
	kdump_clear_err(ctx);
	return set;
}

/*
 * Up to 0.5.4 the library's cache of pages is spoilt by pages that could not be read, and later
 * gives out NULL for a buffer. Another size makes a new cache.
 */
static bool renew_cache(struct foreign *f)
{
	f->odd_cache = !f->odd_cache;
	return set_number(f->ctx, "cache.size", CACHE_PAGES + f->odd_cache);
}

static struct error *read_piece(struct foreign *f, uint64_t pa, void *buf, size_t len)
{
	size_t got = len;
	kdump_status status = kdump_read(f->ctx, KDUMP_MACHPHYSADDR, pa, buf, &got);
	uint64_t at = pa + got;
	if (status == KDUMP_OK)
		return NULL;
	kdump_clear_err(f->ctx);
	if (!renew_cache(f))
		return error_nomem();
	if (status == KDUMP_ERR_NODATA)
		return error_at(ERROR_EXCLUDED, at, "a page that the dump does not have");
	if (status == KDUMP_ERR_EOF)
		return error_at(ERROR_TRUNCATED, at, "memory behind the end of the truncated file");
	if (status == KDUMP_ERR_ADDRXLAT || status == KDUMP_ERR_INVALID)
		return error_at(ERROR_FAULT, at, "no memory in the dump");
	return error_at(ERROR_FORMAT, at, "a page that libkdumpfile cannot read");
}

static struct error *not_there(const struct foreign *f, uint64_t pa)
{
	if (f->cut_off)
		return error_at(ERROR_TRUNCATED, pa, "memory that the truncated file does not have");
	if (!f->t.nram || pa >= f->ram[f->t.nram - 1].end)
		return error_at(ERROR_FAULT, pa, "no memory in the dump");
	return error_at(ERROR_EXCLUDED, pa, "a page that the dump does not have");
}

static struct error *foreign_read_phys(struct target *t, uint64_t pa, void *buf, size_t len)
{
	struct foreign *f = (struct foreign *)t;
	/* The library reads zeros behind the end of a file. */
	if (lseek(f->fd, 0, SEEK_END) < (off_t)t->file_size)
		return error_at(ERROR_TRUNCATED, pa, "the file was cut off while it was open");
	if (!f->exact)
		return read_piece(f, pa, buf, len);
	for (size_t done = 0; done < len;) {
		const struct phys_range *r = range_of(f, pa + done);
		if (!r)
			return not_there(f, pa + done);
		uint64_t left = r->end - (pa + done);
		size_t n = left < len - done ? (size_t)left : len - done;
		struct error *err = read_piece(f, pa + done, (char *)buf + done, n);
		if (err)
			return err;
		done += n;
	}
	return NULL;
}

static bool number_attr(kdump_ctx_t *ctx, const char *key, uint64_t *ret)
{
	kdump_attr_t a = { .type = KDUMP_NUMBER };
	if (kdump_get_attr(ctx, key, &a) != KDUMP_OK) {
		kdump_clear_err(ctx);
		return false;
	}
	if (a.type != KDUMP_NUMBER && a.type != KDUMP_ADDRESS)
		return false;
	*ret = a.type == KDUMP_NUMBER ? a.val.number : a.val.address;
	return true;
}

static struct error *foreign_read_regs(struct target *t, unsigned cpu, struct regs *ret)
{
	static const struct { const char *name; unsigned reg; } names[] = {
		{ "rax", X86_RAX }, { "rbx", X86_RBX }, { "rcx", X86_RCX }, { "rdx", X86_RDX },
		{ "rsi", X86_RSI }, { "rdi", X86_RDI }, { "rbp", X86_RBP }, { "rsp", X86_RSP },
		{ "r8", X86_R8 }, { "r9", X86_R9 }, { "r10", X86_R10 }, { "r11", X86_R11 },
		{ "r12", X86_R12 }, { "r13", X86_R13 }, { "r14", X86_R14 }, { "r15", X86_R15 },
		{ "rip", X86_RIP }, { "rflags", X86_EFLAGS }, { "cs", X86_CS }, { "ss", X86_SS },
		{ "ds", X86_DS }, { "es", X86_ES }, { "fs", X86_FS }, { "gs", X86_GS },
		{ "fs_base", X86_FS_BASE }, { "gs_base", X86_GS_BASE }, { "cr0", X86_CR0 },
		{ "cr2", X86_CR2 }, { "cr3", X86_CR3 }, { "cr4", X86_CR4 },
	};
	struct foreign *f = (struct foreign *)t;
	struct regs r = { .known = { 0 } };
	if (cpu >= t->ncpus)
		return error_new(ERROR_NOT_FOUND, "the dump has no registers of CPU %u", cpu);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char key[48];
		uint64_t value;
		snprintf(key, sizeof(key), "cpu.%u.reg.%s", cpu, names[i].name);
		if (number_attr(f->ctx, key, &value))
			regs_set(&r, names[i].reg, value);
	}
	*ret = r;
	return NULL;
}

static const struct target_ops foreign_ops = {
	.name = "libkdumpfile",
	.close = foreign_close,
	.read_phys = foreign_read_phys,
	.read_regs = foreign_read_regs,
};

static struct error *add_range(struct foreign *f, size_t *room, uint64_t start, uint64_t end)
{
	if (f->t.nram == RANGES_MAX) {
		/* What lies between is no memory, and reading it says so. */
		f->ram[f->t.nram - 1].end = end;
		return NULL;
	}
	if (f->t.nram == *room) {
		size_t more = *room ? *room * 2 : 16;
		struct phys_range *ram = reallocarray(f->ram, more, sizeof(*ram));
		if (!ram)
			return error_nomem();
		f->ram = ram;
		*room = more;
	}
	f->ram[f->t.nram++] = (struct phys_range){ start, end };
	return NULL;
}

/* The runs of the bitmap of pages; all of memory, where the format has none. */
static struct error *foreign_ram(struct foreign *f)
{
	kdump_attr_t map = { .type = KDUMP_BITMAP };
	struct error *err = NULL;
	size_t room = 0;
	if (kdump_get_attr(f->ctx, KDUMP_ATTR_MEMORY_PAGEMAP, &map) != KDUMP_OK &&
	    kdump_get_attr(f->ctx, KDUMP_ATTR_FILE_PAGEMAP, &map) != KDUMP_OK) {
		uint64_t max_pfn = 0;
		kdump_clear_err(f->ctx);
		if (!number_attr(f->ctx, "max_pfn", &max_pfn) || max_pfn > (1ull << 52) / f->page)
			return error_new(ERROR_FORMAT, "libkdumpfile does not know how much memory it has");
		err = add_range(f, &room, 0, max_pfn * f->page);
	} else {
		kdump_addr_t start = 0;
		while (!err && kdump_bmp_find_set(map.val.bitmap, &start) == KDUMP_OK) {
			kdump_addr_t end = start;
			if (kdump_bmp_find_clear(map.val.bitmap, &end) != KDUMP_OK || end <= start ||
			    end > (1ull << 52) / f->page)
				break;
			err = add_range(f, &room, start * f->page, end * f->page);
			start = end;
		}
	}
	kdump_clear_err(f->ctx);
	f->t.ram = f->ram;
	return err;
}

static struct error *foreign_identify(struct foreign *f, const char *path)
{
	kdump_attr_t arch = { .type = KDUMP_STRING }, format = { .type = KDUMP_STRING };
	uint64_t value;
	if (kdump_get_attr(f->ctx, KDUMP_ATTR_ARCH_NAME, &arch) != KDUMP_OK || !arch.val.string)
		return error_new(ERROR_UNSUPPORTED, "%s: its architecture is not known", path);
	if (strcmp(arch.val.string, KDUMP_ARCH_X86_64))
		return error_new(ERROR_UNSUPPORTED, "%s is a dump of another architecture: %s; kstub knows "
						    "x86-64", path, arch.val.string);
	if (kdump_get_attr(f->ctx, KDUMP_ATTR_FILE_FORMAT, &format) != KDUMP_OK || !format.val.string)
		format.val.string = "unknown format";
	/* sadump_read_page() takes a run's first page for each of its pages, in 0.5.1 to 0.5.4 at least. */
	if (!strcmp(format.val.string, "sadump"))
		return error_new(ERROR_UNSUPPORTED, "%s is a sadump, of which libkdumpfile reads wrong pages; "
						    "convert it by `makedumpfile -c -d 0 %s vmcore`", path, path);
	if (asprintf(&f->t.format, "%s (libkdumpfile)", format.val.string) < 0)
		f->t.format = NULL;
	f->page = number_attr(f->ctx, KDUMP_ATTR_PAGE_SIZE, &value) && value ? value : 4096;
	if (number_attr(f->ctx, KDUMP_ATTR_NUM_CPUS, &value))
		f->t.ncpus = value < CPUS_MAX ? (unsigned)value : CPUS_MAX;
	if (kdump_vmcoreinfo_raw(f->ctx, &f->vmcoreinfo) == KDUMP_OK && f->vmcoreinfo) {
		f->t.vmcoreinfo = f->vmcoreinfo;
		f->t.vmcoreinfo_len = strlen(f->vmcoreinfo);
	}
	kdump_clear_err(f->ctx);
	return f->exact ? NULL : error_prefix(foreign_ram(f), "%s", path);
}

/* Opens what f->fd is; the library knows too little of its limits in LKCD. */
static struct error *foreign_open(struct foreign *f, const char *path)
{
	struct lkcd_map map;
	struct error *err = error_prefix(lkcd_map_read(f->fd, &map), "%s", path);
	if (err)
		return err;
	if (map.is_lkcd) {
		f->exact = true;
		f->cut_off = map.cut_off;
		f->t.ram = f->ram = map.ram;
		f->t.nram = map.nram;
	}
	/* A mapped file that shrinks is a signal. */
	set_number(f->ctx, KDUMP_ATTR_FILE_MMAP_POLICY, KDUMP_MMAP_NEVER);
	renew_cache(f);
	if (kdump_open_fd(f->ctx, f->fd) != KDUMP_OK)
		return unknown_format(path, kdump_get_err(f->ctx));
	err = foreign_identify(f, path);
	if (!err && f->cut_off)
		target_warn(&f->t, "%s: its pages end too early, at offset 0x%" PRIx64 "; what is behind is missing",
			    path, map.end);
	return err;
}

struct error *libkdumpfile_open(const char *path, struct target **ret)
{
	struct foreign *f = calloc(1, sizeof(*f));
	if (!f)
		return error_nomem();
	f->t = (struct target){ .ops = &foreign_ops, .arch = &arch_x86_64, .dump_level = -1 };
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	f->ctx = f->fd < 0 ? NULL : kdump_new();
	f->t.path = strdup(path);
	struct error *err = NULL;
	if (f->fd < 0)
		err = error_os(errno, "%s", path);
	else if (!f->ctx || !f->t.path)
		err = error_nomem();
	else
		err = foreign_open(f, path);
	if (err) {
		foreign_close(&f->t);
		return err;
	}
	off_t size = lseek(f->fd, 0, SEEK_END);
	f->t.file_size = size > 0 ? (uint64_t)size : 0;
	*ret = &f->t;
	return NULL;
}

#endif

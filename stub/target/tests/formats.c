/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The readers of dumps on files that this program writes from a memory it made up: each version
 * of the kdump header with each compression, flattened, split, ELF; then cut off and damaged.
 */
#include <config.h>

#include <elf.h>
#include <endian.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stub/arch/x86_64.h"
#include "stub/base/buffer.h"
#include "stub/base/cleanup.h"
#include "stub/base/tests/tap.h"
#include "stub/target/dump/dump.h"
#include "stub/target/dump/unpack-page.h"
#include "stub/target/tests/writer.h"

enum { PFNS = 300 };

/* Some pages are no RAM, some are filtered out, the others' bytes follow from their number. */
static bool is_ram(uint64_t pfn)
{
	return pfn < PFNS && (pfn < 160 || pfn >= 192);
}

static bool is_dumped(uint64_t pfn)
{
	return is_ram(pfn) && pfn % 7 != 3;
}

static void make_page(uint64_t pfn, unsigned char *page, size_t size)
{
	uint64_t x = pfn * 0x9e3779b97f4a7c15ull + 1;
	for (size_t i = 0; i < size; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		page[i] = pfn % 5 == 4 ? 0 : pfn % 5 == 3 ? (unsigned char)x : (unsigned char)(i / 16 + pfn);
	}
}

static const char VMCOREINFO[] = "OSRELEASE=1.2.3\nPAGESIZE=4096\n";

/* One CPU: every register of the kernel's note is its index + 1000. */
static void make_notes(struct buffer *b)
{
	unsigned char prstatus[336] = { 0 };
	for (uint64_t i = 0; i < 27; i++) {
		uint64_t v = i + 1000;
		memcpy(prstatus + 112 + i * 8, &v, 8);
	}
	put_note(b, "CORE", NT_PRSTATUS, prstatus, sizeof(prstatus));
	put_note(b, "VMCOREINFO", 0, VMCOREINFO, sizeof(VMCOREINFO) - 1);
}

static void write_as_told(struct buffer *b, const struct shape *s)
{
	_cleanup_buffer_ struct buffer notes = BUFFER_INIT;
	make_notes(&notes);
	const struct pages pages = { PFNS, is_ram, is_dumped, make_page, &notes, VMCOREINFO };
	writer_kdump(b, s, &pages);
}

/* With plain pages where the compression is not built in. */
static void write_kdump(struct buffer *b, const struct shape *s)
{
	struct shape possible = *s;
	if (!unpacker_knows(s->compression))
		possible.compression = 0;
	write_as_told(b, &possible);
}

/* In /dev/shm or memory: the descriptor's own path. */
static char *as_file(const struct buffer *b, int *fd_ret)
{
	char *path = NULL;
	*fd_ret = memfd_create("dump", MFD_CLOEXEC);
	if (write(*fd_ret, b->data, b->len) != (ssize_t)b->len ||
	    asprintf(&path, "/proc/self/fd/%d", *fd_ret) < 0)
		return NULL;
	return path;
}

static struct error *open_bytes(const struct buffer *b, struct target **ret)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = as_file(b, &fd);
	return path ? dump_open(path, ret) : error_nomem();
}

/* Pages that are wrong: bytes, or the reason why there are none. */
static unsigned wrong_pages(struct target *t, size_t page_size)
{
	static unsigned char want[PAGE_MAX], got[PAGE_MAX];
	unsigned wrong = 0;
	for (unsigned round = 0; round < 2; round++) {
		for (uint64_t pfn = 0; pfn < PFNS + 2; pfn++) {
			size_t len = round ? 64 : page_size;    /* whole, and out of the cache */
			_cleanup_error_ struct error *err = target_read_phys(t, pfn * page_size, got, len);
			make_page(pfn, want, page_size);
			if (!is_ram(pfn))
				wrong += !err || err->code != ERROR_FAULT;
			else if (!is_dumped(pfn))
				wrong += !err || err->code != ERROR_EXCLUDED || err->addr != pfn * page_size;
			else
				wrong += err || memcmp(want, got, len);
		}
	}
	return wrong;
}

static bool right_regs(struct target *t)
{
	struct regs r;
	_cleanup_error_ struct error *err = t->ops->read_regs(t, 0, &r);
	/* struct user_regs_struct: r15 first, rip the 17th, gs the last of 27 */
	return !err && r.value[X86_R15] == 1000 && r.value[X86_RIP] == 1016 && r.value[X86_GS] == 1026 &&
	       r.known[X86_RAX] && !r.known[X86_CR3];
}

static void check_open(const struct buffer *b, const struct shape *s, const char *name)
{
	_cleanup_target_ struct target *t = NULL;
	_cleanup_error_ struct error *err = open_bytes(b, &t);
	if (!tap_ok(!err, "%s opens", name)) {
		tap_diag("%s", err->text);
		return;
	}
	tap_is_u64(wrong_pages(t, s->page), 0, name);
	if (s->diskdump)
		return;
	tap_ok(t->dump_level == 31, "%s: dump level", name);
	if (s->version >= 3)
		tap_ok(t->vmcoreinfo_len == sizeof(VMCOREINFO) - 1 &&
		       !memcmp(t->vmcoreinfo, VMCOREINFO, t->vmcoreinfo_len), "%s: VMCOREINFO", name);
	if (s->version >= 4)
		tap_ok(t->ncpus == 1 && right_regs(t), "%s: registers", name);
}

static void check_refused(const char *what, const void *bytes, size_t len, enum error_code code, const char *text)
{
	struct buffer b = { (char *)(uintptr_t)bytes, len, len, false };
	struct target *t = NULL;
	_cleanup_error_ struct error *err = open_bytes(&b, &t);
	tap_ok(err && err->code == code && strstr(err->text, text), "%s is refused", what);
	if (err && !strstr(err->text, text))
		tap_diag("%s", err->text);
	target_close(t);
}

static void check_versions(void)
{
	static const uint32_t how[] = { 0, PAGE_ZLIB, PAGE_LZO, PAGE_SNAPPY, PAGE_ZSTD };
	for (unsigned i = 0; i < 5; i++) {
		if (!unpacker_knows(how[i])) {
			_cleanup_buffer_ struct buffer b = BUFFER_INIT;
			struct shape s = { .version = 6, .compression = how[i], .page = 4096 };
			write_as_told(&b, &s);
			check_refused(unpacker_name(how[i]), b.data, b.len, ERROR_UNSUPPORTED, "which is not built in");
			continue;
		}
		for (unsigned version = 1; version <= 6; version++) {
			_cleanup_buffer_ struct buffer b = BUFFER_INIT;
			char name[64];
			struct shape s = { .version = version, .compression = how[i],
					   .page = version == 5 ? 65536 : 4096 };
			write_kdump(&b, &s);
			snprintf(name, sizeof(name), "kdump v%u, %s", version, how[i] ? unpacker_name(how[i]) : "plain");
			check_open(&b, &s, name);
		}
	}
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	struct shape s = { .version = 3, .page = 4096, .diskdump = true };
	write_kdump(&b, &s);
	check_open(&b, &s, "diskdump");
}

/* Records of odd sizes, the last first; what lies under later ones is rubbish. */
static void flatten(const struct buffer *plain, struct buffer *b, bool end_mark)
{
	uint64_t head[2] = { htobe64(1), htobe64(1) };
	put_at(b, 0, "makedumpfile", 12);
	put_at(b, 16, head, sizeof(head));
	put_at(b, 4095, "", 1);
	for (size_t i = 0; i < plain->len; i += 8000) {
		head[0] = htobe64(plain->len - i > 20000 ? i + 100 : i), head[1] = htobe64(50);
		buffer_put(b, head, 16);
		buffer_fill(b, 0xee, 50);
	}
	for (size_t end = plain->len; end;) {
		size_t len = 1 + end * 7919 % 6000;
		len = len > end ? end : len;
		end -= len;
		head[0] = htobe64(end), head[1] = htobe64(len);
		buffer_put(b, head, 16);
		buffer_put(b, plain->data + end, len);
	}
	head[0] = head[1] = UINT64_MAX;
	if (end_mark)
		buffer_put(b, head, 16);
}

static void check_flattened(void)
{
	_cleanup_buffer_ struct buffer b = BUFFER_INIT, flat = BUFFER_INIT, cut = BUFFER_INIT;
	struct shape s = { .version = 6, .compression = PAGE_LZO, .page = 4096 };
	write_kdump(&b, &s);
	flatten(&b, &flat, true);
	check_open(&flat, &s, "flattened kdump");
	flatten(&b, &cut, false);
	_cleanup_target_ struct target *t = NULL;
	_cleanup_error_ struct error *err = open_bytes(&cut, &t);
	tap_ok(!err && t->nwarnings && strstr(t->warnings[t->nwarnings - 1], "ends too early"),
	       "flattened without its end: a warning");
}

static void check_split(void)
{
	static const uint64_t borders[] = { 0, 100, 101, PFNS };
	static const unsigned orders[][3] = { { 0, 1, 2 }, { 2, 0, 1 }, { 1, 2, 0 } };
	struct buffer b[3] = { BUFFER_INIT, BUFFER_INIT, BUFFER_INIT };
	char *path[3];
	int fd[3];
	for (unsigned i = 0; i < 3; i++) {
		struct shape s = { .version = i == 1 ? 6 : 5, .compression = PAGE_ZSTD, .page = 4096,
				   .split = true, .start = borders[i], .end = borders[i + 1] };
		write_kdump(&b[i], &s);
		path[i] = as_file(&b[i], &fd[i]);
	}
	for (unsigned i = 0; i < 3; i++) {
		_cleanup_free_ char *names = NULL;
		_cleanup_target_ struct target *t = NULL;
		if (asprintf(&names, "%s,%s,%s", path[orders[i][0]], path[orders[i][1]], path[orders[i][2]]) < 0)
			return;
		_cleanup_error_ struct error *err = dump_open(names, &t);
		tap_ok(!err && !wrong_pages(t, 4096) && !t->nwarnings, "split set, order %u", i);
	}
	_cleanup_free_ char *two = NULL, *twice = NULL;
	_cleanup_target_ struct target *t = NULL, *none = NULL;
	if (asprintf(&two, "%s,%s", path[0], path[1]) < 0 || asprintf(&twice, "%s,%s", path[0], path[0]) < 0)
		return;
	_cleanup_error_ struct error *err = dump_open(two, &t), *err2 = dump_open(twice, &none);
	unsigned char byte;
	tap_ok(!err && t->nwarnings == 1 && strstr(t->warnings[0], "from 0x65000 to 0x12c000"),
	       "a missing part is named");
	_cleanup_error_ struct error *there = err ? NULL : target_read_phys(t, 0x1000, &byte, 1);
	tap_ok(!err && !there, "the given parts are served");
	struct error *missing = err ? NULL : target_read_phys(t, 0x66000, &byte, 1);
	tap_ok(missing && missing->code == ERROR_TRUNCATED, "the missing part is an error");
	tap_ok(err2 && err2->code == ERROR_MISMATCH, "a part given twice is refused");
	for (unsigned i = 0; i < 3; i++) {
		close(fd[i]);
		free(path[i]);
		buffer_deinit(&b[i]);
	}
}

/* Reads all of it, whatever it says it is. */
static void read_through(struct target *t)
{
	unsigned char got[8192];
	struct regs r;
	_cleanup_buffer_ struct buffer text = BUFFER_INIT;
	for (uint64_t pa = 0; pa < PFNS * 4096; pa += 4096) {
		error_free(target_read_phys(t, pa + 100, got, pa % 3 ? 64 : sizeof(got)));
		if (t->ops->describe_page)
			t->ops->describe_page(t, pa, &text);
		buffer_clear(&text);
	}
	for (unsigned cpu = 0; cpu < t->ncpus && cpu < 4; cpu++)
		error_free(t->ops->read_regs(t, cpu, &r));
}

static void check_cut_off(const struct buffer *whole, const char *name, size_t first_page)
{
	unsigned silent = 0, wrong = 0;
	for (size_t len = 1; len < whole->len; len += len < 600 ? 37 : 1021) {
		struct buffer cut = { whole->data, len, len, false };
		_cleanup_target_ struct target *t = NULL;
		_cleanup_error_ struct error *err = open_bytes(&cut, &t);
		unsigned char got[64], want[4096];
		if (err)
			continue;
		read_through(t);
		silent += !t->nwarnings;
		/* The first page is there as soon as its bytes are. */
		struct error *bad = target_read_phys(t, 0, got, sizeof(got));
		make_page(0, want, sizeof(want));
		if (len >= first_page)
			wrong += bad || memcmp(got, want, sizeof(got));
		else
			wrong += !bad;
		error_free(bad);
	}
	tap_is_u64(silent, 0, name);
	tap_is_u64(wrong, 0, "  the readable part is served, and nothing else");
}

static void damage(const struct buffer *whole, const char *name)
{
	uint64_t x = 88172645463325252ull;
	for (unsigned i = 0; i < 400; i++) {
		_cleanup_buffer_ struct buffer b = BUFFER_INIT;
		buffer_put(&b, whole->data, whole->len);
		for (unsigned n = 0; n < 1 + i % 6; n++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			size_t at = x % (i % 3 ? 26000 : b.len);
			if (at < b.len)
				b.data[at] = (char)(x >> 40 & 3 ? x >> 32 : 0xff);
		}
		_cleanup_target_ struct target *t = NULL;
		_cleanup_error_ struct error *err = open_bytes(&b, &t);
		if (!err)
			read_through(t);
	}
	tap_ok(true, "%s: 400 damaged files do no harm", name);
}

/* As QEMU places them: program headers far behind the ELF header; sections that overlap. */
static void write_elf(struct buffer *b)
{
	_cleanup_buffer_ struct buffer notes = BUFFER_INIT;
	unsigned char page[4096];
	make_notes(&notes);
	Elf64_Ehdr e = { .e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = 1, .e_phoff = 192,
			 .e_ehsize = sizeof(e), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 5 };
	memcpy(e.e_ident, ELFMAG, 4);
	e.e_ident[EI_CLASS] = ELFCLASS64;
	e.e_ident[EI_DATA] = ELFDATA2LSB;
	size_t at = 4096, data = 8192;
	const Elf64_Phdr p[5] = {
		/* [192, 300), then [0, 160), then a part of that once more, unsorted */
		{ PT_LOAD, 0, data + 160 * 4096, 0, 192 * 4096, 108 * 4096, 108 * 4096, 0 },
		{ PT_LOAD, 0, data, 0, 0, 160 * 4096, 160 * 4096, 0 },
		{ PT_LOAD, 0, data + 8 * 4096, 0, 8 * 4096, 16 * 4096, 16 * 4096, 0 },
		/* excluded from its third page on */
		{ PT_LOAD, 0, data, 0, 400 * 4096, 2 * 4096, 10 * 4096, 0 },
		{ PT_NOTE, 0, at, 0, 0, notes.len, notes.len, 0 },
	};
	put_at(b, 0, &e, sizeof(e));
	put_at(b, 192, p, sizeof(p));
	put_at(b, at, notes.data, notes.len);
	put_at(b, data - 1, "", 1);
	for (uint64_t pfn = 0; pfn < PFNS; pfn++) {
		make_page(pfn, page, sizeof(page));
		if (is_ram(pfn))
			buffer_put(b, page, sizeof(page));
	}
}

static void check_elf(const struct buffer *b, const char *name)
{
	_cleanup_target_ struct target *t = NULL;
	_cleanup_error_ struct error *err = open_bytes(b, &t);
	unsigned char want[4096], got[4096];
	unsigned wrong = 0;
	if (!tap_ok(!err, "%s opens", name)) {
		tap_diag("%s", err->text);
		return;
	}
	for (uint64_t pfn = 0; pfn < PFNS; pfn++) {
		struct error *bad = target_read_phys(t, pfn * 4096, got, sizeof(got));
		make_page(pfn, want, sizeof(want));
		wrong += is_ram(pfn) ? bad || memcmp(want, got, sizeof(got)) : !bad || bad->code != ERROR_FAULT;
	}
	tap_is_u64(wrong, 0, name);
	tap_ok(t->ncpus == 1 && right_regs(t), "%s: registers", name);
	struct error *left_out = target_read_phys(t, 402 * 4096, got, 8);
	tap_ok(left_out && left_out->code == ERROR_EXCLUDED && left_out->addr == 402 * 4096,
	       "%s: memory behind p_filesz is excluded", name);
}

static void check_others(void)
{
	_cleanup_buffer_ struct buffer arm = BUFFER_INIT, elf = BUFFER_INIT;
	struct shape s = { .version = 6, .page = 4096, .machine = "aarch64" };
	write_kdump(&arm, &s);
	check_refused("a kdump of arm64", arm.data, arm.len, ERROR_UNSUPPORTED, "aarch64");
	write_elf(&elf);
	elf.data[18] = (char)EM_AARCH64;
	check_refused("an ELF dump of arm64", elf.data, elf.len, ERROR_UNSUPPORTED, "arm64");
	elf.data[18] = EM_X86_64;
	elf.data[16] = ET_EXEC;
	check_refused("a vmlinux", elf.data, elf.len, ERROR_FORMAT, "--vmlinux");
	elf.data[16] = ET_CORE;
	elf.data[56] = 0;               /* e_phnum */
	check_refused("an ELF dump of nothing", elf.data, elf.len, ERROR_FORMAT, "neither memory nor registers");
	check_refused("an empty file", "", 0, ERROR_FORMAT, "is empty");
	check_refused("a text", "hello, world\n", 13, ERROR_FORMAT, "not a kernel dump");
	check_refused("a virsh save image", "LibvirtQemudSave....", 20, ERROR_UNSUPPORTED, "virsh dump");
	struct target *t = NULL;
	_cleanup_error_ struct error *err = dump_open("/", &t);
	tap_ok(err && strstr(err->text, "is a directory"), "a directory is refused");
}

int main(void)
{
	_cleanup_buffer_ struct buffer kdump = BUFFER_INIT, elf = BUFFER_INIT, flat = BUFFER_INIT;
	struct shape s = { .version = 6, .compression = PAGE_ZLIB, .page = 4096 };
	check_versions();
	check_flattened();
	check_split();
	write_elf(&elf);
	check_elf(&elf, "ELF");
	flatten(&elf, &flat, true);
	check_elf(&flat, "flattened ELF");
	check_others();
	write_kdump(&kdump, &s);
	uint64_t first;
	uint32_t first_len;
	memcpy(&first, kdump.data + 5 * 4096, 8);
	memcpy(&first_len, kdump.data + 5 * 4096 + 8, 4);
	check_cut_off(&kdump, "a kdump cut off anywhere warns", first + first_len);
	check_cut_off(&elf, "an ELF dump cut off anywhere warns", 8192 + 64);
	damage(&kdump, "kdump");
	damage(&elf, "ELF");
	damage(&flat, "flattened");
	return tap_done();
}

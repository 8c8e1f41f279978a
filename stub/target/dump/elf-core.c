/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF64 vmcores: of QEMU and libvirt (headers behind e_phoff 192, notes first), of the kernel's
 * /proc/vmcore, of makedumpfile -E. Memory is found by p_paddr.
 */
#include "stub/target/dump/readers.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/target/dump/file.h"
#include "stub/target/dump/notes.h"

enum { PHDRS_MAX = 1 << 20, NOTE_BYTES_MAX = 128 << 20 };
static const uint64_t PA_END = 1ull << 52;      /* x86-64's widest physical address */

/* A stretch of physical memory that the file has, or says that it left out. */
struct load {
	uint64_t start, end;
	uint64_t offset;                /* in the file; NOT_IN_FILE: p_filesz ended before */
};
static const uint64_t NOT_IN_FILE = UINT64_MAX;

struct elf_core {
	struct target t;
	struct dump_file file;
	struct notes notes;
	struct load *loads;             /* sorted by start, disjoint */
	size_t nloads;
	uint64_t note_bytes;            /* read so far: a damaged file may name the same ones often */
	struct phys_range *ram;
};

static void elf_close(struct target *t)
{
	struct elf_core *c = (struct elf_core *)t;
	notes_deinit(&c->notes);
	dump_file_close(&c->file);
	free(c->loads);
	free(c->ram);
	target_deinit(t);
	free(c);
}

static const struct load *load_of(const struct elf_core *c, uint64_t pa)
{
	size_t low = 0, high = c->nloads;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->loads[middle].end <= pa)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->nloads && c->loads[low].start <= pa ? &c->loads[low] : NULL;
}

static struct error *elf_read_phys(struct target *t, uint64_t pa, void *buf, size_t len)
{
	struct elf_core *c = (struct elf_core *)t;
	for (size_t done = 0; done < len;) {
		uint64_t at = pa + done;
		const struct load *l = load_of(c, at);
		if (!l)
			return error_at(ERROR_FAULT, at, "no memory in the dump");
		if (l->offset == NOT_IN_FILE)
			return error_at(ERROR_EXCLUDED, at, "memory that the dump's writer left out");
		size_t chunk = l->end - at < len - done ? l->end - at : len - done;
		struct error *err = dump_file_read(&c->file, l->offset + (at - l->start),
						   (char *)buf + done, chunk);
		if (err && err->code == ERROR_TRUNCATED)
			return error_at(ERROR_TRUNCATED, err->addr - l->offset + l->start,
					"memory behind the end of the truncated file");
		if (err)
			return err;
		done += chunk;
	}
	return NULL;
}

static struct error *elf_read_regs(struct target *t, unsigned cpu, struct regs *ret)
{
	struct elf_core *c = (struct elf_core *)t;
	return notes_regs(&c->file, &c->notes, cpu, ret);
}

static void elf_describe_page(struct target *t, uint64_t pa, struct buffer *ret)
{
	struct elf_core *c = (struct elf_core *)t;
	const struct load *l = load_of(c, pa);
	if (!l)
		buffer_puts(ret, "outside of the memory in the dump");
	else if (l->offset == NOT_IN_FILE)
		buffer_puts(ret, "left out by the dump's writer");
	else if (l->offset + (pa - l->start) >= c->file.size)
		buffer_printf(ret, "beyond the end of the truncated file (offset %llu)",
			      (unsigned long long)(l->offset + (pa - l->start)));
	else
		buffer_printf(ret, "at file offset %llu", (unsigned long long)(l->offset + (pa - l->start)));
}

static const struct target_ops elf_ops = {
	.name = "elf",
	.close = elf_close,
	.read_phys = elf_read_phys,
	.read_regs = elf_read_regs,
	.describe_page = elf_describe_page,
};

static const char *machine_name(uint16_t machine)
{
	switch (machine) {
	case EM_386: return "32-bit x86";
	case EM_AARCH64: return "arm64";
	case EM_ARM: return "32-bit Arm";
	case EM_PPC64: return "ppc64";
	case EM_S390: return "s390x";
	case EM_RISCV: return "RISC-V";
	default: return "another architecture";
	}
}

static struct error *check_header(struct elf_core *c, Elf64_Ehdr *ehdr)
{
	const char *path = c->file.path;
	struct error *err = dump_file_read(&c->file, 0, ehdr, sizeof(*ehdr));
	if (err) {
		error_free(err);
		return error_new(ERROR_TRUNCATED, "%s ends within its ELF header: nothing of it can be "
						  "read", path);
	}
	if (ehdr->e_ident[EI_CLASS] != ELFCLASS64 || ehdr->e_ident[EI_DATA] != ELFDATA2LSB ||
	    !arch_by_elf_machine(ehdr->e_machine))
		return error_new(ERROR_UNSUPPORTED, "%s is a dump or program of %s (ELF machine %u); kstub "
						    "knows x86-64", path, machine_name(ehdr->e_machine),
				 ehdr->e_machine);
	if (ehdr->e_type != ET_CORE)
		return error_new(ERROR_FORMAT, "%s is an ELF file, but no core dump%s", path,
				 ehdr->e_type == ET_EXEC || ehdr->e_type == ET_DYN ?
				 ": is it the vmlinux? Give that with --vmlinux" : "");
	if (ehdr->e_phentsize != sizeof(Elf64_Phdr))
		return error_new(ERROR_FORMAT, "%s: program headers of %u bytes", path, ehdr->e_phentsize);
	return NULL;
}

/* More than 65534 headers: the number stands in the first section header (PN_XNUM). */
static struct error *count_headers(struct elf_core *c, const Elf64_Ehdr *ehdr, uint64_t *ret)
{
	*ret = ehdr->e_phnum;
	if (ehdr->e_phnum != PN_XNUM || !ehdr->e_shoff)
		return NULL;
	Elf64_Shdr first;
	struct error *err = dump_file_read(&c->file, ehdr->e_shoff, &first, sizeof(first));
	if (!err)
		*ret = first.sh_info;
	return err;
}

static int compare_loads(const void *a, const void *b)
{
	const struct load *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

static struct error *add_load(struct elf_core *c, uint64_t start, uint64_t len, uint64_t offset)
{
	if (!len || start >= PA_END || len > PA_END - start)
		return NULL;
	struct load *longer = reallocarray(c->loads, c->nloads + 1, sizeof(*longer));
	if (!longer)
		return error_nomem();
	c->loads = longer;
	c->loads[c->nloads++] = (struct load){ start, start + len, offset };
	return NULL;
}

static struct error *take_header(struct elf_core *c, const Elf64_Phdr *ph, bool *damaged)
{
	if (ph->p_type == PT_NOTE) {
		*damaged = ph->p_filesz > NOTE_BYTES_MAX || c->note_bytes > NOTE_BYTES_MAX - ph->p_filesz;
		if (*damaged)
			return NULL;
		c->note_bytes += ph->p_filesz + sizeof(*ph);
		return notes_read(&c->file, ph->p_offset, ph->p_filesz, &c->notes, damaged);
	}
	/* /proc/vmcore marks memory without a physical address by -1 (fs/proc/kcore.c does). */
	if (ph->p_type != PT_LOAD || ph->p_paddr == UINT64_MAX)
		return NULL;
	struct error *err = NULL;
	uint64_t filesz = ph->p_filesz < ph->p_memsz || !ph->p_memsz ? ph->p_filesz : ph->p_memsz;
	if (ph->p_offset <= INT64_MAX && filesz <= INT64_MAX)
		err = add_load(c, ph->p_paddr, filesz, ph->p_offset);
	if (!err && ph->p_memsz > filesz)
		err = add_load(c, ph->p_paddr + filesz, ph->p_memsz - filesz, NOT_IN_FILE);
	return err;
}

/* One stretch counts where several overlap (the kernel's text is in /proc/vmcore twice). */
static void make_disjoint(struct elf_core *c)
{
	size_t n = 0;
	uint64_t end = 0;
	if (c->nloads)          /* qsort() takes no null pointer, not even for nothing */
		qsort(c->loads, c->nloads, sizeof(*c->loads), compare_loads);
	for (size_t i = 0; i < c->nloads; i++) {
		struct load l = c->loads[i];
		if (l.end <= end)
			continue;
		if (l.start < end) {
			if (l.offset != NOT_IN_FILE)
				l.offset += end - l.start;
			l.start = end;
		}
		end = l.end;
		c->loads[n++] = l;
	}
	c->nloads = n;
}

static struct error *read_headers(struct elf_core *c, const Elf64_Ehdr *ehdr, bool *damaged)
{
	uint64_t count;
	struct error *err = count_headers(c, ehdr, &count);
	if (err)
		return err;
	if (count > PHDRS_MAX)
		return error_new(ERROR_FORMAT, "%llu program headers: not believed", (unsigned long long)count);
	for (uint64_t i = 0; i < count && !err; i++) {
		Elf64_Phdr ph;
		bool bad_notes = false;
		err = dump_file_read(&c->file, ehdr->e_phoff + i * sizeof(ph), &ph, sizeof(ph));
		if (!err)
			err = take_header(c, &ph, &bad_notes);
		*damaged |= bad_notes;
	}
	return err;
}

static struct error *list_ram(struct elf_core *c)
{
	uint64_t missing_start = 0, missing_end = 0;
	c->ram = calloc(c->nloads ? c->nloads : 1, sizeof(*c->ram));
	if (!c->ram)
		return error_nomem();
	size_t n = 0;
	for (size_t i = 0; i < c->nloads; i++) {
		const struct load *l = &c->loads[i];
		uint64_t end = l->end;
		if (l->offset == NOT_IN_FILE)
			continue;
		if (l->offset >= c->file.size)
			end = l->start;
		else if (end - l->start > c->file.size - l->offset)
			end = l->start + (c->file.size - l->offset);
		if (end < l->end) {
			if (!missing_end)
				missing_start = end;
			missing_end = l->end;
		}
		if (end > l->start)
			c->ram[n++] = (struct phys_range){ l->start, end };
	}
	c->t.ram = c->ram;
	c->t.nram = n;
	if (missing_end)
		target_warn(&c->t, "%s is truncated: physical memory from 0x%llx to 0x%llx is missing; the "
				   "rest is served", c->file.path, (unsigned long long)missing_start,
			    (unsigned long long)missing_end);
	return NULL;
}

struct error *elf_core_open(struct dump_file *file, struct target **ret)
{
	struct elf_core *c = calloc(1, sizeof(*c));
	if (!c)
		return error_nomem();
	c->file = *file;
	file->fd = -1;
	file->path = NULL;
	file->flattened = NULL;
	c->t = (struct target){ .ops = &elf_ops, .arch = &arch_x86_64, .dump_level = -1 };
	Elf64_Ehdr ehdr;
	bool damaged = false;
	struct error *err = check_header(c, &ehdr);
	if (!err)
		err = error_prefix(read_headers(c, &ehdr, &damaged), "%s", c->file.path);
	if (!err) {
		make_disjoint(c);
		err = list_ram(c);
	}
	if (!err && !c->t.nram && !c->notes.ncpus)
		err = error_new(ERROR_FORMAT, "%s holds neither memory nor registers", c->file.path);
	if (err) {
		elf_close(&c->t);
		return err;
	}
	if (damaged)
		target_warn(&c->t, "%s: its notes are damaged or cut off; registers may be missing", c->file.path);
	struct target *t = &c->t;
	t->ncpus = c->notes.ncpus;
	if (!t->ncpus)
		target_warn(t, "%s has no CPU registers: threads and the crashed CPU's frames cannot be shown",
			    c->file.path);
	t->vmcoreinfo = c->notes.vmcoreinfo;
	t->vmcoreinfo_len = c->notes.vmcoreinfo_len;
	t->file_size = c->file.real_size;
	t->path = strdup(c->file.path);
	bool qemu = t->ncpus && c->notes.cpus[0].qemu;
	if (asprintf(&t->format, "ELF vmcore%s%s", qemu ? " of QEMU" : "",
		     c->file.flattened ? ", flattened" : "") < 0)
		t->format = NULL;
	*ret = t;
	return NULL;
}

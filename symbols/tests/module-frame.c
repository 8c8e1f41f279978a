/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwind rules for a stripped module, made of its ORC. libdwfl places the copy's sections, as gdb
 * does, relocates, and reads at every byte what module-orc.s says. Then damaged ones.
 */
#include "symbols/prepared.h"

#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>

#include "symbols/module-frame.h"
#include "symbols/tests/orc-types.h"
#include "symbols/tests/trees.h"

enum { RBX = 3, RBP = 6, RSP = 7, R12 = 12, R15 = 15, RIP = 16 };

static char root[] = "/tmp/kstub-test-XXXXXX";
static char cache[64], original[64];
static struct types *types;

/* --- what libdwfl reads ---------------------------------------------------------------------- */

struct reader {
	Dwfl *dwfl;
	Dwfl_Module *module;
	Dwarf_CFI *cfi;
	Dwarf_Addr bias;
};

static int no_debuginfo(Dwfl_Module *m, void **user, const char *name, Dwarf_Addr base, const char *file,
			const char *link, GElf_Word crc, char **ret)
{
	(void)m, (void)user, (void)name, (void)base, (void)file, (void)link, (void)crc, (void)ret;
	return -1;
}

static bool reader_open(struct reader *r, const char *path)
{
	static const Dwfl_Callbacks callbacks = {
		.find_debuginfo = no_debuginfo, .section_address = dwfl_offline_section_address,
	};
	*r = (struct reader){ .dwfl = dwfl_begin(&callbacks) };
	r->module = dwfl_report_offline(r->dwfl, "module", path, -1);
	dwfl_report_end(r->dwfl, NULL, NULL);
	r->cfi = r->module ? dwfl_module_dwarf_cfi(r->module, &r->bias) : NULL;
	if (!r->cfi)
		tap_diag("%s: %s", path, dwfl_errmsg(-1));
	return r->cfi;
}

static uint64_t address_of(const struct reader *r, const char *symbol)
{
	int n = dwfl_module_getsymtab(r->module);
	for (int i = 0; i < n; i++) {
		GElf_Sym s;
		GElf_Addr addr;
		const char *name = dwfl_module_getsym_info(r->module, i, &s, &addr, NULL, NULL, NULL);
		if (name && !strcmp(name, symbol))
			return addr;
	}
	tap_diag("no symbol %s", symbol);
	return 0;
}

/* A register's place as "is at the CFA plus this", or one of these. */
enum { SAME = 1000, UNDEFINED, OTHER, NOT_SAID };

static int place_of(Dwarf_Frame *f, int reg)
{
	Dwarf_Op memory[3], *ops = NULL;
	size_t n = 0;
	if (dwarf_frame_register(f, reg, memory, &ops, &n))
		return OTHER;
	if (!n)
		return ops == memory ? UNDEFINED : SAME;
	if (ops[0].atom != DW_OP_call_frame_cfa || n > 2 || (n == 2 && ops[1].atom != DW_OP_plus_uconst))
		return OTHER;
	return n == 2 ? (int)ops[1].number : 0;
}

struct row {
	const char *from, *to;
	int cfa_reg, cfa_offset, rip, rbp, rbx;
};

static const struct row rows[] = {
	{ "entry", "entry_pushed", RSP, 0, 0, NOT_SAID, NOT_SAID },
	{ "entry_pushed", "entry_end", RSP, 0, 128, 32, 40 },
	{ "init_function", "init_pushed", RSP, 8, -8, SAME, UNDEFINED },
	{ "init_pushed", "init_popped", RSP, 16, -8, SAME, UNDEFINED },
	{ "init_popped", "init_end", RSP, 8, -8, SAME, UNDEFINED },
	{ "function", "function_pushed", RSP, 8, -8, SAME, UNDEFINED },
	{ "function_pushed", "function_framed", RSP, 16, -8, -16, UNDEFINED },
	{ "function_framed", "function_popped", RBP, 16, -8, -16, UNDEFINED },
	{ "function_popped", "function_end", RSP, 8, -8, SAME, UNDEFINED },
};

static bool is_row(struct reader *r, uint64_t pc, const struct row *want)
{
	Dwarf_Frame *f = NULL;
	Dwarf_Op *ops;
	size_t n;
	if (dwarf_cfi_addrframe(r->cfi, pc - r->bias, &f)) {
		tap_diag("%s: %s", want->from, dwarf_errmsg(-1));
		return false;
	}
	int rip = place_of(f, RIP), rbp = place_of(f, RBP), rbx = place_of(f, RBX);
	bool base = !dwarf_frame_cfa(f, &ops, &n) && n == 1 && ops[0].atom == DW_OP_bregx &&
		    (int)ops[0].number == want->cfa_reg && (int)ops[0].number2 == want->cfa_offset;
	bool right = base && rip == want->rip && (rbp == want->rbp || want->rbp == NOT_SAID) &&
		     (rbx == want->rbx || want->rbx == NOT_SAID);
	for (int reg = R12; reg <= R15 && want->rbx == UNDEFINED; reg++)
		right &= place_of(f, reg) == UNDEFINED;
	if (!right)
		tap_diag("%#lx: base %d, rip %d, rbp %d, rbx %d", (unsigned long)pc, base, rip, rbp, rbx);
	free(f);
	return right;
}

static void check_rows(struct reader *r)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t from = address_of(r, rows[i].from), to = address_of(r, rows[i].to);
		bool right = from && from < to;
		for (uint64_t pc = from; right && pc < to; pc++)
			right = is_row(r, pc, &rows[i]);
		tap_ok(right, "the rule from %s to %s", rows[i].from, rows[i].to);
	}
	static const char *const silent[] = { "silent", "variable" };
	for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++) {
		Dwarf_Frame *f = NULL;
		uint64_t at = address_of(r, silent[i]);
		tap_ok(at && dwarf_cfi_addrframe(r->cfi, at - r->bias, &f), "no rule for %s", silent[i]);
		free(f);
	}
	tap_ok(address_of(r, "entry") != address_of(r, "function") - 32, "sections were placed apart");
}

/* --- section headers -------------------------------------------------------------------------- */

static struct bytes bytes_of(const char *path)
{
	struct bytes b = { NULL, 0 };
	struct stat st;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || !(b.data = malloc((size_t)st.st_size)) ||
	    read(fd, b.data, (size_t)st.st_size) != st.st_size) {
		printf("Bail out! no %s\n", path);
		exit(99);
	}
	b.len = (size_t)st.st_size;
	return b;
}

static Elf64_Ehdr *elf_of(struct bytes b)
{
	return (void *)b.data;
}

static Elf64_Shdr *header_of(struct bytes b, const char *name)
{
	Elf64_Shdr *all = (void *)(b.data + elf_of(b)->e_shoff);
	const char *names = b.data + all[elf_of(b)->e_shstrndx].sh_offset;
	for (unsigned i = 1; i < elf_of(b)->e_shnum; i++)
		if (!strcmp(names + all[i].sh_name, name))
			return &all[i];
	printf("Bail out! no %s\n", name);
	exit(99);
}

static void *content_of(struct bytes b, const char *name)
{
	return b.data + header_of(b, name)->sh_offset;
}

static unsigned index_of(struct bytes b, const char *name)
{
	return (unsigned)(header_of(b, name) - (Elf64_Shdr *)(void *)(b.data + elf_of(b)->e_shoff));
}

/* --- the copy -------------------------------------------------------------------------------- */

/* The path for `file`, which the caller frees, and what was said. */
static char *prepare(const char *file, struct types *t, char **warning_ret)
{
	struct symbols *s;
	char *path = NULL;
	if (!fine(symbols_open(file, &s)))
		return NULL;
	if (!fine(prepared_module(s, t, cache, "mod", &path, warning_ret)))
		path = NULL;
	symbols_close(s);
	return path;
}

static void test_copy(void)
{
	struct reader r;
	struct stat first, second;
	_cleanup_free_ char *warning = NULL, *path = prepare(original, types, &warning);
	if (!tap_ok(path && strstr(path, "/modules/mod.ko") && !warning, "a stripped module is copied"))
		return;
	if (tap_ok(reader_open(&r, path), "the copy has rules"))
		check_rows(&r);
	dwfl_end(r.dwfl);
	struct bytes b = bytes_of(path);
	const Elf64_Shdr *frame = header_of(b, ".debug_frame"), *relocations = header_of(b, ".rela.debug_frame");
	bool behind = true;
	for (unsigned i = index_of(b, ".debug_frame"); i < elf_of(b)->e_shnum; i++)
		behind &= !((frame + i - index_of(b, ".debug_frame"))->sh_flags & SHF_ALLOC);
	tap_ok(behind, "what is added comes last");
	tap_ok(relocations->sh_type == SHT_RELA && relocations->sh_entsize == sizeof(Elf64_Rela) &&
	       relocations->sh_info == index_of(b, ".debug_frame") && relocations->sh_link == index_of(b, ".symtab"),
	       "relocations by the symbols for the rules");
	free(b.data);
	_cleanup_free_ char *same = prepare(path, types, &warning);
	tap_is_str(same, path, "the copy needs no copy");
	stat(path, &first);
	_cleanup_free_ char *again = prepare(original, NULL, &warning);
	tap_ok(again && !strcmp(again, path) && !stat(path, &second) && first.st_ino == second.st_ino && !warning,
	       "it is made once");
}

/* --- damage ---------------------------------------------------------------------------------- */

/* The first symbol in a section of that number. */
static unsigned symbol_in(struct bytes b, unsigned section)
{
	Elf64_Sym *s = content_of(b, ".symtab");
	unsigned n = 1;
	while (s[n].st_shndx != section)
		n++;
	return n;
}

enum damage {
	TYPE, NO_SYMBOL, FAR_SYMBOL, FAR_SECTION, DATA_SYMBOL, OUTSIDE, BEFORE, UNALIGNED, TWICE, FAR_FIELD,
	FEWER_RELOCATIONS, MORE_ADDRESSES, FEWER_ENTRIES, NO_RELOCATIONS, NO_SYMBOLS, HUGE_CODE, MACHINE, KIND,
	CUT_TABLE, DAMAGES
};

static const char *const damages[DAMAGES] = {
	"relocations of another type", "no symbol", "a symbol that there is not",
	"a symbol of a section that there is not", "an address of data", "an address behind the section",
	"an address before the section", "a relocation between two fields", "a field with two relocations",
	"a relocation behind the table", "fewer relocations", "more addresses", "fewer entries",
	"no relocations", "no symbols", "a huge section", "another machine", "no module", "a table cut off",
};

static void damage(struct bytes b, enum damage d)
{
	Elf64_Rela *r = content_of(b, ".rela.orc_unwind_ip");
	Elf64_Sym *symbols = content_of(b, ".symtab");
	switch (d) {
	case TYPE: r[2].r_info = ELF64_R_INFO(ELF64_R_SYM(r[2].r_info), R_X86_64_64); break;
	case NO_SYMBOL: r[2].r_info = ELF64_R_INFO(0ul, R_X86_64_PC32); break;
	case FAR_SYMBOL: r[2].r_info = ELF64_R_INFO(0xffffffful, R_X86_64_PC32); break;
	case FAR_SECTION: symbols[ELF64_R_SYM(r[2].r_info)].st_shndx = 0xfff1; break;
	case DATA_SYMBOL:
		r[2].r_info = ELF64_R_INFO((uint64_t)symbol_in(b, index_of(b, ".data")), R_X86_64_PC32);
		break;
	case OUTSIDE: r[2].r_addend = 0x1000; break;
	case BEFORE: r[2].r_addend = -1; break;
	case UNALIGNED: r[2].r_offset += 2; break;
	case TWICE: r[2].r_offset = r[1].r_offset; break;
	case FAR_FIELD: r[2].r_offset = UINT64_MAX - 3; break;
	case FEWER_RELOCATIONS: header_of(b, ".rela.orc_unwind_ip")->sh_size -= sizeof(*r); break;
	case MORE_ADDRESSES: header_of(b, ".orc_unwind_ip")->sh_size += 4; break;
	case FEWER_ENTRIES: header_of(b, ".orc_unwind")->sh_size -= 6; break;
	case NO_RELOCATIONS: header_of(b, ".rela.orc_unwind_ip")->sh_type = SHT_REL; break;
	case NO_SYMBOLS: header_of(b, ".symtab")->sh_type = SHT_PROGBITS; break;
	case HUGE_CODE: header_of(b, ".text")->sh_size = 1ul << 62; break;
	case MACHINE: elf_of(b)->e_machine = EM_AARCH64; break;
	case KIND: elf_of(b)->e_type = ET_DYN; break;
	case CUT_TABLE: header_of(b, ".orc_unwind")->sh_offset = b.len - 3; break;
	default: break;
	}
}

static struct bytes copy_of(struct bytes b)
{
	struct bytes c = { malloc(b.len), b.len };
	memcpy(c.data, b.data, b.len);
	return c;
}

static void test_damage(struct bytes whole)
{
	char file[128];
	snprintf(file, sizeof(file), "%s/damaged.ko", root);
	for (int d = 0; d < DAMAGES; d++) {
		struct bytes b = copy_of(whole);
		_cleanup_free_ char *warning = NULL;
		tree_clear(cache);
		damage(b, (enum damage)d);
		tree_put(root, "damaged.ko", b.data, b.len);
		_cleanup_free_ char *path = prepare(file, types, &warning);
		_cleanup_free_ char *real = realpath(file, NULL);
		if (!tap_ok(path && !strcmp(path, real) && warning && strstr(warning, "damaged.ko has no unwind rules"),
			    "%s: the file is used as it is, and that is said", damages[d]))
			tap_diag("%s", path ? path : "no path");
		tap_diag("%s", warning ? warning : "nothing was said");
		free(b.data);
	}
	_cleanup_free_ char *warning = NULL, *path = prepare(original, NULL, &warning);
	_cleanup_free_ char *real = realpath(original, NULL);
	tap_ok(path && !strcmp(path, real) && warning, "a kernel without types");
	tap_diag("%s", warning ? warning : "nothing was said");
}

/* As objcopy --only-keep-debug leaves it. */
static void test_no_bytes(struct bytes whole)
{
	struct bytes b = copy_of(whole);
	_cleanup_free_ char *warning = NULL;
	char file[128];
	snprintf(file, sizeof(file), "%s/damaged.ko", root);
	header_of(b, ".orc_unwind")->sh_type = SHT_NOBITS;
	tree_put(root, "damaged.ko", b.data, b.len);
	_cleanup_free_ char *path = prepare(file, types, &warning), *real = realpath(file, NULL);
	tap_ok(path && !strcmp(path, real) && !warning, "a file that says nothing of its ORC");
	free(b.data);
}

/* Any bytes in what is read: the result is refused or has only FDEs that are whole. */
static void test_random(struct bytes whole)
{
	static const char *const parts[] = { ".rela.orc_unwind_ip", ".orc_unwind", ".orc_unwind_ip", ".symtab" };
	unsigned taken = 0, broken = 0;
	uint32_t seed = 1;
	char file[128];
	snprintf(file, sizeof(file), "%s/damaged.ko", root);
	for (int i = 0; i < 1500; i++) {
		struct bytes b = copy_of(whole);
		for (int k = 0; k < 3; k++) {
			seed = seed * 1664525 + 1013904223;
			Elf64_Shdr *h = header_of(b, parts[seed >> 30]);
			bool head = (seed >> 20) % 8 == 0;
			uint64_t len = head ? sizeof(*h) - 4 : h->sh_size;
			seed = seed * 1664525 + 1013904223;
			if (h->sh_offset > b.len || h->sh_size > b.len - h->sh_offset || !len)
				continue;
			char *at = head ? (char *)h + 4 : b.data + h->sh_offset;
			at[(seed >> 8) % len] = (char)(seed >> 24);
		}
		tree_put(root, "damaged.ko", b.data, b.len);
		_cleanup_module_frame_ struct module_frame f = MODULE_FRAME_INIT;
		struct symbols *s = NULL;
		struct error *err = symbols_open(file, &s);
		if (!err)
			err = module_frame_make(s, types, &f);
		if (!err) {
			taken++;
			broken += !f.section.len || f.relocations.len % sizeof(Elf64_Rela);
		} else {
			broken += f.section.len || f.relocations.len;
		}
		error_free(err);
		symbols_close(s);
		free(b.data);
	}
	tap_ok(taken && taken < 1500 && !broken, "damaged at random: %u of 1500 make sense", taken);
}

int main(void)
{
	if (!mkdtemp(root))
		return 99;
	struct bytes whole = fixture_read("module-orc.ko");
	snprintf(cache, sizeof(cache), "%s/cache", root);
	snprintf(original, sizeof(original), "%s/mod.ko.debug", root);
	tree_put(root, "mod.ko.debug", whole.data, whole.len);
	mkdir(cache, 0700);
	types = types_of("orc_entry", 6, fields_of[V6_4]);
	test_copy();
	test_damage(whole);
	test_no_bytes(whole);
	test_random(whole);
	types_destroy(types);
	free(whole.data);
	cache_remove_tree(root);
	return tap_done();
}

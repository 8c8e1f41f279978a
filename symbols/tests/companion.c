/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The companion, read back by libdw: what the variables are declared as for a vmlinux with
 * per-CPU variables of every kind (percpu.c), where the marks are, and what unwinds there.
 */
#include "symbols/companion.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "symbols/dwarf-writer.h"
#include "symbols/percpu.h"
#include "symbols/tests/percpu.h"
#include "symbols/tests/trees.h"
#include "symbols/windows.h"

/* Each variable of percpu.c, and what the member of struct kstub_cpu must be. */
static const struct {
	const char *name, *type, *in_btf;
} variables[] = {
	{ "of_first", "long int *", NULL },
	{ "of_struct", "struct percpu_one *", NULL },
	{ "of_typedef", "struct percpu_one *", NULL },
	{ "of_pointer", "struct percpu_one * *", NULL },
	{ "of_array", "struct percpu_one *", NULL },
	{ "of_grid", "int [3] *", "int *" },  /* pahole makes one array of it */
	{ "of_bool", "_Bool *", NULL },
	{ "of_counter", "percpu_counter *", NULL },
	{ "of_mixed", "percpu_mixed *", NULL },
	{ "of_enum", "enum percpu_color *", NULL },
	{ "of_void", "void * *", NULL },
	{ "of_call", "int () * *", NULL },
	{ "of_qualified", "long int *", NULL },
	{ "of_union", "union percpu_either *", NULL },
	{ "of_nameless", "struct  *", NULL },
	{ "of_file", "unsigned int *", NULL },
	{ "of_declared", "struct percpu_one *", NULL },
	{ "second_name", "struct percpu_one *", NULL },
	{ "sizeless_name", "struct percpu_one *", NULL },
	{ "of_assembly", "void *", NULL },
};
enum { NVARIABLES = sizeof(variables) / sizeof(variables[0]) };

static char root[] = "/tmp/kstub-test-XXXXXX";

struct file {
	int fd;
	Dwarf *dwarf;
	Dwarf_Die unit;
};

static bool file_open(const char *path, struct file *f)
{
	Dwarf_Off next;
	size_t header;
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	f->dwarf = f->fd < 0 ? NULL : dwarf_begin(f->fd, DWARF_C_READ);
	return f->dwarf && !dwarf_nextcu(f->dwarf, 0, &next, &header, NULL, NULL, NULL) &&
	       dwarf_offdie(f->dwarf, header, &f->unit);
}

static void file_close(struct file *f)
{
	dwarf_end(f->dwarf);
	if (f->fd >= 0)
		close(f->fd);
}

static bool child_of(Dwarf_Die *parent, int tag, const char *name, Dwarf_Die *ret)
{
	if (dwarf_child(parent, ret))
		return false;
	do {
		const char *own = dwarf_diename(ret);
		if (dwarf_tag(ret) == tag && own && !strcmp(own, name))
			return true;
	} while (!dwarf_siblingof(ret, ret));
	return false;
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;
	return dwarf_attr(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret);
}

static uint64_t number(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;
	Dwarf_Word n;
	return dwarf_attr(die, name, &attr) && !dwarf_formudata(&attr, &n) ? n : UINT64_MAX;
}

/* From the inside out: "struct rq * *". */
static void put_text(Dwarf_Die *die, char *ret, size_t cap)
{
	Dwarf_Die type, child;
	const char *name = dwarf_diename(die);
	char inner[128] = "void";
	if (type_of(die, &type))
		put_text(&type, inner, sizeof(inner));
	switch (dwarf_tag(die)) {
	case DW_TAG_pointer_type: snprintf(ret, cap, "%.100s *", inner); break;
	case DW_TAG_structure_type: snprintf(ret, cap, "struct %s", name ? name : ""); break;
	case DW_TAG_union_type: snprintf(ret, cap, "union %s", name ? name : ""); break;
	case DW_TAG_enumeration_type: snprintf(ret, cap, "enum %s", name ? name : ""); break;
	case DW_TAG_subroutine_type: snprintf(ret, cap, "%.100s ()", inner); break;
	case DW_TAG_array_type:
		snprintf(ret, cap, "%.100s [%ld]", inner,
			 dwarf_child(die, &child) ? -1 : (long)number(&child, DW_AT_count));
		break;
	default: snprintf(ret, cap, "%s", name ? name : "nothing"); break;
	}
}

static void check_type(Dwarf_Die *die, const char *want, const char *what)
{
	Dwarf_Die type;
	char text[256] = "void";
	if (type_of(die, &type))
		put_text(&type, text, sizeof(text));
	tap_is_str(text, want, what);
}

/* Where a variable is, 0: there is none. */
static uint64_t address_of(struct file *f, const char *name, const char *type)
{
	Dwarf_Die die;
	Dwarf_Attribute attr;
	Dwarf_Op *op;
	size_t n;
	if (!child_of(&f->unit, DW_TAG_variable, name, &die))
		return 0;
	check_type(&die, type, name);
	return dwarf_attr(&die, DW_AT_location, &attr) && !dwarf_getlocation(&attr, &op, &n) && n == 1 &&
	       op->atom == DW_OP_addr ? op->number : 1;
}

#define AT(member) { #member, offsetof(percpu_mixed, member) }

/* A struct without a name is there with all that it has. */
static void check_mixed(struct file *f, bool is_btf)
{
	static const struct { const char *name; size_t offset; } places[] = {
		AT(inner), AT(named), AT(grid), AT(color), AT(call),
	};
	const char *const types[] = {
		"percpu_counter", "struct percpu_one", is_btf ? "short int [6]" : "short int [3] [2]",
		"enum percpu_color", "int () *",
	};
	Dwarf_Die alias, mixed, member, other, element;
	Dwarf_Sword value;
	Dwarf_Attribute attr;
	if (!tap_ok(child_of(&f->unit, DW_TAG_typedef, "percpu_mixed", &alias) && type_of(&alias, &mixed),
		    "a nameless struct under its typedef"))
		return;
	tap_is_u64(number(&mixed, DW_AT_byte_size), sizeof(percpu_mixed), "its size");
	for (size_t i = 0; i < 5; i++) {
		if (!tap_ok(child_of(&mixed, DW_TAG_member, places[i].name, &member), "has %s", places[i].name))
			continue;
		tap_is_u64(number(&member, DW_AT_data_member_location), places[i].offset, "where it is");
		check_type(&member, types[i], "as what it is");
	}
	tap_ok(child_of(&mixed, DW_TAG_member, "high", &member) && number(&member, DW_AT_bit_size) == 5 &&
	       number(&member, DW_AT_data_bit_offset) == 3, "a bit-field");
	tap_ok(child_of(&mixed, DW_TAG_member, "named", &member) && type_of(&member, &other) &&
	       dwarf_hasattr(&other, DW_AT_declaration), "a struct with a name is declared");
	/* gdb 13 completes no enum. */
	tap_ok(child_of(&f->unit, DW_TAG_enumeration_type, "percpu_color", &other) &&
	       number(&other, DW_AT_byte_size) == 4 && child_of(&other, DW_TAG_enumerator, "PERCPU_BLUE", &element) &&
	       dwarf_attr(&element, DW_AT_const_value, &attr) && !dwarf_formsdata(&attr, &value) && value == -1,
	       "an enum is not");
}

static void check_cpu(struct file *f, struct symbols *s, bool is_btf)
{
	size_t n;
	const struct symbol *list = symbols_percpu(s, &n);
	Dwarf_Die cpu, member;
	tap_is_u64(n, NVARIABLES, "per-CPU variables");
	for (size_t i = 0; i + 1 < n; i++)
		if (list[i].addr > list[i + 1].addr)
			tap_ok(false, "%s stands before %s", list[i].name, list[i + 1].name);
	if (!tap_ok(child_of(&f->unit, DW_TAG_structure_type, "kstub_cpu", &cpu), "struct kstub_cpu"))
		return;
	tap_is_u64(number(&cpu, DW_AT_byte_size), n * 8, "a pointer for each");
	for (size_t i = 0; i < n && i < NVARIABLES; i++) {
		struct symbol found;
		/* Of two of a name the look-up tells of the first in the file, which is lower here. */
		tap_ok(symbols_lookup(s, list[i].name, &found) && found.addr == list[i].addr &&
		       child_of(&cpu, DW_TAG_member, list[i].name, &member) &&
		       number(&member, DW_AT_data_member_location) == i * 8, "%s is number %zu", list[i].name, i);
	}
	for (size_t i = 0; i < NVARIABLES; i++)
		if (tap_ok(child_of(&cpu, DW_TAG_member, variables[i].name, &member), "has %s", variables[i].name))
			check_type(&member, is_btf && variables[i].in_btf ? variables[i].in_btf :
				   variables[i].type, "what it points at");
	tap_ok(!child_of(&cpu, DW_TAG_member, "label", &member) && !child_of(&cpu, DW_TAG_member, "dotted.1", &member),
	       "a label and what C has no name for are no members");
}

static void check_view(struct file *f, bool has_cpu)
{
	static const struct { const char *name, *type; } members[VIEW_MEMBERS] = {
		[VIEW_CURRENT] = { "current", "struct task_struct *" },
		[VIEW_TASK] = { "task", "struct task_struct * *" },
		[VIEW_CPU] = { "cpu", "struct kstub_cpu *" },
		[VIEW_MODULE] = { "module", "struct module * *" },
		[VIEW_PHYS] = { "phys", "unsigned char *" },
		[VIEW_KASLR_OFFSET] = { "kaslr_offset", "unsigned long" },
	};
	Dwarf_Die view, member;
	if (!tap_ok(child_of(&f->unit, DW_TAG_structure_type, "kstub_view", &view), "struct kstub_view"))
		return;
	for (unsigned i = 0; i < VIEW_MEMBERS; i++) {
		bool there = child_of(&view, DW_TAG_member, members[i].name, &member);
		if (i == VIEW_CPU && !has_cpu) {
			tap_ok(!there, "without per-CPU variables there is no member for them");
			continue;
		}
		if (tap_ok(there && number(&member, DW_AT_data_member_location) == i * 8, "k.%s", members[i].name))
			check_type(&member, members[i].type, "its type");
	}
}

/* The names and the rule of the marks; `shift` lower in a library that gdb moves up. */
static void check_marks(const char *path, struct file *f, uint64_t shift)
{
	static const char *const names[MARKS] = { "stack_freed", "stack_damaged", "registers_not_saved" };
	_cleanup_symbols_ struct symbols *s = NULL;
	Dwarf_CFI *cfi = f->dwarf ? dwarf_getcfi(f->dwarf) : NULL;
	Dwarf_Op memory[3], *ops;
	size_t n;
	if (!fine(symbols_open(path, &s)))
		return;
	for (unsigned i = 0; i < MARKS; i++) {
		struct symbol found;
		Dwarf_Frame *frame = NULL;
		uint64_t at = 0x8000000000000000 + i * 0x10 - shift;
		tap_ok(symbols_by_address(s, at, &found) && found.addr == at && !strcmp(found.name, names[i]) &&
		       found.type == STT_FUNC, "%s is at 0x%llx", names[i], (unsigned long long)at);
		tap_ok(cfi && !dwarf_cfi_addrframe(cfi, at, &frame) && !dwarf_frame_cfa(frame, &ops, &n) && n == 1 &&
		       ops[0].atom == DW_OP_lit0, "its frame needs no register");
		tap_ok(frame && !dwarf_frame_register(frame, 16, memory, &ops, &n) && ops && !n,
		       "and nobody called it");
		free(frame);
	}
	Dwarf_Frame *frame = NULL;
	tap_ok(cfi && !dwarf_cfi_addrframe(cfi, 0x1000 - shift, &frame), "user addresses have a frame");
	free(frame);
}

static bool is_taken(void *arg, const char *name)
{
	struct symbol found;
	return symbols_lookup(arg, name, &found);
}

static bool is_free(void *arg, const char *name)
{
	(void)arg, (void)name;
	return false;
}

static void check_verified(const char *path)
{
	char command[512];
	if (system("llvm-dwarfdump --version >/dev/null 2>&1")) {
		tap_skip("no llvm-dwarfdump: the DWARF is not verified by it");
		return;
	}
	snprintf(command, sizeof(command), "llvm-dwarfdump --verify '%s' >/dev/null 2>&1", path);
	tap_ok(!system(command), "llvm-dwarfdump finds nothing wrong with %s", strrchr(path, '/') + 1);
}

static void check_files(struct symbols *s, struct types *t)
{
	bool is_btf = !strcmp(types_origin(t), "BTF");
	struct companion_options o = { .vmlinux = s, .types = t, .is_taken = is_free };
	struct companion c = { NULL, NULL };
	if (!tap_ok(fine(companion_files(root, &o, &c)), "%s: the companion is made", types_origin(t)))
		return;
	const char *const paths[] = { c.exec_file, c.library };
	for (size_t i = 0; i < 2; i++) {
		struct file f;
		uint64_t shift = i * COMPANION_OFFSET;
		if (tap_ok(file_open(paths[i], &f), "%s has DWARF", strrchr(paths[i], '/') + 1)) {
			tap_is_u64(address_of(&f, "current", "struct task_struct *"), WINDOW_CURRENT - shift, "current");
			tap_is_u64(address_of(&f, "k", "struct kstub_view"), WINDOW_VIEW - shift, "k");
			Dwarf_Die die;
			tap_ok(child_of(&f.unit, DW_TAG_variable, "k", &die) && dwarf_hasattr(&die, DW_AT_external),
			       "k is global");
			tap_is_u64(address_of(&f, "kstub", "struct kstub_view"), WINDOW_VIEW - shift, "kstub");
			check_view(&f, true);
			check_cpu(&f, s, is_btf);
			check_mixed(&f, is_btf);
		}
		check_marks(paths[i], &f, shift);
		file_close(&f);
		check_verified(paths[i]);
	}
	free(c.exec_file);
	free(c.library);
}

static struct symbols *fixture(const char *name)
{
	char path[4096];
	struct symbols *s = NULL;
	fixture_path(name, path, sizeof(path));
	return tap_ok(fine(symbols_open(path, &s)), "%s", name) ? s : NULL;
}

static void test_fixture(const char *name, enum types_source from)
{
	_cleanup_symbols_ struct symbols *s = fixture(name);
	struct types *t;
	if (!s)
		return;
	if (from == TYPES_BTF && !symbols_section(s, ".BTF"))
		tap_skip("no pahole: BTF of per-CPU variables not tested");
	else if (tap_ok(fine(symbols_types(s, from, &t)), "it has types"))
		check_files(s, t);
}

/* BTF of structs and no variables: DWARF has these, where that may be asked. */
static void test_btf_without_variables(void)
{
	_cleanup_symbols_ struct symbols *s = fixture("percpu-btf-no-variables.elf");
	struct companion_options o = { .vmlinux = s, .is_taken = is_free };
	if (!s)
		return;
	if (!symbols_section(s, ".BTF")) {
		tap_skip("no pahole: BTF without variables not tested");
		return;
	}
	if (!tap_ok(fine(symbols_types(s, TYPES_BTF, &o.types)), "BTF without variables"))
		return;
	for (unsigned may_ask = 0; may_ask < 2; may_ask++) {
		struct companion c = { NULL, NULL };
		struct file f;
		o.may_ask_dwarf = may_ask;
		if (!tap_ok(fine(companion_files(root, &o, &c)) && file_open(c.exec_file, &f), "%s DWARF",
			    may_ask ? "with" : "without"))
			continue;
		if (may_ask)
			check_cpu(&f, s, false);
		Dwarf_Die cpu, member;
		if (tap_ok(child_of(&f.unit, DW_TAG_structure_type, "kstub_cpu", &cpu) &&
			   child_of(&cpu, DW_TAG_member, "of_struct", &member), "a variable"))
			check_type(&member, may_ask ? "struct percpu_one *" : "void *", "and its type");
		file_close(&f);
		free(c.exec_file);
		free(c.library);
	}
}

/* A name that the kernel uses is left to it; without types there are marks alone. */
static void test_left_out(void)
{
	_cleanup_symbols_ struct symbols *s = fixture("percpu.elf"), *none = fixture("frames.elf");
	struct companion_options o = { .vmlinux = s, .is_taken = is_taken, .arg = s };
	struct companion c = { NULL, NULL };
	struct file f;
	if (!s || !none || !fine(symbols_types(s, TYPES_DWARF, &o.types)) || !fine(companion_files(root, &o, &c)))
		return;
	if (tap_ok(file_open(c.exec_file, &f), "DWARF beside a kernel's own k")) {
		tap_is_u64(address_of(&f, "k", ""), 0, "no k");
		tap_ok(address_of(&f, "kstub", "struct kstub_view"), "but kstub");
	}
	file_close(&f);
	free(steal(c.exec_file));
	free(steal(c.library));

	o = (struct companion_options){ .vmlinux = none, .is_taken = is_free };
	if (fine(symbols_types(none, TYPES_DWARF, &o.types)) && fine(companion_files(root, &o, &c))) {
		if (tap_ok(file_open(c.exec_file, &f), "DWARF for a kernel without per-CPU variables"))
			check_view(&f, false);
		file_close(&f);
		free(steal(c.exec_file));
		free(steal(c.library));
	}

	o = (struct companion_options){ .vmlinux = NULL };
	if (tap_ok(fine(companion_files(root, &o, &c)), "a companion without a vmlinux")) {
		tap_ok(!file_open(c.exec_file, &f), "has no variables");
		file_close(&f);
		_cleanup_symbols_ struct symbols *made = NULL;
		struct symbol found;
		tap_ok(fine(symbols_open(c.exec_file, &made)) && symbols_lookup(made, "stack_freed", &found),
		       "but marks");
	}
	free(c.exec_file);
	free(c.library);
}

static bool put_types(const char *path, size_t at, const void *bytes, size_t len)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && pwrite(fd, bytes, len, (off_t)at) == (ssize_t)len;
}

/* What DWARF says is looked for once, and again when the file is of another vmlinux or damaged. */
static void test_kept(void)
{
	_cleanup_symbols_ struct symbols *s = fixture("percpu.elf");
	struct types *t;
	char path[128];
	const uint64_t mine = 0x1234, other = 0;
	uint64_t *types = NULL;
	snprintf(path, sizeof(path), "%s/percpu-types", root);
	unlink(path);
	if (!s || !fine(symbols_types(s, TYPES_DWARF, &t)) || !fine(percpu_types(s, t, root, NULL, &types)))
		return;
	uint64_t first = types[0];
	free(steal(types));
	tap_ok(first && put_types(path, 64, &mine, sizeof(mine)) && fine(percpu_types(s, t, root, NULL, &types)) &&
	       types[0] == mine, "types out of DWARF are kept");
	free(steal(types));
	tap_ok(put_types(path, 40, &other, sizeof(other)) && fine(percpu_types(s, t, root, NULL, &types)) &&
	       types[0] == first, "but not those of another file");
	free(steal(types));
	tap_ok(put_types(path, 64, &mine, sizeof(mine)) && !truncate(path, 64 + 8 * NVARIABLES - 1) &&
	       fine(percpu_types(s, t, root, NULL, &types)) && types[0] == first, "nor half a file");
	free(types);
}

/* An ELF file of nothing but these two sections. */
static bool write_elf(const char *path, const struct dwarf_writer *w)
{
	static const char names[] = "\0.debug_info\0.debug_abbrev\0.shstrtab";
	Elf64_Ehdr h = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_ehsize = sizeof(h),
		.e_shoff = sizeof(h), .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = 4, .e_shstrndx = 3,
	};
	size_t at = sizeof(h) + 4 * sizeof(Elf64_Shdr);
	const Elf64_Shdr s[4] = {
		[1] = { .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = at, .sh_size = w->info.len },
		[2] = { .sh_name = 13, .sh_type = SHT_PROGBITS, .sh_offset = at + w->info.len, .sh_size = w->abbrev.len },
		[3] = { .sh_name = 27, .sh_type = SHT_STRTAB, .sh_offset = at + w->info.len + w->abbrev.len,
			.sh_size = sizeof(names) },
	};
	_cleanup_fclose_ FILE *f = fopen(path, "we");
	return f && fwrite(&h, sizeof(h), 1, f) && fwrite(s, sizeof(s), 1, f) &&
	       fwrite(w->info.data, w->info.len, 1, f) && fwrite(w->abbrev.data, w->abbrev.len, 1, f) &&
	       fwrite(names, sizeof(names), 1, f);
}

/* A type that is used before it is written, one that never is, and children. */
static void test_writer(void)
{
	struct dwarf_writer w;
	struct file f;
	Dwarf_Die die, type, child;
	Dwarf_Attribute attr;
	Dwarf_Sword value;
	char path[128];
	snprintf(path, sizeof(path), "%s/by-hand", root);
	dwarf_writer_init(&w, "unit");
	uint32_t later = dwarf_label(&w), never = dwarf_label(&w);
	for (int i = 0; i < 2; i++) {
		dwarf_open(&w, DW_TAG_variable, 0);
		dwarf_name(&w, i ? "b" : "a");
		dwarf_type(&w, i ? never : later);
		dwarf_address(&w, 0x8070605040302010);
		dwarf_close(&w);
	}
	dwarf_open(&w, DW_TAG_enumeration_type, later);
	dwarf_name(&w, "later");
	dwarf_number(&w, DW_AT_byte_size, 300);
	dwarf_close_with_children(&w);
	dwarf_open(&w, DW_TAG_enumerator, 0);
	dwarf_name(&w, "inside");
	dwarf_signed(&w, DW_AT_const_value, -300);
	dwarf_close(&w);
	dwarf_children_end(&w);
	if (!tap_ok(fine(dwarf_writer_finish(&w)) && write_elf(path, &w) && file_open(path, &f), "DWARF by hand"))
		return;
	tap_is_str(dwarf_diename(&f.unit), "unit", "the unit's name");
	tap_ok(child_of(&f.unit, DW_TAG_variable, "a", &die) && type_of(&die, &type) &&
	       number(&type, DW_AT_byte_size) == 300, "a type that was written after its use");
	tap_ok(child_of(&type, DW_TAG_enumerator, "inside", &child) &&
	       dwarf_attr(&child, DW_AT_const_value, &attr) && !dwarf_formsdata(&attr, &value) && value == -300,
	       "and has a child");
	tap_ok(child_of(&f.unit, DW_TAG_variable, "b", &die) && type_of(&die, &type) &&
	       dwarf_tag(&type) == DW_TAG_unspecified_type, "one that was never written is void");
	tap_is_u64(address_of(&f, "a", "enum later"), 0x8070605040302010, "an address");
	/* The second variable's code is the first one's. */
	tap_is_u64(w.abbrev.len, 5 * 5 + 2 * (2 + 3 + 2 + 2 + 1) + 1, "entries of one shape share an abbreviation");
	file_close(&f);
	check_verified(path);
	dwarf_writer_deinit(&w);
}

int main(void)
{
	if (!mkdtemp(root))
		return 1;
	test_writer();
	test_fixture("percpu.elf", TYPES_DWARF);
	test_fixture("percpu-high.elf", TYPES_DWARF);
	test_fixture("percpu-btf.elf", TYPES_BTF);
	test_btf_without_variables();
	test_left_out();
	test_kept();
	cache_remove_tree(root);
	return tap_done();
}

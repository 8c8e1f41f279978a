/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/module.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/base/cleanup.h"
#include "stub/linux/layout.h"
#include "symbols/prepared.h"

enum { MODULES_MAX = 4096, SECTIONS_MAX = 1024, NOTE_MAX = 256 };

struct module_layout {
	struct member list, name, state, sect_attrs, percpu;
	struct member core_base, core_size, core_text_size, init_size;
	struct member mem, mem_base, mem_size, mem_sizeof;
	struct member sects_count, sects_attrs, sects_bin_attrs;
	struct member attr_sizeof, attr_name, attr_address;
	struct member bin_sizeof, bin_name, bin_private;
};

#define ROW(type, member, field) { type, member, offsetof(struct module_layout, field) }
static const struct layout_row rows[] = {
	ROW("module", "list", list),
	ROW("module", "name", name),
	ROW("module", "state", state),
	ROW("module", "sect_attrs", sect_attrs),
	ROW("module", "percpu", percpu),
	/* 6.4 (commit ac3b43283923) put an array of regions in the place of the two layouts. */
	ROW("module", "mem", mem),
	ROW("module_memory", "base", mem_base),
	ROW("module_memory", "size", mem_size),
	ROW("module_memory", NULL, mem_sizeof),
	ROW("module", "core_layout.base", core_base),
	ROW("module", "core_layout.size", core_size),
	ROW("module", "core_layout.text_size", core_text_size),
	ROW("module", "init_layout.size", init_size),
	/* 6.14 dropped module_sect_attrs.nsections and struct module_sect_attr: the attributes
	 * are bin_attributes then, the address is in `private`, and a NULL in the group's list
	 * ends them. 5.8 (commit ed66f991bb19) made the name a part of a bin_attribute. */
	ROW("module_sect_attrs", "nsections", sects_count),
	ROW("module_sect_attrs", "attrs", sects_attrs),
	ROW("module_sect_attrs", "grp.bin_attrs|grp.bin_attrs_new", sects_bin_attrs),
	ROW("module_sect_attr", NULL, attr_sizeof),
	ROW("module_sect_attr", "battr.attr.name|name", attr_name),
	ROW("module_sect_attr", "address", attr_address),
	ROW("bin_attribute", NULL, bin_sizeof),
	ROW("bin_attribute", "attr.name", bin_name),
	ROW("bin_attribute", "private", bin_private),
};
#undef ROW
enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

static struct error *need(const struct module_layout *l, size_t field)
{
	for (size_t i = 0; i < NROWS; i++)
		if (rows[i].at == field)
			return layout_need((const struct member *)((const char *)l + field), &rows[i]);
	return NULL;
}
#define NEED(l, field) need(l, offsetof(struct module_layout, field))

/* As /proc/modules prints them: address of the text, bytes of all parts (kernel/module/procfs.c). */
static struct error *read_memory(struct kernel *k, const struct module_layout *l, struct module *m)
{
	struct error *err;
	if (!l->mem.present) {
		uint64_t init_size = 0;
		err = NEED(l, core_base);
		if (!err)
			err = kernel_read_member(k, m->addr, &l->core_base, &m->base);
		if (!err)
			err = kernel_read_member(k, m->addr, &l->core_size, &m->size);
		if (!err && l->init_size.present)
			err = kernel_read_member(k, m->addr, &l->init_size, &init_size);
		if (!err && l->core_text_size.present)
			err = kernel_read_member(k, m->addr, &l->core_text_size, &m->text_size);
		m->text_base = m->base;
		m->regions[0] = (struct phys_range){ m->base, m->base + m->size };
		m->nregions = 1;
		m->size += init_size;
		return err;
	}
	err = NEED(l, mem_base);
	if (!err)
		err = NEED(l, mem_size);
	if (err)
		return err;
	uint64_t count = l->mem.count < MODULE_REGIONS ? l->mem.count : MODULE_REGIONS;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = m->addr + l->mem.offset + i * l->mem_sizeof.size, base, size;
		err = kernel_read_member(k, at, &l->mem_base, &base);
		if (!err)
			err = kernel_read_member(k, at, &l->mem_size, &size);
		if (err)
			return err;
		if (i == 0) {   /* MOD_TEXT */
			m->base = m->text_base = base;
			m->text_size = size;
		}
		m->size += size;
		if (size && base)
			m->regions[m->nregions++] = (struct phys_range){ base, base + size };
	}
	return NULL;
}

struct sections_walk {
	uint64_t first;                 /* address of attribute 0 */
	uint64_t stride;
	struct member name, address;
	uint64_t count;
};

static struct error *start_sections(struct kernel *k, const struct module_layout *l, uint64_t attrs,
				    struct sections_walk *w)
{
	struct error *err = NEED(l, sects_attrs);
	if (err)
		return err;
	w->first = attrs + l->sects_attrs.offset;
	if (l->attr_address.present && l->sects_count.present) {
		w->stride = l->attr_sizeof.size;
		w->name = l->attr_name;
		w->address = l->attr_address;
		err = NEED(l, attr_name);
		return err ? err : kernel_read_member(k, attrs, &l->sects_count, &w->count);
	}
	w->stride = l->bin_sizeof.size;
	w->name = l->bin_name;
	w->address = l->bin_private;
	err = NEED(l, bin_private);
	if (!err)
		err = NEED(l, sects_bin_attrs);
	uint64_t list, entry = 1;
	if (!err)
		err = kernel_read_member(k, attrs, &l->sects_bin_attrs, &list);
	for (w->count = 0; !err && w->count < SECTIONS_MAX; w->count++) {
		err = kernel_read_u64(k, list + w->count * 8, &entry);
		if (!err && !entry)
			break;
	}
	return err;
}

static struct error *read_sections(struct kernel *k, const struct module_layout *l, struct module *m)
{
	struct sections_walk w;
	uint64_t attrs;
	struct error *err = NEED(l, sect_attrs);
	if (!err)
		err = kernel_read_member(k, m->addr, &l->sect_attrs, &attrs);
	if (err || !attrs)
		return err;
	err = start_sections(k, l, attrs, &w);
	if (err)
		return err;
	if (w.count > SECTIONS_MAX)
		return error_new(ERROR_FORMAT, "%llu sections: not believed", (unsigned long long)w.count);
	m->sections = calloc(w.count ? w.count : 1, sizeof(*m->sections));
	if (!m->sections)
		return error_nomem();
	for (uint64_t i = 0; i < w.count; i++) {
		struct module_section *s = &m->sections[m->nsections];
		uint64_t at = w.first + i * w.stride, name;
		err = kernel_read_member(k, at, &w.name, &name);
		if (!err)
			err = kernel_read_text(k, name, s->name, sizeof(s->name));
		if (!err)
			err = kernel_read_member(k, at, &w.address, &s->addr);
		if (err)
			return err;
		m->nsections++;
	}
	return NULL;
}

static const struct module_section *section_of(const struct module *m, const char *name)
{
	for (size_t i = 0; i < m->nsections; i++)
		if (!strcmp(m->sections[i].name, name))
			return &m->sections[i];
	return NULL;
}

/* The note stays loaded with the module, under every configuration that has sections in sysfs. */
static void read_build_id(struct kernel *k, struct module *m)
{
	const struct module_section *s = section_of(m, ".note.gnu.build-id");
	unsigned char note[NOTE_MAX];
	size_t got = 0;
	if (!s || !k->as)
		return;
	struct error *err = aspace_read_some(k->as, s->addr, note, sizeof(note), &got);
	if (err || !build_id_from_notes(note, got, &m->build_id))
		m->build_id.len = 0;
	error_free(err);
}

static struct error *read_module(struct kernel *k, const struct module_layout *l, struct module *m)
{
	uint64_t state = 0;
	size_t cap = l->name.size < sizeof(m->name) ? l->name.size : sizeof(m->name);
	struct error *err = kernel_read_text(k, m->addr + l->name.offset, m->name, cap);
	if (err)
		return err;
	/* Also what a debugger prints: a name that is no name means that this is no module. */
	for (const char *c = m->name; *c; c++)
		if (*c <= ' ' || *c > '~')
			return error_at(ERROR_FORMAT, m->addr, "a module whose name is garbage");
	if (!m->name[0])
		return error_at(ERROR_FORMAT, m->addr, "a module without a name");
	if (l->state.present)
		err = kernel_read_member(k, m->addr, &l->state, &state);
	m->state = (unsigned)state;
	if (!err)
		err = read_memory(k, l, m);
	if (!err && l->percpu.present)
		err = kernel_read_member(k, m->addr, &l->percpu, &m->percpu);
	if (err)
		return err;
	err = read_sections(k, l, m);
	if (err) {
		if (err->code == ERROR_NOMEM)
			return err;
		kernel_warn(k, "module %s: its sections cannot be read: %s", m->name, err->text);
		error_free(err);
		m->nsections = 0;
	}
	read_build_id(k, m);
	return NULL;
}

static struct error *add_module(struct kernel *k, const struct module_layout *l, uint64_t addr)
{
	struct module *longer = reallocarray(k->modules, k->nmodules + 1, sizeof(*longer));
	if (!longer)
		return error_nomem();
	k->modules = longer;
	struct module *m = &k->modules[k->nmodules];
	*m = (struct module){ .addr = addr };
	struct error *err = read_module(k, l, m);
	if (err)
		free(m->sections);
	else
		k->nmodules++;
	return err;
}

static void note_damage(struct kernel *k, struct error *err)
{
	const char *last = k->nmodules ? k->modules[k->nmodules - 1].name : "its head";
	free(k->modules_damage);
	if (asprintf(&k->modules_damage, "module list damaged after %s: %s", last, err->text) < 0)
		k->modules_damage = NULL;
	error_free(err);
}

static bool is_known(const struct kernel *k, uint64_t addr)
{
	for (size_t i = 0; i < k->nmodules; i++)
		if (k->modules[i].addr == addr)
			return true;
	return false;
}

struct error *modules_read(struct kernel *k)
{
	struct module_layout l;
	uint64_t head, next;
	struct error *err = kernel_symbol(k, "modules", &head);
	if (err && err->code == ERROR_NOT_FOUND) {
		error_free(err);        /* CONFIG_MODULES=n */
		return NULL;
	}
	if (!err)
		err = layout_resolve(k->types, rows, NROWS, &l);
	if (!err)
		err = NEED(&l, list);
	if (!err)
		err = NEED(&l, name);
	if (err)
		return err;
	err = kernel_read_u64(k, head, &next);
	while (!err && next != head) {
		uint64_t addr = next - l.list.offset;
		if (is_known(k, addr))
			err = error_at(ERROR_FORMAT, addr, "the list runs in a circle");
		else if (k->nmodules == MODULES_MAX)
			err = error_at(ERROR_FORMAT, addr, "more modules than kstub believes");
		else
			err = add_module(k, &l, addr);
		if (!err)
			err = kernel_read_u64(k, next, &next);
	}
	if (err && err->code != ERROR_NOMEM) {
		note_damage(k, err);
		return NULL;
	}
	return err;
}

void modules_free(struct kernel *k)
{
	for (size_t i = 0; i < k->nmodules; i++) {
		struct module *m = &k->modules[i];
		free(m->sections);
		free(m->path);
		free(m->missing);
		symbols_close(m->symbols);
	}
	free(k->modules);
	k->modules = NULL;
	k->nmodules = 0;
}

static struct error *find_file(struct kernel *k, struct find_modules *files, struct module *m, char **warning)
{
	if (!m->nsections)
		return error_new(ERROR_NOT_FOUND, "the kernel does not say where its sections are");
	struct error *err = find_module(files, m->name, &m->build_id, k->cache_dir, &m->symbols);
	if (!err)
		err = prepared_module(m->symbols, k->types, k->cache_dir, m->name, &m->path, warning);
	return err;
}

struct error *modules_find_files(struct kernel *k, const struct kernel_options *o)
{
	_cleanup_find_modules_ struct find_modules *files = NULL;
	_cleanup_free_ char *first = NULL;
	size_t nwarnings = 0;
	if (!k->nmodules)
		return NULL;
	struct error *err = find_modules_open(&o->find, k->release ? k->release : "", &files);
	for (size_t i = 0; i < k->nmodules && !err; i++) {
		struct module *m = &k->modules[i];
		_cleanup_free_ char *warning = NULL;
		_cleanup_error_ struct error *missing = find_file(k, files, m, &warning);
		if (missing)
			m->missing = strdup(missing->text);
		if (warning && !nwarnings++)
			first = steal(warning);
	}
	/* A dialect of ORC that is not known is that of all of them. */
	if (first)
		kernel_warn(k, "%s%s", first, nwarnings > 1 ? "; so it is with other modules" : "");
	return err;
}

struct module *module_by_address(struct kernel *k, uint64_t addr)
{
	for (size_t i = 0; i < k->nmodules; i++)
		for (unsigned r = 0; r < k->modules[i].nregions; r++)
			if (addr >= k->modules[i].regions[r].start && addr < k->modules[i].regions[r].end)
				return &k->modules[i];
	return NULL;
}

/*
 * Nothing of the kernel is ever mapped in the last 2 MiB of addresses ("unused hole",
 * Documentation/arch/x86/x86_64/mm.rst), so an address there is met by no program counter. Every
 * section has one of its own: gdb takes two libraries with an equal lowest address for one.
 */
static const uint64_t UNUSED_HOLE = 0xffffffffffe00000;

static uint64_t section_address(const struct module *m, const char *name)
{
	/* The kernel frees these once a module is live, and sysfs keeps stale addresses. */
	if (m->state == MODULE_LIVE && !strncmp(name, ".init.", 6))
		return 0;
	/* Not in sysfs: the kernel takes it out of the module (kernel/module/main.c, layout_and_allocate). */
	if (!strcmp(name, PERCPU_SECTION))
		return m->percpu;
	const struct module_section *s = section_of(m, name);
	return s ? s->addr : 0;
}

struct error *module_gdb_sections(struct kernel *k, struct module *m, uint64_t **ret, size_t *n_ret)
{
	size_t nsections, n = 0, module_index = (size_t)(m - k->modules);
	if (!m->symbols)
		return error_new(ERROR_NOT_FOUND, "module %s has no file", m->name);
	const struct section *sections = symbols_sections(m->symbols, &nsections);
	_cleanup_free_ uint64_t *addrs = calloc(nsections ? nsections : 1, sizeof(*addrs));
	if (!addrs)
		return error_nomem();
	for (size_t i = 0; i < nsections; i++) {
		if (!(sections[i].flags & SHF_ALLOC))
			continue;
		uint64_t addr = section_address(m, sections[i].name);
		addrs[n] = addr ? addr : UNUSED_HOLE + (module_index << 8) % 0x1ff000 + n;
		n++;
	}
	*ret = steal(addrs);
	*n_ret = n;
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts, open files, interrupts, run queues and memory counters of a kernel in small
 * (tables-fixture.c), in the layout of each era; then with its lists, trees and names damaged.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stub/linux/cpus.h"
#include "stub/linux/file.h"
#include "stub/linux/irq.h"
#include "stub/linux/kernel.h"
#include "stub/linux/maple.h"
#include "stub/linux/mm.h"
#include "stub/linux/mount.h"
#include "stub/linux/rbtree.h"
#include "stub/linux/sched.h"
#include "stub/linux/tests/small-kernel.h"

static struct error *read_regs(struct target *t, unsigned cpu, struct regs *ret)
{
	(void)cpu;
	*ret = ((struct memory *)t)->regs;
	return NULL;
}

static const struct target_ops ops = { "memory", close_nothing, read_ram, read_regs, NULL, NULL };
static const struct phys_range ranges[] = { { 0, RAM } };

struct scene {
	struct memory *m;
	struct kernel *k;
	int era;
	struct buffer text;             /* what was collected */
	char *damage;
};

static uint64_t symbol(struct scene *c, const char *name)
{
	uint64_t at = 0;
	struct error *err = kernel_symbol(c->k, name, &at);
	if (err)
		tap_ok(false, "%s", err->text);
	error_free(err);
	return at;
}

/* Overwrites the member of a struct in the kernel's memory. */
static void set(struct scene *c, const char *name, const char *type, const char *member, uint64_t value)
{
	struct member m = { .size = 0 };
	struct error *err = types_member(c->k->types, type, member, &m);
	if (err)
		tap_ok(false, "%s", err->text);
	error_free(err);
	memcpy(c->m->ram + phys(symbol(c, name) + m.offset), &value, m.size);
}

static bool open_scene(struct scene *c, struct memory *m, int era)
{
	const char *builddir = getenv("top_builddir");
	char path[512];
	*c = (struct scene){ .m = m, .era = era, .text = BUFFER_INIT };
	snprintf(path, sizeof(path), "%s/stub/linux/tests/tables-%d.elf", builddir ? builddir : ".", era);
	if (!load(m, path))
		return false;
	m->t.vmcoreinfo = m->note;
	m->t.vmcoreinfo_len = strlen(m->note);
	struct kernel_options o = { .find = { .vmlinux = path, .no_debuginfod = true } };
	_cleanup_error_ struct error *err = kernel_open(&m->t, &o, &c->k);
	if (err)
		tap_diag("%s", err->text);
	return !err && c->k->types && c->k->npercpu == 4;
}

static void close_scene(struct scene *c)
{
	kernel_close(c->k);
	buffer_deinit(&c->text);
	free(c->damage);
}

static void restart(struct scene *c)
{
	buffer_clear(&c->text);
	free(c->damage);
	c->damage = NULL;
}

/* What was collected, and what is wrong with it. */
static void expect(struct scene *c, struct error *err, const char *want, const char *damage, const char *what)
{
	char name[160];
	snprintf(name, sizeof(name), "era %d: %s", c->era, what);
	if (err)
		buffer_printf(&c->text, "error: %s", err->text);
	tap_is_str(buffer_text(&c->text), want, name);
	if (damage ? !c->damage || !strstr(c->damage, damage) : c->damage != NULL)
		tap_ok(false, "%s: its damage is '%s', not '%s'", name, c->damage ? c->damage : "", damage ? damage : "");
	error_free(err);
	restart(c);
}

static void put_mount(void *arg, const struct mount *m)
{
	struct scene *c = arg;
	buffer_printf(&c->text, "%s %.*s %s|", *m->device ? m->device : "-", m->dir ? (int)m->dir_len : 1,
		      m->dir ? m->dir : "-", *m->type ? m->type : "-");
}

static struct error *mounts(struct scene *c, const char *task)
{
	struct task t = { .addr = symbol(c, task), .pid = 7 };
	return mounts_each(c->k, &t, put_mount, c, &c->damage);
}

static void put_file(void *arg, const struct open_file *f)
{
	struct scene *c = arg;
	buffer_printf(&c->text, "%u %s %.*s|", f->fd, f->type, f->path ? (int)f->path_len : 1, f->path ? f->path : "-");
}

static struct error *files(struct scene *c)
{
	struct task t = { .addr = symbol(c, "task"), .pid = 7 };
	return files_each(c->k, &t, put_file, c, &c->damage);
}

static struct error *places(struct scene *c, const char *task)
{
	struct task t = { .addr = symbol(c, task), .pid = 7 };
	_cleanup_buffer_ struct buffer cwd = BUFFER_INIT;
	struct error *err = files_places(c->k, &t, &c->text, &cwd);
	buffer_printf(&c->text, "|%s|", buffer_text(&cwd));
	return err;
}

static void put_irq(void *arg, const struct irq *irq)
{
	struct scene *c = arg;
	buffer_printf(&c->text, "%s %" PRIu64, irq->name, irq->total);
	for (unsigned i = 0; i < 2 && irq->counts; i++)
		buffer_printf(&c->text, " %" PRIu64, irq->counts[i]);
	buffer_printf(&c->text, " %s;%s;%s|", irq->chip, irq->type, irq->actions);
}

static struct error *irqs(struct scene *c)
{
	static const unsigned cpus[] = { 0, 2 };
	return irqs_each(c->k, cpus, 2, put_irq, c, &c->damage);
}

static void check_irqs(struct scene *c)
{
	char want[1024];
	static const char descriptors[] =
		"0 202 100 102 IO-APIC;2-edge;timer|9 0 0 0 None;-fasteoi;ahci[0000], eth0|300 1 0 1 IO-APIC;7;|";
	static const char members[] =
		"NMI 22 10 12 ;;Non-maskable interrupts|LOC 42 20 22 ;;Local timer interrupts|"
		"MCE 2 0 2 ;;Machine check exceptions|HYP 82 40 42 ;;Hypervisor callback interrupts|ERR 77 ;;|";
	static const char counts[] = "NMI 22 10 12 ;;Non-maskable interrupts|LOC 62 30 32 ;;Local timer interrupts|";
	if (c->era == 3) {
		snprintf(want, sizeof(want), "%.*s%s", (int)(strstr(descriptors, "300") - descriptors), descriptors,
			 counts);
		expect(c, irqs(c), want, NULL, "interrupts: those that the kernel says it shows");
		return;
	}
	snprintf(want, sizeof(want), "%s%s", descriptors, members);
	expect(c, irqs(c), want, NULL, "interrupts: not the hidden, the chained, nor one that never came");
	uint64_t callback = 0xffffffff81000000;
	memcpy(c->m->ram + phys(symbol(c, "x86_platform_ipi_callback")), &callback, 8);
	snprintf(want, sizeof(want), "%s%.*s%s%s", descriptors, (int)(strstr(members, "MCE") - members), members,
		 "PLT 62 30 32 ;;Platform interrupts|", strstr(members, "MCE"));
	expect(c, irqs(c), want, NULL, "one that only some platforms have");
}

static void check_cpus(struct scene *c)
{
	struct tasks nobody = { .n = 0 };
	_cleanup_free_ struct run_queue *q = NULL;
	size_t n = 0;
	_cleanup_error_ struct error *err = sched_run_queues(c->k, &nobody, &q, &n);
	for (size_t i = 0; !err && i < n; i++)
		buffer_printf(&c->text, "%u %" PRIu64 " %" PRIx64 " %d|", q[i].cpu, q[i].nr_running, q[i].preempt_count,
			      q[i].knows_running && q[i].knows_preempt && !q[i].current);
	expect(c, NULL, c->era == 3 ? "0 3 1000200010002 1|2 0 0 1|" : "0 3 10002 1|2 0 0 1|", NULL, "run queues of the CPUs that are present");
}

static void check_memory(struct scene *c)
{
	struct mm_counts counts = { .span = 0 };
	struct mm_usage u = { 0 }, young = { 0 };
	struct error *err = mm_counts_open(c->k, &counts);
	if (!err)
		err = mm_counts_read(&counts, c->k, symbol(c, "mm"), &u);
	if (!err)
		err = mm_counts_read(&counts, c->k, symbol(c, "mm_young"), &young);
	tap_ok(!err, "era %d: memory counters (%s)", c->era, err ? err->text : "");
	tap_is_u64(u.total, 100, "pages of a process");
	tap_is_u64(u.resident, 1 + 20 + 4000, "of files, anonymous and shared ones, without swap");
	tap_is_u64(young.resident, 5, "a negative counter is none");
	tap_is_u64(counts.total_ram, 40000, "pages of RAM");
	error_free(err);
}

static struct error *put_range(void *arg, uint64_t first, uint64_t last, uint64_t entry)
{
	struct scene *c = arg;
	buffer_printf(&c->text, "%" PRIu64 "-%" PRIu64 "%s|", first, last, entry == symbol(c, "desc_9") ? " nine" : "");
	return NULL;
}

static void check_maple(struct scene *c)
{
	if (c->era == 1) {
		expect(c, maple_walk(c->k, symbol(c, "task"), put_range, c),
		       "error: this kernel has no member 'ma_root' in struct maple_tree", NULL, "no maple trees");
		return;
	}
	expect(c, maple_walk(c->k, symbol(c, "sparse_irqs"), put_range, c),
	       "0-0|1-1|2-2|3-3|9-9 nine|300-300|", NULL, "a maple tree");
	expect(c, maple_walk(c->k, symbol(c, "single"), put_range, c), "0-0 nine|", NULL, "one of an entry at 0");
	expect(c, maple_walk(c->k, symbol(c, "empty"), put_range, c), "", NULL, "an empty one");
	/* The last slot of a node has no pivot of its own. */
	set(c, "leaf_two", "maple_range_64", "pivot[2]", 301);
	set(c, "leaf_two", "maple_range_64", "slot[2]", symbol(c, "desc_9"));
	set(c, "leaf_two", "maple_range_64", "slot[3]", 0);
	expect(c, maple_walk(c->k, symbol(c, "sparse_irqs"), put_range, c),
	       "0-0|1-1|2-2|3-3|9-9 nine|300-300|301-301 nine|", NULL, "another entry");
	set(c, "leaf_two", "maple_range_64", "slot[3]", symbol(c, "desc_9"));
	expect(c, maple_walk(c->k, symbol(c, "sparse_irqs"), put_range, c),
	       "0-0|1-1|2-2|3-3|9-9 nine|300-300|301-301 nine|302-18446744073709551615 nine|", NULL,
	       "the rest of a node's range");
	set(c, "leaf_two", "maple_range_64", "slot[2]", 0x406);
	set(c, "leaf_two", "maple_range_64", "slot[3]", 0);
	expect(c, maple_walk(c->k, symbol(c, "sparse_irqs"), put_range, c),
	       "0-0|1-1|2-2|3-3|9-9 nine|300-300|", NULL, "an entry that is being changed is none");
}

static void check_scene(struct scene *c)
{
	expect(c, mounts(c, "task"), "rootfs / rootfs|none /mnt fuse.sshfs|/dev/vda1 /mnt/a b\xff ext4|", NULL,
	       "mounts, without those that nobody reaches");
	expect(c, mounts(c, "jailed"), "none / fuse.sshfs|/dev/vda1 /a b\xff ext4|", NULL, "as seen from another root");
	expect(c, mounts(c, "gone"), "error: PID 7 has exited: it has no mounts any more", NULL, "who has exited");
	expect(c, files(c), "0 REG /mnt/a b\xff/file|1 REG /gone (deleted)|2 CHR /null|4 BLK /disk|5 DIR /|"
	       "6 FIFO pipe:[1207]|7 SOCK socket:[1236]|8 UNKN anon_inode:[eventfd]|9 REG /memfd:a b (deleted)|"
	       "10 REG mnt:[4026531841]|11 REG anon_inode:[pidfd]|12 REG /dmabuf:a buffer|13 REG /ns|600 CHR /null|",
	       NULL, "open files");
	expect(c, places(c, "task"), "/|/mnt/a b\xff|", NULL, "root and working directory");
	expect(c, places(c, "jailed"), "/mnt|/gone (deleted)|", NULL, "of one with another root");
	check_cpus(c);
	check_memory(c);
	check_irqs(c);
	check_maple(c);
}

static const uint64_t NOWHERE = 0xffffffffa0000000;

/* Each damages one thing; what is before it is still there, and a word says what is wrong. */
struct damage {
	const char *what;
	int era;
	struct error *(*list)(struct scene *c);
	const char *want, *damage;
	const char *name, *type, *member;       /* what is overwritten: */
	const char *with;                       /* by the address of a symbol; NULL: by `value` */
	uint64_t value;
};

static struct error *task_mounts(struct scene *c)
{
	return mounts(c, "task");
}

#define BEFORE_DATA "rootfs / rootfs|"
#define BEFORE_OVER BEFORE_DATA "none /mnt fuse.sshfs|"
#define AFTER_DATA "/dev/vda1 /mnt/a b\xff ext4|"
#define WHOLE BEFORE_OVER "/dev/vda1 /mnt/a b\xff ext4|"
#define FIRST_FILE "0 REG /mnt/a b\xff/file|"
#define OTHER_FILES "1 REG /gone (deleted)|2 CHR /null|4 BLK /disk|5 DIR /|"
#define LAST_FILES "7 SOCK socket:[1236]|8 UNKN anon_inode:[eventfd]|9 REG /memfd:a b (deleted)|" \
	"10 REG mnt:[4026531841]|11 REG anon_inode:[pidfd]|12 REG /dmabuf:a buffer|13 REG /ns|600 CHR /null|"
#define PIPE "6 FIFO pipe:[1207]|"
#define ARCH "NMI 22 10 12 ;;Non-maskable interrupts|LOC 42 20 22 ;;Local timer interrupts|" \
	"MCE 2 0 2 ;;Machine check exceptions|HYP 82 40 42 ;;Hypervisor callback interrupts|ERR 77 ;;|"
#define IRQ_0 "0 202 100 102 IO-APIC;2-edge;timer|"
#define IRQ_9 "9 0 0 0 None;-fasteoi;ahci[0000], eth0|"
#define IRQ_300 "300 1 0 1 IO-APIC;7;|"

static const struct damage damages[] = {
	{ "a list of mounts into nothing", 1, task_mounts, BEFORE_DATA, "not all here",
	  "cursor", "mount", "mnt_list.next", NULL, NOWHERE },
	{ "a tree of mounts into nothing", 2, task_mounts, BEFORE_OVER, "not all here",
	  "m_data", "mount", "mnt_node.rb_right", NULL, NOWHERE },
	{ "the first of a tree of mounts", 2, task_mounts, "none /mnt fuse.sshfs|" AFTER_DATA, "not all here",
	  "m_data", "mount", "mnt_node.rb_left", NULL, NOWHERE },
	{ "a mount whose super block is not there", 2, task_mounts, BEFORE_DATA "none /mnt -|" AFTER_DATA, "mount 0x",
	  "m_data", "mount", "mnt.mnt_sb", NULL, NOWHERE },
	{ "a mount whose device is not there", 1, task_mounts, BEFORE_OVER "- /mnt/a b\xff -|", "mount 0x",
	  "m_over", "mount", "mnt_devname", NULL, NOWHERE },
	{ "a name longer than any", 2, files, FIRST_FILE "1 REG -|2 CHR /null|4 BLK /disk|5 DIR /|" PIPE LAST_FILES,
	  "descriptor 1: a path that is longer", "d_gone", "dentry", "d_name.len", NULL, 0xffffffff },
	{ "a name that is not there", 2, files, FIRST_FILE "1 REG -|2 CHR /null|4 BLK /disk|5 DIR /|" PIPE LAST_FILES,
	  "descriptor 1", "d_gone", "dentry", "d_name.name", NULL, NOWHERE },
	{ "a file that is not there", 2, files, FIRST_FILE OTHER_FILES "6 UNKN -|" LAST_FILES,
	  "descriptor 6", "f_pipe", "file", "f_inode", NULL, NOWHERE },
	{ "a table of descriptors that is not there", 2, files, "", "descriptor 0",
	  "files", "files_struct", "fdt", NULL, NOWHERE },
	{ "an interrupt without its counts", 1, irqs, IRQ_9 IRQ_300 ARCH, "interrupt 0: ",
	  "desc_0", "irq_desc", "kstat_irqs", NULL, NOWHERE },
	{ "a handler whose name is not there", 2, irqs, "0 202 100 102 IO-APIC;2-edge;|" IRQ_9 IRQ_300 ARCH, "interrupt 0: ",
	  "timer", "irqaction", "name", NULL, NOWHERE },
	{ "a chip that is not there", 2, irqs, "0 202 100 102 -;;timer|" IRQ_9 IRQ_300 ARCH, "interrupt 0: ",
	  "desc_0", "irq_desc", "irq_data.chip", NULL, NOWHERE },
	{ "a radix tree into nothing", 1, irqs, ARCH, "not all here",
	  "irq_desc_tree", "xarray", "xa_head", NULL, NOWHERE + 2 },
	{ "a maple tree into nothing", 2, irqs, IRQ_0 IRQ_9 ARCH, "not all here",
	  "top", "maple_arange_64", "slot[1]", NULL, NOWHERE + 12 },
	{ "the first node of a maple tree", 2, irqs, IRQ_300 ARCH, "not all here",
	  "top", "maple_arange_64", "slot[0]", NULL, NOWHERE + 12 },
	{ "a maple tree in a circle", 2, irqs, IRQ_0 IRQ_9 ARCH, "outside of the one above",
	  "top", "maple_arange_64", "slot[1]", "top", 3 << 3 | 4 },
	{ "a maple node of no kind", 2, irqs, IRQ_0 IRQ_9 ARCH, "is none",
	  "top", "maple_arange_64", "slot[1]", "leaf_two", 9 << 3 },
	{ "a maple node's ranges out of order", 2, irqs, IRQ_0 IRQ_9 ARCH, "outside of the one above",
	  "leaf_two", "maple_range_64", "pivot[1]", NULL, 5 },
	{ "names of interrupts that are not there", 3, irqs, IRQ_0 IRQ_9, "the architecture's",
	  "irq_stat_info", "irq_stat_info", "symbol", NULL, NOWHERE },
};

static void check_damage(struct memory *m, const struct damage *d)
{
	struct scene c;
	if (!open_scene(&c, m, d->era)) {
		tap_ok(false, "era %d is loaded", d->era);
		return;
	}
	uint64_t value = d->value;
	if (d->with)
		value += symbol(&c, d->with);
	set(&c, d->name, d->type, d->member, value);
	struct error *err = d->list(&c);
	if (err)        /* its address is not what this is about */
		buffer_printf(&c.text, "error: %.29s", err->text);
	error_free(err);
	expect(&c, NULL, d->want, d->damage, d->what);
	close_scene(&c);
}

/* Overwrites a pointer by the address of `with`, or of the member `inner` in it. */
static void point(struct scene *c, const char *name, const char *type, const char *member, const char *with,
		  const char *inner)
{
	struct member at = { .offset = 0 };
	struct error *err = inner ? types_member(c->k->types, type, inner, &at) : NULL;
	error_free(err);
	set(c, name, type, member, symbol(c, with) + at.offset);
}

/* A tree whose nodes have the same child on both sides has more ways through it than time. */
static void check_same_child(struct scene *c)
{
	point(c, "m_over", "mount", "mnt_node.rb_left", "m_away", "mnt_node");
	expect(c, mounts(c, "task"), BEFORE_OVER, "same child twice", "a node with one child on both sides");
}

static void check_tree_circle(struct scene *c)
{
	point(c, "m_over", "mount", "mnt_node.rb_right", "m_data", "mnt_node");
	expect(c, mounts(c, "task"), WHOLE, "point back", "a tree in a circle");
}

static void check_mounts_circle(struct scene *c)
{
	point(c, "m_data", "mount", "mnt_parent", "m_over", NULL);
	point(c, "m_data", "mount", "mnt_mountpoint", "d_ext", NULL);
	point(c, "m_over", "mount", "mnt_mountpoint", "d_fuse", NULL);
	expect(c, mounts(c, "task"), BEFORE_DATA "none - fuse.sshfs|/dev/vda1 - ext4|", "circle",
	       "two mounts on each other");
}

static void check_directories_circle(struct scene *c)
{
	point(c, "d_blank", "dentry", "d_parent", "d_file", NULL);
	point(c, "d_file", "dentry", "d_parent", "d_blank", NULL);
	expect(c, files(c), "0 REG -|" OTHER_FILES PIPE LAST_FILES, "descriptor 0: a path that is longer",
	       "two directories in each other");
}

/* What is behind the table is no file, and its end is where memory ends. */
static void check_many_files(struct scene *c)
{
	static const char rest[] = FIRST_FILE OTHER_FILES PIPE LAST_FILES;
	set(c, "fdtable", "fdtable", "max_fds", 0xffffffff);
	_cleanup_error_ struct error *err = files(c);
	tap_ok(!err && !strncmp(buffer_text(&c->text), rest, strlen(rest)) && c->damage && strstr(c->damage, "descriptor 1024"),
	       "more descriptors than memory: %s", c->damage ? c->damage : "");
}

static void check_handlers_circle(struct scene *c)
{
	point(c, "second", "irqaction", "next", "first", NULL);
	_cleanup_error_ struct error *err = irqs(c);
	tap_ok(!err && strstr(buffer_text(&c->text), IRQ_300 ARCH) && c->damage &&
	       strstr(c->damage, "interrupt 9: more handlers"), "handlers in a circle: %s", c->damage ? c->damage : "");
}

static void check_scenes(struct memory *m)
{
	static void (*const checks[])(struct scene *c) = {
		check_same_child, check_tree_circle, check_mounts_circle, check_directories_circle, check_many_files,
		check_handlers_circle,
	};
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct scene c;
		if (tap_ok(open_scene(&c, m, 2), "era 2 is loaded again"))
			checks[i](&c);
		close_scene(&c);
	}
}

int main(void)
{
	struct memory m = { .t = { .ops = &ops, .arch = &arch_x86_64, .ncpus = 1, .ram = ranges, .nram = 1 } };
	m.ram = malloc(RAM);
	if (!m.ram)
		return 1;
	for (int era = 1; era <= 3; era++) {
		struct scene c;
		if (tap_ok(open_scene(&c, &m, era), "era %d is loaded", era))
			check_scene(&c);
		close_scene(&c);
	}
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
		check_damage(&m, &damages[i]);
	check_scenes(&m);
	free(m.ram);
	return tap_done();
}

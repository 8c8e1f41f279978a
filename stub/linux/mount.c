/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/mount.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "stub/base/cleanup.h"
#include "stub/linux/layout.h"
#include "stub/linux/list.h"
#include "stub/linux/path.h"
#include "stub/linux/rbtree.h"

struct mount_layout {
	struct member nsproxy, fs, mnt_ns, root;
	struct member list, mnt_list, flags;    /* a list, and cursors of readers in it */
	struct member tree, mnt_node;           /* a tree */
};

#define ROW(type, member, field) { type, member, offsetof(struct mount_layout, field) }
static const struct layout_row rows[] = {
	ROW("task_struct", "nsproxy", nsproxy),
	ROW("task_struct", "fs", fs),
	ROW("nsproxy", "mnt_ns", mnt_ns),
	ROW("fs_struct", "root", root),
};
/* 6.8 (commit 2eea9ce4310d) put a tree, in the order of mounting, in the place of the list. */
static const struct layout_row tree_rows[] = {
	ROW("mnt_namespace", "mounts.rb_node", tree),
	ROW("mount", "mnt_node", mnt_node),
};
static const struct layout_row list_rows[] = {
	ROW("mnt_namespace", "list", list),
	ROW("mount", "mnt_list", mnt_list),
	ROW("vfsmount", "mnt_flags", flags),
};
#undef ROW
#define COUNT(rows) (sizeof(rows) / sizeof(rows[0]))

/* MNT_CURSOR of include/linux/mount.h, from 5.8 (commit 9f6c61f96f2d) until the list was gone. */
enum { MNT_CURSOR = 0x10000000 };

struct mounts_walk {
	struct kernel *k;
	struct mount_layout l;
	struct paths paths;
	struct path root;
	void (*visit)(void *arg, const struct mount *m);
	void *arg;
	char **damage;                  /* the first that was met */
};

static struct error *read_device(struct mounts_walk *w, uint64_t mount, char *ret, size_t cap)
{
	uint64_t name;
	struct error *err = kernel_read_member(w->k, mount, &w->paths.l.mnt_devname, &name);
	if (err)
		return err;
	if (name)
		return kernel_read_text(w->k, name, ret, cap);
	snprintf(ret, cap, "none");
	return NULL;
}

/* Takes `err`; keeps the first, and goes on but for want of memory. */
static struct error *note_damage(struct mounts_walk *w, const char *what, uint64_t addr, struct error *err)
{
	if (!err || err->code == ERROR_NOMEM)
		return err;
	if (!*w->damage && asprintf(w->damage, "%s 0x%" PRIx64 ": %s", what, addr, err->text) < 0)
		*w->damage = NULL;
	error_free(err);
	return *w->damage ? NULL : error_nomem();
}

/* Its super block, type and device; what cannot be read stays as it is. */
static struct error *read_mount(struct mounts_walk *w, struct mount *m)
{
	struct error *err = kernel_read_member(w->k, m->addr + w->paths.l.mount_mnt.offset, &w->paths.l.mnt_sb, &m->sb);
	if (!err)
		err = read_device(w, m->addr, m->device, sizeof(m->device));
	return err ? err : paths_type(&w->paths, m->sb, m->type, sizeof(m->type));
}

/* /proc/PID/mounts leaves out what its task cannot reach. */
static struct error *show_mount(struct mounts_walk *w, uint64_t addr)
{
	struct mount m = { .addr = addr };
	struct path at = { .mnt = addr + w->paths.l.mount_mnt.offset };
	bool reached = true;
	struct error *err = note_damage(w, "mount", addr, read_mount(w, &m));
	if (err)
		return err;
	err = kernel_read_member(w->k, at.mnt, &w->paths.l.mnt_root, &at.dentry);
	if (!err)
		err = paths_absolute(&w->paths, at, &w->root, &reached);
	if (!err)
		m.dir = paths_text(&w->paths, &m.dir_len);
	err = note_damage(w, "mount", addr, err);
	if (!err && reached)
		w->visit(w->arg, &m);
	return err;
}

static struct error *visit_list(void *arg, uint64_t node)
{
	struct mounts_walk *w = arg;
	uint64_t addr = node - w->l.mnt_list.offset, flags;
	struct error *err = kernel_read_member(w->k, addr + w->paths.l.mount_mnt.offset, &w->l.flags, &flags);
	if (err || (flags & MNT_CURSOR))
		return err;
	return show_mount(w, addr);
}

static struct error *visit_tree(void *arg, uint64_t node)
{
	struct mounts_walk *w = arg;
	return show_mount(w, node - w->l.mnt_node.offset);
}

static struct error *walk(struct mounts_walk *w, uint64_t ns)
{
	struct error *err = layout_resolve(w->k->types, tree_rows, COUNT(tree_rows), &w->l);
	if (!err && w->l.tree.present)
		return rbtree_walk(w->k, ns + w->l.tree.offset, visit_tree, w);
	if (!err)
		err = layout_require(w->k->types, list_rows, COUNT(list_rows), &w->l);
	return err ? err : list_walk(w->k, ns + w->l.list.offset, LIST_FORWARD, visit_list, w);
}

struct error *mounts_each(struct kernel *k, const struct task *t,
			  void (*visit)(void *arg, const struct mount *m), void *arg, char **damage_ret)
{
	_cleanup_free_ struct mounts_walk *w = calloc(1, sizeof(*w));
	uint64_t proxy, ns, fs;
	if (!w)
		return error_nomem();
	w->k = k;
	w->visit = visit;
	w->arg = arg;
	w->damage = damage_ret;
	*damage_ret = NULL;
	struct error *err = layout_require(k->types, rows, COUNT(rows), &w->l);
	if (!err)
		err = paths_open(k, &w->paths);
	if (!err)
		err = kernel_read_member(k, t->addr, &w->l.nsproxy, &proxy);
	if (!err)
		err = kernel_read_member(k, t->addr, &w->l.fs, &fs);
	if (err)
		return err;
	if (!proxy || !fs)
		return error_new(ERROR_NOT_FOUND, "PID %u has exited: it has no mounts any more", t->pid);
	err = kernel_read_member(k, proxy, &w->l.mnt_ns, &ns);
	if (!err)
		err = paths_read(&w->paths, fs + w->l.root.offset, &w->root);
	if (err)
		return err;
	err = walk(w, ns);
	if (err && err->code == ERROR_NOT_FOUND)
		return err;
	return note_damage(w, "the mounts are not all here: namespace", ns, err);
}

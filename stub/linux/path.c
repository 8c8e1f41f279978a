/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/path.h"

#include <string.h>

#include "stub/linux/layout.h"

/* Names and mounts in all paths of one command; mounts one above the other in one path. */
enum { NAMES_MAX = 4 << 20, MOUNTS_MAX = 4096 };

#define ROW(type, member, field) { type, member, offsetof(struct path_layout, field) }
static const struct layout_row rows[] = {
	ROW("path", "mnt", path_mnt),
	ROW("path", "dentry", path_dentry),
	ROW("mount", "mnt", mount_mnt),
	ROW("vfsmount", "mnt_root", mnt_root),
	ROW("vfsmount", "mnt_sb", mnt_sb),
	ROW("mount", "mnt_parent", mnt_parent),
	ROW("mount", "mnt_mountpoint", mnt_mountpoint),
	ROW("mount", "mnt_devname", mnt_devname),
	ROW("dentry", "d_parent", d_parent),
	ROW("dentry", "d_name.name", d_name),
	ROW("dentry", "d_name.len", d_name_len),
	ROW("dentry", "d_hash.pprev", d_unhashed),
	ROW("dentry", "d_op", d_op),
	ROW("dentry_operations", "d_dname", d_dname),
	ROW("super_block", "s_type", s_type),
	ROW("super_block", "s_subtype", s_subtype),
	ROW("file_system_type", "name", type_name),
};
#undef ROW

struct error *paths_open(struct kernel *k, struct paths *ret)
{
	ret->k = k;
	ret->left = NAMES_MAX;
	ret->at = sizeof(ret->text);
	return layout_require(k->types, rows, sizeof(rows) / sizeof(rows[0]), &ret->l);
}

struct error *paths_read(struct paths *p, uint64_t va, struct path *ret)
{
	struct path path;
	struct error *err = kernel_read_member(p->k, va, &p->l.path_mnt, &path.mnt);
	if (!err)
		err = kernel_read_member(p->k, va, &p->l.path_dentry, &path.dentry);
	if (!err)
		*ret = path;
	return err;
}

void paths_set(struct paths *p, const char *text)
{
	size_t len = strlen(text);
	len = len < sizeof(p->text) ? len : sizeof(p->text);
	p->at = sizeof(p->text) - len;
	memcpy(p->text + p->at, text, len);
}

/* Of all that one command may take; false: there were too many. */
static bool take_step(struct paths *p)
{
	p->left -= p->left > 0;
	return p->left;
}

static struct error *too_long(uint64_t dentry)
{
	return error_at(ERROR_FORMAT, dentry, "a path that is longer than kstub believes");
}

/* Its address and length, checked against what fits before p->at. */
static struct error *locate_name(struct paths *p, uint64_t dentry, uint64_t *va_ret, size_t *len_ret)
{
	uint64_t len;
	if (!take_step(p))
		return error_at(ERROR_FORMAT, dentry, "more names of files than kstub believes");
	struct error *err = kernel_read_member(p->k, dentry, &p->l.d_name, va_ret);
	if (!err)
		err = kernel_read_member(p->k, dentry, &p->l.d_name_len, &len);
	if (err)
		return err;
	if (len >= p->at)
		return too_long(dentry);
	*len_ret = (size_t)len;
	return NULL;
}

/* A NUL ends it, as for the kernel (fs/d_path.c, prepend_name()). */
static struct error *prepend_name(struct paths *p, uint64_t dentry)
{
	uint64_t va;
	size_t len;
	struct error *err = locate_name(p, dentry, &va, &len);
	if (err)
		return err;
	char *to = p->text + p->at - len;
	err = len ? kernel_read(p->k, va, to, len) : NULL;
	if (err)
		return err;
	size_t real = strnlen(to, len);
	memmove(to + (len - real), to, real);
	p->at -= real + 1;
	p->text[p->at] = '/';
	return NULL;
}

/* One step up; `*end_ret`: nothing is above. */
static struct error *climb(struct paths *p, struct path *at, bool *end_ret)
{
	const struct path_layout *l = &p->l;
	uint64_t mount = at->mnt - l->mount_mnt.offset, root, parent;
	struct error *err = kernel_read_member(p->k, at->mnt, &l->mnt_root, &root);
	if (err)
		return err;
	if (at->dentry == root) {
		err = kernel_read_member(p->k, mount, &l->mnt_parent, &parent);
		*end_ret = !err && parent == mount;
		if (err || *end_ret)
			return err;
		err = kernel_read_member(p->k, mount, &l->mnt_mountpoint, &at->dentry);
		at->mnt = parent + l->mount_mnt.offset;
		return err;
	}
	err = kernel_read_member(p->k, at->dentry, &l->d_parent, &parent);
	if (err)
		return err;
	*end_ret = parent == at->dentry;
	if (*end_ret) {                 /* out of its mount: the kernel shows "/" */
		p->at = sizeof(p->text);
		return NULL;
	}
	err = prepend_name(p, at->dentry);
	at->dentry = parent;
	return err;
}

/* Before what is in p->text from p->at on. */
static struct error *prepend_path(struct paths *p, struct path at, const struct path *root, bool *reached_ret)
{
	size_t end = p->at;
	unsigned mounts = 0;
	bool ended = false, reached = false;
	struct error *err = NULL;
	while (!err && !ended) {
		uint64_t mnt = at.mnt;
		reached = root && at.mnt == root->mnt && at.dentry == root->dentry;
		if (reached)
			break;
		err = climb(p, &at, &ended);
		if (!err && at.mnt != mnt && (++mounts > MOUNTS_MAX || !take_step(p)))
			err = error_at(ERROR_FORMAT, mnt, "mounts above each other in a circle");
	}
	if (!err && p->at >= end) {
		p->at = end - 1;
		p->text[p->at] = '/';
	}
	if (!err && reached_ret)
		*reached_ret = reached;
	return err;
}

struct error *paths_absolute(struct paths *p, struct path at, const struct path *root, bool *reached_ret)
{
	paths_set(p, "");
	return prepend_path(p, at, root, reached_ret);
}

struct error *paths_file(struct paths *p, struct path at)
{
	uint64_t hashed, parent;
	struct error *err = kernel_read_member(p->k, at.dentry, &p->l.d_unhashed, &hashed);
	if (!err)
		err = kernel_read_member(p->k, at.dentry, &p->l.d_parent, &parent);
	if (err)
		return err;
	paths_set(p, !hashed && parent != at.dentry ? " (deleted)" : "");
	return prepend_path(p, at, NULL, NULL);
}

struct error *paths_name(struct paths *p, uint64_t dentry, char *ret, size_t cap)
{
	uint64_t va;
	size_t len;
	p->at = sizeof(p->text);
	struct error *err = locate_name(p, dentry, &va, &len);
	if (err)
		return err;
	len = len < cap - 1 ? len : cap - 1;
	err = len ? kernel_read(p->k, va, ret, len) : NULL;
	if (!err)
		ret[len] = '\0';
	return err;
}

struct error *paths_type(struct paths *p, uint64_t sb, char *ret, size_t cap)
{
	uint64_t type, name, sub;
	struct error *err = kernel_read_member(p->k, sb, &p->l.s_type, &type);
	if (!err)
		err = kernel_read_member(p->k, type, &p->l.type_name, &name);
	if (!err)
		err = kernel_read_text(p->k, name, ret, cap);
	if (!err)
		err = kernel_read_member(p->k, sb, &p->l.s_subtype, &sub);
	if (err || !sub)
		return err;
	size_t len = strlen(ret);
	if (len + 2 > cap)
		return NULL;
	ret[len] = '.';
	return kernel_read_text(p->k, sub, ret + len + 1, cap - len - 1);
}

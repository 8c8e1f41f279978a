/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stub/base/bytes.h"
#include "stub/base/cleanup.h"
#include "stub/linux/layout.h"
#include "stub/linux/path.h"

/* fs.nr_open is 2^20 unless somebody raised it. */
enum { FDS_MAX = 1 << 20, FDS_AT_ONCE = 512, NAME_CAP = 512 };

struct file_layout {
	struct member files, fdt, max_fds, fd, path, inode;
	struct member mode, number, sb;
	struct member fs, root, pwd;
	/* Of what has no path: */
	struct member d_fsdata, i_private, ns_ops, ns_name, dmabuf_name, stashed_sizeof;
};

#define ROW(type, member, field) { type, member, offsetof(struct file_layout, field) }
static const struct layout_row rows[] = {
	ROW("task_struct", "files", files),
	ROW("files_struct", "fdt", fdt),
	ROW("fdtable", "max_fds", max_fds),
	ROW("fdtable", "fd", fd),
	ROW("file", "f_path", path),
	ROW("file", "f_inode", inode),
	ROW("inode", "i_mode", mode),
	ROW("inode", "i_ino", number),
	ROW("inode", "i_sb", sb),
};
static const struct layout_row place_rows[] = {
	ROW("task_struct", "fs", fs),
	ROW("fs_struct", "root", root),
	ROW("fs_struct", "pwd", pwd),
};
static const struct layout_row name_rows[] = {
	ROW("dentry", "d_fsdata", d_fsdata),
	ROW("inode", "i_private", i_private),
	ROW("ns_common", "ops", ns_ops),
	ROW("proc_ns_operations", "name", ns_name),
	ROW("dma_buf", "name", dmabuf_name),
	/* 6.9 (commit 07fd7c329839): until then a namespace's dentry held its operations. */
	ROW("stashed_operations", NULL, stashed_sizeof),
};
#undef ROW
#define COUNT(rows) (sizeof(rows) / sizeof(rows[0]))

struct files {
	struct kernel *k;
	struct file_layout l;
	struct paths paths;
	void (*visit)(void *arg, const struct open_file *f);
	void *arg;
	char **damage;                  /* the first that was met */
};

static const char *type_of(uint64_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "REG";
	case S_IFDIR: return "DIR";
	case S_IFCHR: return "CHR";
	case S_IFBLK: return "BLK";
	case S_IFIFO: return "FIFO";
	case S_IFSOCK: return "SOCK";
	case S_IFLNK: return "LNK";
	default: return "UNKN";
	}
}

/* fs/nsfs.c, ns_dname(): "mnt:[4026531841]". */
static struct error *name_namespace(struct files *f, uint64_t dentry, uint64_t inode, char *ret, size_t cap)
{
	uint64_t ops, name;
	struct error *err;
	if (!f->l.stashed_sizeof.present) {
		err = kernel_read_member(f->k, dentry, &f->l.d_fsdata, &ops);
	} else {
		err = kernel_read_member(f->k, inode, &f->l.i_private, &ops);
		if (!err)
			err = kernel_read_member(f->k, ops, &f->l.ns_ops, &ops);
	}
	if (!err)
		err = kernel_read_member(f->k, ops, &f->l.ns_name, &name);
	return err ? err : kernel_read_text(f->k, name, ret, cap);
}

/* drivers/dma-buf/dma-buf.c, dmabuffs_dname(): "/dmabuf:NAME", where somebody named it. */
static struct error *name_dmabuf(struct files *f, uint64_t dentry, const char *own, char *ret, size_t cap)
{
	uint64_t buf, va = 0;
	char name[64] = "";
	struct error *err = kernel_read_member(f->k, dentry, &f->l.d_fsdata, &buf);
	if (!err && buf && f->l.dmabuf_name.present)
		err = kernel_read_member(f->k, buf, &f->l.dmabuf_name, &va);
	if (!err && va)
		err = kernel_read_text(f->k, va, name, sizeof(name));
	if (!err)
		snprintf(ret, cap, "/%s:%s", own, name);
	return err;
}

/*
 * A file without a place in any directory: the kernel names it by a function of its dentry, which
 * is one of these few. What is not of one of these file systems has simple_dname() (fs/d_path.c),
 * such as memfd's.
 */
static struct error *name_pseudo(struct files *f, uint64_t dentry, uint64_t inode, const char *type,
				 uint64_t number)
{
	char own[NAME_CAP / 2], text[NAME_CAP], kind[64];
	struct error *err = paths_name(&f->paths, dentry, own, sizeof(own));
	if (err)
		return err;
	if (!strcmp(type, "pipefs"))
		snprintf(text, sizeof(text), "pipe:[%" PRIu64 "]", number);
	else if (!strcmp(type, "sockfs"))
		snprintf(text, sizeof(text), "socket:[%" PRIu64 "]", number);
	else if (!strcmp(type, "anon_inodefs"))
		snprintf(text, sizeof(text), "anon_inode:%s", own);
	else if (!strcmp(type, "pidfs"))        /* 6.9 (commit cb12fd8e0dab) */
		snprintf(text, sizeof(text), "anon_inode:[pidfd]");
	else if (!strcmp(type, "nsfs") && !(err = name_namespace(f, dentry, inode, kind, sizeof(kind))))
		snprintf(text, sizeof(text), "%s:[%" PRIu64 "]", kind, number);
	else if (!err && !strcmp(type, "dmabuf"))
		err = name_dmabuf(f, dentry, own, text, sizeof(text));
	else if (!err)
		snprintf(text, sizeof(text), "/%s (deleted)", own);
	if (!err)
		paths_set(&f->paths, text);
	return err;
}

/* Has its dentry a function that names it, and is it not what is mounted (d_path())? */
static struct error *is_pseudo(struct files *f, struct path at, bool *ret)
{
	const struct path_layout *l = &f->paths.l;
	uint64_t ops, function = 0, parent, root;
	struct error *err = kernel_read_member(f->k, at.dentry, &l->d_op, &ops);
	if (!err && ops)
		err = kernel_read_member(f->k, ops, &l->d_dname, &function);
	*ret = false;
	if (err || !function)
		return err;
	err = kernel_read_member(f->k, at.dentry, &l->d_parent, &parent);
	if (!err)
		err = kernel_read_member(f->k, at.mnt, &l->mnt_root, &root);
	*ret = parent != at.dentry || root != at.dentry;
	return err;
}

static struct error *read_file(struct files *f, struct open_file *ret)
{
	const struct file_layout *l = &f->l;
	struct path at;
	uint64_t mode, number, sb, inode;
	char type[64];
	bool pseudo;
	struct error *err = paths_read(&f->paths, ret->file + l->path.offset, &at);
	if (!err)
		err = kernel_read_member(f->k, ret->file, &l->inode, &inode);
	if (err)
		return err;
	ret->dentry = at.dentry;
	ret->inode = inode;
	err = kernel_read_member(f->k, inode, &l->mode, &mode);
	if (err)
		return err;
	ret->type = type_of(mode);
	err = is_pseudo(f, at, &pseudo);
	if (!err && !pseudo)
		err = paths_file(&f->paths, at);
	if (!err && pseudo)
		err = kernel_read_member(f->k, inode, &l->number, &number);
	if (!err && pseudo)
		err = kernel_read_member(f->k, inode, &l->sb, &sb);
	if (!err && pseudo)
		err = paths_type(&f->paths, sb, type, sizeof(type));
	if (!err && pseudo)
		err = name_pseudo(f, at.dentry, inode, type, number);
	if (!err)
		ret->path = paths_text(&f->paths, &ret->path_len);
	return err;
}

/* Takes `err`; keeps the first. */
static struct error *note_damage(struct files *f, uint64_t fd, struct error *err)
{
	if (!err || err->code == ERROR_NOMEM)
		return err;
	if (!*f->damage && asprintf(f->damage, "damaged at descriptor %" PRIu64 ": %s", fd, err->text) < 0)
		*f->damage = NULL;
	error_free(err);
	return *f->damage ? NULL : error_nomem();
}

static struct error *walk(struct files *f, uint64_t array, uint64_t n)
{
	unsigned char pointers[FDS_AT_ONCE * 8];
	struct error *err = NULL;
	for (uint64_t fd = 0; fd < n && !err; fd++) {
		uint64_t at = fd % FDS_AT_ONCE, left = n - fd;
		if (!at)
			err = kernel_read(f->k, array + fd * 8, pointers,
					  (left < FDS_AT_ONCE ? left : FDS_AT_ONCE) * 8);
		if (err)
			return note_damage(f, fd, err);
		struct open_file file = { .fd = (uint32_t)fd, .file = u64_at(pointers + at * 8), .type = "UNKN" };
		if (!file.file)
			continue;
		err = note_damage(f, fd, read_file(f, &file));
		if (!err)
			f->visit(f->arg, &file);
	}
	return err;
}

struct error *files_each(struct kernel *k, const struct task *t,
			 void (*visit)(void *arg, const struct open_file *f), void *arg, char **damage_ret)
{
	_cleanup_free_ struct files *f = calloc(1, sizeof(*f));
	uint64_t files, table, n, array;
	if (!f)
		return error_nomem();
	*damage_ret = NULL;
	f->k = k;
	f->visit = visit;
	f->arg = arg;
	f->damage = damage_ret;
	struct error *err = layout_require(k->types, rows, COUNT(rows), &f->l);
	if (!err)
		err = layout_resolve(k->types, name_rows, COUNT(name_rows), &f->l);
	if (!err)
		err = paths_open(k, &f->paths);
	if (!err)
		err = kernel_read_member(k, t->addr, &f->l.files, &files);
	if (err)
		return err;
	if (!files)
		return error_new(ERROR_NOT_FOUND, "PID %u has no files: it has exited", t->pid);
	err = kernel_read_member(k, files, &f->l.fdt, &table);
	if (!err)
		err = kernel_read_member(k, table, &f->l.max_fds, &n);
	if (!err)
		err = kernel_read_member(k, table, &f->l.fd, &array);
	if (err)
		return note_damage(f, 0, err);
	err = walk(f, array, n < FDS_MAX ? n : FDS_MAX);
	if (!err && n > FDS_MAX && !*damage_ret)
		err = note_damage(f, FDS_MAX, error_new(ERROR_FORMAT, "%" PRIu64 " descriptors are more than kstub "
							"believes", n));
	return err;
}

struct error *files_places(struct kernel *k, const struct task *t, struct buffer *root_ret,
			   struct buffer *cwd_ret)
{
	_cleanup_free_ struct files *f = calloc(1, sizeof(*f));
	uint64_t fs;
	if (!f)
		return error_nomem();
	struct error *err = layout_require(k->types, place_rows, COUNT(place_rows), &f->l);
	if (!err)
		err = paths_open(k, &f->paths);
	if (!err)
		err = kernel_read_member(k, t->addr, &f->l.fs, &fs);
	if (!err && !fs)
		err = error_new(ERROR_NOT_FOUND, "PID %u has exited: it has no working directory any more", t->pid);
	for (unsigned i = 0; i < 2 && !err; i++) {
		struct path at;
		size_t len;
		err = paths_read(&f->paths, fs + (i ? f->l.pwd.offset : f->l.root.offset), &at);
		if (!err)
			err = paths_file(&f->paths, at);
		if (err)
			break;
		const char *text = paths_text(&f->paths, &len);
		buffer_put(i ? cwd_ret : root_ret, text, len);
	}
	return err;
}

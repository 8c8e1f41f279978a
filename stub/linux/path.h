/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where something is in the file system: the names on the way up from it, mount by mount. */
#ifndef STUB_LINUX_PATH_H
#define STUB_LINUX_PATH_H

#include "stub/linux/kernel.h"

/* The kernel's struct path. */
struct path {
	uint64_t mnt;                   /* of its struct vfsmount */
	uint64_t dentry;
};

enum { PATH_LEN_MAX = 16384 };

struct path_layout {
	struct member path_mnt, path_dentry;
	struct member mount_mnt, mnt_root, mnt_sb, mnt_parent, mnt_mountpoint, mnt_devname;
	struct member d_parent, d_name, d_name_len, d_unhashed, d_op, d_dname;
	struct member s_type, s_subtype, type_name;
};

/* Looks at dentries; its memory ends with the caller's. */
struct paths {
	struct kernel *k;               /* borrowed */
	struct path_layout l;
	unsigned left;                  /* names yet to be read: a damaged dump may lead in circles */
	size_t at;                      /* the text begins here in `text` and ends at its end */
	char text[PATH_LEN_MAX];
};

struct error *paths_open(struct kernel *k, struct paths *ret) must_check;

/* The struct path at `va`. */
struct error *paths_read(struct paths *p, uint64_t va, struct path *ret) must_check;

/*
 * The absolute path, in p->text from p->at on, to the first of `root` and the end of all mounts
 * (`root` NULL: to the latter). `*reached_ret` may be NULL; false: `root` was not met, and the path
 * begins where the walk ended.
 */
struct error *paths_absolute(struct paths *p, struct path at, const struct path *root,
			     bool *reached_ret) must_check;

/* The same, with " (deleted)" behind what is no longer there (fs/d_path.c, d_path()). */
struct error *paths_file(struct paths *p, struct path at) must_check;

/* The name of a dentry alone, up to cap - 1 bytes. */
struct error *paths_name(struct paths *p, uint64_t dentry, char *ret, size_t cap) must_check;

/* "ext4", or "fuse.sshfs", of the struct super_block at `sb`. */
struct error *paths_type(struct paths *p, uint64_t sb, char *ret, size_t cap) must_check;

/* Takes p->text as `text` and what follows it. */
void paths_set(struct paths *p, const char *text);

static inline const char *paths_text(const struct paths *p, size_t *len_ret)
{
	*len_ret = sizeof(p->text) - p->at;
	return p->text + p->at;
}

#endif

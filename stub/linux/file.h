/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that a task has open, named as readlink of /proc/PID/fd/N names them. */
#ifndef STUB_LINUX_FILE_H
#define STUB_LINUX_FILE_H

#include "stub/base/buffer.h"
#include "stub/linux/task.h"

struct open_file {
	uint32_t fd;
	uint64_t file, dentry, inode;   /* of the structs; the latter two 0: not readable */
	const char *type;               /* REG DIR CHR BLK FIFO SOCK LNK, or UNKN */
	const char *path;               /* of any bytes but NUL, `path_len` of them; NULL: not readable */
	size_t path_len;
};

/*
 * Calls `visit` for each open file, by descriptor. One that is damaged is visited all the same, and
 * `*damage_ret`, which the caller frees, says what is wrong with the first. ERROR_NOT_FOUND: the
 * task has no files, or no more.
 */
struct error *files_each(struct kernel *k, const struct task *t,
			 void (*visit)(void *arg, const struct open_file *f), void *arg,
			 char **damage_ret) must_check;

/* The task's root and working directory, of any bytes. ERROR_NOT_FOUND: it has none any more. */
struct error *files_places(struct kernel *k, const struct task *t, struct buffer *root_ret,
			   struct buffer *cwd_ret) must_check;

#endif

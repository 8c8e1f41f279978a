/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is mounted, as a task sees it: what /proc/PID/mounts lists, in its order. */
#ifndef STUB_LINUX_MOUNT_H
#define STUB_LINUX_MOUNT_H

#include "stub/linux/task.h"

struct mount {
	uint64_t addr;                  /* of its struct mount */
	uint64_t sb;                    /* of its struct super_block; 0: not readable */
	char type[64];                  /* "ext4"; "": not readable */
	char device[256];               /* "/dev/vda1", "none"; of any bytes; "": not readable */
	const char *dir;                /* of any bytes but NUL, `dir_len` of them; NULL: not readable */
	size_t dir_len;
};

/*
 * Calls `visit` for each mount of the task's namespace that it can reach. One that is damaged is
 * visited all the same, and `*damage_ret`, which the caller frees, says what is wrong with the first,
 * or with the list. ERROR_NOT_FOUND: the task has no namespace any more.
 */
struct error *mounts_each(struct kernel *k, const struct task *t,
			  void (*visit)(void *arg, const struct mount *m), void *arg,
			  char **damage_ret) must_check;

#endif

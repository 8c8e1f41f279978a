/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for the end of a process, for at most so long. */
#ifndef STUB_BASE_TESTS_CHILD_H
#define STUB_BASE_TESTS_CHILD_H

#include <poll.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* True when the process, anybody's, is seen to have ended within `ms`, or is not there. */
__attribute__((unused)) static bool process_ends(pid_t pid, int ms)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { fd, POLLIN, 0 };
	if (fd < 0)
		return true;
	bool ended = poll(&p, 1, ms) == 1;
	close(fd);
	return ended;
}

/* A child of ours; false: it has not ended. */
__attribute__((unused)) static bool child_wait(pid_t pid, int ms, int *status_ret)
{
	return process_ends(pid, ms) && waitpid(pid, status_ret, 0) == pid;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include "stub/cli/sandbox.h"

#include <errno.h>

#ifdef HAVE_SECCOMP
#include <seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>

static const char *const allowed[] = {
	/* the dump and the files that are open */
	"read", "readv", "pread64", "preadv", "lseek", "fstat", "newfstatat", "close", "fcntl",
	/* gdb; the socket's own file is removed at the end */
	"write", "writev", "accept", "accept4", "recvfrom", "recvmsg", "sendto", "sendmsg",
	"shutdown", "setsockopt", "getsockopt", "getsockname", "poll", "ppoll", "unlink", "unlinkat", "rmdir",
	/* memory; libelf and libdw map what they read */
	"mmap", "munmap", "mremap", "mprotect", "madvise", "brk",
	/* signals, time, the end */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "signalfd4",
	"clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "getpid", "getppid", "gettid",
	"tgkill", "futex", "sched_yield", "getrandom", "prlimit64", "getrusage", "rseq",
	"exit", "exit_group",
};

struct error *sandbox_enter(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return error_os(errno, "the sandbox cannot be entered");
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return error_nomem();
	int bad = 0;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && !bad; i++) {
		int call = seccomp_syscall_resolve_name(allowed[i]);
		/* One that this architecture or libseccomp does not have needs no rule. */
		if (call >= 0)
			bad = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
	}
	/* isatty() of stdio's buffers: terminals may be asked, nothing may be told to them. */
	if (!bad)
		bad = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, 0x5401 /* TCGETS */));
	if (!bad)
		bad = seccomp_load(filter);
	seccomp_release(filter);
	return bad ? error_os(-bad, "the sandbox cannot be entered") : NULL;
}

#else

struct error *sandbox_enter(void)
{
	return error_new(ERROR_UNSUPPORTED, "kstub was built without libseccomp: the server runs without "
					    "its sandbox");
}

#endif

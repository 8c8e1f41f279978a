/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scene of tasks for a dump: every state that a task can be in, system calls to sleep in, odd
 * names, namespaces, open files of each kind.
 *
 *   tasks scene      builds it and says on stdout what is what; returns when all of it stands
 *   tasks many N     N tasks instead, processes and threads mixed
 *
 * What it says, one fact a line, names and texts as facts.c escapes them:
 *
 *   task ROLE TGID TID STATE NAME       how it will be found when the kernel dies
 *   text TGID ADDRESS TEXT              in that process' own memory
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_AT ((char *)0x10000000)    /* the same in every process */

static int need(int result, const char *what)
{
	if (result < 0)
		err(1, "tasks: %s", what);
	return result;
}

static void say(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (const unsigned char *c = (void *)line; *c; c++)
		printf(*c < ' ' || *c > '~' || *c == '\\' ? "\\x%02x" : "%c", *c);
	putchar('\n');
}

/* --- waiting ---------------------------------------------------------------------------- */

static char state_of(pid_t tgid, pid_t tid)
{
	char path[64], line[256] = "", *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", tgid, tid);
	f = fopen(path, "r");
	if (!f)
		err(1, "tasks: %s", path);
	line[fread(line, 1, sizeof(line) - 1, f)] = 0;
	fclose(f);
	end = strrchr(line, ')');
	return end ? end[2] : '?';
}

/* -1: it is in none. */
static long call_of(pid_t tgid, pid_t tid)
{
	char path[64];
	long nr = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", tgid, tid);
	f = fopen(path, "r");
	if (!f)
		err(1, "tasks: %s", path);
	if (fscanf(f, "%ld", &nr) != 1)
		nr = -1;
	fclose(f);
	return nr;
}

/* No event tells that a task has fallen asleep: look until it has, in this system call. */
static void until_asleep(pid_t tgid, pid_t tid, char state, long call)
{
	while (state_of(tgid, tid) != state || (call >= 0 && call_of(tgid, tid) != call))
		sched_yield();
}

static void stands(const char *role, pid_t tgid, pid_t tid, char state, long call, const char *name)
{
	until_asleep(tgid, tid, state, call);
	say("task %s %d %d %c %s", role, tgid, tid, state, name);
}

static void until_child(pid_t pid, int options)
{
	siginfo_t info;

	need(waitid(P_PID, (id_t)pid, &info, options | WNOWAIT), "waitid");
}

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

/* --- processes -------------------------------------------------------------------------- */

static void put_text(const char *role)
{
	char *page = mmap(TEXT_AT, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (page == MAP_FAILED)
		err(1, "tasks: mmap");
	snprintf(page, 4096, "the text of %s, process %d", role, getpid());
}

static void say_text(const char *role, pid_t pid)
{
	say("text %d %#lx the text of %s, process %d", pid, (unsigned long)TEXT_AT, role, pid);
}

/* A child that lives as `role` and `name` until the kernel dies. */
static pid_t child(const char *role, const char *name, void (*life)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = need(fork(), "fork");
	if (pid) {
		say_text(role, pid);
		return pid;
	}
	prctl(PR_SET_NAME, name);
	put_text(role);
	life();
	sleep_for_ever();
	return 0;
}

static void stop_self(void)
{
	kill(getpid(), SIGSTOP);
}

static void be_traced(void)
{
	need((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL), "ptrace");
	kill(getpid(), SIGSTOP);
}

static void end_self(void)
{
	_exit(7);
}

/* What both ends of a fork know: numbers that a child tells the scene. */
static int told[2];

static void tell(int value)
{
	if (write(told[1], &value, sizeof(value)) != sizeof(value))
		err(1, "tasks: write");
}

static int hear(void)
{
	int value;

	if (read(told[0], &value, sizeof(value)) != sizeof(value))
		err(1, "tasks: read");
	return value;
}

static void vfork_one(void)
{
	pid_t pid = vfork();

	if (!pid) {
		/* The memory is the parent's. */
		prctl(PR_SET_NAME, "vfork-child");
		tell(getpid());
		sleep_for_ever();
	}
}

static int live_in_namespace(void *arg)
{
	pid_t pid;

	(void)arg;
	prctl(PR_SET_NAME, "ns-init");
	pid = need(fork(), "fork in the PID namespace");
	if (!pid)
		prctl(PR_SET_NAME, "ns-child");
	sleep_for_ever();
	return 0;
}

/* The PIDs that /proc here knows are not those that the tasks see. */
static pid_t only_child(pid_t pid)
{
	char path[64];
	FILE *f;
	pid_t found = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	while (!found) {
		f = fopen(path, "r");
		if (!f || fscanf(f, "%d", &found) != 1)
			sched_yield();
		if (f)
			fclose(f);
	}
	return found;
}

static void namespace_of_pids(void)
{
	static char stack[64 << 10] __attribute__((aligned(16)));
	pid_t init, inner;

	fflush(stdout);
	init = need(clone(live_in_namespace, stack + sizeof(stack), CLONE_NEWPID | SIGCHLD, NULL),
		    "clone with CLONE_NEWPID");
	inner = only_child(init);
	stands("ns-init", init, init, 'S', SYS_pause, "ns-init");
	stands("ns-child", inner, inner, 'S', SYS_pause, "ns-child");
}

/* --- threads ---------------------------------------------------------------------------- */

static void *in_futex(void *arg)
{
	static int word;

	(void)arg;
	prctl(PR_SET_NAME, "in-futex");
	tell(gettid());
	for (;;)
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void *in_nanosleep(void *arg)
{
	struct timespec week = { .tv_sec = 7 * 24 * 3600 };

	(void)arg;
	prctl(PR_SET_NAME, "in-nanosleep");
	tell(gettid());
	for (;;)
		syscall(SYS_nanosleep, &week, NULL);
	return NULL;
}

static void *in_pipe(void *arg)
{
	int ends[2];
	char byte;

	(void)arg;
	need(pipe(ends), "pipe");
	prctl(PR_SET_NAME, "in-pipe");
	tell(gettid());
	for (;;)
		(void)!read(ends[0], &byte, 1);
	return NULL;
}

static void *in_epoll(void *arg)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = need(epoll_create1(0), "epoll_create1");

	(void)arg;
	need(epoll_ctl(fd, EPOLL_CTL_ADD, need(eventfd(0, 0), "eventfd"), &event), "epoll_ctl");
	prctl(PR_SET_NAME, "in-epoll");
	tell(gettid());
	for (;;)
		epoll_wait(fd, &event, 1, -1);
	return NULL;
}

static void *in_socket(void *arg)
{
	int fd = need(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	char byte;

	(void)arg;
	prctl(PR_SET_NAME, "in-socket");
	tell(gettid());
	for (;;)
		recv(fd, &byte, 1, 0);
	return NULL;
}

static const struct {
	const char *name;
	void *(*life)(void *);
	long call;
} sleepers[] = {
	{ "in-futex", in_futex, SYS_futex },
	{ "in-nanosleep", in_nanosleep, SYS_nanosleep },
	{ "in-pipe", in_pipe, SYS_read },
	{ "in-epoll", in_epoll, SYS_epoll_wait },
	{ "in-socket", in_socket, SYS_recvfrom },
};

enum { SLEEPERS = sizeof(sleepers) / sizeof(sleepers[0]) };

static void be_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < SLEEPERS; i++) {
		if (pthread_create(&thread, NULL, sleepers[i].life, NULL))
			errx(1, "tasks: pthread_create");
	}
	for (;;)
		poll(NULL, 0, -1);
}

static void process_of_threads(void)
{
	pid_t pid = child("threads", "threads", be_threads), tids[SLEEPERS];
	char path[64], name[32];

	for (int i = 0; i < SLEEPERS; i++)
		tids[i] = hear();
	stands("threads", pid, pid, 'S', SYS_poll, "threads");
	for (int i = 0; i < SLEEPERS; i++) {
		FILE *f;
		snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, tids[i]);
		f = fopen(path, "r");
		if (!f || fscanf(f, "%31s", name) != 1)
			err(1, "tasks: %s", path);
		fclose(f);
		for (int s = 0; s < SLEEPERS; s++) {
			if (!strcmp(name, sleepers[s].name))
				stands(name, pid, tids[i], 'S', sleepers[s].call, name);
		}
	}
}

static void *survive(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "survivor");
	tell(gettid());
	sleep_for_ever();
	return NULL;
}

/* The first thread ends, another lives on. */
static void end_first_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, survive, NULL))
		errx(1, "tasks: pthread_create");
	syscall(SYS_exit, 0);
}

/* --- files and mounts ------------------------------------------------------------------- */

static int open_file(const char *path, int flags)
{
	return need(open(path, flags, 0644), path);
}

static void open_sockets(void)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX, .sun_path = "/tmp/socket" };
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(7777) };
	int fds[2], fd;

	need(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), "socketpair");
	fd = need(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
	need(bind(fd, (void *)&local, sizeof(local)), local.sun_path);
	need(listen(fd, 1), "listen");
	fd = need(socket(AF_INET, SOCK_STREAM, 0), "socket");
	need(bind(fd, (void *)&any, sizeof(any)), "bind");
	need(listen(fd, 1), "listen");
	need(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	need(socket(AF_INET6, SOCK_STREAM, 0), "socket");
	need(socket(AF_NETLINK, SOCK_RAW, 0), "socket");
}

static void open_files(void)
{
	sigset_t usr1;
	int fd, ends[2];

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	fd = open_file("/tmp/regular", O_RDWR | O_CREAT | O_APPEND);
	(void)!write(fd, "twelve bytes", 12);
	open_file("/tmp/gone", O_RDWR | O_CREAT);
	unlink("/tmp/gone");
	open_file("/tmp/new\nline \\ and \xff", O_RDWR | O_CREAT);
	open_file("/tmp/deep/er/file", O_RDWR | O_CREAT);
	open_file("/tmp/bound/er/file", O_RDONLY);     /* through the bind mount */
	open_file("/tmp/a b/in the mount", O_RDWR | O_CREAT);
	open_file("/tmp", O_RDONLY | O_DIRECTORY);
	open_file("/dev/null", O_RDWR);
	open_file("/proc/version", O_RDONLY);
	open_file("/proc/self/maps", O_RDONLY);
	open_file("/sys/kernel/notes", O_RDONLY);
	open_file("/tmp/regular", O_PATH);
	need(pipe(ends), "pipe");
	open_sockets();
	need(eventfd(3, 0), "eventfd");
	need(epoll_create1(0), "epoll_create1");
	need(timerfd_create(CLOCK_MONOTONIC, 0), "timerfd_create");
	need(signalfd(-1, &usr1, 0), "signalfd");
	need(inotify_init(), "inotify_init");
	need(memfd_create("a memory file", 0), "memfd_create");
	need(dup2(fd, 300), "dup2"); /* behind the first table of 64 */
	close(open_file("/dev/null", O_RDONLY));
}

static void mount_one(const char *what, const char *where, const char *type, unsigned long flags)
{
	mkdir(where, 0755);
	need(mount(what, where, type, flags, NULL), where);
}

static void mount_all(void)
{
	mkdir("/tmp/deep", 0755);
	mkdir("/tmp/deep/er", 0755);
	mount_one("a name", "/tmp/a b", "tmpfs", MS_NODEV | MS_NOATIME);
	mount_one("/tmp/deep", "/tmp/bound", NULL, MS_BIND);
	mount_one("over", "/tmp/a b/over", "ramfs", MS_RDONLY);
}

static void be_in_namespace_of_mounts(void)
{
	need(unshare(CLONE_NEWNS), "unshare");
	need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	mount_one("private", "/tmp/private", "tmpfs", 0);
	need(umount("/tmp/bound"), "umount");
	open_file("/tmp/private/file", O_RDWR | O_CREAT);
}

/* --- the scene -------------------------------------------------------------------------- */

static void nothing(void)
{
}

/*
 * Both spin in user mode on the last CPU, so that one of them waits for it; from when somebody
 * opens the other end of the first FIFO. The second FIFO tells who opens it that they do.
 */
static void spin_when_told(const char *fifo)
{
	cpu_set_t cpus;
	long last = sysconf(_SC_NPROCESSORS_ONLN) - 1;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)last, &cpus);
	need(sched_setaffinity(0, sizeof(cpus), &cpus), "sched_setaffinity");
	open_file("/tmp/spin", O_RDONLY);
	open_file(fifo, O_WRONLY);
	for (;;)
		__asm__ volatile("" ::: "memory");
}

static void be_busy(void)
{
	spin_when_told("/tmp/spins-1");
}

static void be_busy_too(void)
{
	spin_when_told("/tmp/spins-2");
}

static const struct {
	const char *role, *name;
} names[] = {
	{ "parentheses", "a (b) c" },
	{ "quotes", "quo\"te'<&>" },
	{ "utf-8", "n\xc3\xa4" "cht-\xd0\xbd\xd0\xbe\xd1\x87\xd1\x8c" },
	{ "cut-utf-8", "fifteen bytes \xc3\xa4" },      /* the kernel keeps 15 */
	{ "full", "exactly15chars!" },
	{ "control", "no\xff\x01\x1b[1m\ttext" },
	{ "newline", "new\nline \\n}" },
	{ "empty", "" },
};

static void all_names(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		pid_t pid = child(names[i].role, names[i].name, nothing);
		char kept[16];
		snprintf(kept, sizeof(kept), "%s", names[i].name);
		stands(names[i].role, pid, pid, 'S', SYS_pause, kept);
	}
}

static void scene(void)
{
	pid_t pid, other;

	need(pipe(told), "pipe");
	put_text("scene");
	say_text("scene", getpid());
	mount_all();
	need(mkfifo("/tmp/spin", 0600), "mkfifo");
	need(mkfifo("/tmp/spins-1", 0600), "mkfifo");
	need(mkfifo("/tmp/spins-2", 0600), "mkfifo");

	process_of_threads();

	pid = child("stopped", "stopped", stop_self);
	until_child(pid, WSTOPPED);
	stands("stopped", pid, pid, 'T', -1, "stopped");

	pid = child("traced", "traced", be_traced);
	until_child(pid, WSTOPPED);
	stands("traced", pid, pid, 't', -1, "traced");

	fflush(stdout);
	pid = need(fork(), "fork");
	if (!pid) {
		prctl(PR_SET_NAME, "zombie");
		end_self();
	}
	until_child(pid, WEXITED);
	stands("zombie", pid, pid, 'Z', -1, "zombie");

	pid = child("leaderless", "leaderless", end_first_thread);
	other = hear();
	stands("leaderless", pid, pid, 'Z', -1, "leaderless");
	stands("survivor", pid, other, 'S', SYS_pause, "survivor");

	pid = child("vfork-parent", "vfork-parent", vfork_one);
	other = hear();
	stands("vfork-child", other, other, 'S', SYS_pause, "vfork-child");
	stands("vfork-parent", pid, pid, 'D', SYS_vfork, "vfork-parent");

	namespace_of_pids();
	all_names();

	pid = child("files", "files", open_files);
	stands("files", pid, pid, 'S', SYS_pause, "files");
	pid = child("mounts", "mounts", be_in_namespace_of_mounts);
	stands("mounts", pid, pid, 'S', SYS_pause, "mounts");
	pid = child("busy-1", "busy-1", be_busy);
	stands("busy-1", pid, pid, 'S', SYS_openat, "busy-1");
	pid = child("busy-2", "busy-2", be_busy_too);
	stands("busy-2", pid, pid, 'S', SYS_openat, "busy-2");
	say("task scene %d %d S scene", getpid(), getpid());
}

/* --- many ------------------------------------------------------------------------------- */

enum { MANY_THREADS = 40 };

static void *one_of_many(void *arg)
{
	char name[16];

	snprintf(name, sizeof(name), "thread-%d", (int)(long)arg);
	prctl(PR_SET_NAME, name);
	tell(0);
	sleep_for_ever();
	return NULL;
}

static void many_threads(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
	pthread_attr_setguardsize(&attr, 0);
	for (long i = 1; i < MANY_THREADS; i++) {
		if (pthread_create(&thread, &attr, one_of_many, (void *)i))
			errx(1, "tasks: pthread_create");
	}
	tell(0);
}

/* One process in forty has forty threads, so that both kinds are about half of all. */
static void many(int total)
{
	char name[24];
	int made = 0, running;

	need(pipe(told), "pipe");
	for (int i = 0; made < total; i++) {
		bool threads = i % MANY_THREADS == 0 && total - made > MANY_THREADS;
		pid_t pid = need(fork(), "fork");
		if (!pid) {
			snprintf(name, sizeof(name), "process-%d", i);
			prctl(PR_SET_NAME, name);
			put_text("many");
			if (threads)
				many_threads();
			else
				tell(0);
			sleep_for_ever();
		}
		for (int n = threads ? MANY_THREADS : 1; n; n--, made++)
			hear();
	}
	do {
		FILE *f = fopen("/proc/loadavg", "r");
		if (!f || fscanf(f, "%*s %*s %*s %d", &running) != 1)
			err(1, "tasks: /proc/loadavg");
		fclose(f);
		sched_yield();
	} while (running > 1);
	say("tasks %d", made);
}

/* Ends when the scene stands; who made it stays. */
int main(int argc, char **argv)
{
	int ends[2];
	char byte;
	pid_t pid;

	if (argc < 2)
		errx(2, "usage: tasks scene|many N");
	need(pipe(ends), "pipe");
	pid = need(fork(), "fork");
	if (pid) {
		close(ends[1]);
		return read(ends[0], &byte, 1) == 1 ? 0 : 1;
	}
	close(ends[0]);
	need(fcntl(ends[1], F_SETFD, FD_CLOEXEC), "fcntl");
	prctl(PR_SET_NAME, "scene");
	if (!strcmp(argv[1], "many"))
		many(argc > 2 ? atoi(argv[2]) : 1000);
	else
		scene();
	fflush(stdout);
	(void)!write(ends[1], "", 1);
	sleep_for_ever();
	return 0;
}

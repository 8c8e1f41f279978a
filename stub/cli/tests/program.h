/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real program on small dumps in a directory of its own, from a shell's command line. Nothing
 * here waits for ever: what takes longer than PATIENCE_MS is killed and fails.
 *
 * A script finds $K, the program; $D, the directory, where it starts; the dumps "vmcore" and
 * "vmcore.kdump" beside their "vmlinux"; $F, the directory of the kernels in small. Cache, run
 * directory, temporary directory and home are below $D.
 */
#ifndef STUB_CLI_TESTS_PROGRAM_H
#define STUB_CLI_TESTS_PROGRAM_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "stub/base/buffer.h"
#include "stub/base/tests/child.h"
#include "stub/tests/small-dump.h"

enum { PATIENCE_MS = 30000, NOBODY = 65534, LATE = -1 };

struct program {
	pid_t pid;              /* also its process group */
	int in, out;            /* our ends of its stdin and stdout; -1: /dev/null, a file */
	int status;             /* exit code, 128 + signal, or LATE */
	struct buffer stdout_text, stderr_text;
};

static char program_dir[64];

static bool program_copy(const char *from, const char *to)
{
	_cleanup_fclose_ FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	char bytes[1 << 16];
	size_t n = 0;
	while (in && out && (n = fread(bytes, 1, sizeof(bytes), in)) && fwrite(bytes, 1, n, out) == n)
		;
	return in && out && !n && !fflush(out);
}

/* The directory with dumps and environment; false: it cannot be made. */
__attribute__((unused)) static bool program_setup(struct memory *m)
{
	const char *builddir = getenv("top_builddir");
	_cleanup_free_ char *build = realpath(builddir ? builddir : ".", NULL);
	char path[4096];
	if (!build || !(m->ram = malloc(RAM)))
		return false;
	strcpy(program_dir, "/tmp/kstub-test-XXXXXX");
	/* Others may look into it: one of the tests is somebody else. */
	if (!mkdtemp(program_dir) || chmod(program_dir, 0755) || chdir(program_dir))
		return false;
	static const char *const dirs[][2] = {
		{ "XDG_CACHE_HOME", "cache" }, { "XDG_RUNTIME_DIR", "run" }, { "TMPDIR", "tmp" }, { "HOME", "home" },
	};
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", program_dir, dirs[i][1]);
		if (mkdir(path, 0700) || setenv(dirs[i][0], path, true))
			return false;
	}
	snprintf(path, sizeof(path), "%s/kstub", build);
	setenv("K", path, true);
	snprintf(path, sizeof(path), "%s/stub/linux/tests", build);
	setenv("F", path, true);
	setenv("D", program_dir, true);
	setenv("LC_ALL", "C", true);
	unsetenv("DEBUGINFOD_URLS");
	snprintf(path, sizeof(path), "%s/stub/linux/tests/fixture-3.elf", build);
	return load(m, path) && program_copy(path, "vmlinux") && small_dump_write(m, "vmcore", 0) &&
	       small_dump_write(m, "vmcore.kdump", SMALL_KDUMP);
}

__attribute__((unused)) static void program_cleanup(struct memory *m)
{
	char command[sizeof(program_dir) * 2 + 64];
	snprintf(command, sizeof(command), "chmod -R u+rwX %s && rm -rf %s", program_dir, program_dir);
	if (chdir("/") || system(command))
		tap_diag("%s is left over", program_dir);
	free(m->ram);
}

static void program_become(const char *script, int in, int out, unsigned uid)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Ignored where the tests run in the background or under nohup. */
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    !freopen("stderr", "w", stderr))
		_exit(126);
	if (uid && (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
		_exit(126);
	execl("/bin/sh", "sh", "-c", script, NULL);
	_exit(126);
}

/* Starts `script` as `uid`, 0: as oneself, with pipes in place of files when `piped`. */
static struct program program_start(const char *script, bool piped, unsigned uid)
{
	struct program p = { .pid = -1, .in = -1, .out = -1, .status = LATE };
	int to[2] = { -1, -1 }, from[2] = { -1, -1 };
	if (piped && (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC)))
		return p;
	int in = piped ? to[0] : open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out = piped ? from[1] : open("stdout", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	fflush(stdout);
	p.pid = fork();
	if (!p.pid)
		program_become(script, in, out, uid);
	setpgid(p.pid, p.pid);
	close(in);
	close(out);
	p.in = to[1];
	p.out = from[0];
	return p;
}

static void program_read_file(const char *path, struct buffer *ret)
{
	_cleanup_fclose_ FILE *f = fopen(path, "r");
	char bytes[4096];
	for (size_t n; f && (n = fread(bytes, 1, sizeof(bytes), f));)
		buffer_put(ret, bytes, n);
	buffer_text(ret);
}

/* The next line of its stdout goes to `line`; false when for `ms` nothing came. */
__attribute__((unused)) static bool program_line(struct program *p, char *line, size_t cap, int ms)
{
	size_t n = 0;
	while (n + 1 < cap) {
		struct pollfd ready = { p->out, POLLIN, 0 };
		if (poll(&ready, 1, ms) != 1 || read(p->out, line + n, 1) != 1)
			break;
		if (line[n++] == '\n') {
			line[n - 1] = '\0';
			return true;
		}
	}
	line[n] = '\0';
	return false;
}

/* Waits for its end and reads what it wrote into files. */
static void program_end(struct program *p)
{
	int status = 0;
	if (child_wait(p->pid, PATIENCE_MS, &status)) {
		p->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	} else {
		kill(-p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
	}
	if (p->in >= 0)
		close(p->in);
	if (p->out >= 0)
		close(p->out);
	else
		program_read_file("stdout", &p->stdout_text);
	program_read_file("stderr", &p->stderr_text);
}

static void program_free(struct program *p)
{
	buffer_deinit(&p->stdout_text);
	buffer_deinit(&p->stderr_text);
}

/* Entries of a directory; the name of the first one in `name`. */
static unsigned program_count(const char *dir, char name[256])
{
	DIR *d = opendir(dir);
	unsigned n = 0;
	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.' && !n++)
			snprintf(name, 256, "%s", e->d_name);
	if (d)
		closedir(d);
	return n;
}

/* Sockets and private directories are gone when a program is. */
static bool program_left_nothing(void)
{
	char name[256] = "";
	bool clean = !program_count("run", name) && !program_count("tmp", name);
	if (!clean)
		tap_diag("left over: %s", name);
	/* The next check is not to blame. */
	return clean || (system("rm -rf run/* tmp/*") & 0);
}

/* A process that runs in our directory, besides this one; 0: there is none. */
static pid_t program_other_process(void)
{
	DIR *proc = opendir("/proc");
	pid_t found = 0;
	for (struct dirent *e; proc && (e = readdir(proc));) {
		char link[300], cwd[sizeof(program_dir) + 1] = "";
		snprintf(link, sizeof(link), "/proc/%s/cwd", e->d_name);
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && atoi(e->d_name) != getpid() &&
		    readlink(link, cwd, sizeof(cwd) - 1) > 0 && !strcmp(cwd, program_dir))
			found = atoi(e->d_name);
	}
	if (proc)
		closedir(proc);
	return found;
}

/* It ended as it should; whoever outlived it for a moment goes, too, and tidies up. */
__attribute__((unused)) static void program_ended(struct program *p, int status, const char *name)
{
	if (!tap_ok(p->status == status, "%s: exit code %d", name, status))
		tap_diag("%d; %s", p->status, buffer_text(&p->stderr_text));
	pid_t other = 0;
	for (int n = 0; n < 16 && (other = program_other_process()); n++)
		if (!process_ends(other, PATIENCE_MS / 4))
			break;
	tap_is_u64((uint64_t)other, 0, "  no process is left");
	tap_ok(program_left_nothing(), "  no file is left");
}

/* A command line, what it has to end with and to say. */
struct row {
	const char *name, *script;
	int code;
	const char *says[5];            /* all of them, on stdout or stderr */
	unsigned flags;
};

enum row_flag {
	AS_NOBODY = 1,                  /* as somebody whom permissions bind */
	ANY_STDOUT = 2,                 /* it fails after it has begun to answer */
	OTHERS_WORDS = 4,               /* stderr is not the program's alone */
};

/* Each line is the program's own, or goes on with the one before. */
static bool program_speaks(const char *text)
{
	for (; *text; text = strchr(text, '\n') + 1)
		if ((strncmp(text, "kstub: ", 7) && strncmp(text, "  ", 2)) || !strchr(text, '\n'))
			return false;
	return true;
}

__attribute__((unused)) static void program_check_row(const struct row *r)
{
	unsigned uid = r->flags & AS_NOBODY && !geteuid() ? NOBODY : 0;
	struct program p = program_start(r->script, false, uid);
	program_end(&p);
	const char *out = buffer_text(&p.stdout_text), *err = buffer_text(&p.stderr_text);
	const char *wrong = NULL;
	if (uid && p.status >= 126 && p.status <= 127) {
		tap_skip("%s: another user cannot run %s", r->name, getenv("K"));
		program_free(&p);
		return;
	}
	for (size_t i = 0; i < sizeof(r->says) / sizeof(r->says[0]) && r->says[i]; i++)
		if (!strstr(out, r->says[i]) && !strstr(err, r->says[i]))
			wrong = r->says[i];
	if (p.status != r->code)
		wrong = "the right exit code";
	else if (r->code && !*err)
		wrong = "a word on stderr";
	else if (r->code && *out && !(r->flags & ANY_STDOUT))
		wrong = "an empty stdout";
	else if (!(r->flags & OTHERS_WORDS) && !program_speaks(err))
		wrong = "'kstub: ' before each line of stderr";
	else if (!program_left_nothing())
		wrong = "clean directories";
	tap_ok(!wrong, "%s", r->name);
	if (wrong)
		tap_diag("lacks %s; ended with %d; said: %s%s", wrong, p.status, err, out);
	program_free(&p);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel itself says of its tasks, their files and mounts, printed fast: a shell that
 * starts a program for each file needs minutes in an emulated guest.
 *
 *   facts                all of it, in sections as guest/init prints them
 *   facts tasks          of each task no more than "TGID TID STATE NAME"
 *
 * A byte that a console would not carry is written \xHH, and so is a backslash.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct section {
	const char *name;
	char *text;
	size_t len;
	FILE *out;
};

enum { TASKS, STAT, TASK_STAT, STACKS, SYSCALLS, STATUS, SECTIONS };

static struct section sections[SECTIONS] = {
	[TASKS] = { .name = "tasks" },
	[STAT] = { .name = "stat" },
	[TASK_STAT] = { .name = "task_stat" },
	[STACKS] = { .name = "stacks" },
	[SYSCALLS] = { .name = "syscalls" },
	[STATUS] = { .name = "status" },
};

static void escape(FILE *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];
		fprintf(out, c < ' ' || c > '~' || c == '\\' ? "\\x%02x" : "%c", c);
	}
}

/* The whole file; its length, or -1: its task is gone. */
static ssize_t slurp(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return -1;
	n = fread(buf, 1, size - 1, f);
	buf[n] = 0;
	bool failed = ferror(f);
	fclose(f);
	return failed ? -1 : (ssize_t)n;
}

static int number(const struct dirent *entry)
{
	return entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
}

static int list(const char *path, struct dirent ***ret)
{
	int n = scandir(path, ret, number, versionsort);
	return n < 0 ? 0 : n;
}

/* One line for all the lines of a file that begin with one of these words. */
static void put_status(int pid, int tid, char *text)
{
	static const char *const wanted[] = { "State:", "Tgid:", "PPid:", "TracerPid:", "Uid:",
					      "NSpid:", "VmSize:", "VmRSS:" };
	FILE *out = sections[STATUS].out;

	fprintf(out, "%d %d", pid, tid);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
			if (strncmp(line, wanted[i], strlen(wanted[i])))
				continue;
			for (char *c = line; *c; c++)
				*c = *c == '\t' ? ' ' : *c;
			fprintf(out, "; %s", line);
		}
	}
	putc('\n', out);
}

/* A name has any bytes, parentheses and line ends, too; what follows its last ")" has none. */
static void put_task(int pid, int tid, const char *stat, size_t len)
{
	const char *name = strchr(stat, '('), *end = strrchr(stat, ')');

	if (!name || !end || end < name)
		errx(1, "facts: %s", stat);
	fprintf(sections[TASKS].out, "%d %d %c ", pid, tid, end[2]);
	escape(sections[TASKS].out, name + 1, (size_t)(end - name - 1));
	putc('\n', sections[TASKS].out);
	fprintf(sections[TASK_STAT].out, "%d %d ", pid, tid);
	escape(sections[TASK_STAT].out, stat, len - 1);
	putc('\n', sections[TASK_STAT].out);
}

static void look_at(int pid, int tid, bool short_list)
{
	char path[64], text[8192];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	n = slurp(path, text, sizeof(text));
	if (n <= 0)
		return;
	put_task(pid, tid, text, (size_t)n);
	if (short_list)
		return;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stack", pid, tid);
	n = slurp(path, text, sizeof(text));
	if (n >= 0)
		fprintf(sections[STACKS].out, "task %d %d\n%s", pid, tid, text);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	n = slurp(path, text, sizeof(text));
	if (n >= 0)
		fprintf(sections[SYSCALLS].out, "%d %d %s", pid, tid, text);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	n = slurp(path, text, sizeof(text));
	if (n >= 0)
		put_status(pid, tid, text);
}

static void look_at_all(bool short_list)
{
	struct dirent **pids, **tids;
	char path[64], text[4096];

	for (int p = 0, n = list("/proc", &pids); p < n; p++) {
		int pid = atoi(pids[p]->d_name);
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		ssize_t len = short_list ? -1 : slurp(path, text, sizeof(text));
		if (len > 0) {
			escape(sections[STAT].out, text, (size_t)len - 1);
			putc('\n', sections[STAT].out);
		}
		snprintf(path, sizeof(path), "/proc/%d/task", pid);
		for (int t = 0, m = list(path, &tids); t < m; t++)
			look_at(pid, atoi(tids[t]->d_name), short_list);
	}
}

static void begin(const char *name)
{
	printf("==== begin %s ====\n", name);
}

static void end(const char *name)
{
	printf("==== end %s ====\n", name);
}

static void print_file(const char *name, const char *path)
{
	static char text[256 << 10];
	ssize_t n = slurp(path, text, sizeof(text));

	begin(name);
	if (n > 0)
		fwrite(text, 1, (size_t)n, stdout);
	end(name);
}

static void put_link(int pid, const char *path, const char *what, const char *more)
{
	char target[4096];
	ssize_t len = readlink(path, target, sizeof(target));

	if (len < 0)
		return;
	printf("%d %s %s ", pid, what, more);
	escape(stdout, target, (size_t)len);
	putchar('\n');
}

/* Of each open file: its number, position, flags, mount, and what it is. */
static void put_files(int pid)
{
	static const char *const links[] = { "cwd", "root", "exe" };
	struct dirent **fds;
	char path[64], text[4096], name[16], more[128];

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	for (int i = 0, n = scandir(path, &fds, NULL, versionsort); i < n; i++) {
		char pos[32] = "", flags[32] = "", mount[32] = "";
		if (fds[i]->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%d", atoi(fds[i]->d_name));
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, name);
		if (slurp(path, text, sizeof(text)) < 0 ||
		    sscanf(text, "pos: %31s flags: %31s mnt_id: %31s", pos, flags, mount) != 3)
			errx(1, "facts: %s: %s", path, text);
		snprintf(more, sizeof(more), "%s %s %s", pos, flags, mount);
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, name);
		put_link(pid, path, name, more);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, links[i]);
		put_link(pid, path, links[i], "- - -");
	}
}

/* The process that plays this role in the scene. */
static int pid_of(const char *role)
{
	int pid;
	char line[256], found[64];
	FILE *f = fopen("/tmp/scene", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "task %63s %d", found, &pid) == 2 && !strcmp(found, role)) {
			fclose(f);
			return pid;
		}
	}
	errx(1, "facts: no %s in the scene", role);
}

int main(int argc, char **argv)
{
	bool short_list = argc > 1 && !strcmp(argv[1], "tasks");
	char path[64];

	setvbuf(stdout, NULL, _IOFBF, 64 << 10);
	for (int i = 0; i < SECTIONS; i++)
		sections[i].out = open_memstream(&sections[i].text, &sections[i].len);
	look_at_all(short_list);
	for (int i = 0; i < SECTIONS; i++) {
		fclose(sections[i].out);
		if (short_list && i != TASKS)
			continue;
		begin(sections[i].name);
		fwrite(sections[i].text, 1, sections[i].len, stdout);
		end(sections[i].name);
	}
	if (short_list)
		return 0;
	print_file("mounts", "/proc/1/mounts");
	print_file("mountinfo", "/proc/1/mountinfo");
	snprintf(path, sizeof(path), "/proc/%d/mounts", pid_of("mounts"));
	print_file("mounts_private", path);
	begin("files");
	put_files(pid_of("files"));
	put_files(pid_of("mounts"));
	put_files(pid_of("threads"));
	put_files(1);
	end("files");
	print_file("interrupts", "/proc/interrupts");
	print_file("meminfo", "/proc/meminfo");
	print_file("scene", "/tmp/scene");
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `kstub gdb` with the gdb that is installed: sessions on small dumps, and every way in which one
 * of the three processes may end before the others.
 */
#include <sys/inotify.h>

#include "stub/cli/tests/program.h"

/* The frames are those that the dump's writer laid on the stack. */
static const struct row sessions[] = {
	{ "bt", "$K gdb vmcore -- -nx -batch -ex bt", 0,
	  { "#0  0xffffffff81000010 in _text ()", "#1  0xffffffff81000014 in _text ()", "#2  0x0000000000401234 in ?? ()" },
	  OTHERS_WORDS },
	{ "bt of a kdump", "$K gdb vmcore.kdump -- -nx -batch -ex bt", 0,
	  { "#0  0xffffffff81000010 in _text ()", "#2  0x0000000000401234 in ?? ()" }, OTHERS_WORDS },
	{ "threads", "$K gdb vmcore -- -nx -batch -ex 'info threads'", 0,
	  { "* 2    Thread 2 \"CPU 1\" (panicked here)", "Thread 1 \"CPU 0\"" }, OTHERS_WORDS },
	{ "variables and memory", "$K gdb vmcore -- -nx -batch -ex 'p init_task.comm' -ex 'x/4xw 0' -ex 'p nr_cpu_ids'", 0,
	  { "$1 = \"swapper/0\\000", "$2 = 2\n", "Cannot access memory at address 0x0" }, OTHERS_WORDS },
	{ "monitor", "$K gdb vmcore -- -nx -batch -ex 'monitor help' -ex 'monitor log' -ex 'monitor nonsense'", 0,
	  { "COMMAND  ARGUMENTS ", "[    1.000001] first\n[    2.000000] second\n", "no command 'nonsense'; 'help' lists them" },
	  OTHERS_WORDS },
	{ "pipe", "$K gdb vmcore -- -nx -batch -ex 'pipe monitor log | tail -n 1'", 0, { "[    2.000000] second" }, OTHERS_WORDS },
	{ "a dump cannot run or change", "$K gdb vmcore -- -nx -batch -ex 'set var nr_cpu_ids = 3' -ex continue -ex stepi -ex 'p nr_cpu_ids'", 0,
	  { "Cannot access memory at address 0x", "a crashed kernel's dump cannot run", "$1 = 2\n" }, OTHERS_WORDS },
	{ "attach is not for processes of this host", "$K gdb vmcore -- -nx -batch -ex 'attach '$$", 1,
	  { "Don't know how to attach" }, OTHERS_WORDS | ANY_STDOUT },
	{ "gdb's own arguments", "echo 'p 6*7' >commands; $K gdb vmcore -- -nx -batch -x commands", 0, { "$1 = 42" }, OTHERS_WORDS },
	{ "gdb's exit status", "$K gdb vmcore -- -nx -batch -ex 'quit 7'", 7, { NULL }, OTHERS_WORDS | ANY_STDOUT },
	{ "another gdb", "$K gdb --gdb $(command -v gdb) vmcore -- -nx -batch -ex 'p 6*7'", 0, { "$1 = 42" }, OTHERS_WORDS },
	{ "no vmlinux: registers and memory", "mkdir alone; cp vmcore alone/; $K gdb alone/vmcore -- -nx -batch"
	  " -ex 'thread 2' -ex 'p $rip' -ex 'x/bx 0xffffffff81000010'", 0,
	  { "no vmlinux for release 9.8.7-fixture", "0xffffffff81000010", ":\t0x90" }, OTHERS_WORDS },
	{ "no CPU notes", "$K gdb no-cpus -- -nx -batch -ex 'p init_task.comm' -ex 'monitor log'", 0,
	  { "no-cpus has no CPU registers: threads and the crashed CPU's frames cannot be shown", "swapper/0", "first" }, OTHERS_WORDS },
	{ "no cache", "XDG_CACHE_HOME=$D/vmcore $K gdb vmcore -- -nx -batch -ex 'p init_task.comm'", 0,
	  { "the cache cannot be used", "swapper/0" }, OTHERS_WORDS },
	{ "no $HOME", "env -u HOME -u XDG_CACHE_HOME $K gdb vmcore -- -nx -batch -ex 'p init_task.comm'", 0,
	  { "the cache cannot be used", "swapper/0" }, OTHERS_WORDS },
	{ "a dump that vanishes", "cp vmcore gone; $K gdb gone -- -nx -batch -ex 'shell rm gone' -ex 'p nr_cpu_ids'", 0,
	  { "$1 = 2\n" }, OTHERS_WORDS },
	{ "a dump that shrinks", "cp vmcore short; $K gdb short -- -nx -batch -ex 'shell truncate -s 1M short' -ex 'p nr_cpu_ids'"
	  " -ex 'monitor log' -ex 'p 6*7'", 0,
	  { "kstub: gdb asked for memory at 0xffffffff81", "memory behind the end of the truncated file", "$1 = 42" },
	  OTHERS_WORDS },
	{ "gdb that is killed", "$K gdb vmcore -- -nx -batch -ex 'shell kill -KILL $PPID'", 128 + SIGKILL, { NULL },
	  OTHERS_WORDS | ANY_STDOUT },
	{ "serve over a pipe", "gdb -nx -batch -ex 'target remote | exec $K serve --listen stdio vmcore' -ex bt", 0,
	  { "#1  0xffffffff81000014 in _text ()" }, OTHERS_WORDS },
	{ "a vmlinux of the user's own", "gdb -nx -batch vmlinux -ex 'target remote | exec $K serve --listen stdio vmcore'"
	  " -ex 'p init_task.comm' -ex 'p $rip'", 0, { "swapper/0", "0xffffffff81000010 <_text+16>" }, OTHERS_WORDS },
};

/* A session that has begun, on pipes. */
static bool begin(struct program *p)
{
	static const char hello[] = "echo ready\\n\n";
	char line[1024] = "";
	*p = program_start("exec $K gdb vmcore -- -nx -q", true, 0);
	if (write(p->in, hello, sizeof(hello) - 1) < 0)
		return false;
	while (program_line(p, line, sizeof(line), PATIENCE_MS))
		if (strstr(line, "ready"))
			return true;
	return false;
}

static bool says(struct program *p, const char *command, const char *what)
{
	char line[1024] = "";
	if (write(p->in, command, strlen(command)) < 0)
		return false;
	while (program_line(p, line, sizeof(line), PATIENCE_MS))
		if (strstr(line, what))
			return true;
	return false;
}

/* As the terminal sends it; true when gdb has said for the n-th time that it has seen it. */
static bool interrupt(struct program *p, unsigned n)
{
	char events[4096];
	_cleanup_close_ int changes = inotify_init1(IN_CLOEXEC);
	struct pollfd changed = { changes, POLLIN, 0 };
	inotify_add_watch(changes, "stderr", IN_MODIFY);
	kill(-p->pid, SIGINT);
	for (;;) {
		_cleanup_buffer_ struct buffer text = BUFFER_INIT;
		unsigned seen = 0;
		program_read_file("stderr", &text);
		for (const char *c = buffer_text(&text); (c = strstr(c, "Quit\n")); c++)
			seen++;
		if (seen >= n)
			return true;
		if (poll(&changed, 1, PATIENCE_MS) != 1 || read(changes, events, sizeof(events)) <= 0)
			return false;
	}
}

static void check_interrupt(void)
{
	struct program p;
	if (!tap_ok(begin(&p), "a session"))
		return;
	for (unsigned n = 1; n <= 3; n++) {
		tap_ok(interrupt(&p, n), "^C");
		tap_ok(says(&p, "p 40 + nr_cpu_ids\n", "= 42"), "leaves the server alive");
	}
	tap_ok(write(p.in, "quit\n", 5) == 5, "quit");
	program_end(&p);
	program_ended(&p, 0, "quit");
	program_free(&p);
}

/* A signal to kstub alone, as a desktop that ends or an administrator sends it. */
static void check_signal(int number, const char *name)
{
	struct program p;
	if (!tap_ok(begin(&p), "a session"))
		return;
	kill(p.pid, number);
	if (number == SIGKILL) {        /* gdb is nobody's child now, and ends with its input */
		close(p.in);
		p.in = -1;
	}
	program_end(&p);
	tap_ok(p.status != LATE, "%s ends it", name);
	program_ended(&p, p.status, name);
	program_free(&p);
}

int main(void)
{
	struct memory m = { .ram = NULL };
	if (system("gdb --version >/dev/null 2>&1")) {
		tap_skip("gdb is not installed");
		return tap_done();
	}
	if (!tap_ok(program_setup(&m) && small_dump_write(&m, "no-cpus", SMALL_NO_CPUS), "small dumps are made"))
		return tap_done();
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++)
		program_check_row(&sessions[i]);
	check_interrupt();
	check_signal(SIGTERM, "SIGTERM");
	check_signal(SIGHUP, "SIGHUP");
	check_signal(SIGKILL, "SIGKILL");
	program_cleanup(&m);
	return tap_done();
}

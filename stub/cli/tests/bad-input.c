/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a user may give by mistake: each has one sentence of its own that names the thing and the
 * remedy, the right exit code, nothing on stdout, and leaves nothing behind.
 */
#include "stub/cli/tests/program.h"

/* What cannot be opened at all. */
static const struct row dumps[] = {
	{ "a file that is not there", "$K info nowhere", 1, { "nowhere: No such file", "give the path of a dump" }, 0 },
	{ "no dump", "echo 'hello, world' >text; $K info text", 1, { "text", "not a kernel dump" }, 0 },
	{ "an empty file", ": >empty; $K info empty", 1, { "empty is empty: the dump was never written" }, 0 },
	{ "a directory", "$K info .", 1, { ". is a directory; give the dump file in it" }, 0 },
	{ "a fifo", "mkfifo fifo; $K info fifo", 1, { "fifo is no regular file; copy the dump" }, 0 },
	{ "a device", "$K info /dev/null", 1, { "/dev/null is no regular file" }, 0 },
	{ "no permission", "$K info secret", 1, { "secret: no permission to read it; become its owner" }, AS_NOBODY },
	{ "no permission for its directory", "$K info closed/vmcore", 1, { "closed/vmcore: no permission" }, AS_NOBODY },
	{ "a link to nowhere", "ln -s gone link; $K info link", 1, { "link: No such file" }, 0 },
	{ "the vmlinux itself", "$K info vmlinux", 1, { "vmlinux is an ELF file, but no core dump", "--vmlinux" }, 0 },
	{ "an object file", "cp vmlinux object; printf '\\001' | dd of=object bs=1 seek=16 conv=notrunc 2>/dev/null;"
	  "$K info object", 1, { "object is an ELF file, but no core dump" }, 0 },
	{ "an ELF dump of arm64", "$K info arm64", 1, { "arm64 is a dump", "of arm64", "kstub knows x86-64" }, 0 },
	{ "a kdump of arm64", "$K info arm64.kdump", 1, { "arm64.kdump is a dump of another architecture: aarch64" }, 0 },
	{ "a 32-bit ELF", "$K info i386", 1, { "i386 is a dump", "32-bit x86", "kstub knows x86-64" }, 0 },
	{ "a live guest", "$K info libvirt:web1", 1, { "libvirt:web1: live guests are not supported yet", "virsh dump" }, 0 },
	{ "a part that is not there", "$K info vmcore.kdump,nowhere", 1, { "nowhere: No such file" }, 0 },
	{ "parts that are none", "$K info vmcore,vmcore", 1, { "vmcore is no part of a split kdump" }, 0 },
	{ "an ELF header alone", "head -c 40 vmcore >cut; $K info cut", 1, { "cut ends within its ELF header" }, 0 },
	{ "a kdump header alone", "head -c 400 vmcore.kdump >cut; $K info cut", 1, { "cut ends within its kdump header" }, 0 },
	{ "a kdump without its pages", "head -c 9000 vmcore.kdump >cut; $K info cut", 1, { "cut is truncated within its headers" }, 0 },
	{ "gdb with no dump", "$K gdb empty", 1, { "empty is empty" }, 0 },
	{ "serve with no dump", "$K serve empty", 1, { "empty is empty" }, 0 },
	{ "cmd with no dump", "$K cmd empty sys", 1, { "empty is empty" }, 0 },
};

/* What is served as far as it goes. */
static const struct row odd[] = {
	{ "a truncated ELF dump", "head -c 50000000 vmcore >cut; $K info cut", 0,
	  { "cut is truncated: physical memory from 0x2f9f080 to 0x4000000 is missing; the rest is served",
	    "6 of 6 agree" }, 0 },
	{ "a truncated kdump", "head -c $(($(wc -c <vmcore.kdump) - 900)) vmcore.kdump >cut; $K info cut", 0,
	  { "cut is truncated", "is missing" }, 0 },
	{ "a filtered dump says what it is without", "$K info vmcore.kdump", 0,
	  { "dump level    31: without zero, cache, private cache, user, free pages" }, 0 },
	{ "no CPU notes", "$K info no-cpus", 0, { "none has registers", "no-cpus has no CPU registers" }, 0 },
	{ "no VMCOREINFO and no registers", "$K cmd nothing log", 0, { "[    1.000001] first" }, 0 },
	{ "a module's file that is missing", "$K info vmcore", 0, { "no file two_two.ko beside the dump, in --symbols" }, 0 },
};

#define ALONE "mkdir -p alone; cp -n vmcore alone/; "
static const struct row vmlinux[] = {
	{ "a vmlinux of another build", "$K info --vmlinux $F/fixture-2.elf vmcore", 1,
	  { "fixture-2.elf is another build: its build-id is ", "the crashed kernel's is ", "--force" }, 0 },
	{ "--force takes it", "$K info --force --vmlinux $F/fixture-2.elf vmcore", 0,
	  { "5 of 6 agree", "build-id in memory   disagrees" }, 0 },
	{ "--vmlinux that is not there", "$K info --vmlinux nowhere vmcore", 1, { "--vmlinux: nowhere: No such file" }, 0 },
	{ "--vmlinux that is none", "echo hello >text; $K info --vmlinux text vmcore", 1, { "--vmlinux: text" }, 0 },
	{ "no vmlinux: what and where", ALONE "$K info alone/vmcore", 0,
	  { "no vmlinux for release 9.8.7-fixture, build-id ", "linux-image-9.8.7-fixture-dbg",
	    "\n                alone/vmlinux\n", "/usr/lib/debug/.build-id/", "found by      VMCOREINFO note" }, 0 },
	{ "a build that nobody has", "$K info other-build", 0,
	  { "build-id 00112233445566778899aabbccddeeff00112233", "./vmlinux (of another build)" }, 0 },
	{ "no vmlinux: no log", ALONE "$K cmd alone/vmcore log", 1,
	  { "the log cannot be read: no vmlinux for release 9.8.7-fixture" }, 0 },
	{ "no vmlinux: memory all the same", ALONE "$K cmd alone/vmcore vtop ffffffff81000000", 0, { "PHYSICAL: 2000000" }, 0 },
	{ "debuginfod that does not answer", ALONE "DEBUGINFOD_URLS=http://localhost:1 $K info alone/vmcore", 0,
	  { "no vmlinux for release 9.8.7-fixture", "debuginfod" }, 0 },
};

static const struct row cache[] = {
	{ "no $HOME: works, and says so", "env -u HOME -u XDG_CACHE_HOME $K serve --listen stdio vmcore", 0,
	  { "the cache cannot be used (no cache: neither $XDG_CACHE_HOME nor $HOME is an absolute path)",
	    "set XDG_CACHE_HOME to a directory of yours" }, 0 },
	{ "no $HOME: no cache to list", "env -u HOME -u XDG_CACHE_HOME $K cache", 1,
	  { "neither $XDG_CACHE_HOME nor $HOME is an absolute path" }, 0 },
	{ "a cache in a file", "XDG_CACHE_HOME=$D/vmcore $K serve --listen stdio vmcore", 0,
	  { "the cache cannot be used (cannot make ", "/vmcore/kstub: Not a directory)" }, 0 },
	{ "a cache of others", "XDG_CACHE_HOME=$D/home $K serve --listen stdio vmcore", 0,
	  { "/home/kstub: Permission denied" }, AS_NOBODY },
	{ "a cache that others can write", "mkdir -p open/kstub; chmod 777 open/kstub;"
	  "XDG_CACHE_HOME=$D/open $K serve --listen stdio vmcore", 0, { "open/kstub can be written by others" }, 0 },
	{ "no cache and no $TMPDIR", "XDG_CACHE_HOME=$D/vmcore TMPDIR=/nowhere $K serve --listen stdio vmcore", 0,
	  { "Not a directory): /tmp/kstub-" }, 0 },
};

static const struct row programs[] = {
	{ "no gdb: said before any work", "PATH=$D/bin $K gdb nowhere", 1,
	  { "gdb is not installed: install the package gdb, or name one with --gdb PATH; 'kstub serve' needs none" }, 0 },
	{ "no gdb, no $PATH", "env -u PATH $K gdb --gdb no-gdb vmcore", 1, { "no-gdb is not installed" }, 0 },
	{ "no gdb at that path", "$K gdb --gdb ./vmcore vmcore", 1, { "./vmcore is no program that can be run" }, 0 },
	{ "no gdb: serve works", "XDG_CACHE_HOME=$D/new PATH=$D/bin $K serve --listen stdio vmcore", 0,
	  { "gdb could not make an index of the vmlinux (is it installed?); gdb will be slow" }, 0 },
};

static const struct row sockets[] = {
	{ "a regular file at the socket's path", ": >regular; $K serve --listen unix:regular vmcore", 1,
	  { "regular is there already and no socket; choose another path with --listen unix:PATH" }, 0 },
	{ "that file stays", "test -f regular", 0, { NULL }, 0 },
	{ "a path that is too long", "$K serve --listen unix:$(printf %0200d 0) vmcore", 2,
	  { "--listen unix:PATH takes a path of 1 to 107 bytes, not of 200" }, 0 },
	{ "no path", "$K serve --listen unix: vmcore", 2, { "a path of 1 to 107 bytes, not of 0" }, 0 },
	{ "no directory for the socket", "$K serve --listen unix:nowhere/socket vmcore", 1,
	  { "no socket can be made at nowhere/socket; choose another path" }, 0 },
	{ "a kind of address that is none", "$K serve --listen localhost:1 vmcore", 2,
	  { "--listen takes unix:PATH, tcp:HOST:PORT or stdio, not 'localhost:1'" }, 0 },
	{ "no host", "$K serve --listen tcp:1234 vmcore", 2, { "as in tcp:localhost:1234, not 'tcp:1234'" }, 0 },
	{ "a port that is too high", "$K serve --listen tcp:localhost:65536 vmcore", 2, { "a PORT up to 65535" }, 0 },
	{ "a port that is no number", "$K serve --listen tcp:localhost:http vmcore", 2, { "not 'tcp:localhost:http'" }, 0 },
	{ "all of the world", "$K serve --listen tcp:0.0.0.0:0 vmcore", 2,
	  { "tcp:0.0.0.0:0 is no loopback address", "or --allow-remote" }, 0 },
	{ "all of the world, by IPv6", "$K serve --listen 'tcp:[::]:0' vmcore", 2, { "tcp:[::]:0 is no loopback address" }, 0 },
};

static const struct row usage[] = {
	{ "nothing at all", "$K", 2, { "usage: kstub COMMAND" }, OTHERS_WORDS },
	{ "an unknown subcommand", "$K ps vmcore", 2, { "no command 'ps'; 'kstub help' lists them" }, 0 },
	{ "an unknown short option", "$K -x", 2, { "no command '-x'" }, 0 },
	{ "help for an unknown subcommand", "$K help ps", 2, { "no command 'ps'" }, 0 },
	{ "help with too many words", "$K help gdb serve", 2, { "what is 'serve'?" }, 0 },
	{ "--version with more", "$K --version vmcore", 2, { "what is 'vmcore'?" }, 0 },
	{ "no TARGET", "$K info", 2, { "info: which TARGET?", "'kstub info --help'" }, 0 },
	{ "an empty TARGET", "$K info ''", 2, { "which TARGET?" }, 0 },
	{ "an unknown option", "$K info --colour vmcore", 2, { "info: no option '--colour'; see 'kstub info --help'" }, 0 },
	{ "unknown letters", "$K info -xyz vmcore", 2, { "no option '-x'" }, 0 },
	{ "another subcommand's option", "$K info --listen stdio vmcore", 2, { "info: no option '--listen'" }, 0 },
	{ "an option of two meanings", "$K serve --l stdio vmcore", 2, { "serve: no option '--l'" }, 0 },
	{ "an option without its value", "$K info vmcore --vmlinux", 2, { "info: --vmlinux needs a value" }, 0 },
	{ "a value too many", "$K info --json=yes vmcore", 2, { "--json=yes takes no value" }, 0 },
	{ "extra words", "$K info vmcore vmcore.kdump", 2, { "info: what is 'vmcore.kdump'?" }, 0 },
	{ "extra words for gdb", "$K gdb vmcore bt", 2, { "gdb: what is 'bt'? gdb's own arguments go behind '--'" }, 0 },
	{ "gdb's options without '--'", "$K gdb vmcore -batch", 2, { "gdb's own arguments go behind '--'" }, 0 },
	{ "options behind TARGET", "$K info vmcore --vmlinux vmlinux --json", 0, { "\"vmlinux\": \"vmlinux\"" }, 0 },
	{ "no COMMAND", "$K cmd vmcore", 2, { "cmd: which COMMAND?", "'kstub cmd TARGET help' lists them" }, 0 },
	{ "an unknown COMMAND, before any work", "$K cmd nowhere pstree", 2, { "cmd: no command 'pstree'", "kstub cmd TARGET help" }, 0 },
	{ "--json behind COMMAND", "$K cmd vmcore log --json", 2, { "--json stands before COMMAND" }, 0 },
	{ "symbols nowhere", "$K info --symbols nowhere vmcore", 1, { "--symbols nowhere: No such file or directory" }, 0 },
	{ "a COMMAND's wrong option", "$K cmd vmcore log -x", 2, { "usage: log [-t] [-m]; 'help log' says more" }, 0 },
	{ "--each without '--'", "$K cmd --each vmcore", 2, { "--each needs '--' between" }, 0 },
	{ "--each without dumps", "$K cmd --each -- log", 2, { "--each needs dumps" }, 0 },
	{ "--each goes on", "$K cmd --each nowhere vmcore -- log", 1,
	  { "kstub: nowhere: No such file", "==> vmcore <==", "first" }, ANY_STDOUT },
	{ "types that are none", "$K info --types=stabs vmcore", 2, { "--types is btf or dwarf, not 'stabs'" }, 0 },
	{ "threads that are none", "$K info --threads=processes vmcore", 2, { "--threads is tasks or cpus, not 'processes'" }, 0 },
	{ "a room that is none", "$K info --log=kitchen vmcore", 2, { "--log knows rsp", "not 'kitchen'" }, 0 },
	{ "cache: a word that is none", "$K cache burn", 2, { "cache: 'list' or 'clear', not 'burn'" }, 0 },
	{ "cache: an option that is none", "$K cache clear --all", 2, { "cache: no option '--all'" }, 0 },
	{ "cache: help after its word", "$K cache clear --help", 0, { "usage: kstub cache" }, 0 },
};

static const struct row output[] = {
	{ "info to a full disk", "$K info vmcore >/dev/full", 1, { "standard output cannot be written" }, 0 },
	{ "cmd to a full disk", "$K cmd vmcore log >/dev/full", 1, { "standard output cannot be written" }, 0 },
	{ "help to a full disk", "$K info --help >/dev/full", 1, { "standard output cannot be written" }, 0 },
	{ "serve to a full disk", "$K serve vmcore >/dev/full", 1, { "standard output cannot be written" }, 0 },
	{ "info to nobody", "$K info vmcore >&-", 1, { "standard output cannot be written" }, 0 },
	{ "serve to nobody", "$K serve vmcore >&-", 1, { "standard output cannot be written" }, 0 },
	{ "a closed stderr is no dump", "$K info vmcore 2>&-", 0, { "6 of 6 agree" }, 0 },
	{ "a closed stdin is no dump", "$K info vmcore 0<&-", 0, { "6 of 6 agree" }, 0 },
	{ "a reader that stops", "($K info vmcore; echo $? >code) | true; grep -qx '141\\|0' code", 0, { NULL }, 0 },
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		program_check_row(&rows[i]);
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows[0]))

static bool make_files(struct memory *m)
{
	static const char others[] = "cp vmcore secret; chmod 0 secret; mkdir closed; cp vmcore closed/;"
				     "chmod 0 closed; mkdir bin; ln -s \"$(command -v sh)\" bin/";
	return small_dump_write(m, "arm64", SMALL_AARCH64) &&
	       small_dump_write(m, "arm64.kdump", SMALL_KDUMP | SMALL_AARCH64) &&
	       small_dump_write(m, "i386", SMALL_32_BIT) && small_dump_write(m, "no-cpus", SMALL_NO_CPUS) &&
	       small_dump_write(m, "nothing", SMALL_NO_CPUS | SMALL_NO_VMCOREINFO) &&
	       small_dump_write(m, "other-build", SMALL_OTHER_BUILD) && !system(others);
}

int main(void)
{
	struct memory m = { .ram = NULL };
	if (!tap_ok(program_setup(&m) && make_files(&m), "small dumps are made"))
		return tap_done();
	CHECK_ROWS(dumps);
	CHECK_ROWS(odd);
	CHECK_ROWS(vmlinux);
	CHECK_ROWS(cache);
	CHECK_ROWS(programs);
	CHECK_ROWS(sockets);
	CHECK_ROWS(usage);
	CHECK_ROWS(output);
	program_cleanup(&m);
	return tap_done();
}

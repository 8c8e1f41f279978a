#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The other ways to a session: `kstub serve` with a gdb of the user's, with and without a
vmlinux of the user's; stdio; several at once on an empty cache; a kstub that was killed while
it prepared a vmlinux; a dump that takes 10 s to open. What is right is the stack that the
kernel printed.

  160-attach.t [DUMP...]        names in build/dumps/
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import session
from session import ok

# Sleeps at the first read of a file: a source that takes its time.
SLOW_READ = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
static ssize_t slow(int fd, void *buf, size_t n, off64_t at)
{
	static ssize_t (*real)(int, void *, size_t, off64_t);
	if (!real) {
		real = dlsym(RTLD_NEXT, "pread64");
		sleep(10);
	}
	return real(fd, buf, n, at);
}
ssize_t pread(int fd, void *buf, size_t n, off_t at) { return slow(fd, buf, n, at); }
ssize_t pread64(int fd, void *buf, size_t n, off64_t at) { return slow(fd, buf, n, at); }
"""


def gdb(*arguments):
    run = subprocess.run([session.GDB, "-nx", "-q", "-batch", "-ex", "set width 0", *arguments],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=session.SECONDS)
    return run.stdout.decode("utf-8", "replace")


def stack_commands():
    return [part for command in session.STACK for part in ("-ex", command)]


@contextlib.contextmanager
def serve(dump, listen=None):
    """A server on a socket of its own; what follows "target remote"."""
    with tempfile.TemporaryDirectory(prefix="kstub-test-") as scratch:
        listen = listen or f"unix:{scratch}/socket"
        process = subprocess.Popen([session.KSTUB, "serve", f"--listen={listen}", dump.path], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline()
            yield line.removeprefix("target remote ").strip()
        finally:
            process.terminate()
            process.wait()


def check_stack(dump, text, label):
    found = session.stack(text)
    wanted = [(f, dump.addresses(f)) for f in session.innermost_comparable(dump.oracle())]
    why = session.compare(found, wanted) if found else "gdb printed no stack"
    ok(why is None, f"{dump.name}: {label}: the stack is the kernel's", why, text[-2000:])


def check_attached(dump, address, label, *before):
    text = gdb(*before, "-ex", f"target remote {address}", *stack_commands(),
               "-ex", "info sharedlibrary")
    check_stack(dump, text, label)
    ok("bad_driver.ko" in text, f"{dump.name}: {label}: the modules are there", text[-2000:])


def check_serve(dump):
    """gdbs of all kinds, one after the other, at one server."""
    for kind in (None, "tcp:localhost:0"):
        way = kind.split(":")[0] if kind else "unix"
        with serve(dump, kind) as address:
            check_attached(dump, address, f"{way}, gdb without a file")
            check_attached(dump, address, f"{way}, a vmlinux of the user's", dump.vmlinux)
            check_attached(dump, address, f"{way}, detached and attached again",
                           "-ex", f"target remote {address}", "-ex", "detach")
    check_attached(dump, f"| {session.KSTUB} serve --listen stdio {dump.path}", "stdio")


def check_users_vmlinux(dump):
    with serve(dump) as address:
        check_attached(dump, address, "a vmlinux of the user's", dump.vmlinux)


def kstub_gdb(dump, cache, **more):
    argv = [session.KSTUB, "gdb", dump.path, "--", "-nx", "-batch", "-ex", "set width 0",
            *stack_commands()]
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True,
                            env={**os.environ, "XDG_CACHE_HOME": cache}, **more)


def leftovers(cache):
    return [name for _, _, names in os.walk(cache) for name in names if ".part-" in name or
            name.startswith(".tmp")]


def half_made(cache):
    return [name for name in leftovers(cache) if name.startswith(".vmlinux.part-")]


def check_cache(dump):
    with tempfile.TemporaryDirectory(prefix="kstub-test-") as cache:
        killed = kstub_gdb(dump, cache, start_new_session=True)
        while not half_made(cache) and killed.poll() is None:
            os.sched_yield()
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate()
        ok(half_made(cache), f"{dump.name}: killed while it prepares vmlinux: half a file",
           os.listdir(cache))
        both = [kstub_gdb(dump, cache) for _ in range(2)]
        for process in both:
            check_stack(dump, process.communicate(timeout=session.SECONDS)[0],
                        "two at once on what the killed one left")
        ok(not leftovers(cache), f"{dump.name}: nothing is left half made", leftovers(cache))


def check_slow(dump):
    with tempfile.TemporaryDirectory(prefix="kstub-test-") as scratch:
        shim = os.path.join(scratch, "slow.so")
        subprocess.run(["gcc", "-shared", "-fPIC", "-w", "-o", shim, "-x", "c", "-"],
                       input=SLOW_READ, text=True, check=True)
        argv = [session.KSTUB, "gdb", dump.path, "--", "-nx", "-batch", "-ex", "set width 0",
                "-ex", "python import os; os.environ.pop('LD_PRELOAD', None)", *stack_commands()]
        start = time.monotonic()
        run = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=session.SECONDS,
                             env={**os.environ, "LD_PRELOAD": shim})
        took = time.monotonic() - start
        ok(took >= 10, f"{dump.name}: the dump takes 10 s to open", f"{took:.1f} s")
        check_stack(dump, run.stdout, "a dump that takes 10 s to open")


def main():
    session.need_kstub()
    names = sys.argv[1:] or ["6.1-bad_driver", "6.12-bad_driver", "6.1-nokaslr"]
    first = session.Dump(names[0])
    check_serve(first)
    for name in names[1:]:
        check_users_vmlinux(session.Dump(name))
    check_cache(first)
    check_slow(first)
    session.done()


if __name__ == "__main__":
    main()

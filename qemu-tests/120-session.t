#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A user's session on a driver's crash: source lines, arguments, locals, structures, memory,
the log. What is right comes from the registers and the log that the guest printed, from
addr2line, and from bad_driver.c.

  120-session.t [DUMP...]       names in build/dumps/
"""

import re
import subprocess
import sys

sys.dont_write_bytecode = True
import session
from session import ok

COMMANDS = {
    "bt": ["bt"],
    "frame": ["frame function faulty_driver_func", "list", "info locals", "p count", "p dev",
              "p *dev", "p dev->parent->kobj.name"],
    "list": ["list *(faulty_driver_func+0x25)"],
    "libraries": ["info sharedlibrary"],
    "task": ["p init_task.comm"],
    "null": ["x/10xw 0x0"],
    "log": ["monitor log"],
}


def line_of(dump, frame, caller):
    """Where addr2line says that a frame in bad_driver.ko is; of a caller, its call."""
    offset = -next(iter(dump.addresses(frame))) - caller
    run = subprocess.run(["addr2line", "-j", ".text", "-e", f"{dump.dir}/bad_driver.ko",
                          f"{offset:#x}"], capture_output=True, text=True, check=True)
    return re.search(r"bad_driver\.c:\d+", run.stdout)[0]


def check(name):
    dump = session.Dump(name)
    commands = [c for title, group in COMMANDS.items() for c in [f"echo \\n<<{title}>>\\n", *group]]
    text = session.gdb(dump.path, *commands, with_gdb=session.GDB)
    part = dict(zip(COMMANDS, re.split(r"^<<\w+>>$", text, flags=re.MULTILINE)[1:]))
    part = {title: part.get(title, "") for title in COMMANDS}

    frames = [f for f in dump.oracle() if f.endswith("[bad_driver]")]
    for n, frame in enumerate(frames):
        function, line = frame.split("+")[0], line_of(dump, frame, n > 0)
        ok(re.search(rf"\b{function} \([^)]+\) at \S*{line}$", part["bt"], re.MULTILINE),
           f"{name}: bt has {function} with arguments at {line}", part["bt"])

    registers = dict(line.split() for line in dump.oracle("--registers")[1:16])
    dev = int(registers["rdi"], 16)
    for what, pattern in {
            "the faulting line is listed": r"^\d+\t\s+\*ptr = 42;",
            "info locals has ptr": r"^ptr = 0x0",
            "count is 4": r"^\$\d+ = 4$",
            "dev is what was in rdi": rf"^\$\d+ = \(struct bad_device \*\) {dev:#x}$",
            "*dev has its name": r'name = "bad0',
            "*dev has its state by name": r"state = BAD_RESET",
            "*dev has its features": r"features = 4276994270|features = 0xfeedc0de",
            "*dev has its buffers": r"size = 32768",
            "dev->parent has its name": r'"bad_driver\.0"'}.items():
        ok(re.search(pattern, part["frame"], re.MULTILINE), f"{name}: {what}", part["frame"])
    ok("is in faulty_driver_func (" in part["list"], f"{name}: list *(function+offset)", part["list"])

    loaded = {line.split()[0] for line in dump.fact("modules").splitlines()} | {"bad_driver"}
    read = {re.sub(r"\.ko(\.debug)?$", "", path.split("/")[-1]).replace("-", "_")
            for path in re.findall(r"Yes(?: \(\*\))? +(\S+)$", part["libraries"], re.MULTILINE)}
    ok(loaded <= read and any("vmlinux" in n for n in read),
       f"{name}: vmlinux and every module are read", f"not {loaded - read}", part["libraries"])
    ok(re.search(r'^\$\d+ = "swapper/0', part["task"], re.MULTILINE),
       f"{name}: init_task.comm", part["task"])
    ok("Cannot access memory at address 0x0" in part["null"], f"{name}: NULL has no memory",
       part["null"])

    printed = dump.fact("serial.log").replace("\r", "")
    said = r"^\[ *\d+\.\d+\] (RIP: 0010:.*|BUG: .*|Linux version .*|Kernel panic - .*)$"
    for line in re.findall(said, printed, re.MULTILINE):
        ok(line in part["log"], f"{name}: the log has {line[:50]}", part["log"][-1500:])


def main():
    session.need_kstub()
    for name in sys.argv[1:] or ["6.1-bad_driver", "6.12-bad_driver", "6.1-kdump"]:
        check(name)
    session.done()


if __name__ == "__main__":
    main()

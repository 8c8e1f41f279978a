#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Stock gdb's stack of the task that panicked, against the kernel's own Call Trace.

Every frame that the kernel printed without a "?", in the same order, nothing between and
nothing after the user's RIP; inlined calls are extra. Then the registers that the kernel
printed with each RIP: line, as gdb shows them in that frame: right or "<not saved>".
The same with the trace's modules stripped, as distributions install them.
A format that has no registers (LKCD) gives no stack, says why, and has the kernel's memory.

  100-backtrace.t [DUMP...]     names in build/dumps/
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import session
from session import ok

CALLEE_SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")


def check_stack(dump, path, label):
    text = session.gdb(path, *session.STACK)
    found = session.stack(text)
    wanted = [(f, dump.addresses(f)) for f in session.innermost_comparable(dump.oracle())]
    why = session.compare(found, wanted) if found else "gdb printed no stack"
    ok(why is None, f"{label}: the stack is the kernel's", why,
       "\n".join(f"{a:#x} {f}" for a, f, _ in found) or text[-2000:])
    return found


def register_blocks(dump):
    """[(frame, {register: value})] of the kernel's RIP: lines."""
    blocks = []
    for line in dump.oracle("--registers"):
        if line.startswith("# rip "):
            blocks.append((line[6:], {}))
        else:
            name, value = line.split()
            blocks[-1][1][name] = int(value, 16)
    return blocks


def level_of(found, candidates):
    """The number of the outermost of the frames at that address."""
    bases = {}
    levels = [level for address, _, level in found
              if session.frame_is(address, candidates, bases)]
    run = [n for n in levels if n - levels[0] == levels.index(n)]
    return run[-1] if run else None


def check_registers(dump, path, label, found):
    commands, wanted = [], []
    for frame, registers in register_blocks(dump):
        level = level_of(found, dump.addresses(frame))
        if level is None:
            continue # said already
        commands.append(f"frame level {level}")
        for name in ("rsp", "eflags") + CALLEE_SAVED:
            commands += [f"echo \\n<{len(wanted)}>", f"p/x ${name}"]
            wanted.append((frame, name, registers[name]))
    text = session.gdb(path, *commands)
    shown = {int(n): value for n, value in
             re.findall(r"^<(\d+)>\$\d+ = (.*)$", text, re.MULTILINE)}
    wrong, saved = [], 0
    for n, (frame, name, value) in enumerate(wanted):
        have = shown.get(n, "nothing")
        if have == f"{value:#x}":
            saved += 1
        elif have != "<not saved>" or name in ("rsp", "eflags"):
            wrong.append(f"{name} of {frame}: {have} instead of {value:#x}")
    ok(wanted and not wrong, f"{label}: no register of an interrupted frame is wrong",
       "\n".join(wrong) or "no frame to look at")
    # The fault itself: the entry code saved them all, so gdb must know them all.
    ok(saved > len(CALLEE_SAVED), f"{label}: gdb knows the registers that were saved",
       text[-2000:])


def check_stripped(dump):
    """Without debug information only the modules' ORC tells about their frames."""
    modules = {m[1] for m in (re.search(r" \[(\w+)\]$", f) for f in dump.oracle()) if m}
    modules = {name for name in modules if os.path.exists(os.path.join(dump.dir, name + ".ko"))}
    if not modules:
        return
    label = f"{dump.name}, stripped modules"
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "vmcore")
        os.symlink(dump.path, path) # modules are looked for beside the link
        for file in os.listdir(dump.dir):
            if file.endswith(".ko"):
                copy = shutil.copy(os.path.join(dump.dir, file), directory)
                subprocess.run(["strip", "--strip-debug", copy], check=True)
        text = session.gdb(path, "info sharedlibrary")
        bare = set(re.findall(r"^0x.* Yes \(\*\) +\S+/(\w+)\.ko$", text, re.MULTILINE))
        ok(modules <= bare, f"{label}: gdb has them, and no debug information of theirs", text)
        check_registers(dump, path, label, check_stack(dump, path, label))


def check_without_registers(dump, path, label):
    text = session.gdb(path, "info threads", "backtrace", 'printf "<%s>\\n", linux_banner')
    cpu, pid, _ = dump.panicked
    ok(re.search(rf"^\* .*Thread {pid} .*running on CPU {cpu}, panicked here, no registers in the dump", text, re.MULTILINE),
       f"{label}: gdb is told that there are no registers, and has selected who panicked", text)
    ok(f"<{dump.fact('version').strip()}\n>" in text, f"{label}: the kernel's memory and symbols", text)
    ok(not session.stack(session.gdb(path, *session.STACK))[1:], f"{label}: no stack is made up", text)


def left_out(dump, path):
    """The modules of the stack whose pages are not in a filtered dump. Debian 12's makedumpfile (1.7.2)
    is older than 6.12 and takes some of that kernel's slab pages for free ones."""
    run = subprocess.run([session.KSTUB, "info", *session.OPTIONS, path], capture_output=True, text=True)
    missing = re.findall(r"module (\w+): its sections cannot be read: a page that makedumpfile excluded",
                         run.stdout)
    return sorted({m for m in missing if any(f"[{m}]" in frame for frame in dump.oracle())})


def main():
    session.need_kstub()
    names = sys.argv[1:] or sorted(
        n for n in os.listdir(session.DUMPS)
        if os.path.exists(os.path.join(session.DUMPS, n, "made-from"))
        and not n.endswith(("-user-pti", "-4g", "-many")))
    for name in names:
        dump = session.Dump(name)
        found = check_stack(dump, dump.path, name)
        check_registers(dump, dump.path, name, found)
        check_stripped(dump)
        parts = {}
        for variant in sorted(os.listdir(dump.dir)):
            m = re.match(r"vmcore\.([\w-]+)(\.\d)?$", variant)
            if m:
                parts.setdefault(m[1], []).append(os.path.join(dump.dir, variant))
        for variant, paths in parts.items():
            check = check_without_registers if variant == "lkcd" else check_stack
            label, path = f"{name}, {variant}", ",".join(paths)
            missing = left_out(dump, path) if variant.startswith("d31") else []
            if missing:
                session.skip(f"{label}: the stack", f"makedumpfile left out pages of {', '.join(missing)}")
            else:
                check(dump, path, label)
    session.done()


if __name__ == "__main__":
    main()

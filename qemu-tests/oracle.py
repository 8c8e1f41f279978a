#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's own account of the crash: what system tests compare stacks with.

Reads a serial.log and prints the frames of the first Call Trace after the guest's
"==== crash" marker (or of the whole log), one per line, innermost first:

    faulty_driver_func+0x29/0x40 [bad_driver]
    init_buffers+0x33/0x40 [bad_driver]
    ...
    entry_SYSCALL_64_after_hwframe+0x6e/0xd8
    user 0x47fbe9

The RIP: line of an oops comes first, the RIP: of an interrupted context where it was
interrupted. Frames that the kernel marks with "?" are left out. A trace printed by
panic() itself begins with dump_stack_lvl or panic and has no RIP: line.

  oracle.py serial.log              the frames
  oracle.py --sections serial.log   with lines "# IRQ", "# NMI", "# TASK" between them
  oracle.py --registers serial.log  instead, the registers that the kernel printed with each
                                    RIP: line: "rbx 00000000000003e8" below "# rip FRAME"
"""

import re
import sys

FRAME = re.compile(r"[\w.]+\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[\w+\])?$")
MARKER = re.compile(r"==== crash \w+ ====")
NOISE = re.compile(r"(Code|RSP|RAX|RDX|RBP|R10|R13|FS|CS|CR2|DR0|DR3|PKRU|ORIG_RAX): ")


REGISTER = re.compile(r"\b(R[A-D]X|R[SD]I|RBP|RSP|R\d\d|EFLAGS): (?:[0-9a-f]{4}:)?([0-9a-f]+)")


def lines_of(text):
    """The log from the crash on, without time stamps and without callers ([T123])."""
    text = text.replace("\r", "")
    marker = MARKER.search(text)
    for line in text[marker.end() if marker else 0:].split("\n"):
        yield re.sub(r"^\[ *\d+\.\d+\](\[ *[TC]\d+\])?", "", line).strip()


def rip_of(line):
    """What a "RIP:" line says, or None."""
    m = re.match(r"RIP: ([0-9a-f]{4}):(?:\[<\w+>\] )?(\S+(?: \[\w+\])?)", line)
    if not m:
        return None
    return "user " + m[2] if int(m[1], 16) & 3 else m[2]


def trace(text):
    found = []
    rip = None
    inside = False
    for line in lines_of(text):
        if not inside:
            rip = rip_of(line) or rip
            if line == "Call Trace:":
                inside = True
                found = [rip] if rip else []
        elif rip_of(line):
            found.append(rip_of(line))
        elif re.match(r"<(IRQ|NMI|TASK|SOFTIRQ|ENTRY_TRAMPOLINE|#\w+)>$", line):
            found.append("# " + line[1:-1])
        elif FRAME.match(line):
            found.append(line)
        elif not (NOISE.match(line) or line.startswith(("? ", "</"))):
            break
    return found


def registers(text):
    """The register blocks of the same trace, each below the RIP: line that it belongs to."""
    found = []
    inside = False
    for line in lines_of(text):
        inside = inside or line == "Call Trace:"
        if inside and line.startswith(("Modules linked in", "---[ end")):
            break
        if rip_of(line):
            if not inside:
                found = []
            found.append("# rip " + rip_of(line))
        elif found:
            found += [f"{m[1].lower()} {int(m[2], 16):016x}" for m in REGISTER.finditer(line)]
    return found


def main():
    options = [a for a in sys.argv[1:] if a.startswith("--")]
    files = [a for a in sys.argv[1:] if not a.startswith("--")]
    if len(files) != 1 or not set(options) <= {"--sections", "--registers"}:
        print(__doc__, file=sys.stderr)
        return 2
    with open(files[0], encoding="latin-1") as f:
        text = f.read()
    frames = registers(text) if "--registers" in options else trace(text)
    if not frames:
        print(f"{files[0]}: no Call Trace", file=sys.stderr)
        return 1
    for frame in frames:
        if options or not frame.startswith("#"):
            print(frame)
    return 0


if __name__ == "__main__":
    sys.exit(main())

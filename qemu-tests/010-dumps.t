#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Are the dumps what their names say? What the other tests compare with stands on this."""

import os
import re
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DUMPS = os.path.join(os.path.dirname(HERE), "build", "dumps")

# What the kernel's own trace must go through, in order.
SYSCALL = [r"do_syscall_64\+", r"entry_SYSCALL_64_after_hwframe\+", "user "]
WRITE = [r"crashes_write\+.*\[crashes\]", r"vfs_write\+"] + SYSCALL
SPIN = [r"crash_spin\+", r"crash_now\+"] + WRITE
BAD_DRIVER = [rf"{f}\+.*\[bad_driver\]" for f in (
    "faulty_driver_func", "init_buffers", "setup_hw", "bad_driver_probe")] + SYSCALL
TRACES = {
    "sysrq": [r"panic\+", r"sysrq_handle_crash\+", r"write_sysrq_trigger\+"] + SYSCALL,
    "timer": [r"crash_store\+", "# IRQ", r"crash_timer\+", r"call_timer_fn\+",
              r"sysvec_apic_timer_interrupt\+", "# TASK",
              r"asm_sysvec_apic_timer_interrupt\+"] + SPIN,
    "softirq": [r"crash_store\+", "# IRQ", r"crash_timer\+", r"call_timer_fn\+", r"do_softirq\S*\+",
                "# TASK", r"__local_bh_enable_ip\+", r"crash_now\+"] + WRITE,
    "ipi": [r"crash_store\+", "# IRQ", r"crash_ipi\+", r"sysvec_call_function_single\+",
            "# TASK", r"asm_sysvec_call_function_single\+"] + SPIN,
    "bug": [r"crash_now\+"] + WRITE,
    "overflow": [r"crash_recurse\+"] * 50 + [r"crashes_write\+"] + SYSCALL,
    "nmi": ["# NMI", r"panic\+", r"exc_nmi\+", r"end_repeat_nmi\+", r"crash_spin\+",
            "# TASK", r"crash_now\+"] + WRITE,
}
TRACES["pti-5level"] = TRACES["timer"]
MAGIC = {
    "kdump-zlib": b"makedumpfile\0", "d31-zlib": b"KDUMP   ", "d31-lzo": b"KDUMP   ",
    "d31-snappy": b"KDUMP   ", "d0-plain": b"KDUMP   ", "d31-split.1": b"KDUMP   ",
    "d31-split.2": b"KDUMP   ", "d31-split.3": b"KDUMP   ",
    "d31-flattened": b"makedumpfile\0", "d31-elf": b"\x7fELF",
    "d31-elf-flattened": b"makedumpfile\0",
}

count = 0


def ok(condition, name, why=""):
    global count
    count += 1
    print(f"{'ok' if condition else 'not ok'} {count} - {name}")
    if not condition and why:
        print(f"# {why}")


def missing_in_order(patterns, lines):
    """The first pattern that does not match a line after those of the ones before it."""
    lines = iter(lines)
    for pattern in patterns:
        if not any(re.match(pattern, line) for line in lines):
            return pattern
    return None


def vmcoreinfo(path):
    """The text of an ELF dump's VMCOREINFO note, or None."""
    with open(path, "rb") as f:
        ehdr = f.read(64)
        phoff, phnum = struct.unpack_from("<Q", ehdr, 32)[0], struct.unpack_from("<H", ehdr, 56)[0]
        f.seek(phoff)
        headers = [struct.unpack("<IIQQQQQQ", f.read(56)) for _ in range(phnum)]
        for header in headers:
            if header[0] != 4:
                continue
            f.seek(header[2])
            notes, at = f.read(header[5]), 0
            while at + 12 <= len(notes):
                namesz, descsz, _ = struct.unpack_from("<III", notes, at)
                desc = at + 12 + (namesz + 3 & ~3)
                if notes[at + 12:at + 12 + namesz].startswith(b"VMCOREINFO"):
                    return notes[desc:desc + descsz].decode()
                at = desc + (descsz + 3 & ~3)
    return None


def check(name):
    path = os.path.join(DUMPS, name)
    version, what = name.split("-", 1)

    def read(fact):
        with open(os.path.join(path, fact), encoding="latin-1") as f:
            return f.read()

    log, info = read("serial.log"), vmcoreinfo(os.path.join(path, "vmcore"))
    noted = info is not None
    info = info or ""
    ok(f"Linux version {version}." in read("version"), f"{name}: the kernel is {version}",
       read("version"))
    if not what.endswith("user-pti"):
        lines = subprocess.run([os.path.join(HERE, "oracle.py"), "--sections",
                                os.path.join(path, "serial.log")],
                               capture_output=True, text=True).stdout.splitlines()
        lost = missing_in_order(TRACES.get(what, BAD_DRIVER), lines)
        ok(lost is None, f"{name}: the kernel's trace goes where it should",
           f"no {lost} in {lines}")
    wanted = {"crashes", "bridge", "stp", "llc", "dummy", "x_tables"}
    have = {line.split()[0] for line in read("modules").splitlines()}
    ok(wanted <= have, f"{name}: modules are loaded", f"no {wanted - have}")
    found = {tuple(line.split(" ", 3)) for line in read("tasks").split("\n")}
    told = {tuple(line.split(" ", 5)[2:]) for line in read("scene").split("\n")
            if line.startswith("task ")}
    ok(len(told) >= 25 and told <= found, f"{name}: the scene stood when /proc was read",
       f"not so: {told - found}")
    isolated = "page tables isolation: enabled" in log
    ok(isolated == ("pti" in what), f"{name}: page table isolation is as asked for")
    if "no-vmcoreinfo" in what:
        ok(not noted, f"{name}: no VMCOREINFO note")
    else:
        levels = 4 if what in ("4level", "pti") else 5
        ok(f"NUMBER(pgtable_l5_enabled)={levels - 4}\n" in info, f"{name}: {levels} levels")
        ok(("KERNELOFFSET=0\n" in info) == (what == "nokaslr"),
           f"{name}: {'not ' if what == 'nokaslr' else ''}moved by KASLR")
    if what == "bad_driver":
        for variant, magic in MAGIC.items():
            with open(os.path.join(path, f"vmcore.{variant}"), "rb") as f:
                found = f.read(len(magic))
            ok(found == magic, f"{name}: {variant} begins as it should", repr(found))


def main():
    names = sorted(n for n in (os.listdir(DUMPS) if os.path.isdir(DUMPS) else [])
                   if re.match(r"\d+\.\d+-[a-z0-9_-]+$", n) and not n.endswith(("-4g", "-many")))
    if not names:
        print("1..0 # SKIP no dumps: ./dev dumps makes them")
        return
    for name in names:
        check(name)
    print(f"1..{count}")


if __name__ == "__main__":
    sys.exit(main())

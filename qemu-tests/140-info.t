#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `kstub info` found in each dump, and by which way, against what the guest said of
itself, the dump's own VMCOREINFO apart: release, KASLR offset, modules as /proc/modules has
them; and the build-id that readelf finds in the vmlinux of that release.

  140-info.t [DUMP...]          names in build/dumps/
"""

import json
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import session
from session import ok


def method(name):
    """The way that is left for this dump."""
    return "a CPU's page tables" if "no-vmcoreinfo" in name else "VMCOREINFO note"


def levels(dump):
    """What the guest's processor could do, and its kernel used: both kernels here can do 5."""
    return 4 if dump.name.endswith(("-4level", "-pti")) and "no-vmcoreinfo" not in dump.name else 5


def info(path, *options):
    run = subprocess.run([session.KSTUB, "info", "--json", *session.OPTIONS, *options, path], capture_output=True,
                         text=True)
    try:
        return json.loads(run.stdout), run.stderr
    except ValueError:
        return {}, run.stdout + run.stderr


def build_id(path):
    text = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True).stdout
    return re.search(r"Build ID: ([0-9a-f]+)", text)[1]


def check_modules(dump, found):
    """Names, in the kernel's order, sizes and addresses; a module that was loaded when the guest
    had said all is no part of it."""
    said = [(f[0], int(f[1]), int(f[5], 16)) for f in
            (line.split() for line in dump.fact("modules").splitlines())]
    known = {name for name, _, _ in said}
    have = [(m["name"], m["size"], int(m["base"], 16)) for m in found.get("modules", [])
            if m["name"] in known]
    ok(said and have == said, f"{dump.name}: {len(said)} modules as in /proc/modules",
       f"{set(said) ^ set(have)}")
    without = [m["name"] for m in found.get("modules", []) if not m.get("file")]
    ok(not without, f"{dump.name}: each module has its file", without)


def check(name):
    dump = session.Dump(name)
    found, stderr = info(dump.path)
    ok(found.get("found_by") == method(name), f"{name}: found by {method(name)}",
       found.get("found_by"), stderr)
    ok(found.get("release") == dump.release and found.get("build_id") == build_id(dump.vmlinux),
       f"{name}: release and build-id", found.get("release"), found.get("build_id"))
    ok(int(found.get("kaslr_offset", "1"), 16) == dump.kaslr,
       f"{name}: KASLR offset {dump.kaslr:#x}", found.get("kaslr_offset"))
    ok(found.get("paging_levels") == levels(dump), f"{name}: {levels(dump)} levels",
       found.get("paging_levels"))
    checks = found.get("checks", [])
    ok(len(checks) >= 6 and all(c["result"] == "agrees" for c in checks),
       f"{name}: all {len(checks)} checks agree", checks)
    ok(found.get("vmlinux") == dump.vmlinux or
       build_id(found.get("vmlinux") or dump.vmlinux) == build_id(dump.vmlinux),
       f"{name}: vmlinux", found.get("vmlinux"))
    ok(not found.get("warnings") and not stderr, f"{name}: no warnings", found.get("warnings"), stderr)
    wanted = "DWARF" if "--types=dwarf" in session.OPTIONS else "BTF"
    ok(found.get("types") == wanted, f"{name}: types from {wanted}", found.get("types"))
    check_modules(dump, found)


def check_lkcd(name):
    """No VMCOREINFO and no registers: the kernel is found all the same, and soon."""
    dump = session.Dump(name)
    path = dump.path + ".lkcd"
    if not os.path.exists(path):
        return
    start = time.monotonic()
    found, stderr = info(path)
    seconds = time.monotonic() - start
    ok(found.get("found_by") == "VMCOREINFO in memory" and found.get("cpus") == 0,
       f"{name}, LKCD: found without registers", found.get("found_by"), stderr)
    ok(int(found.get("kaslr_offset", "1"), 16) == dump.kaslr and found.get("release") == dump.release
       and found.get("build_id") == build_id(dump.vmlinux), f"{name}, LKCD: the kernel")
    ok(not found.get("warnings") and not stderr, f"{name}, LKCD: no warnings", found.get("warnings"), stderr)
    ok(seconds < 10, f"{name}, LKCD: {seconds:.1f} s")
    check_modules(dump, found)


def main():
    session.need_kstub()
    for name in sys.argv[1:] or sorted(
            n for n in os.listdir(session.DUMPS)
            if os.path.exists(os.path.join(session.DUMPS, n, "made-from"))
            and not n.endswith(("-4g", "-many"))):
        check(name)
        check_lkcd(name)
    session.done()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Real dumps cut off at many places, without a part of their set, and damaged at random: what
is there is served, what is not is named, and nothing ends by a signal or takes long.

  170-damaged.t [DUMP]          a name in build/dumps/ with variants
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import session
from session import ok

# With the sanitizers where they are built.
CHECKED = os.path.join(session.REPO, "build", "asan", "kstub")
KSTUB = CHECKED if os.access(CHECKED, os.X_OK) else session.KSTUB
TRIES = 12


def run(*argv, seconds=60):
    """Its status, stdout and stderr; a status of None took too long."""
    try:
        r = subprocess.run([KSTUB, *argv], capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return None, "", f"(no end after {seconds} s)"
    return r.returncode, r.stdout.decode("utf-8", "replace"), r.stderr.decode("utf-8", "replace")


def cut(source, target, part):
    """The first PART of a file."""
    size = int(os.path.getsize(source) * part)
    with open(source, "rb") as f, open(target, "wb") as out:
        shutil.copyfileobj(f, out)
        out.truncate(size)
    return size


def check_cut(dump, scratch, variant, part, build_id):
    source = dump.path + (f".{variant}" if variant else "")
    target = os.path.join(scratch, "cut")
    label = f"{variant or 'elf'} cut at {part:.0%}"
    size = cut(source, target, part)
    status, text, stderr = run("info", "--json", target)
    try:
        found = json.loads(text)
    except ValueError:
        found = {}
    named = [w for w in found.get("warnings", []) if "truncated" in w or "ends too early" in w]
    ok(status == 0 and named and found.get("file_size") == size,
       f"{label}: what is missing is named", status, text, stderr)
    if found.get("release"):
        ok(found.get("build_id") == build_id and found["release"] == dump.release,
           f"{label}: the kernel is not taken for another", text)
    shown = session.gdb(target, "info threads", "p $rip")
    ok(re.search(r"^\$\d+ = .*0x[0-9a-f]+", shown, re.MULTILINE) and "signal" not in stderr,
       f"{label}: gdb has the registers", shown[-1500:])


def check_without_headers(dump, scratch):
    """makedumpfile writes the headers of a flattened ELF last."""
    target = os.path.join(scratch, "cut")
    cut(dump.path + ".d31-elf-flattened", target, 0.5)
    status, _, stderr = run("info", target)
    ok(status == 1 and "a flattened dump that ends too early" in stderr,
       "a flattened ELF without its end: nothing can be served, and why", status, stderr)


def check_missing_part(dump):
    parts = [f"{dump.path}.d31-split.{n}" for n in (1, 2, 3)]
    for left_out in range(3):
        given = ",".join(p for n, p in enumerate(parts) if n != left_out)
        status, text, stderr = run("info", given)
        ok(status == 0 and "the part of the split dump with physical memory from" in text and
           "contradicts" not in text, f"split set without its part {left_out + 1}: it is named",
           status, text[-1500:], stderr)
    status, _, stderr = run("info", parts[0] + "," + dump.path + ".d31-zlib")
    ok(status == 1 and "is a whole dump and no part of a split one" in stderr,
       "a whole dump is no part", stderr)


def check_random(dump, scratch, variant):
    """Bytes at random; most in the headers, where they matter most."""
    source = dump.path + f".{variant}"
    target = os.path.join(scratch, "damaged")
    shutil.copyfile(source, target)
    size = os.path.getsize(source)
    numbers = random.Random(variant)
    bad = []
    for n in range(TRIES):
        with open(source, "rb") as f, open(target, "r+b") as out:
            places = [numbers.randrange(min(size, 300000) if numbers.randrange(2) else size)
                      for _ in range(1 << n % 10)]
            for at in places:
                f.seek(at)
                old = f.read(1)
                out.seek(at)
                out.write(bytes([old[0] ^ 1 << numbers.randrange(8)]))
        for command in (["info"], ["cmd", "log"], ["cmd", "vtop", "ffffffff81000000"]):
            words = [command[0], target, *command[1:]]
            status, text, stderr = run(*words)
            if status not in (0, 1, 2) or "runtime error" in stderr or (status and not stderr):
                bad.append(f"try {n}: {' '.join(command)}: status {status}: {stderr[-600:]}")
        with open(source, "rb") as f, open(target, "r+b") as out:
            for at in places:
                f.seek(at)
                out.seek(at)
                out.write(f.read(1))
    ok(not bad, f"{variant}: {TRIES} damaged files are told about or served", "\n".join(bad))


def main():
    session.need_kstub()
    dump = session.Dump(sys.argv[1] if len(sys.argv) > 1 else "6.1-bad_driver")
    _, text, _ = run("info", "--json", dump.path)
    build_id = json.loads(text)["build_id"]
    with tempfile.TemporaryDirectory(prefix="kstub-test-") as scratch:
        for variant, parts in {"": (0.1, 0.5, 0.9), "kdump-zlib": (0.05, 0.5, 0.95),
                               "d31-lzo": (0.3, 0.99), "d31-flattened": (0.6,)}.items():
            for part in parts:
                check_cut(dump, scratch, variant, part, build_id)
        check_without_headers(dump, scratch)
        check_missing_part(dump)
        for variant in ("d31-zlib", "d31-snappy", "d31-flattened", "d31-elf"):
            check_random(dump, scratch, variant)
    session.done()


if __name__ == "__main__":
    main()

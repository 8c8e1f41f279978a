#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The monitor commands as `kstub cmd`, against what the guest printed before it died and
against the bytes of the dump file.

  150-commands.t [DUMP...]      names in build/dumps/
"""

import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import session
from session import ok

STAMPED = re.compile(r"^\[ *\d+\.\d{6}\] .*$", re.MULTILINE)


def console(dump):
    """What the console showed, up to the second kernel that kdump starts."""
    text = dump.fact("serial.log").encode("latin-1").decode("utf-8", "backslashreplace").replace("\r", "")
    # As the kernel itself escapes it in /dev/kmsg: a task may have it in its name.
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", lambda m: f"\\x{ord(m[0]):02x}", text)
    boots = [m.start() for m in re.finditer(r"^\[ *0\.000000\] Linux version ", text, re.MULTILINE)]
    return text[:boots[1]] if len(boots) > 1 else text


def cmd(path, *words, options=()):
    run = subprocess.run([session.KSTUB, "cmd", *session.OPTIONS, *options, path, *words], capture_output=True)
    return run.stdout.decode("utf-8", "replace"), run.stderr.decode("utf-8", "replace")


def field(text, title):
    m = re.search(rf"^ *{title}: (.*)$", text, re.MULTILINE)
    return m[1] if m else None


def is_what_is_left_of(line, whole):
    """Did the emulated serial port lose some characters of it?"""
    characters = iter(whole)
    return 0.8 * len(whole) < len(line) < len(whole) and all(c in characters for c in line)


def check_log_lines(dump, path, label):
    """Every line that the console showed is a line of the log, in the same order."""
    text, stderr = cmd(path, "log")
    logged = [line.rstrip() for line in text.splitlines()]
    printed = [line.rstrip() for line in STAMPED.findall(console(dump))]
    missing, at, garbled = None, 0, 0
    for line in printed:
        found = next((n for n in range(at, len(logged)) if logged[n] == line), None)
        if found is None:
            found = next((n for n in range(at, min(at + 100, len(logged)))
                          if is_what_is_left_of(line, logged[n])), None)
            garbled += found is not None
        if found is None:
            missing = line
            break
        at = found + 1
    ok(len(printed) > 200 and missing is None and garbled < 10,
       f"{label}: log has the {len(printed)} lines of the console, in order",
       f"not there: {missing}", stderr, text[-500:])
    return text


def check_log(dump):
    text = check_log_lines(dump, dump.path, dump.name)
    lkcd = dump.path + ".lkcd"
    if os.path.exists(lkcd):
        check_log_lines(dump, lkcd, f"{dump.name}, LKCD")
    rows = json.loads(cmd(dump.path, "log", options=["--json"])[0]).get("rows", [])
    ok(len(rows) == len(text.splitlines()) and all(row["level"] < 8 for row in rows),
       f"{dump.name}: log as JSON has the same lines", len(rows))
    bare = cmd(dump.path, "log", "-t", "-m")[0].splitlines()
    ok(len(bare) == len(rows) and all(re.match(r"<[0-7]>", line) for line in bare),
       f"{dump.name}: log -t -m", "\n".join(bare[:3]))


def check_mod(dump):
    text, stderr = cmd(dump.path, "mod")
    said = [(f[0], int(f[5], 16), int(f[1])) for f in
            (line.split() for line in dump.fact("modules").splitlines())]
    have = [(f[1], int(f[2], 16), int(f[3])) for f in
            (line.split() for line in text.splitlines()[1:]) if len(f) == 5]
    ok(said and [m for m in have if m[0] in {name for name, *_ in said}] == said,
       f"{dump.name}: mod is /proc/modules", text, stderr)


def check_sys(dump):
    text, stderr = cmd(dump.path, "sys")
    log = console(dump)
    version = re.match(r"Linux version (\S+) .* (#\d+ .*)$", dump.fact("version").strip())
    panic = re.findall(r"^\[ *(\d+)\.\d+\] (Kernel panic - .*)$", log, re.MULTILINE)
    cpu = re.findall(r"^\[ *\d+\.\d+\] CPU: (\d+) (?:UID: \d+ )?PID: ", log, re.MULTILINE)
    ok(field(text, "RELEASE") == version[1] and field(text, "VERSION") == version[2],
       f"{dump.name}: sys has release and version", text, stderr)
    ok(field(text, "CPUS") == "2", f"{dump.name}: sys counts the CPUs", text)
    if panic:
        ok(field(text, "PANIC") == panic[-1][1] and field(text, "PANIC CPU") == cpu[-1],
           f"{dump.name}: sys knows who panicked and why", f"{panic[-1][1]} on {cpu[-1]}", text)
        days, hours, minutes, seconds = map(int, re.match(
            r"(\d+) days, (\d+):(\d+):(\d+)", field(text, "UPTIME") or "0 days, 0:0:0").groups())
        uptime = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        ok(abs(uptime - int(panic[-1][0])) <= 2, f"{dump.name}: sys's uptime is the log's time",
           f"{uptime} s, panic at {panic[-1][0]} s")


def check_vtop(dump):
    """The page of a symbol: the bytes at the offset that vtop names are the symbol's."""
    text, stderr = cmd(dump.path, "vtop", "linux_banner")
    at = re.search(r"at file offset (\d+)", field(text, "PAGE") or "")
    bytes_there = b""
    if at:
        with open(dump.path, "rb") as f:
            f.seek(int(at[1]))
            bytes_there = f.read(len(dump.fact("version")))
    ok(bytes_there.decode("latin-1").startswith(f"Linux version {dump.release} "),
       f"{dump.name}: vtop linux_banner names the bytes' place in the file", text, stderr)
    text, stderr = cmd(dump.path, "vtop", "0")
    ok("no mapping" in text, f"{dump.name}: vtop 0 says that nothing is mapped", text, stderr)


def check_excluded(dump):
    """The page of the program that crashed is a file's: -d 31 leaves it out."""
    filtered = dump.path + ".d31-zlib"
    user = int(next(f for f in dump.oracle() if f.startswith("user ")).split()[1], 16)
    text, _ = cmd(dump.path, "vtop", f"{user:#x}")
    ok("at file offset" in (field(text, "PAGE") or ""), f"{dump.name}: the program's page is in "
       "the whole dump", text)
    text, stderr = cmd(filtered, "vtop", f"{user:#x}")
    ok(field(text, "PAGE") == "excluded by makedumpfile (dump level 31)",
       f"{dump.name}: vtop says what makedumpfile excluded", text, stderr)
    shown = session.gdb(filtered, f"x/2xb {user:#x}")
    ok(f"Cannot access memory at address {user:#x}" in shown,
       f"{dump.name}: gdb gets no zeros for it", shown[-500:])
    shown = session.gdb(dump.path, f"x/2xb {user:#x}")
    ok(re.search(rf"^{user:#x}.*:\s+0x0f\s+0x05|^{user:#x}.*:\s+0x[0-9a-f]+", shown, re.MULTILINE),
       f"{dump.name}: gdb reads the program in the whole dump", shown[-500:])


def check_help(dump):
    text, _ = cmd(dump.path, "help")
    names = [line.split()[0] for line in text.splitlines()[1:]]
    ok({"help", "log", "mod", "sys", "vtop"} <= set(names), "help lists the commands", text)
    for name in names:
        text, _ = cmd(dump.path, "help", name)
        ok(text.startswith(name) and len(text.splitlines()) > 2, f"help {name} explains it", text)
    for words in (["nonsense"], ["log", "--nonsense"], ["vtop"], ["vtop", "nonsense"]):
        run = subprocess.run([session.KSTUB, "cmd", dump.path, *words], capture_output=True, text=True)
        ok(run.returncode == 2 and not run.stdout and run.stderr.count("\n") == 1,
           f"wrong usage: {' '.join(words)}", run.returncode, run.stdout, run.stderr)


def main():
    session.need_kstub()
    names = sys.argv[1:] or ["6.1-bad_driver", "6.12-bad_driver", "6.1-kdump", "6.12-kdump",
                             "6.1-nmi", "6.12-ipi", "6.12-no-vmcoreinfo"]
    for name in names:
        dump = session.Dump(name)
        check_log(dump)
        check_mod(dump)
        check_sys(dump)
        check_vtop(dump)
        # Debian 12's makedumpfile does not know 6.12 and leaves out what it should not.
        if name.startswith("6.1-") and os.path.exists(dump.path + ".d31-zlib"):
            check_excluded(dump)
    check_help(session.Dump(names[0]))
    session.done()


if __name__ == "__main__":
    main()

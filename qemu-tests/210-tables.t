#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's tables: `kstub cmd` and `monitor` with ps, mount, files, irq, runq, and gdb's
`info os`, against what /proc said of the same before the crash.

  210-tables.t [DUMP...]        names in build/dumps/
"""

import json
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import session
from session import ok

# /proc's letters as ps has them.
STATES = {"R": "RU", "S": "IN", "D": "UN", "I": "ID", "T": "ST", "t": "TR", "Z": "ZO"}
FILE_KINDS = [(r"pipe:\[|/tmp/spin", "FIFO"), (r"socket:\[", "SOCK"), (r"anon_inode:", "UNKN"),
              (r"/dev/(ttyS0|null)$", "CHR"), (r"/tmp$", "DIR"), (r"/", "REG")]
# Interrupts that nothing can raise between /proc's account and the crash, in these guests.
QUIET = {"0", "1", "8", "9", "12"}


def cmd(dump, *words, options=()):
    run = subprocess.run([session.KSTUB, "cmd", *session.OPTIONS, *options, dump.path, *words],
                         capture_output=True)
    return run.stdout.decode("utf-8", "replace"), run.stderr.decode("utf-8", "replace")


def rows_of(dump, *words):
    text, stderr = cmd(dump, *words, options=["--json"])
    try:
        return json.loads(text)["rows"]
    except (ValueError, KeyError):
        ok(False, f"{dump.name}: {' '.join(words)} as JSON", text[:300], stderr)
        return []


def shown(name):
    """As a table shows a kernel's bytes: printable UTF-8, the others as \\xHH."""
    text = name.decode("utf-8", "surrogateescape")
    return "".join(f"\\x{ord(c) - 0xdc00:02x}" if 0xdc80 <= ord(c) <= 0xdcff else
                   "".join(f"\\x{b:02x}" for b in c.encode()) if ord(c) < 32 or 127 <= ord(c) < 160 else c
                   for c in text)


def shown_paths(text):
    return shown(session.unescape(text))


def thread_numbers(dump):
    """gdb's own, by PID."""
    return {int(id): number for number, id in re.findall(
        r'^[* ] +(\d+) +Thread (\d+) ', session.gdb(dump.path, "info threads"), re.MULTILINE)}


def os_tables(dump, *requests):
    """gdb's `info os`: [{column: text}] for each of (type, PID of the selected thread or None)."""
    numbers = thread_numbers(dump)
    commands = []
    for what, tid in requests:
        commands += [f"thread {numbers.get(tid, '?')}"] if tid else []
        commands += [f'interpreter-exec mi "-info-os {what}"']
    text = session.gdb(dump.path, *commands)
    tables = []
    for line in re.findall(r"^\^done,OSDataTable=(.*)$|^(\^error.*)$", text, re.MULTILINE):
        heads = re.findall(r'col_name="(col\d+)",colhdr="([^"]*)"', line[0])
        value = r'"((?:[^"\\]|\\.)*)"'
        tables.append([{dict(heads)[col]: unquote(text) for col, text in re.findall(rf"(col\d+)={value}", row)}
                       for row in re.findall(rf"item=\{{((?:col\d+={value},?)*)\}}", line[0])
                       for row in [row[0]]])
    return tables if len(tables) == len(requests) else [[] for _ in requests], text


def unquote(text):
    """A string as MI writes it, back to what it is."""
    raw = re.sub(rb"\\([0-7]{3}|.)", lambda m: bytes([int(m[1], 8)]) if m[1].isdigit() else
                 {b"n": b"\n", b"t": b"\t", b"e": b"\x1b"}.get(m[1], m[1]), text.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "replace")


# --- ps ---------------------------------------------------------------------------------


def is_worker(name):
    return bool(re.match(rb"kworker/(?!R-)", name))


def comm(dump, task):
    """/proc has a kernel thread's whole name, and what a worker works on; its comm has less."""
    if not dump.is_kernel_thread(task.tid):
        return task.name
    return re.sub(rb"[-+].*", b"", task.name) if is_worker(task.name) else task.name[:15]


def wanted_of(dump, task):
    """What must be in a row of ps: what does not change while a task sleeps."""
    stat = dump.stat[task.tid]
    wanted = {"ppid": int(stat[4])}
    if dump.is_kernel_thread(task.tid) or task.state == "Z":
        wanted |= {"vsz_kib": 0, "rss_kib": 0}
    if not is_worker(task.name):
        wanted["comm"] = comm(dump, task)
    runs = task.tid == dump.panicked[1] or dump.scenario == "sysrq" and task.name.startswith(b"busy-")
    if runs:
        wanted["state"] = "RU"
    elif not dump.is_kernel_thread(task.tid) and task.tid != 1:
        wanted |= {"state": STATES[task.state], "cpu": int(stat[39])}
        if task.state != "Z":
            wanted |= {"vsz_kib": int(stat[23]) // 1024, "rss_kib": int(stat[24]) * 4,
                       "mem_percent": int(stat[24]) * 400 / dump.memory_kib}
    return wanted


def differs(key, have, want):
    if key == "comm":
        return have not in (want.decode("utf-8", "replace"), shown(want))
    return abs(have - want) > 0.051 if key == "mem_percent" else have != want


def check_ps(dump):
    rows = rows_of(dump, "ps")
    by_pid = {row["pid"]: row for row in rows if row["pid"]}
    idle = [row["cpu"] for row in rows if not row["pid"]]
    ok(idle == list(range(dump.cpus)) and len(rows) == len(idle) + len(by_pid),
       f"{dump.name}: ps has an idle task for each CPU, and no PID twice", rows[:3])
    lost = [t for t in dump.tasks.values()
            if t.tid not in by_pid and t.name != b"facts" and not is_worker(t.name)]
    ok(not lost, f"{dump.name}: ps has all tasks of /proc", *lost)
    wrong = []
    for t in dump.tasks.values():
        row = by_pid.get(t.tid)
        for key, want in wanted_of(dump, t).items() if row else ():
            if differs(key, row[key], want):
                wrong.append(f"{t}: {key} is {row[key]}, not {want}")
    ok(not wrong, f"{dump.name}: ps has their parents, states, sizes and names", *wrong)
    running = sorted(row["cpu"] for row in rows if row["running"])
    here = [row["pid"] for row in rows if row["running"] and row["cpu"] == dump.panicked[0]]
    ok(running == list(range(dump.cpus)) and here == [dump.panicked[1]],
       f"{dump.name}: ps has one running task for each CPU", running, here)
    check_addresses(dump, [row for row in rows if row["pid"]])
    check_ps_text(dump, rows)
    return rows


def check_addresses(dump, rows):
    """The struct at each address says who it is: gdb knows the types from elsewhere."""
    commands = [c for row in rows for c in (
        f"echo \\n<{row['pid']}>", f"print ((struct task_struct *){row['task']})->pid")]
    text = session.gdb(dump.path, *commands)
    have = dict(re.findall(r"^<(\d+)>\$\d+ = (\d+)$", text, re.MULTILINE))
    wrong = [row for row in rows if have.get(str(row["pid"])) != str(row["pid"])]
    ok(rows and not wrong, f"{dump.name}: each TASK is a struct task_struct with that PID", *wrong[:3])


def check_ps_text(dump, rows):
    text, stderr = cmd(dump, "ps")
    head, *lines = text.split("\n")[:-1]
    ok(head.split() == "PID PPID CPU TASK ST %MEM VSZ RSS COMM".split() and not stderr,
       f"{dump.name}: ps has crash's columns", head, stderr)
    have = [(line.startswith(">"), *line.lstrip("> ").split(None, 8)) for line in lines]
    want = [(row["running"], str(row["pid"]), str(row["ppid"]), str(row["cpu"]), row["task"].removeprefix("0x"),
             row["state"], f"{row['mem_percent']:.1f}", str(row["vsz_kib"]), str(row["rss_kib"])) for row in rows]
    ok([h[:9] for h in have] == want, f"{dump.name}: ps says the same as text",
       *[f"{h}, not {w}" for h, w in zip(have, want) if h[:9] != w])
    names = {int(h[1]): h[9] if len(h) > 9 else "" for h in have if h[1] != "0"}
    wrong = [f"{t}: {names[t.tid]}" for t in dump.tasks.values() if t.tid in names and not is_worker(t.name)
             and names[t.tid] != (f"[{shown(comm(dump, t))}]" if dump.is_kernel_thread(t.tid) else shown(t.name))]
    ok(len(names) > 70 and not wrong, f"{dump.name}: and each name, kernel threads in brackets", *wrong)


def check_os_tasks(dump, rows, processes, threads):
    want = [(str(row["pid"]), row["task"].removeprefix("0x"), row["state"], str(row["rss_kib"])) for row in rows]
    have = [(row.get("PID"), row.get("TASK"), row.get("ST"), row.get("RSS")) for row in threads]
    ok(want and have == want, f"{dump.name}: info os threads has the rows of ps", have[:3])
    groups = {t.tid: t.tgid for t in dump.tasks.values()}
    wrong = [row for row in threads if int(row["TGID"]) != groups.get(int(row["PID"]), int(row["TGID"]))]
    ok(threads and not wrong, f"{dump.name}: info os threads has /proc's thread groups", *wrong)
    leaders = [str(row["pid"]) for row in rows if groups.get(row["pid"], row["pid"]) == row["pid"]]
    ok([row.get("PID") for row in processes] == leaders, f"{dump.name}: info os processes has the processes",
       [row.get("PID") for row in processes])


# --- mounts and files -------------------------------------------------------------------


def proc_mounts(dump, fact):
    """[(type, device, directory)] as /proc/PID/mounts has them."""
    def plain(text):
        return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), text)
    return [(f[2], plain(f[0]), plain(f[1])) for f in (line.split() for line in dump.fact(fact).splitlines())]


def check_mounts(dump, here, private):
    want = proc_mounts(dump, "mounts")
    rows = rows_of(dump, "mount")
    ok([(r["type"], r["device"], r["directory"]) for r in rows] == want,
       f"{dump.name}: mount is /proc/1/mounts", rows)
    supers = {r["directory"]: r["super_block"] for r in rows}
    ok(supers.get("/") == supers.get("/tmp/bound") and len(set(supers.values())) == len(rows) - 1,
       f"{dump.name}: a bind mount has the super block of what it shows", supers)
    text, _ = cmd(dump, "mount")
    lines = [tuple(line.split()[:1]) for line in text.splitlines()]
    ok(lines[:1] == [("MOUNT",)] and [f"0x{line[0]}" for line in lines[1:]] == [r["mount"] for r in rows],
       f"{dump.name}: mount says the same as text", text)
    for rows, fact, who in (here, "mounts", "init"), (private, "mounts_private", "mounts"):
        have = [(r.get("TYPE"), r.get("DEVNAME"), r.get("DIRNAME")) for r in rows]
        ok(have == proc_mounts(dump, fact), f"{dump.name}: info os mounts of {who} is its /proc/PID/mounts", have)


def proc_files(dump):
    """{PID: {descriptor or "cwd" or "root": name}}."""
    found = {}
    for line in dump.fact("files").split("\n")[:-1]:
        pid, fd, _, _, _, name = line.split(" ", 5)
        found.setdefault(int(pid), {})[fd] = shown_paths(name)
    return found


def check_files(dump, tables):
    said = proc_files(dump)
    for (role, pid), rows in tables:
        want = {fd: name for fd, name in said[pid].items() if fd.isdigit()}
        have = {r.get("FD"): r.get("PATH") for r in rows}
        if role == "init":
            # A shell that redirects keeps its own descriptors elsewhere meanwhile.
            have = {fd: have.get(fd) for fd in ("0", "2", "10")}
            want = {fd: want[fd] for fd in have}
        ok(want and have == want, f"{dump.name}: info os files of {role} is its /proc/PID/fd",
           *[f"{fd}: {have.get(fd)}, not {want.get(fd)}" for fd in have.keys() | want if have.get(fd) != want.get(fd)])
        wrong = [r for r in rows if r["TYPE"] != next(kind for p, kind in FILE_KINDS if re.match(p, r["PATH"]))]
        ok(rows and not wrong, f"{dump.name}: and their kinds", *wrong)
    rows = dict(tables)[("files", dump.scene["files"].tid)]
    by_fd = {r["FD"]: r for r in rows}
    ok(rows and by_fd["6"]["FILE"] == by_fd["300"]["FILE"] and by_fd["6"]["INODE"] == by_fd["17"]["INODE"] and
       by_fd["6"]["FILE"] != by_fd["17"]["FILE"] and by_fd["9"]["DENTRY"] == by_fd["10"]["DENTRY"],
       f"{dump.name}: what is the same file has the same addresses", rows)


def check_monitor_files(dump):
    """The head of the command, of the task that panicked and of the selected one."""
    for pid in dump.panicked[1], dump.scene["mounts"].tid:
        text = session.gdb(dump.path, f"thread {thread_numbers(dump).get(pid, '?')}", "monitor files")
        ok(re.search(rf"^ *PID: {pid}$", text, re.MULTILINE) and re.search(r"^ *ROOT: /$", text, re.MULTILINE) and
           re.search(r"^ *CWD: /$", text, re.MULTILINE), f"{dump.name}: monitor files is of the selected task, {pid}", text)


# --- the machine ------------------------------------------------------------------------


def proc_interrupts(dump):
    """{name: ([count for each CPU], the rest of the line)}."""
    found = {}
    for line in dump.fact("interrupts").splitlines()[1:]:
        name, rest = line.split(":", 1)
        fields = rest.split()
        counts = [int(f) for f in fields[:dump.cpus] if f.isdigit()]
        found[name.strip()] = counts, fields[len(counts):]
    return found


def check_irq(dump, table):
    said, rows = proc_interrupts(dump), {r["irq"]: r for r in rows_of(dump, "irq")}
    ok(said.keys() == rows.keys(), f"{dump.name}: irq has the lines of /proc/interrupts", said.keys() ^ rows.keys())
    wrong = []
    for name, (counts, words) in said.items():
        row = rows.get(name, {"cpus": [], "total": 0, "chip": "", "type": "", "actions": ""})
        have = row["cpus"] or [row["total"]]
        more = [h - c for h, c in zip(have, counts)]
        if len(have) != len(counts) or min(more) < 0 or (name in QUIET and any(more)) or sum(have) != row["total"]:
            wrong.append(f"{name}: {have}, /proc had {counts}")
        if name.isdigit() and " ".join(words) != f"{row['chip']} {row['type']} {row['actions']}" or \
           not name.isdigit() and " ".join(words) != (row["actions"] or ""):
            wrong.append(f"{name}: {row}, /proc had {words}")
    ok(said and not wrong, f"{dump.name}: irq counts on from them, and names them so", *wrong)
    have = [(r.get("IRQ"), r.get("TOTAL"), r.get("ACTIONS")) for r in table]
    ok(have == [(name, str(r["total"]), r["actions"] or "") for name, r in rows.items()],
       f"{dump.name}: info os interrupts has the same", have)


def check_runq(dump, cpus):
    rows = rows_of(dump, "runq")
    ok([r["cpu"] for r in rows] == list(range(dump.cpus)), f"{dump.name}: runq has each CPU", rows)
    here = next((r for r in rows if r["cpu"] == dump.panicked[0]), {})
    ok(here.get("pid") == dump.panicked[1] and here.get("comm") == dump.panicked[2],
       f"{dump.name}: runq knows who ran where it panicked", here)
    if dump.scenario == "sysrq":
        last = rows[-1] if rows else {}
        busy = [dump.scene[role].tid for role in ("busy-1", "busy-2")]
        worker = session.RESTLESS.match(str(last.get("comm")).strip("[]").encode())
        ok((last.get("pid") in busy or worker) and last.get("nr_running", 0) >= 2,
           f"{dump.name}: two want the last CPU, one of them has it, or a worker", last)
    have = [(r["CPU"], r["NR_RUNNING"], r["PID"], r["COMM"].strip("[]")) for r in cpus]
    ok(have == [(str(r["cpu"]), str(r["nr_running"]), str(r["pid"]), r["comm"]) for r in rows],
       f"{dump.name}: info os cpus has the same", have)


def check_os_modules(dump, table):
    said = [(f[0], int(f[5], 16), f[1]) for f in (line.split() for line in dump.fact("modules").splitlines())]
    known = {name for name, _, _ in said}
    have = [(r["NAME"], int(r["BASE"], 16), r["SIZE"]) for r in table if r["NAME"] in known]
    ok(said and have == said, f"{dump.name}: info os modules is /proc/modules", have)


def check_os_log(dump, table):
    """Some lines of the console, in their order, and no fewer than there are."""
    printed = [line.rstrip() for line in re.findall(
        r"^\[ *\d+\.\d{6}\] (?:Linux version|Run /init|crashes: |smp: |Kernel panic|BUG: ).*$",
        dump.fact("serial.log").replace("\r", ""), re.MULTILINE)]
    have = [f"{r['TIME']} {r['TEXT']}".rstrip() for r in table]
    at, lost = 0, []
    for line in printed:
        found = next((n for n in range(at, len(have)) if have[n] == line), None)
        lost += [line] if found is None else []
        at = at if found is None else found
    ok(len(printed) > 5 and len(have) > 300 and not lost, f"{dump.name}: info os log has the console's lines", *lost)


def check(name):
    dump = session.Dump(name)
    dump.memory_kib = int(re.search(r"MemTotal: +(\d+)", dump.fact("meminfo"))[1])
    who = [(role, dump.scene[role].tid) for role in ("files", "mounts", "threads")] + [("init", 1)]
    requests = [("processes", None), ("threads", None), ("modules", None), ("cpus", None), ("log", None),
                ("interrupts", None), ("mounts", 1), ("mounts", dump.scene["mounts"].tid)]
    tables, text = os_tables(dump, *requests, *[("files", tid) for _, tid in who])
    ok(all(tables), f"{name}: info os has its tables", text[-2000:])
    processes, threads, modules, cpus, log, interrupts, here, private, *files = tables
    rows = check_ps(dump)
    check_os_tasks(dump, rows, processes, threads)
    check_mounts(dump, here, private)
    if all(files):
        check_files(dump, list(zip(who, files)))
    check_monitor_files(dump)
    check_irq(dump, interrupts)
    check_runq(dump, cpus)
    check_os_modules(dump, modules)
    check_os_log(dump, log)


def main():
    session.need_kstub()
    for name in sys.argv[1:] or [f"{version}-{what}" for version in ("6.1", "6.12")
                                 for what in ("sysrq", "bad_driver", "timer")]:
        check(name)
    session.done()


if __name__ == "__main__":
    main()

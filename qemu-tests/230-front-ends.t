#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What users bring: extended-remote with detach and attach, what gef and pwndbg ask a QEMU, a
front end that speaks MI as VS Code's does, a .gdbinit of one's own, a vmlinux of one's own.

What is right comes from the bytes of the dump's file (its notes, its memory, page tables walked
here), from nm, and from what the guest printed.

  230-front-ends.t [DUMP...]    names in build/dumps/, ELF as QEMU writes it
"""

import contextlib
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import session
from session import ok

NEWER_GDB = os.path.join(session.REPO, "build", "newer-gdb", "gdb")


class Core:
    """An ELF dump's bytes, read by nobody else."""

    def __init__(self, path):
        self.file = open(path, "rb")
        head = self.file.read(64)
        at, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
        self.file.seek(at)
        table = self.file.read(size * count)
        self.loads, self.notes = [], []
        for n in range(count):
            kind, _, offset, _, pa, length = struct.unpack_from("<IIQQQQ", table, n * size)
            if kind == 1:
                self.loads.append((pa, length, offset))
            elif kind == 4:
                self.notes += self.read_notes(offset, length)
        self.tables = {}

    def read_notes(self, offset, length):
        self.file.seek(offset)
        data, at = self.file.read(length), 0
        while at + 12 <= len(data):
            name, desc, _ = struct.unpack_from("<III", data, at)
            start = at + 12 + (name + 3 & ~3)
            yield data[at + 12:at + 12 + name].rstrip(b"\0"), data[start:start + desc]
            at = start + (desc + 3 & ~3)

    def cpus(self):
        """Of each CPU's QEMU note: general registers, segments, control registers."""
        for name, desc in self.notes:
            if name == b"QEMU":
                yield (struct.unpack_from("<18Q", desc, 8),
                       [struct.unpack_from("<IIIIQ", desc, 152 + n * 24) for n in range(10)],
                       struct.unpack_from("<5Q", desc, 392))

    def physical(self, pa, length):
        for start, size, offset in self.loads:
            if start <= pa < start + size:
                self.file.seek(offset + pa - start)
                return self.file.read(min(length, start + size - pa))
        return b""

    def table(self, pa):
        if pa not in self.tables:
            self.tables[pa] = struct.unpack("<512Q", self.physical(pa, 4096))
        return self.tables[pa]

    def pages(self, table, level, va=0, rights=6):
        """(address, bytes, user and write bits) of all that is mapped."""
        size = 1 << 12 + 9 * level
        for n, entry in enumerate(self.table(table)):
            if not entry & 1:
                continue
            at = va + n * size
            if not va and level >= 3 and n >= 256 and size << 9 > 1 << 47:
                at |= -(size << 9) % (1 << 64)
            if level == 0 or (level < 3 and entry & 0x80):
                yield at, size, rights & entry & 6
            else:
                yield from self.pages(entry & 0xffffffffff000, level - 1, at, rights & entry)

    def ranges(self, root, levels):
        """As `info mem` of QEMU prints them."""
        found = []
        for va, size, rights in self.pages(root & 0xffffffffff000, levels - 1):
            if found and found[-1][1] == va and found[-1][2] == rights:
                found[-1][1] += size
            else:
                found.append([va, va + size, rights])
        return [f"{start:016x}-{end % (1 << 64):016x} {end - start:016x} "
                f"{'u' if rights & 4 else '-'}r{'w' if rights & 2 else '-'}"
                for start, end, rights in found]

    def translate(self, root, levels, va):
        table = root & 0xffffffffff000
        for level in range(levels - 1, -1, -1):
            entry = self.table(table)[va >> 12 + 9 * level & 511]
            if not entry & 1:
                return None
            size = 1 << 12 + 9 * level
            if level == 0 or (level < 3 and entry & 0x80):
                return (entry & 0xffffffffff000 & -size) + va % size
            table = entry & 0xffffffffff000
        return None


@contextlib.contextmanager
def serve(dump, listen="unix"):
    """A server; (what follows "target remote", a function for what it told its terminal)."""
    with tempfile.TemporaryDirectory(prefix="kstub-test-") as scratch:
        where = f"unix:{scratch}/socket" if listen == "unix" else "tcp:localhost:0"
        with open(f"{scratch}/stderr", "w+") as told:
            process = subprocess.Popen(
                [session.KSTUB, "serve", *session.OPTIONS, f"--listen={where}", dump.path],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=told, text=True)
            try:
                line = process.stdout.readline()
                yield (line.removeprefix("target remote ").strip(),
                       lambda: open(f"{scratch}/stderr").read())
            finally:
                process.terminate()
                process.wait()


def gdb(program, *commands, files=()):
    """A batch session without kstub's help; what each command printed."""
    argv = [program, "-nx", "-q", "-batch", "-ex", "set width 0", "-ex", "set print thread-events off",
            *files]
    for n, command in enumerate(commands):
        argv += ["-ex", f"echo \\n<<{n}>>\\n", "-ex", command]
    run = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=session.SECONDS)
    text = run.stdout.decode("utf-8", "replace")
    parts = re.split(r"^<<\d+>>\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(commands, [p.rstrip("\n") for p in parts]))


def victim(dump):
    """(PID, command) of the task that the kernel says it died in."""
    m = re.search(r"CPU: \d+ (?:UID: \d+ )?PID: (\d+) Comm: (\S+)", dump.fact("serial.log"))
    return int(m[1]), m[2]


def sleeper(dump):
    m = re.match(r'sleeper pid (\d+) data (0x\w+) "([^"]*)"', dump.fact("sleeper"))
    return int(m[1]), int(m[2], 16), m[3]


# --- extended-remote ---------------------------------------------------------------------------

def check_extended(dump, program, version, files):
    pid, comm = victim(dump)
    other, data, words = sleeper(dump)
    symbol = f"p (long)&init_task - {next(iter(session.symbols(dump.vmlinux, True)['init_task'])) + dump.kaslr - (1 << 64)}"
    label = f"{dump.name}: {version}: {'the user has a vmlinux' if files else 'extended'}"
    with serve(dump) as (address, told):
        part = gdb(program, f"target extended-remote {address}", "thread", symbol, "detach", "info threads",
                   "monitor help", f"attach {other}", "thread ", f"x/s {data:#x}", symbol + " + 0",
                   "kill", "attach 99999 ", "run", f"attach {pid}", "thread  ", symbol + "+ 0",
                   "detach ", f"attach {pid} ", "bt 1", "info sharedlibrary", files=files)
        stderr = told()
    ok(f"Thread {pid}" in part["thread"], f"{label}: attached at once to {comm}", part)
    ok(part[symbol] == "$1 = 0", f"{label}: init_task is where nm and the guest have it", part[symbol])
    ok("detached" in part["detach"] and "No threads" in part["info threads"] and "vtop" in part["monitor help"],
       f"{label}: after detach there is no thread, and monitor works", part)
    ok(f"Thread {other}" in part["thread "] and words in part[f"x/s {data:#x}"],
       f"{label}: attach {other} is the sleeper, with its memory", part["thread "], part[f"x/s {data:#x}"])
    ok(part[symbol + " + 0"].endswith("= 0"), f"{label}: init_task is still there", part[symbol + " + 0"])
    ok("killed" in part["kill"] and "failed" in part["attach 99999 "] and
       re.search("failed|cannot run a program", part["run"]), f"{label}: kill; no such thread; nothing to run", part)
    ok("no thread 99999" in stderr and "cannot run a program" in stderr,
       f"{label}: the server's terminal says why", stderr)
    ok(f"Thread {pid}" in part["thread  "] and part[symbol + "+ 0"].endswith("= 0") and
       part["bt 1"].startswith("#0 ") and "bad_driver.ko" in part["info sharedlibrary"] and
       given_vmlinux(part["info sharedlibrary"]) == (not files),
       f"{label}: attached again, twice, with all symbols", part)
    ok("another build" not in stderr, f"{label}: and nothing that is not so", stderr)
    ok(stderr.count("vmlinux of its own") == bool(files), f"{label}: what such a session lacks is told "
       f"{'once' if files else 'to nobody'}", stderr)


def check_wrong_vmlinux(dump, other):
    with serve(dump) as (address, told):
        gdb(session.GDB, f"target remote {address}", files=[other.vmlinux])
        ok("is of another build" in told(), f"{dump.name}: gdb has the vmlinux of {other.name}, and is told", told())


# --- gef and pwndbg ----------------------------------------------------------------------------

def given_vmlinux(libraries):
    """Did gdb get kstub's vmlinux?"""
    return bool(re.search(r"(?:Yes|No) .*/vmlinux$", libraries, re.MULTILINE))


def received(text):
    m = re.search(r'received: "(.*)"', text)
    return m and m[1]


def check_packets(dump, files):
    part = {}
    packets = {"Qqemu.sstepbits": "ENABLE=1,NOIRQ=2,NOTIMER=4", "qqemu.sstepbits": "ENABLE=1,NOIRQ=2,NOTIMER=4",
               "qqemu.sstep": "0x7", "qqemu.Supported": "sstepbits;sstep;PhyMemMode", "qOffsets": "",
               "qqemu.PhyMemMode": "0"}
    core = Core(dump.path)
    at = core.loads[0][0] + 0x100000 - 0x100000 % 8
    end = max(pa + size for pa, size, _ in core.loads)
    commands = [f"maintenance packet {p}" for p in packets]
    on, off = "maintenance packet Qqemu.PhyMemMode:1", "maintenance packet Qqemu.PhyMemMode:0"
    read, again = f"output/x *(unsigned char (*)[64]){at:#x}", f"output/x *(unsigned char (*)[64])({at:#x})"
    beyond, after = f"x/gx {end:#x}", f"x/gx {at:#x}"
    commands += [on, "maintenance packet qqemu.PhyMemMode ", read, "maintenance packet qSupported", again, beyond,
                 off, after, "info symbol $pc", "maintenance packet qOffsets ", "info sharedlibrary"]
    with serve(dump) as (address, _):
        part = gdb(session.GDB, f"target remote {address}", *commands, files=files)
    label = f"{dump.name}: {'with a vmlinux: ' if files else ''}"
    for packet, answer in packets.items():
        got = received(part[f"maintenance packet {packet}"])
        ok(got == answer, f"{label}{packet} is '{answer}'", part[f"maintenance packet {packet}"])
    wanted = "{" + ", ".join(f"{b:#x}" for b in core.physical(at, 64)) + "}"
    shown = [re.sub(r"(0x\w+) <repeats (\d+) times>", lambda m: ", ".join([m[1]] * int(m[2])), part[r])
             for r in (read, again)]
    ok(received(part[on]) == "OK" and shown == [wanted] * 2, f"{label}physical memory is the file's, and stays on",
       shown, wanted)
    ok("Cannot access" in part[beyond], f"{label}behind the end of RAM is nothing", part[beyond])
    ok(received(part[off]) == "OK" and "Cannot access" in part[after], f"{label}and it is turned off", part[after])
    ok("in section" in part["info symbol $pc"] and given_vmlinux(part["info sharedlibrary"]) == (not files),
       f"{label}symbols are as before", part["info symbol $pc"], part["info sharedlibrary"])


def registers_text(core, index):
    """What QEMU would print of the note."""
    general, segments, control = list(core.cpus())[index]
    names = ["RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RSP", "RBP", *[f"R{n}" for n in range(8, 16)], "RIP"]
    text = {name: f"{value:016x}" for name, value in zip(names, general)}
    text["RFL"] = f"{general[17]:08x}"
    for name, (selector, limit, flags, _, base) in zip(
            ["CS", "DS", "ES", "FS", "GS", "SS", "LDT", "TR", "GDT", "IDT"], segments):
        text[name] = (f"{base:016x} {limit:08x}" if name in ("GDT", "IDT") else
                      f"{selector:04x} {base:016x} {limit:08x} {flags & 0xffff00:08x}")
    for n, digits in ((0, 8), (2, 16), (3, 16), (4, 8)):
        text[f"CR{n}"] = f"{control[n]:0{digits}x}"
    return text


def shown_registers(text):
    """Taken apart as gef and pwndbg do."""
    found = {}
    for line in text.splitlines():
        m = re.match(r"(\w\w\w?) *= *((?:[0-9a-f]+ ?)+)(?: DPL.*)?$", line)
        pairs = re.findall(r"(\w+) *=([0-9a-f]+)", line) if line.count("=") > 1 and "DPL" not in line else \
            [(m[1], m[2].strip())] if m else re.findall(r"^(\w+) *= *([0-9a-f ]+?) DPL", line)
        found.update({name: value.strip() for name, value in pairs})
    return found


def check_monitor(dump):
    core = Core(dump.path)
    cpus = list(core.cpus())
    crashed = int(re.search(r"CPU: (\d+) ", dump.fact("serial.log"))[1])
    root, levels = cpus[crashed][2][3], 5 if cpus[crashed][2][4] >> 12 & 1 else 4
    banner = next(iter(session.symbols(dump.vmlinux, True)["linux_banner"])) + dump.kaslr
    pa = core.translate(root, levels, banner)
    ram = core.loads[0][0]
    commands = ["info registers", "info registers -a", "info mem", "info mtree -f", "info version", "info nonesuch",
                f"gva2gpa {banner:#x}", f"gva2gpa {banner}", "gva2gpa 0x10", f"xp /13c {pa:#x}", f"xp/21xb {pa:#x}",
                f"xp /3gx {ram + 0x1000:#x}", f"xp /2wd {ram}", f"xp /1gx {max(p + s for p, s, _ in core.loads):#x}",
                f"gpa2hva {ram:#x}"]
    with serve(dump) as (address, _):
        part = gdb(session.GDB, f"target remote {address}", *[f"monitor {c}" for c in commands])
    part = {c: part[f"monitor {c}"] for c in commands}

    for label, text in (("monitor", part["info registers"]), *[
            (f"monitor -a, CPU {n}", t) for n, t in
            enumerate(re.split(r"^CPU#\d+$", part["info registers -a"], flags=re.MULTILINE)[1:])]):
        wanted = registers_text(core, crashed if label == "monitor" else int(label[-1]))
        found = shown_registers(text)
        ok({**found, **wanted} == found, f"{dump.name}: {label}: info registers is the note's",
           {n: (found.get(n), v) for n, v in wanted.items() if found.get(n) != v}, text)
    ok(len(re.findall(r"^CPU#\d+$", part["info registers -a"], re.MULTILINE)) == len(cpus),
       f"{dump.name}: -a is all CPUs", part["info registers -a"][:300])
    wanted = core.ranges(root, levels)
    ok(part["info mem"].splitlines() == wanted, f"{dump.name}: info mem has the {len(wanted)} ranges of the tables",
       *[f"{a} instead of {b}" for a, b in zip(part["info mem"].splitlines(), wanted) if a != b][:3])
    ok(re.findall(r"^  (\w{16})-(\w{16}) \(prio 0, ram\): ", part["info mtree -f"], re.MULTILINE) ==
       [(f"{p:016x}", f"{p + s - 1:016x}") for p, s, _ in core.loads] and
       "\n Root memory region: system\n" in part["info mtree -f"],
       f"{dump.name}: info mtree -f has the RAM", part["info mtree -f"])
    ok(re.match(r"\d+\.\d+", part["info version"]), f"{dump.name}: info version", part["info version"])
    ok("unknown command: 'info nonesuch'" in part["info nonesuch"], f"{dump.name}: what there is not",
       part["info nonesuch"])
    ok(part[f"gva2gpa {banner:#x}"] == part[f"gva2gpa {banner}"] == f"gpa: {pa:#x}" and
       part["gva2gpa 0x10"] == "Unmapped", f"{dump.name}: gva2gpa, hexadecimal and decimal", part)
    text = core.physical(pa, 21)
    ok(text.startswith(b"Linux version") and
       part[f"xp /13c {pa:#x}"].splitlines()[0] ==
       f"{pa:016x}: " + " ".join(f"'{c:c}'" for c in text[:16]), f"{dump.name}: xp /c is the file's text",
       part[f"xp /13c {pa:#x}"])
    lines = [f"{pa + n:016x}: " + " ".join(f"0x{b:02x}" for b in text[n:n + 8]) for n in range(0, 21, 8)]
    ok(part[f"xp/21xb {pa:#x}"].splitlines() == lines, f"{dump.name}: xp/21xb", part[f"xp/21xb {pa:#x}"])
    words = struct.unpack("<3Q", core.physical(ram + 0x1000, 24))
    ok(re.findall(r" (0x\w{16})", part[f"xp /3gx {ram + 0x1000:#x}"]) == [f"0x{w:016x}" for w in words],
       f"{dump.name}: xp /3gx", part[f"xp /3gx {ram + 0x1000:#x}"])
    words = struct.unpack("<2I", core.physical(ram, 8))
    ok(part[f"xp /2wd {ram}"].split()[1:] == [str(w) for w in words], f"{dump.name}: xp /2wd", part[f"xp /2wd {ram}"])
    ok(part[commands[-2]].endswith(": Cannot access memory"), f"{dump.name}: xp behind the end of RAM", part[commands[-2]])
    ok("dump" in part[f"gpa2hva {ram:#x}"] and not re.search(r"is 0x|0x\w+$", part[f"gpa2hva {ram:#x}"]),
       f"{dump.name}: no host address", part[f"gpa2hva {ram:#x}"])
    run = subprocess.run([session.KSTUB, "cmd", *session.OPTIONS, dump.path, "info", "registers"],
                         capture_output=True, text=True)
    ok(run.stdout.strip() == part["info registers"].strip(), f"{dump.name}: kstub cmd says the same", run.stdout, run.stderr)


# --- MI ----------------------------------------------------------------------------------------

class Mi:
    """A gdb that is driven as MIEngine, VS Code's, drives it."""

    def __init__(self, program, home):
        self.process = subprocess.Popen([program, "--interpreter=mi", "-q"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env={**os.environ, "HOME": home}, bufsize=0)
        self.pending, self.token, self.events = b"", 1000, []

    def line(self):
        deadline = time.monotonic() + session.SECONDS
        while b"\n" not in self.pending:
            if not select.select([self.process.stdout], [], [], max(deadline - time.monotonic(), 0))[0]:
                return None
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                return None
            self.pending += more
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode("utf-8", "replace").rstrip("\r")

    def send(self, command):
        """The result record; what came before it goes to events."""
        self.token += 1
        self.process.stdin.write(f"{self.token}{command}\n".encode())
        while (line := self.line()) is not None:
            if line.startswith(f"{self.token}^"):
                return line[len(str(self.token)):]
            self.events.append(line)
        return "(nothing)"

    def until(self, start):
        """The first event that begins so, of those that came or will."""
        while not any(e.startswith(start) for e in self.events) and (line := self.line()) is not None:
            self.events.append(line)
        return next((e for e in self.events if e.startswith(start)), "(nothing)")

    def close(self):
        self.send("-gdb-exit")
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def check_mi(dump, program, version, vmlinux):
    pid, comm = victim(dump)
    label = f"{dump.name}: {version}: MI{' with vmlinux' if vmlinux else ''}"
    module = [f.split("+")[0] for f in dump.oracle() if f.endswith("[bad_driver]")]
    with serve(dump, "tcp") as (address, _), tempfile.TemporaryDirectory(prefix="kstub-test-") as home:
        mi = Mi(program, home)
        for setup in ("-gdb-set mi-async on", "-list-features", '-interpreter-exec console "set pagination off"',
                      "-enable-pretty-printing", "-gdb-set auto-solib-add on", f"-environment-cd {home}",
                      *([f"-file-exec-and-symbols {dump.vmlinux}"] if vmlinux else []),
                      '-interpreter-exec console "show architecture"'):
            answer = mi.send(setup)
            ok(answer.startswith("^done"), f"{label}: {setup.split()[0]}", answer)
        answer = mi.send(f"-target-select remote {address}")
        ok(answer.startswith("^connected"), f"{label}: connected", answer, mi.events[-5:])
        stopped = mi.until("*stopped")
        ok("frame=" in stopped, f"{label}: stopped in a frame", stopped)
        threads = mi.send("-thread-info")
        entry = re.search(rf'\{{id="(\d+)",target-id="Thread {pid}"[^{{]*name="{comm}"', threads)
        current = re.search(r'current-thread-id="(\d+)"', threads)
        ok(entry and current and entry[1] == current[1], f"{label}: the thread that panicked, {comm}, is current",
           threads[:1000])
        ok('name="[swapper/' in threads and 'name="sleeper"' in threads, f"{label}: the others have names", threads[:1000])
        ok(mi.send(f"-thread-select {current[1] if current else 1}").startswith("^done"), f"{label}: -thread-select")
        depth = mi.send("-stack-info-depth --thread 1 1000") if current else ""
        frames = mi.send(f"-stack-list-frames --thread {current[1] if current else 1} 0 1000")
        functions = re.findall(r'level="(\d+)",addr="[^"]*",func="([^"]*)"', frames)
        names = [f for _, f in functions]
        ok(depth.startswith("^done") and module and [n for n in names if n in module] == module,
           f"{label}: the frames have the driver's functions in the kernel's order", module, frames[:1500])
        level = next((n for n, f in functions if f == module[0]), "0")
        ok(mi.send(f"-stack-select-frame {level}").startswith("^done"), f"{label}: -stack-select-frame")
        variables = mi.send(f"-stack-list-variables --thread {current[1]} --frame {level} 0")
        ok('name="dev",arg="1"' in variables and 'name="ptr"' in variables, f"{label}: -stack-list-variables", variables)
        dev = next(iter(dict(line.split() for line in dump.oracle("--registers")[1:16])["rdi"] for _ in (0,)))
        value = mi.send(f'-data-evaluate-expression --thread {current[1]} --frame {level} "(unsigned long)dev"')
        ok(value == f'^done,value="{int(dev, 16)}"', f"{label}: dev is what the kernel printed as rdi", value, dev)
        var = mi.send("-var-create - * dev")
        name = re.search(r'name="([^"]+)",numchild="[1-9]', var)
        children = mi.send(f'-var-list-children --simple-values "{name[1] if name else ""}" 0 1000')
        ok(name and 'exp="irq"' in children and 'value="11"' in children, f"{label}: -var-create, with its children",
           var, children)
        ok(mi.send("-data-read-memory-bytes 0 16").startswith("^error"), f"{label}: NULL has no memory")
        ok(mi.send(f"-data-disassemble -s $pc -e $pc+8 -- 2").startswith("^done"), f"{label}: -data-disassemble")
        ok("rip" in mi.send("-data-list-register-names"), f"{label}: -data-list-register-names")
        ok(mi.send("-break-insert -f panic").startswith("^done"), f"{label}: -break-insert")
        for verb in ("-exec-continue", "-exec-step", "-exec-next-instruction"):
            mi.events.clear()
            answer = mi.send(verb)
            said, stopped = mi.until('@"'), mi.until("*stopped")
            ok(answer.startswith("^running") and "cannot run" in said and
               f'thread-id="{current[1]}"' in stopped and "pvpanic" in stopped,
               f"{label}: {verb} says that a dump cannot run, and stops where it was", answer, said, stopped)
        ok(mi.send("-break-delete 1").startswith("^done"), f"{label}: -break-delete")
        frames_again = mi.send(f"-stack-list-frames --thread {current[1]} 0 1000")
        ok(frames_again == frames, f"{label}: all is as before", frames_again[:500])
        monitor = mi.send('-interpreter-exec console "monitor sys"')
        ok(monitor.startswith("^done") and any(dump.release in e for e in mi.events), f"{label}: monitor")
        mi.close()


# --- a .gdbinit --------------------------------------------------------------------------------

def on_a_terminal(argv, home, lines, typed):
    """What a terminal shows until each of TYPED and the last got their prompt, and how often the
    pager was answered; None: a prompt did not come."""
    child, terminal = pty.fork()
    if not child:
        os.environ.update(HOME=home, TERM="dumb", LINES=str(lines), COLUMNS="120")
        os.execvp(argv[0], argv)
    text, pages, waiting, deadline = "", 0, [*typed], time.monotonic() + session.SECONDS
    last = 0
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                text += os.read(terminal, 65536).decode("utf-8", "replace")
            except OSError:
                return None, pages
            if "without paging--" in text[last:]:
                last, pages = len(text), pages + 1
                os.write(terminal, b"\n")
            elif text[last:].rstrip(" ").endswith("(gdb)"):
                if not waiting:
                    return text, pages
                last = len(text)
                os.write(terminal, f"{waiting.pop(0)}\n".encode())
        return None, pages
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def check_gdbinit(dump):
    pid, _ = victim(dump)
    with tempfile.TemporaryDirectory(prefix="kstub-test-") as home, serve(dump) as (address, _):
        with open(f"{home}/.gdbinit", "w") as f:
            f.write("set pagination on\nset confirm on\nset print pretty on\nset history save off\n"
                    "set debuginfod enabled off\n")
        for argv, typed in (([session.GDB, "-q"], [f"target remote {address}", "thread"]),
                            ([session.KSTUB, "gdb", *session.OPTIONS, dump.path], ["thread"])):
            label = f"{dump.name}: {os.path.basename(argv[0])} with a .gdbinit"
            text, pages = on_a_terminal(argv, home, 24, typed)
            ok(text and f"Thread {pid}" in text and not pages, f"{label}: attached, and no pager asked", text)
            text, pages = on_a_terminal(argv, home, 2, typed)
            ok(text and f"Thread {pid}" in text and pages, f"{label}: on a terminal of 2 lines the pager asked "
               "while gdb attached, and all went on", text)


def main():
    session.need_kstub()
    names = sys.argv[1:] or ["6.1-bad_driver", "6.12-bad_driver"]
    programs = [(session.GDB, "gdb")]
    if os.access(NEWER_GDB, os.X_OK):
        programs.append((NEWER_GDB, "newer gdb"))
    else:
        session.skip("with a newer gdb", "there is none in build/newer-gdb; ./dev check makes it")
    for name in names:
        dump = session.Dump(name)
        check_monitor(dump)
        first = name == names[0]
        # gdb 13 takes a minute to look up names in the plain vmlinux of a kernel.
        for files in ([], [dump.vmlinux]) if first else ([],):
            check_packets(dump, files)
            for program, version in programs if first else programs[:1]:
                check_extended(dump, program, version, files)
                check_mi(dump, program, version, bool(files))
    if len(names) > 1:
        check_wrong_vmlinux(*map(session.Dump, names[:2]))
    check_gdbinit(session.Dump(names[0]))
    session.done()


if __name__ == "__main__":
    main()

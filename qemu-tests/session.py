# SPDX-License-Identifier: GPL-2.0-or-later
"""What the system tests share: TAP, a gdb session through kstub, and the truth of a dump.

The truth comes from the guest's own words (serial.log and the facts cut from it) and from
nm on the files that the kernel and the modules were made from. It never comes from kstub.

    KSTUB          the program, build/kstub if not set
    KSTUB_OPTIONS  options for every kstub that opens a dump, such as --types=dwarf
    KSTUB_SYMBOLS  directories, separated by ":", with unpacked packages of kernels and their
                   debug information; what is installed if not set
    TEST_GDB       the gdb, the one in PATH if not set
"""

import bisect
import collections
import functools
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(HERE)
DUMPS = os.path.join(REPO, "build", "dumps")
KSTUB = os.environ.get("KSTUB", os.path.join(REPO, "build", "kstub"))
SYMBOLS = [d for d in os.environ.get("KSTUB_SYMBOLS", "").split(":") if d]
GDB = os.environ.get("TEST_GDB", "gdb")
OPTIONS = os.environ.get("KSTUB_OPTIONS", "").split() + [
    option for d in SYMBOLS for option in ("--symbols", d)]
SECONDS = 120  # the bound of a session; the first on a new vmlinux prepares it

# Kernel threads that may run between /proc's account and the crash, and sleep elsewhere then.
# Workers come and go, too.
WORKER = re.compile(rb"kworker/(?!R-)")
RESTLESS = re.compile(WORKER.pattern + rb"|rcu_|ksoftirqd/|kcompactd|kauditd|migration/|pr/")

# What is made once for a kernel stays with the build, and out of the home directory.
os.environ["XDG_CACHE_HOME"] = os.path.join(REPO, "build", "cache")

_count = 0
_failed = 0


def ok(condition, name, *why):
    """One TAP line; WHY is shown when it is not ok."""
    global _count, _failed
    _count += 1
    print(f"{'ok' if condition else 'not ok'} {_count} - {name}", flush=True)
    if not condition:
        _failed += 1
        lines = [line for text in why for line in str(text).splitlines()]
        for line in lines[:40] + (["..."] if len(lines) > 40 else []):
            print(f"# {line}")
    return condition


def skip(name, why):
    global _count
    _count += 1
    print(f"ok {_count} - {name} # SKIP {why}", flush=True)


def done():
    print(f"1..{_count}")
    sys.exit(1 if _failed else 0)


def need_kstub():
    if not os.access(KSTUB, os.X_OK):
        print("1..0 # SKIP no build/kstub: ./dev build makes it")
        sys.exit(0)


def gdb(dump, *commands, kstub_options=(), with_gdb=GDB):
    """Run a batch session on DUMP, a path; all that it printed."""
    argv = [KSTUB, "gdb", *OPTIONS, *kstub_options, dump]
    if with_gdb != "gdb":
        argv[2:2] = ["--gdb", with_gdb]
    argv += ["--", "-nx", "-batch", "-ex", "set width 0"]
    for command in commands:
        argv += ["-ex", command]
    try:
        run = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, timeout=SECONDS)
    except subprocess.TimeoutExpired as e:
        return f"{(e.stdout or b'').decode('latin-1')}\n(no end after {SECONDS} s)"
    return run.stdout.decode("utf-8", "replace")


def without_reasons(text):
    """Without what kstub says on stderr, at the first such read, of memory that is not there."""
    return re.sub(r"kstub: gdb asked for memory at .*\n", "", text)


# The frames for stack() to read. Two kinds are no frames of the kernel's: inlined calls, and what
# gdb calls a "tail call frame", which it infers from call sites where a function jumped on to the
# next one and left nothing behind.
STACK = ('interpreter-exec mi "-stack-list-frames"', "frame apply all -q info frame")


def invented(text):
    """The levels of such frames."""
    return {int(level) for level, rest in
            re.findall(r"^Stack level (\d+), frame at (.*?)(?=^Stack level|\Z)", text,
                       re.MULTILINE | re.DOTALL)
            if re.search(r"^ (?:tail call frame|inlined into frame)", rest, re.MULTILINE)}


# The same for all threads: the sections "Thread N (...):" twice, which stacks() joins.
STACKS = ('thread apply all interpreter-exec mi "-stack-list-frames"',
          "thread apply all -s frame apply all -q info frame")


def by_thread(text):
    """What `thread apply all` printed, by number."""
    found = {}
    for n, part in re.findall(r"^Thread (\d+) \(Thread .*?\):$\n(.*?)(?=^Thread \d+ \(Thread |\Z)",
                              text, re.MULTILINE | re.DOTALL):
        found[int(n)] = found.get(int(n), "") + part
    return found


def stack(text):
    """The frames that MI printed: (address, function or None, level), innermost first; the
    kernel's own alone."""
    m = re.search(r"\^done,stack=\[(.*)\]", text)
    if not m:
        return []
    frames = []
    others = invented(text)
    for frame in re.findall(r"frame=\{(.*?)\}", m[1]):
        if int(re.search(r'level="(\d+)"', frame)[1]) in others:
            continue
        func = re.search(r'func="([^"]*)"', frame)
        frames.append((int(re.search(r'addr="(0x[0-9a-f]+)"', frame)[1], 16),
                       func[1] if func else None,
                       int(re.search(r'level="(\d+)"', frame)[1])))
    return frames


@functools.lru_cache(maxsize=None)
def symbols(path, all_types=False):
    """nm's names and addresses of a file: {name: {address, ...}}."""
    found = {}
    for line in subprocess.run(["nm", path], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        address, kind, name = line[:16], line[17], line[19:]
        if address.strip() and (all_types or kind in "tTwW"):
            found.setdefault(name, set()).add(int(address, 16))
    return found


@functools.lru_cache(maxsize=None)
def places(path):
    """readelf's names of a module: {name: {(section, offset), ...}}."""
    found = {}
    for line in subprocess.run(["readelf", "-sW", path], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        fields = line.split()
        if len(fields) == 8 and fields[6].isdigit():
            found.setdefault(fields[7], set()).add((int(fields[6]), int(fields[1], 16)))
    return found


# One line of /proc: the name as the kernel's bytes.
Task = collections.namedtuple("Task", "tgid tid state name")

USER_END = 1 << 56  # the user's half with five levels of page tables


def unescape(text):
    """The bytes that guest/facts.c wrote \\xHH for."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode("latin-1"))


class Dump:
    """One of build/dumps/ and what is true of it."""

    def __init__(self, name):
        self.name = name
        self.dir = os.path.join(DUMPS, name)
        self.path = os.path.join(self.dir, "vmcore")
        self.release = re.search(r"Linux version (\S+)", self.fact("version"))[1]
        places = [f"{d}/usr/lib/debug/lib/modules/{self.release}/vmlinux" for d in SYMBOLS + [""]]
        self.vmlinux = next(filter(os.path.exists, places), places[-1])

    def module(self, name):
        """The file of a module, ours or the kernel's, with all its symbols."""
        own = os.path.join(self.dir, name + ".ko")
        if os.path.exists(own):
            return own
        root = os.path.dirname(self.vmlinux)
        for directory, _, files in os.walk(root):
            for file in files:
                if file.replace("-", "_") == name + ".ko":
                    return os.path.join(directory, file)
        return None

    def fact(self, name):
        with open(os.path.join(self.dir, name), encoding="latin-1") as f:
            return f.read()

    def oracle(self, *options):
        run = subprocess.run([os.path.join(HERE, "oracle.py"), *options,
                              os.path.join(self.dir, "serial.log")],
                             capture_output=True, text=True, check=True)
        return run.stdout.splitlines()

    def text_bases(self):
        """Of the modules that were loaded before the crash: {module: address of .text}."""
        return {name: int(address, 16) for name, address in
                (line.split() for line in self.fact("text").splitlines())}

    def kallsyms(self):
        """The sample: (address, type, name, module or None)."""
        for line in self.fact("kallsyms").splitlines():
            fields = line.split()
            yield (int(fields[0], 16), fields[1], fields[2],
                   fields[3].strip("[]") if len(fields) > 3 else None)

    def has(self, fact):
        return os.path.exists(os.path.join(self.dir, fact))

    @functools.cached_property
    def scenario(self):
        return re.search(r"kstub\.scenario=(\w+)", self.fact("cmdline"))[1]

    @functools.cached_property
    def tasks(self):
        """/proc/*/task/*: {TID: Task}."""
        found = {}
        for line in self.fact("tasks").split("\n")[:-1]:
            tgid, tid, state, name = line.split(" ", 3)
            found[int(tid)] = Task(int(tgid), int(tid), state, unescape(name))
        return found

    @functools.cached_property
    def stat(self):
        """/proc/PID/task/TID/stat: {TID: its fields}, numbered as in proc(5), the name left out."""
        found = {}
        for line in self.fact("task_stat").split("\n")[:-1]:
            _, tid, rest = line.split(" ", 2)
            found[int(tid)] = [None, int(tid), None] + rest[rest.rindex(")") + 2:].split()
        return found

    @functools.cached_property
    def cpus(self):
        """Those that were online."""
        return self.fact("interrupts").split("\n")[0].count("CPU") if self.has("interrupts") else 2

    def is_kernel_thread(self, tid):
        if not self.has("task_stat"):
            return False
        return tid in self.stat and bool(int(self.stat[tid][9]) & 0x200000) # PF_KTHREAD

    @functools.cached_property
    def status(self):
        """Some of /proc/PID/task/TID/status: {TID: {"State": "S (sleeping)", ...}}."""
        found = {}
        for line in self.fact("status").split("\n")[:-1]:
            first, *fields = line.split("; ")
            found[int(first.split()[1])] = dict(f.split(": ", 1) for f in fields)
        return found

    @functools.cached_property
    def stacks(self):
        """/proc/PID/task/TID/stack: {TID: [frame, ...]}, innermost first."""
        found = {}
        for line in self.fact("stacks").split("\n")[:-1]:
            if line.startswith("task "):
                frames = found[int(line.split()[2])] = []
            else:
                frames.append(line.removeprefix("[<0>] "))
        return found

    @functools.cached_property
    def user_pcs(self):
        """/proc/PID/task/TID/syscall: {TID: (stack pointer, instruction pointer)} in user mode."""
        found = {}
        for line in self.fact("syscalls").split("\n")[:-1]:
            fields = line.split()
            if len(fields) > 4 and int(fields[-1], 16):
                found[int(fields[1])] = int(fields[-2], 16), int(fields[-1], 16)
        return found

    @functools.cached_property
    def scene(self):
        """What guest/tasks.c made: {role: Task}."""
        lines = (line.split(" ", 5) for line in self.fact("scene").split("\n")
                 if line.startswith("task "))
        return {f[1]: Task(int(f[2]), int(f[3]), f[4], unescape(f[5])) for f in lines}

    @functools.cached_property
    def texts(self):
        """The texts in its processes: {PID: (address, text)}."""
        lines = (line.split(" ", 3) for line in self.fact("scene").split("\n")
                 if line.startswith("text "))
        return {int(f[1]): (int(f[2], 16), f[3]) for f in lines}

    @functools.cached_property
    def panicked(self):
        """Who the console says it was: (CPU, PID, name)."""
        said = re.findall(r"CPU: (\d+) (?:UID: \d+ )?PID: (\d+) Comm: (.*?) (?:Kdump: loaded )?"
                          r"(?:Not tainted|Tainted)",
                          self.fact("serial.log"))
        return int(said[-1][0]), int(said[-1][1]), said[-1][2]

    @functools.cached_property
    def _sorted(self):
        return sorted((a, name) for name, addresses in symbols(self.vmlinux).items()
                      for a in addresses)

    def symbol_at(self, address):
        """The name of vmlinux's function there."""
        n = bisect.bisect(self._sorted, (address - self.kaslr + 1,))
        return self._sorted[n - 1][1] if n else None

    def in_scheduler(self, address):
        """Is it in one of the functions that /proc/PID/stack leaves out (in_sched_functions())?"""
        linked = symbols(self.vmlinux, True)
        return any(next(iter(linked[f"__{part}_text_start"])) <= address - self.kaslr <
                   next(iter(linked[f"__{part}_text_end"])) for part in ("sched", "lock")
                   if f"__{part}_text_start" in linked)

    @functools.cached_property
    def kaslr(self):
        """By how much the guest's own symbols are away from vmlinux's."""
        linked = symbols(self.vmlinux)
        moved = {}
        for address, kind, name, module in self.kallsyms():
            if kind in "tT" and not module and len(linked.get(name, ())) == 1:
                offset = address - next(iter(linked[name]))
                moved[offset] = moved.get(offset, 0) + 1
        return max(moved, key=moved.get)

    def addresses(self, frame):
        """Where a frame of the kernel's trace can be: one address, unless a name stands for
        several functions. For a module that was not yet loaded when the facts were printed:
        the offsets in its .text, as negative numbers."""
        if frame.startswith("user "):
            return {int(frame[5:], 16)}
        name, offset, module = re.match(r"(\S+?)\+(0x[0-9a-f]+)/\S+(?: \[(\w+)\])?$",
                                        frame).groups()
        if not module:
            return {a + self.kaslr + int(offset, 16)
                    for a in symbols(self.vmlinux).get(name, ())}
        places = symbols(os.path.join(self.dir, module + ".ko")).get(name, ())
        base = self.text_bases().get(module)
        offsets = {a + int(offset, 16) for a in places}
        return {base + o for o in offsets} if base else {-o for o in offsets}


def frame_is(address, candidates, bases):
    """Is this frame one of those? An unknown module's page-aligned base is learned from the
    first of its frames and must then serve for all."""
    for candidate in candidates:
        if candidate > 0 and address == candidate:
            return True
        if candidate <= 0:
            base = address + candidate
            if base % 4096 == 0 and bases.setdefault("module", base) == base:
                return True
    return False


def innermost_comparable(oracle):
    """Without what panic() called to print the trace: gdb sees another call of panic()."""
    for n, frame in enumerate(oracle):
        if frame.startswith("panic+"):
            return oracle[n + 1:]
    return oracle


def compare(found, wanted):
    """Is the end of the stack what the kernel said? A sentence if not."""
    bases = {}
    addresses = [address for address, _, _ in found]
    start = next((n for n, address in enumerate(addresses)
                  if frame_is(address, wanted[0][1], bases)), None)
    if start is None:
        return f"{wanted[0][0]} is not in the stack"
    rest = addresses[start:]
    for n, (frame, candidates) in enumerate(wanted):
        if n >= len(rest):
            return f"the stack ends before {frame}"
        if not frame_is(rest[n], candidates, bases):
            return f"{rest[n]:#x} stands where the kernel has {frame}"
    if len(rest) > len(wanted):
        return f"{len(rest) - len(wanted)} frames more after {wanted[-1][0]}"
    return None

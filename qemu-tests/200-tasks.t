#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every task is a thread of stock gdb's: against what /proc said of all tasks before the crash.

`info threads` has them all, by PID, name and state, an idle task for each CPU, and says who
panicked; every sleeping task's stack is /proc's, up to where its system call was made; every
stack ends where a task begins; each process has its own user memory.

  200-tasks.t [DUMP...]         names in build/dumps/
"""

import re
import sys

sys.dont_write_bytecode = True
import session
from session import ok

FIRST_IDLE = 0x400001
# The tasks that a scenario starts only after /proc was read, to die in them.
LATECOMERS = {"bad_driver": ["insmod"], "kdump": ["insmod"], "nmi": ["sh"], "ipi": ["sh", "sh"]}
# Where a task begins: the CPU's first one at boot, every other one when it was made.
OUTERMOST = re.compile(r"ret_from_fork(_asm)?$|(common_)?(secondary_)?startup_64\w*$|"
                       r"x86_64_start_(reservations|kernel)$|start_kernel$")


def printable(name):
    """As XML can carry it to gdb, and gdb to a terminal."""
    text = re.sub(r"[\t\n]", " ", name.decode("utf-8", "replace"))
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "?", text)


def shown_name(dump, task):
    """/proc has a kernel thread's whole name, and what a worker works on; its comm has less."""
    if not dump.is_kernel_thread(task.tid):
        return printable(task.name)
    name = re.sub(rb"[-+].*", b"", task.name) if session.WORKER.match(task.name) else task.name
    return f"[{printable(name[:15])}]"


def threads(text):
    """Of `info threads`: {id: (gdb's number, name, extra)}."""
    return {int(id): (int(number), name, extra) for number, id, name, extra in
            re.findall(r'^[* ] +(\d+) +Thread (\d+) (?:"(.*)" )?\(([^()]*)\) ', text, re.MULTILINE)}


def check_list(dump, found):
    idle = {FIRST_IDLE + n: f"[swapper/{n}]" for n in range(dump.cpus)}
    have = {id: name for id, (_, name, _) in found.items() if id >= FIRST_IDLE}
    ok(have == idle, f"{dump.name}: an idle task for each of {dump.cpus} CPUs", have)
    lost = [t for tid, t in dump.tasks.items()
            if tid not in found and t.name != b"facts" and not session.WORKER.match(t.name)]
    ok(not lost, f"{dump.name}: all {len(dump.tasks)} tasks of /proc are threads", lost)
    new = [name for id, (_, name, _) in sorted(found.items())
           if id < FIRST_IDLE and id not in dump.tasks and not name.startswith("[kworker/")]
    late = LATECOMERS.get(dump.scenario, [])
    ok(new == late, f"{dump.name}: besides them there is {late or 'none'}", new)


def check_names(dump, tasks, found):
    wrong = [f"{t}: {found[t.tid][1]}" for t in tasks if found[t.tid][1] != shown_name(dump, t)]
    ok(not wrong, f"{dump.name}: each has its name", *wrong)
    if dump.has("traces"):
        # The kernel's own list has the comm of kernel threads, too.
        comms = dict((int(pid), f"[{comm.rstrip()}]") for comm, pid in re.findall(
            r"^\[[^]]*\] task:(.{15}) state:.* pid: *(\d+) ", dump.fact("traces"), re.MULTILINE))
        wrong = [f"{t}: {found[t.tid][1]}, not {comms.get(t.tid)}" for t in tasks
                 if dump.is_kernel_thread(t.tid) and found[t.tid][1] != comms.get(t.tid)]
        ok(not wrong, f"{dump.name}: kernel threads have their comm", *wrong)


def state_of(dump, task, extra):
    """What is wrong with it, or None."""
    word = re.search(r"\((.*)\)", dump.status[task.tid]["State"])[1]
    runs = re.match(r"runnable, CPU \d+|running on CPU \d+", extra)
    sleeps = re.match(r"(sleeping|idle|disk sleep), CPU \d+", extra)
    pid, busy = dump.panicked[1], dump.scenario == "sysrq" and task.name.startswith(b"busy-")
    if task.tid == pid:
        right = re.match(rf"running on CPU {dump.panicked[0]}(, TGID \d+)?, panicked here$", extra)
    elif busy:
        right = runs
    else:
        right = re.match(rf"{word}, CPU \d+", extra) or \
            (runs or sleeps) and session.RESTLESS.match(task.name)
    group = re.search(r"TGID (\d+)", extra)
    if (int(group[1]) if group else task.tid) != task.tgid:
        right = None
    return None if right else f"{task}, {word} in /proc: {extra}"


def check_states(dump, tasks, found):
    wrong = list(filter(None, (state_of(dump, t, found[t.tid][2]) for t in tasks)))
    ok(not wrong, f"{dump.name}: each is in its state", *wrong)
    cpu, pid, name = dump.panicked
    here = [(id, n) for id, (_, n, extra) in found.items() if "panicked here" in extra]
    ok(here == [(pid or FIRST_IDLE + cpu, name if pid else f"[{name}]")] or
       here == [(pid, f"[{name}]")] and dump.is_kernel_thread(pid),
       f"{dump.name}: {name} panicked, as the console says", here)
    if dump.scenario == "sysrq":
        busy = sorted(found[dump.scene[role].tid][2] for role in ("busy-1", "busy-2"))
        # A worker may just have taken it.
        worker = any(extra == "running on CPU 1" and session.RESTLESS.match(name.strip("[]").encode())
                     for _, name, extra in found.values())
        ok(busy == ["runnable, CPU 1", "runnable, CPU 1" if worker else "running on CPU 1"],
           f"{dump.name}: one of two busy processes has the last CPU, or a worker", busy)


def check_stack(dump, task, frames):
    """Is it /proc's? A sentence if not."""
    wanted = dump.stacks.get(task.tid)
    rest = [a for a, _, _ in frames if not dump.in_scheduler(a)]
    if task.tid in dump.user_pcs:
        if not rest or rest.pop() != dump.user_pcs[task.tid][1]:
            return f"does not end at the user's {dump.user_pcs[task.tid][1]:#x}"
    bases = {}
    for n, frame in enumerate(wanted):
        if n >= len(rest):
            return f"ends before {frame}"
        if not session.frame_is(rest[n], dump.addresses(frame), bases):
            return f"{dump.symbol_at(rest[n])} ({rest[n]:#x}) stands where /proc has {frame}"
    return f"{len(rest) - len(wanted)} frames more than in /proc" if len(rest) > len(wanted) else None


def check_stacks(dump, tasks, found, parts):
    compared, wrong, stacks = 0, [], {}
    for id, (number, name, _) in found.items():
        stacks[id] = session.stack(parts.get(number, ""))
    for t in tasks:
        extra = found[t.tid][2]
        if t.state in "RZ" or extra.startswith("run") or not dump.stacks.get(t.tid):
            continue
        why = check_stack(dump, t, stacks[t.tid])
        if why and session.RESTLESS.match(t.name):
            continue
        compared += 1
        if why:
            wrong += [f"{t}: {why}", "\n".join(f"  {a:#x} {dump.symbol_at(a)}" for a, _, _ in stacks[t.tid])]
    ok(compared > len(tasks) * 0.8 and not wrong,
       f"{dump.name}: the stacks of {compared} of {len(tasks)} sleeping tasks are /proc's", *wrong)

    wrong = []
    for id, (number, name, extra) in found.items():
        if "zombie" in extra:
            continue
        last = stacks[id][-1][0] if stacks[id] else 0
        if not 0 < last < session.USER_END and not OUTERMOST.match(dump.symbol_at(last) or ""):
            wrong.append(f"{id} {name} ({extra}): ends in {dump.symbol_at(last)} ({last:#x})")
    ok(not wrong, f"{dump.name}: every stack begins where tasks begin, or in user mode", *wrong)
    if dump.scenario == "sysrq":
        for role in ("busy-1", "busy-2"):
            tid = dump.scene[role].tid
            first, last = map(int, dump.stat[tid][26:28])
            pc = stacks[tid][-1][0] if stacks[tid] else 0
            ok(first <= pc < last, f"{dump.name}: {role} spins in its program", f"{pc:#x}")


def user_registers(dump):
    """What the kernel printed of each task's when it entered the kernel: {TID: {name: value}}."""
    found = {}
    for pid, part in re.findall(r"^\[[^]]*\] task:.{15} state:[^\n]* pid: *(\d+) (.*?)(?=^\[[^]]*\] task:|\Z)",
                                dump.fact("traces") if dump.has("traces") else "", re.MULTILINE | re.DOTALL):
        user = part.partition("RIP: 0033:")[2]
        if user:
            found[int(pid)] = {m[1].lower(): int(m[2], 16) for m in re.finditer(
                r"\b(R[A-Z]X|R[SD]I|RBP|RSP|R\d\d): (?:[0-9a-f]{4}:)?([0-9a-f]{16})", user)}
    return found


def check_registers(dump, tasks, found, parts):
    """A sleeping task's stack pointer is above the return address of the switch; in its outermost
    frame the registers are its user mode's."""
    commands, wanted = [], []
    printed = user_registers(dump)
    for t in tasks:
        number, _, extra = found[t.tid]
        frames = session.stack(parts.get(number, ""))
        if t.state in "RZ" or extra.startswith("run") or not frames:
            continue
        values = [("*(unsigned long *)($sp - 8)", frames[0][0])]
        commands += [f"thread {number}", "frame level 0"]
        if t.tid in dump.user_pcs and t.tid != 1: # a shell went on since
            user = {"rsp": dump.user_pcs[t.tid][0], "rip": dump.user_pcs[t.tid][1]}
            user |= {name: value for name, value in printed.get(t.tid, {}).items()
                     if name in ("rsp", "rbx", "rbp", "r12", "r13", "r14", "r15")}
            values += [(f"${name}", value) for name, value in user.items()]
        for n, (what, value) in enumerate(values):
            commands += [f"frame level {frames[-1][2]}"] if n == 1 else []
            commands += [f"echo \\n<{len(wanted)}>", f"p/x {what}"]
            wanted.append((t, what, value))
    shown = dict(re.findall(r"^<(\d+)>\$\d+ = (.*)$", session.gdb(dump.path, *commands), re.MULTILINE))
    wrong = [f"{t}: {what} is {shown.get(str(n))}, not {value:#x}" for n, (t, what, value) in enumerate(wanted)
             if shown.get(str(n)) != f"{value:#x}"]
    ok(len(wanted) > 120 and not wrong, f"{dump.name}: {len(wanted)} registers of theirs are right", *wrong)


def check_words(dump, found, text):
    """What gdb says when it cannot go on."""
    parts = session.by_thread(session.without_reasons(text))
    numbers = {number: (id, name, extra) for id, (number, name, extra) in found.items()}
    ok(set(parts) == set(numbers), f"{dump.name}: thread apply all bt has every thread",
       f"{len(parts)} of {len(numbers)}", text[-1000:])
    wrong = []
    for number, part in parts.items():
        id, name, extra = numbers.get(number, (0, "?", ""))
        if "zombie" in extra:
            if not re.fullmatch(r"#0 +0x[0-9a-f]+ in stack_freed \(\)\s*", part.partition("[Inferior")[0]):
                wrong.append(f"{id} {name} ({extra}): {part}")
            continue
        bad = re.findall(r"^Backtrace stopped.*|^Cannot access.*|.*corrupt.*", part, re.MULTILINE)
        unknown = re.findall(r"^#\d+ +0x([0-9a-f]+) in \?\? \(\)(?!\n*\Z)|^#\d+ +0x0*([89a-f][0-9a-f]{15}) in \?\? \(\)",
                             part, re.MULTILINE)
        if bad or unknown:
            wrong.append(f"{id} {name} ({extra}): {bad} {unknown}")
    ok(not wrong, f"{dump.name}: and no word of trouble in it", *wrong)


def check_user_memory(dump, tasks, found):
    """The same address in every process."""
    address = next(iter(dump.texts.values()))[0]
    texts = {pid: text for pid, (_, text) in dump.texts.items()}
    # Who has another's memory: the vfork child its parent's, the namespace's two a copy of the scene's.
    for child, parent in (("vfork-child", "vfork-parent"), ("ns-init", "scene"), ("ns-child", "scene")):
        texts[dump.scene[child].tid] = texts[dump.scene[parent].tid]
    commands, wanted = [], {}
    for t in tasks:
        number = found[t.tid][0]
        commands += [f"thread {number}", f"echo \\n<{number}>", f"x/s {address:#x}"]
        wanted[number] = (t, texts.get(t.tgid) if t.state != "Z" else None)
    text = session.gdb(dump.path, *commands)
    shown = dict(re.findall(r"^<(\d+)>(.*)$", session.without_reasons(text), re.MULTILINE))
    wrong, read = [], 0
    for number, (task, mine) in wanted.items():
        line = shown.get(str(number), "nothing")
        if mine is None:
            right = line == f"{address:#x}:\t<error: Cannot access memory at address {address:#x}>"
        else:
            right = line == f'{address:#x}:\t"{mine}"'
            read += right
        if not right:
            wrong.append(f"{task}: {line}, not {mine}")
    ok(read > 25 and not wrong, f"{dump.name}: {read} tasks have their own memory at {address:#x}, "
       "the others none", *wrong, "" if shown else text[-1000:])


def check(name):
    dump = session.Dump(name)
    text = session.gdb(dump.path, "info threads")
    ok("parsing threads" not in text, f"{name}: gdb can read the list of threads", text[:500])
    found = threads(text)
    tasks = [t for tid, t in sorted(dump.tasks.items()) if tid in found]
    check_list(dump, found)
    if not dump.has("stacks"):
        return # a scenario with more tasks than /proc could tell of in time
    check_names(dump, tasks, found)
    check_states(dump, tasks, found)
    parts = session.by_thread(session.gdb(dump.path, *session.STACKS))
    check_stacks(dump, tasks, found, parts)
    check_registers(dump, tasks, found, parts)
    check_words(dump, found, session.gdb(dump.path, "thread apply all bt"))
    check_user_memory(dump, tasks, found)


def main():
    session.need_kstub()
    for name in sys.argv[1:] or [f"{version}-{what}" for version in ("6.1", "6.12")
                                 for what in ("sysrq", "bad_driver", "timer")]:
        check(name)
    session.done()


if __name__ == "__main__":
    main()

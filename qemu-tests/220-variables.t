#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The variables that kstub invents (`current`, `k`) and its registers ($kaslr, $pcpu) in stock
gdb. What is right comes from gdb's own arithmetic on the kernel's variables, from readelf, and from
what the guest said of itself.

  220-variables.t [DUMP...]     names in build/dumps/
"""

import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import session
from session import ok

PTYPE = """type = struct kstub_view {
    struct task_struct *current;
    struct task_struct **task;
    struct kstub_cpu *cpu;
    struct module **module;
    unsigned char *phys;
    unsigned long kaslr_offset;
}"""

# Every task of the kernel's list (processes; threads stand elsewhere) must be the one of its PID.
WALK = r"""
set $at = (unsigned long)&((struct task_struct *)0)->tasks
set $t = (struct task_struct *)((char *)init_task.tasks.next - $at)
set $n = 0
set $wrong = 0
while $t != &init_task
  if k.task[$t->pid] != $t
    set $wrong = $wrong + 1
  end
  set $n = $n + 1
  set $t = (struct task_struct *)((char *)$t->tasks.next - $at)
end
printf "<walk>%d tasks, %d wrong\n", $n, $wrong
set $m = modules.next
set $i = 0
while $m != &modules
  set $mod = (struct module *)((char *)$m - (unsigned long)&((struct module *)0)->list)
  printf "<module>%s %d\n", k.module[$i]->name, k.module[$i] == $mod
  set $i = $i + 1
  set $m = $m->next
end
printf "<module>end %d\n", k.module[$i] == 0
"""

# The same bytes by the kernel's two mappings and by their physical address.
PHYS = r"""
set $pa = (unsigned long)&init_task - 0xffffffff80000000 + phys_base
printf "<phys>%d %d\n", *(unsigned long *)&k.phys[$pa] == *(unsigned long *)&init_task, \
  *(unsigned long *)&k.phys[$pa + 64] == *(unsigned long *)(page_offset_base + $pa + 64)
echo <via-k>\n
output/x *(unsigned long *)&k.phys[$pa + (unsigned long)&((struct task_struct *)0)->comm]@2
echo \n<via-map>\n
output/x *(unsigned long *)(page_offset_base + $pa + (unsigned long)&((struct task_struct *)0)->comm)@2
echo \n
"""

PCPU = r"""
printf "<pcpu>%d %d\n", *(unsigned long *)((char *)&this_cpu_off + $pcpu) == __per_cpu_offset[$cpu], \
  k.cpu[$cpu].runqueues == (struct rq *)((char *)&runqueues + $pcpu)
"""


def per_cpu(vmlinux):
    """What readelf says of the per-CPU section's objects: {name: (address, size)}."""
    sections = subprocess.run(["readelf", "-SW", vmlinux], capture_output=True, text=True).stdout
    number = re.search(r"\[ *(\d+)\] \.data\.\.percpu ", sections)[1]
    found = {}
    for line in subprocess.run(["readelf", "-sW", vmlinux], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        fields = line.split()
        if len(fields) == 8 and fields[6] == number and fields[3] == "OBJECT":
            found[fields[7]] = (int(fields[1], 16), int(fields[2], 0))
    return found


def run(dump, script, *commands):
    """A session with a script of several lines before the commands."""
    with tempfile.NamedTemporaryFile("w", suffix=".gdb") as f:
        f.write(script)
        f.flush()
        return session.gdb(dump.path, f"source {f.name}", *commands, with_gdb=session.GDB)


def check_current(dump):
    cpu, pid, comm = re.findall(r"CPU: (\d+) (?:UID: \d+ )?PID: (\d+) Comm: (\S+)",
                                dump.fact("serial.log"))[-1]
    text = session.gdb(
        dump.path, "whatis current", "p current->comm", f"p k.task[{pid}] == current",
        "p k.current == kstub.current", "p k.task[1]->comm", "p k.task[2]->comm",
        "p k.task[0] == &init_task", "p k.task[4194303]", "p &current", "complete p k.",
        f"complete p k.cpu[{cpu}].runq", "complete p current->com", "echo <ptype>\\n", "ptype k",
        "echo </ptype>\\n", "p k", f"p k.cpu[{cpu}].runqueues->cpu", with_gdb=session.GDB)
    for what, pattern in {
            "whatis current": r"^type = struct task_struct \*$",
            f"current is {comm}, who panicked": rf'^\$1 = "{comm}(?:\\000|",)',
            f"k.task[{pid}] is the same": r"^\$2 = 1$",
            "kstub is k": r"^\$3 = 1$",
            "PID 1": r'^\$4 = "init',
            "PID 2": r'^\$5 = "kthreadd\\000',
            "PID 0 is the first CPU's idle task": r"^\$6 = 1$",
            "nobody": r"^\$7 = \(struct task_struct \*\) 0x0$",
            "&current": r"^\$8 = \(struct task_struct \*\*\) 0x8[0-9a-f]{15}$",
            "completion of k.": r"^p k\.cpu\np k\.current\np k\.kaslr_offset\np k\.module\n"
                                r"p k\.phys\np k\.task$",
            "completion of a per-CPU variable": rf"^p k\.cpu\[{cpu}\]\.runqueues$",
            "completion of current->": r"^p current->comm$",
            "k is one line": rf"^\$9 = \{{current = 0x[^\n]*kaslr_offset = {dump.kaslr}\}}$",
            "its CPU's run queue": rf"^\$10 = {cpu}$"}.items():
        ok(re.search(pattern, text, re.MULTILINE), f"{dump.name}: {what}", text)
    ptype = re.search(r"<ptype>\n(.*)</ptype>", text, re.DOTALL)
    ok(ptype and ptype[1].strip() == PTYPE, f"{dump.name}: ptype k", text)
    ok("Internal error" not in text, f"{dump.name}: gdb has nothing to complain of", text)


def check_walks(dump):
    text = run(dump, WALK + PHYS)
    walk = re.search(r"<walk>(\d+) tasks, (\d+) wrong", text)
    ok(walk and int(walk[1]) > 40 and walk[2] == "0",
       f"{dump.name}: each of the kernel's tasks is k.task[PID]", text[-2000:])
    listed = [line.split()[0] for line in dump.fact("modules").splitlines()]
    shown = re.findall(r"<module>(\S+) (\d)$", text, re.MULTILINE)
    names = [name for name, _ in shown[:-1]]
    ok(names[-len(listed):] == listed and set(names) - set(listed) <= {"bad_driver"} and
       all(right == "1" for _, right in shown) and shown[-1] == ("end", "1"),
       f"{dump.name}: k.module is /proc/modules, and NULL behind it", text[-2000:])
    ok("<phys>1 1" in text, f"{dump.name}: k.phys has the bytes of the kernel's own mappings", text[-2000:])
    both = re.search(r"<via-k>\n(.*)\n<via-map>\n(.*)\n", text)
    swapper = int.from_bytes(b"swapper/"[:8], "little")
    ok(both and both[1] == both[2] and f"{swapper:#x}" in both[1],
       f"{dump.name}: init_task's name is among them", text[-2000:])


def check_threads(dump):
    text = session.gdb(dump.path, 'thread apply all printf "<%d %s>\\n", current->pid, current->comm',
                       with_gdb=session.GDB)
    threads = re.findall(r'^Thread \d+ \(Thread (\d+) "\[?(.*?)\]?" .*\):\n<(\d+) (.*)>$', text, re.MULTILINE)
    # What XML cannot carry stands as "?" in a thread's name.
    wrong = [t for t in threads if int(t[0]) < 0x400001 and t[0] != t[2] or
             t[1] != re.sub(r"[\x00-\x1f]", "?", t[3].replace("\t", " "))]
    ok(len(threads) > 40 and not wrong, f"{dump.name}: current is the thread's own task in {len(threads)} threads",
       wrong, text[-2000:] if len(threads) < 40 else "")


def check_sizes(dump, names, types):
    """A variable is as large as what its pointer points at, or an array of that."""
    unique = sorted({t.removesuffix("*") for t in types.values()} - {"void "})
    text = run(dump, "".join(f'printf "<{t}>%d\\n", sizeof({t})\n' for t in unique))
    sizes = dict(re.findall(r"^<(.+)>(\d+)$", text, re.MULTILINE))
    wrong = []
    for name, (_, size) in names.items():
        one = int(sizes.get(types.get(name, "").removesuffix("*"), 0))
        if types.get(name) != "void *" and (not one or size % one):
            wrong.append(f"{name}: {one} bytes of {size}")
    ok(not wrong, f"{dump.name}: and as large", "\n".join(wrong), text[-500:])


def check_per_cpu(dump):
    """Every variable of CPU 0 and 1 where readelf and the kernel's offsets say."""
    names = per_cpu(dump.vmlinux)
    script = 'printf "<offsets>%lx %lx\\n", __per_cpu_offset[0], __per_cpu_offset[1]\n'
    for name in names:
        script += f'printf "<{name}>%lx %lx\\n", k.cpu[0].{name}, k.cpu[1].{name}\n'
        script += f"echo <type {name}>\\n\nwhatis k.cpu[0].{name}\n"
    text = run(dump, script, "p sizeof(struct kstub_cpu)", "p k.cpu[8192]", "p k.cpu[0]")
    offsets = [int(n, 16) for n in re.search(r"<offsets>(\w+) (\w+)", text).groups()]
    shown = {name: [int(n, 16) for n in both] for name, *both in
             re.findall(r"^<(\w+)>(\w+) (\w+)$", text, re.MULTILINE)}
    types = dict(re.findall(r"^<type (\w+)>\ntype = (.*)$", text, re.MULTILINE))
    # Since 6.15 they are linked and moved like all others.
    moved = [offset + (dump.kaslr if address >> 63 else 0) for address, _ in list(names.values())[:1]
             for offset in offsets]
    wrong = [name for name, (address, _) in names.items()
             if shown.get(name) != [(address + offset) % (1 << 64) for offset in moved]]
    ok(len(names) > 300 and not wrong, f"{dump.name}: {len(names)} per-CPU variables are where readelf says",
       "\n".join(wrong), text[-1000:])
    check_sizes(dump, names, types)
    void = [name for name in names if types.get(name, "void *") == "void *"]
    ok(len(void) < 3, f"{dump.name}: nearly all have a type", void)
    ok(types.get("runqueues") == "struct rq *" and types.get("vector_irq") == "struct irq_desc **",
       f"{dump.name}: such as struct rq", types.get("runqueues"), types.get("vector_irq"))
    size = re.search(r"^\$1 = (\d+)$", text, re.MULTILINE)
    ok(size and int(size[1]) <= 32768 and re.search(r"^\$2 = \{.*runqueues = 0x", text, re.MULTILINE),
       f"{dump.name}: gdb prints a whole struct of them", text[-1000:])
    ok("Cannot access memory" in text, f"{dump.name}: there is no CPU 8192", text[-1000:])


def check_registers(dump):
    cpu = re.findall(r"CPU: (\d+) (?:UID: \d+ )?PID: \d+ Comm:", dump.fact("serial.log"))[-1]
    text = run(dump, f"set $cpu = {cpu}\n{PCPU}", "p $kaslr")
    ok("<pcpu>1 1" in text, f"{dump.name}: $pcpu is CPU {cpu}'s", text[-1000:])
    ok(re.search(rf"^\$1 = {dump.kaslr}$", text, re.MULTILINE), f"{dump.name}: $kaslr", text[-1000:])


def check_users_vmlinux(dump):
    """`gdb vmlinux`: there gdb has moved per-CPU symbols as well; and it takes its time."""
    cpu, pid, comm = re.findall(r"CPU: (\d+) (?:UID: \d+ )?PID: (\d+) Comm: (\S+)", dump.fact("serial.log"))[-1]
    with tempfile.NamedTemporaryFile("w", suffix=".gdb") as f:
        f.write(f"set $cpu = {cpu}\n{PCPU}")
        f.flush()
        argv = [session.GDB, "-nx", "-q", "-batch", "-ex", "set width 0", "-ex", f"target remote | {session.KSTUB} "
                f"serve {' '.join(session.OPTIONS)} --listen stdio {dump.path}", "-ex", f"source {f.name}",
                "-ex", "p current->comm", "-ex", "p k.task[1]->comm", "-ex", "p &current", "-ex", "p &k",
                "-ex", "info symbol 0x8000000000000000", dump.vmlinux]
        text = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=3 * session.SECONDS).stdout.decode("utf-8", "replace")
    for what, pattern in {
            "$pcpu": r"^<pcpu>1 1$",
            "current": rf'^\$1 = "{comm}(?:\\000|",)',
            "k.task": r'^\$2 = "init',
            "&current is no other than without": r"^\$3 = .* 0x8000000000001000$",
            "nor &k": r"^\$4 = .* 0x8000000000002000$",
            "nor the marks": r"^stack_freed in section"}.items():
        ok(re.search(pattern, text, re.MULTILINE), f"{dump.name}: a vmlinux of the user's: {what}", text[-1500:])


def main():
    session.need_kstub()
    whole = sys.argv[1:] or ["6.1-bad_driver", "6.12-bad_driver"]
    for name in whole + ([] if sys.argv[1:] else ["6.1-nokaslr", "6.12-timer", "6.1-kdump"]):
        dump = session.Dump(name)
        check_current(dump)
        check_walks(dump)
        check_registers(dump)
        if name in whole:
            check_threads(dump)
            check_per_cpu(dump)
    check_users_vmlinux(session.Dump(whole[0]))
    session.done()


if __name__ == "__main__":
    main()

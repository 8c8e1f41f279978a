#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where stock gdb has symbols and modules, against the guest's /proc/kallsyms, /proc/modules
and /sys/module/*/sections.

  110-symbols.t [DUMP...]       names in build/dumps/
"""

import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
import session
from session import ok

NAMES = [f"{version}-{what}" for version in ("6.1", "6.12")
         for what in ("timer", "nokaslr", "4level", "pti", "no-vmcoreinfo",
                      "no-vmcoreinfo-pti", "no-vmcoreinfo-nokaslr",
                      "no-vmcoreinfo-user-pti", "kdump")]


def check_symbols(dump, text):
    """Each sampled address has the name that the guest gave it, or another of its names."""
    shown = {int(address, 16): (name, int(offset or 0)) for address, name, offset in
             re.findall(r"^<([0-9a-f]+)>(\S+)(?: \+ (\d+))?", text, re.MULTILINE)}
    vmlinux = session.symbols(dump.vmlinux, True)
    wrong, sampled, of_module = [], 0, 0
    for address, kind, name, module in dump.kallsyms():
        if address < 0xffffffff80000000 or kind not in "tTdDbBrR":
            continue
        sampled += 1
        of_module += module == "crashes" and kind in "tT"
        have, offset = shown.get(address, ("nothing", 0))
        if have == name and not offset:
            continue
        # Another name of the same place, or the function around a label.
        if module:
            file = dump.module(module)
            places = session.places(file) if file else {}
            right = any((section, at - offset) in places.get(have, ())
                        for section, at in places.get(name, ()))
        else:
            right = address - offset - dump.kaslr in vmlinux.get(have, ())
        if not right:
            wrong.append(f"{address:#x} {kind} {name} [{module}]: gdb has {have} + {offset}")
    ok(sampled > 400 and of_module >= 7 and not wrong,
       f"{dump.name}: {sampled} symbols, {of_module} of them crashes.ko's, are where they "
       "should be", f"{len(wrong)} of {sampled} are not", "\n".join(wrong[:20]) or text[-1000:])


def check_modules(dump, text):
    """Each loaded module is a library whose .text is where the guest says."""
    def module(path):
        return re.sub(r"\.ko(\.debug)?$", "", os.path.basename(path)).replace("-", "_")

    libraries = {module(path): int(low, 16) for low, path in re.findall(
        r"^0x([0-9a-f]+) +0x[0-9a-f]+ +Yes(?: \(\*\))? +(\S+)$", text, re.MULTILINE)}
    starts = {}
    for start, end, path in re.findall(
            r"^\s+0x([0-9a-f]+) - 0x([0-9a-f]+) is \S+ in (\S+)$", text, re.MULTILINE):
        if start != end:
            starts.setdefault(module(path), set()).add(int(start, 16))
    texts = {module(path): int(start, 16) for start, path in re.findall(
        r"^\s+0x([0-9a-f]+) - 0x[0-9a-f]+ is \.text in (\S+)$", text, re.MULTILINE)}
    wrong = [f"{name}: {address:#x}, gdb has {texts.get(name, 0):#x}"
             for name, address in dump.text_bases().items()
             if name not in libraries or texts.get(name) != address]
    loaded = [line.split()[0] for line in dump.fact("modules").splitlines()]
    wrong += [f"{name} is not a library" for name in loaded if name not in libraries]
    # gdb tells libraries apart by their lowest address.
    wrong += [f"{name} begins at {libraries[name]:#x}, not at its first section"
              for name in loaded if name in libraries
              and libraries[name] != min(starts.get(name, {0}))]
    ok(loaded and not wrong, f"{dump.name}: {len(loaded)} modules are where they should be",
       "\n".join(wrong))


def main():
    session.need_kstub()
    for name in sys.argv[1:] or NAMES:
        dump = session.Dump(name)
        with tempfile.NamedTemporaryFile("w", suffix=".gdb") as script:
            for address, *_ in dump.kallsyms():
                script.write(f"echo <{address:x}>\ninfo symbol {address:#x}\n")
            script.flush()
            text = session.gdb(dump.path, "set print demangle off", "info sharedlibrary", "info files",
                               f"source {script.name}")
        check_symbols(dump, text)
        check_modules(dump, text)
    session.done()


if __name__ == "__main__":
    main()

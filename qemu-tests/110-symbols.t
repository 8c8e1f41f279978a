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
    shown = dict(re.findall(r"^<([0-9a-f]+)>(\S+)", text, re.MULTILINE))
    at = {}
    for name, addresses in session.symbols(dump.vmlinux, True).items():
        for address in addresses:
            at.setdefault(address + dump.kaslr, set()).add(name)
    wrong, sampled, of_module = [], 0, 0
    for address, kind, name, module in dump.kallsyms():
        if address < 0xffffffff80000000 or kind not in "tTdDbBrR":
            continue
        sampled += 1
        of_module += module == "crashes" and kind in "tT"
        have = shown.get(f"{address:x}", "nothing")
        if have != name and have not in at.get(address, ()):
            wrong.append(f"{address:#x} {kind} {name} [{module}]: gdb has {have}")
    ok(sampled > 400 and of_module >= 7 and not wrong,
       f"{dump.name}: {sampled} symbols, {of_module} of them crashes.ko's, are where they "
       "should be", f"{len(wrong)} of {sampled} are not", "\n".join(wrong[:20]) or text[-1000:])


def check_modules(dump, text):
    """Each loaded module is a library whose .text is where the guest says."""
    libraries = {}
    for start, has_symbols, path in re.findall(
            r"^0x([0-9a-f]+) +0x[0-9a-f]+ +(Yes|No)(?: \(\*\))? +(\S+)$", text, re.MULTILINE):
        name = re.sub(r"\.ko(\.debug)?$", "", os.path.basename(path)).replace("-", "_")
        libraries[name] = (int(start, 16), has_symbols)
    wrong = [f"{name}: {address:#x}, gdb has {libraries.get(name, 'nothing')}"
             for name, address in dump.text_bases().items()
             if libraries.get(name) != (address, "Yes")]
    loaded = [line.split()[0] for line in dump.fact("modules").splitlines()]
    wrong += [f"{name} is not a library" for name in loaded if name not in libraries]
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
            text = session.gdb(dump.path, "info sharedlibrary", f"source {script.name}")
        check_symbols(dump, text)
        check_modules(dump, text)
    session.done()


if __name__ == "__main__":
    main()

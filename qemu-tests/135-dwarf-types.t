#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The session tests once more, with types from DWARF instead of BTF.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export KSTUB_OPTIONS=--types=dwarf
{
	"$here/100-backtrace.t" 6.1-timer 6.1-kdump || true
	"$here/110-symbols.t" 6.1-timer || true
	"$here/120-session.t" 6.1-bad_driver || true
	"$here/140-info.t" 6.1-bad_driver 6.1-no-vmcoreinfo || true
	"$here/150-commands.t" 6.1-bad_driver 6.1-kdump || true
	"$here/200-tasks.t" 6.1-timer || true
	"$here/210-tables.t" 6.1-sysrq || true
	"$here/220-variables.t" 6.12-bad_driver || true
} | awk '
	/^1\.\.0/ { print; exit }
	/^1\.\./ { plans++; next }
	/^(not )?ok / {
		sub(/ok [0-9]+ - /, "ok " ++n " - types from DWARF: ")
		if (/^not/) failed = 1
	}
	{ print }
	END { if (n) print "1.." n; exit failed || (n && plans != 8) }'

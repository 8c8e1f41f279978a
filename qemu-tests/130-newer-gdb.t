#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The session tests once more, with a gdb that is years newer.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if ! gdb=$("$here/newer-gdb" "$here/../build/newer-gdb" 2>&1); then
	echo "1..0 # SKIP $gdb"
	exit 0
fi
export TEST_GDB=$gdb
version=$("$gdb" --version | head -n 1)
{
	"$here/100-backtrace.t" 6.1-timer 6.12-timer 6.1-overflow 6.12-nmi 6.1-bad_driver 6.12-bad_driver || true
	"$here/110-symbols.t" 6.1-timer 6.12-timer 6.1-nokaslr || true
	"$here/120-session.t" || true
	"$here/160-attach.t" || true
	"$here/200-tasks.t" 6.1-sysrq 6.12-timer || true
	"$here/220-variables.t" 6.1-bad_driver 6.12-bad_driver || true
} | awk -v version="$version" '
	/^1\.\.0/ { print; exit }
	/^1\.\./ { plans++; next }
	/^(not )?ok / {
		sub(/ok [0-9]+ - /, "ok " ++n " - " version ": ")
		if (/^not/) failed = 1
	}
	{ print }
	END { if (n) print "1.." n; exit failed || (n && plans != 6) }'

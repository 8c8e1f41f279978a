/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/open.h"

#include <string.h>
#include <unistd.h>

#include "stub/target/dump/dump.h"

static const char *const live_prefixes[] = { "libvirt:", "qmp:", "gdb:" };

struct error *open_target(const char *text, struct target **ret)
{
	for (size_t i = 0; i < sizeof(live_prefixes) / sizeof(live_prefixes[0]); i++) {
		size_t len = strlen(live_prefixes[i]);
		if (!strncmp(text, live_prefixes[i], len) && access(text, F_OK))
			return error_new(ERROR_UNSUPPORTED,
					 "%s: live guests are not supported yet; take a dump of the "
					 "guest (virsh dump --memory-only) and give its path", text);
	}
	return dump_open(text, ret);
}

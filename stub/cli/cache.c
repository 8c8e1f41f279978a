/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "stub/cli/cli.h"
#include "symbols/cache.h"

static struct error *run(const struct options *o, int *exit_ret)
{
	(void)exit_ret;
	const char *what = o->nwords ? o->words[0] : "list";
	if (o->nwords > 1 || (strcmp(what, "list") && strcmp(what, "clear")))
		return error_new(ERROR_USAGE, "cache: 'list' or 'clear', not '%.64s'; see 'kstub cache "
					      "--help'", o->words[o->nwords - 1]);
	if (!strcmp(what, "clear")) {
		uint64_t bytes = 0;
		struct error *err = cache_clear(&bytes);
		if (!err)
			printf("%.1f MiB cleared\n", (double)bytes / (1 << 20));
		return err;
	}
	_cleanup_buffer_ struct buffer text = BUFFER_INIT;
	struct error *err = cache_list(&text);
	if (!err)
		fputs(buffer_text(&text), stdout);
	return err;
}

const struct cli_command cli_cache = {
	.name = "cache",
	.args = "[list | clear]",
	.summary = "lists or clears what was made once for a kernel build",
	.details = "The files that gdb loads for a kernel build are made at its first use and kept under\n"
		   "$XDG_CACHE_HOME/kstub, else ~/.cache/kstub. They can be cleared at any time.\n\n"
		   "  $ kstub cache clear",
	.words = WORDS_ANY,
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include "symbols/debuginfod.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_DEBUGINFOD
#include <elfutils/debuginfod.h>

bool debuginfod_wanted(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	return urls && urls[0];
}

static int on_progress(debuginfod_client *client, long have, long whole)
{
	struct progress *p = debuginfod_get_user_data(client);
	progress_report(p, "asking debuginfod", whole > 0 ? (int)(have * 100 / whole) : -1);
	return 0;
}

struct error *debuginfod_find(const struct build_id *id, struct progress *progress, char **ret)
{
	debuginfod_client *client = debuginfod_begin();
	if (!client)
		return error_nomem();
	debuginfod_set_user_data(client, progress);
	debuginfod_set_progressfn(client, on_progress);
	char *path = NULL;
	int fd = debuginfod_find_debuginfo(client, id->bytes, (int)id->len, &path);
	debuginfod_end(client);
	if (fd < 0)
		return error_new(ERROR_NOT_FOUND, "debuginfod: %s", strerror(-fd));
	close(fd);
	*ret = path;
	return NULL;
}
#else
bool debuginfod_wanted(void)
{
	return false;
}

struct error *debuginfod_find(const struct build_id *id, struct progress *progress, char **ret)
{
	(void)id;
	(void)progress;
	(void)ret;
	return error_new(ERROR_UNSUPPORTED, "kstub was built without debuginfod");
}
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libdebuginfod brings libcurl and thirty more, which cost every start 4 ms: it is loaded when
 * there is something to ask.
 */
#include <config.h>

#include "symbols/debuginfod.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_DEBUGINFOD
#include <dlfcn.h>
#include <elfutils/debuginfod.h>

#define LIBRARY "libdebuginfod.so.1"
#define RETRIES "DEBUGINFOD_RETRY_LIMIT"

static struct {
	__typeof__(debuginfod_begin) *begin;
	__typeof__(debuginfod_end) *end;
	__typeof__(debuginfod_find_debuginfo) *find_debuginfo;
	__typeof__(debuginfod_set_progressfn) *set_progressfn;
	__typeof__(debuginfod_set_user_data) *set_user_data;
	__typeof__(debuginfod_get_user_data) *get_user_data;
	bool loaded;
	bool silent;    /* no server answered: each module would wait for the time-out again */
} api;

bool debuginfod_wanted(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	return urls && urls[0];
}

/* Never unloaded: libcurl keeps threads and handlers that would be left behind. */
static struct error *load(void)
{
	if (api.loaded)
		return NULL;
	void *lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return error_new(ERROR_UNSUPPORTED, "debuginfod: %s", dlerror());
	api.begin = dlsym(lib, "debuginfod_begin");
	api.end = dlsym(lib, "debuginfod_end");
	api.find_debuginfo = dlsym(lib, "debuginfod_find_debuginfo");
	api.set_progressfn = dlsym(lib, "debuginfod_set_progressfn");
	api.set_user_data = dlsym(lib, "debuginfod_set_user_data");
	api.get_user_data = dlsym(lib, "debuginfod_get_user_data");
	if (!api.begin || !api.end || !api.find_debuginfo || !api.set_progressfn || !api.set_user_data ||
	    !api.get_user_data)
		return error_new(ERROR_UNSUPPORTED, "debuginfod: %s is too old", LIBRARY);
	api.loaded = true;
	return NULL;
}

static int on_progress(debuginfod_client *client, long have, long whole)
{
	struct progress *p = api.get_user_data(client);
	progress_report(p, "asking debuginfod", whole > 0 ? (int)((double)have * 100 / (double)whole) : -1);
	return 0;
}

struct error *debuginfod_find(const struct build_id *id, struct progress *progress, char **ret)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	if (api.silent)
		return error_new(ERROR_NOT_FOUND, "debuginfod %.200s did not answer", urls ? urls : "");
	struct error *err = load();
	if (err)
		return err;
	debuginfod_client *client = api.begin();
	if (!client)
		return error_nomem();
	api.set_user_data(client, progress);
	api.set_progressfn(client, on_progress);
	/* A server that is silent for $DEBUGINFOD_TIMEOUT would be asked twice more. */
	bool once = !getenv(RETRIES) && !setenv(RETRIES, "0", 1);
	char *path = NULL;
	int fd = api.find_debuginfo(client, id->bytes, (int)id->len, &path);
	api.end(client);
	if (once)
		unsetenv(RETRIES);
	if (fd < 0) {
		api.silent = fd != -ENOENT;
		return error_new(ERROR_NOT_FOUND, "debuginfod %.200s: %s", urls ? urls : "",
				 api.silent ? strerror(-fd) : "not known there");
	}
	close(fd);
	*ret = path;
	return NULL;
}
#else
/* The one who set it must hear that nobody is asked. */
bool debuginfod_wanted(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	return urls && urls[0];
}

struct error *debuginfod_find(const struct build_id *id, struct progress *progress, char **ret)
{
	(void)id;
	(void)progress;
	(void)ret;
	return error_new(ERROR_UNSUPPORTED, "kstub was built without debuginfod");
}
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stub/base/cleanup.h"
#include "symbols/debuginfod.h"

enum { PATH_LEN = 4096 };

struct vmlinux_search {
	const struct find_options *o;
	const struct build_id *id;
	const char *release;
	struct buffer looked;           /* for "not found": where */
	char *found;
};

static void look_at(struct vmlinux_search *s, const char *path)
{
	if (s->found)
		return;
	buffer_printf(&s->looked, "\n  %s", path);
	if (access(path, R_OK))
		return;
	_cleanup_symbols_ struct symbols *file = NULL;
	_cleanup_error_ struct error *err = symbols_open(path, &file);
	if (err) {
		buffer_puts(&s->looked, " (unreadable)");
		return;
	}
	if (s->id->len && !build_id_equal(s->id, symbols_build_id(file))) {
		buffer_puts(&s->looked, " (of another build)");
		return;
	}
	if (!symbols_section(file, ".symtab")) {
		buffer_puts(&s->looked, " (has no symbols)");
		return;
	}
	s->found = strdup(path);
}

__attribute__((format(printf, 2, 3))) static void look_for(struct vmlinux_search *s, const char *fmt, ...)
{
	char path[PATH_LEN];
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	if (len > 0 && (size_t)len < sizeof(path))
		look_at(s, path);
}

/* A debug root such as /usr/lib/debug, a kernel's build tree, or just a directory with a vmlinux. */
static void look_in_root(struct vmlinux_search *s, const char *root)
{
	char id[BUILD_ID_MAX * 2 + 1];
	if (s->id->len > 1) {
		build_id_text(s->id, id);
		look_for(s, "%s/.build-id/%.2s/%s.debug", root, id, id + 2);
	}
	if (s->release[0]) {
		look_for(s, "%s/boot/vmlinux-%s", root, s->release);
		look_for(s, "%s/boot/vmlinux-%s.debug", root, s->release);
		look_for(s, "%s/lib/modules/%s/vmlinux", root, s->release);
		look_for(s, "%s/usr/lib/modules/%s/vmlinux.debug", root, s->release);
		look_for(s, "%s/usr/lib/modules/%s/vmlinux", root, s->release);
		look_for(s, "%s/lib/modules/%s/build/vmlinux", root, s->release);
		look_for(s, "%s/vmlinux-%s", root, s->release);
	}
}

static struct error *not_found(struct vmlinux_search *s)
{
	char id[BUILD_ID_MAX * 2 + 1] = "not known";
	if (s->id->len)
		build_id_text(s->id, id);
	return error_new(ERROR_NOT_FOUND,
			 "no vmlinux for release %s, build-id %s; install the kernel's debug package "
			 "(Debian: linux-image-%s-dbg, Fedora: debuginfo-install kernel), set "
			 "DEBUGINFOD_URLS, or give --vmlinux FILE or --symbols DIR; looked at:%s",
			 s->release[0] ? s->release : "(not known)", id,
			 s->release[0] ? s->release : "RELEASE", buffer_text(&s->looked));
}

/* What the user named is taken or refused, never replaced by something else. */
static struct error *take_given(const struct find_options *o, const struct build_id *id, char **ret)
{
	_cleanup_symbols_ struct symbols *file = NULL;
	char given[BUILD_ID_MAX * 2 + 1] = "none", wanted[BUILD_ID_MAX * 2 + 1];
	struct error *err = symbols_open(o->vmlinux, &file);
	if (err)
		return error_prefix(err, "--vmlinux");
	if (!symbols_section(file, ".symtab"))
		return error_new(ERROR_MISMATCH, "--vmlinux %s has no symbol table: give the unstripped file",
				 o->vmlinux);
	if (id->len && !o->force && !build_id_equal(id, symbols_build_id(file))) {
		build_id_text(id, wanted);
		if (symbols_build_id(file)->len)
			build_id_text(symbols_build_id(file), given);
		return error_new(ERROR_MISMATCH, "%s is another build: its build-id is %s, the crashed kernel's "
						 "is %s; find the right one, or --force to use it all the same",
				 o->vmlinux, given, wanted);
	}
	*ret = strdup(o->vmlinux);
	return *ret ? NULL : error_nomem();
}

struct error *find_vmlinux(const struct find_options *o, const struct build_id *id, const char *release,
			   char **ret)
{
	struct vmlinux_search s = { .o = o, .id = id, .release = release, .looked = BUFFER_INIT };
	if (o->vmlinux)
		return take_given(o, id, ret);
	if (strchr(release, '/'))       /* it is the dump's word: no way out of the directories below */
		release = s.release = "";
	if (o->beside) {
		look_for(&s, "%s/vmlinux", o->beside);
		look_for(&s, "%s/vmlinux.debug", o->beside);
		look_in_root(&s, o->beside);
	}
	for (size_t i = 0; i < o->nroots; i++) {
		look_for(&s, "%s/vmlinux", o->roots[i]);
		look_in_root(&s, o->roots[i]);
		char debug[PATH_LEN];
		if (snprintf(debug, sizeof(debug), "%s/usr/lib/debug", o->roots[i]) < (int)sizeof(debug))
			look_in_root(&s, debug);
	}
	look_in_root(&s, "/usr/lib/debug");
	if (release[0]) {
		look_for(&s, "/usr/lib/modules/%s/build/vmlinux", release);
		look_for(&s, "/lib/modules/%s/build/vmlinux", release);
		look_for(&s, "/boot/vmlinux-%s", release);
	}
	struct error *err = NULL;
	if (!s.found && id->len && !o->no_debuginfod && debuginfod_wanted()) {
		_cleanup_free_ char *path = NULL;
		_cleanup_error_ struct error *failed = debuginfod_find(id, o->progress, &path);
		if (failed)
			buffer_printf(&s.looked, "\n  %s", failed->text);
		else
			look_at(&s, path);
	}
	if (!s.found)
		err = not_found(&s);
	else
		*ret = s.found;
	buffer_deinit(&s.looked);
	return err;
}

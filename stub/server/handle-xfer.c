/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "stub/base/cleanup.h"
#include "stub/base/xml.h"
#include "stub/linux/module.h"
#include "stub/monitor/tables.h"
#include "stub/server/handlers.h"
#include "symbols/companion.h"

/*
 * The prepared vmlinux, moved by one segment per PT_LOAD: by KASLR, but for that of the per-CPU
 * section linked at 0, which stays.
 */
static void put_vmlinux(struct kernel *k, struct buffer *b)
{
	size_t n;
	const struct segment *segments = symbols_segments(k->vmlinux, &n);
	buffer_puts(b, "<library name=\"");
	xml_escape(b, k->prepared_path);
	buffer_puts(b, "\">");
	for (size_t i = 0; i < n; i++) {
		uint64_t at = segments[i].vaddr >> 63 ? segments[i].vaddr + k->kaslr_offset : segments[i].vaddr;
		buffer_printf(b, "<segment address=\"0x%llx\"/>", (unsigned long long)at);
	}
	buffer_puts(b, "</library>\n");
}

static struct error *put_module(struct kernel *k, struct module *m, struct buffer *b)
{
	_cleanup_free_ uint64_t *addrs = NULL;
	size_t n;
	if (!m->path)
		return NULL;
	struct error *err = module_gdb_sections(k, m, &addrs, &n);
	if (err)
		return err;
	buffer_puts(b, "<library name=\"");
	xml_escape(b, m->path);
	buffer_puts(b, "\">");
	for (size_t i = 0; i < n; i++)
		buffer_printf(b, "<section address=\"0x%llx\"/>", (unsigned long long)addrs[i]);
	buffer_puts(b, "</library>\n");
	return NULL;
}

/*
 * What makes the user's own vmlinux unwind: the rules, moved by KASLR, and the end of every stack
 * at the user's RIP, which comes with kstub's variables. Each has one section, far from every
 * kernel address; their lowest addresses are not 0 and not each other's. (The switch to an interrupt's stack is lost: there gdb finds
 * the compiler's own rule in vmlinux first.)
 */
static void put_rules(struct kernel *k, struct buffer *b)
{
	const struct { const char *path; uint64_t offset; } rules[] = {
		{ k->cfi_path, k->kaslr_offset }, { k->companion_library_path, COMPANION_OFFSET },
	};
	for (size_t i = 0; i < 2; i++) {
		if (!rules[i].path)
			continue;
		buffer_puts(b, "<library name=\"");
		xml_escape(b, rules[i].path);
		buffer_printf(b, "\"><section address=\"0x%llx\"/></library>\n",
			      (unsigned long long)rules[i].offset);
	}
}

/* A module whose sections cannot be told is left out, with a line for the user. */
static void make_libraries(struct session *s, struct buffer *b)
{
	buffer_puts(b, "<library-list>\n");
	if (s->user_vmlinux)
		put_rules(s->k, b);
	/* Where it is not known whether the user brought one, twice is better than not at all. */
	if (s->k->prepared_path && (!s->user_vmlinux || s->options.may_have_companion))
		put_vmlinux(s->k, b);
	for (size_t i = 0; i < s->k->nmodules; i++) {
		_cleanup_error_ struct error *err = put_module(s->k, &s->k->modules[i], b);
		err = error_prefix(err, "gdb is not told of module %s", s->k->modules[i].name);
		if (err)
			session_notice(s, "%s", err->text);
	}
	buffer_puts(b, "</library-list>\n");
}

static struct error *put_document(const struct rsp_request *q, const struct buffer *b, struct rsp_reply *out)
{
	struct error *err = buffer_error(b);
	if (!err)
		reply_xfer(out, b->data, b->len, q->xfer.offset, q->xfer.len);
	return err;
}

/*
 * Made at offset 0 and served in pieces until the next offset 0: gdb reads one table after the
 * other, each from its start to its end.
 */
static struct error *handle_osdata(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	char name[64];
	if (q->xfer.offset)
		return put_document(q, &s->osdata, out);
	/* No table's name is longer, and of an unknown one nothing is shown. */
	snprintf(name, sizeof(name), "%.*s", (int)(q->xfer.annex.len < 63 ? q->xfer.annex.len : 63),
		 q->xfer.annex.data);
	struct monitor_context c = session_context(s);
	buffer_clear(&s->osdata);
	struct error *err = tables_document(&c, name, &s->osdata);
	return err ? err : put_document(q, &s->osdata, out);
}

struct error *handle_xfer(struct session *s, const struct rsp_request *q, struct rsp_reply *out)
{
	if (rsp_text_is(q->xfer.object, "features")) {
		if (!rsp_text_is(q->xfer.annex, "target.xml"))
			return error_new(ERROR_NOT_FOUND, "no such feature file");
		if (!s->target_xml.len)
			registers_xml(s->k->target->arch, &s->target_xml);
		return put_document(q, &s->target_xml, out);
	}
	if (rsp_text_is(q->xfer.object, "exec-file")) {
		if (!s->k->companion_path)
			return error_new(ERROR_NOT_FOUND, "no companion file");
		s->exec_file_asked += !q->xfer.offset;
		if (!s->exec_file.len)
			buffer_puts(&s->exec_file, s->k->companion_path);
		return put_document(q, &s->exec_file, out);
	}
	if (rsp_text_is(q->xfer.object, "libraries")) {
		if (!s->libraries.len)
			make_libraries(s, &s->libraries);
		return put_document(q, &s->libraries, out);
	}
	if (rsp_text_is(q->xfer.object, "threads")) {
		if (!q->xfer.offset || !s->threads_xml.len) {
			buffer_clear(&s->threads_xml);
			if (s->attached)
				threads_xml(&s->threads, &s->threads_xml);
			else
				buffer_puts(&s->threads_xml, "<threads>\n</threads>\n");
		}
		return put_document(q, &s->threads_xml, out);
	}
	if (rsp_text_is(q->xfer.object, "osdata"))
		return handle_osdata(s, q, out);
	return NULL;
}

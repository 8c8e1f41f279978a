/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of gdb's `info os`: each is what one command writes, as a document of gdb's osdata
 * format. A command's failure is the document's one item, since gdb does not show errors here.
 */
#ifndef STUB_MONITOR_TABLES_H
#define STUB_MONITOR_TABLES_H

#include "stub/monitor/monitor.h"

/*
 * Appends the document of the table `name`; "": the list of the tables. One that does not exist has
 * no items.
 */
struct error *tables_document(const struct monitor_context *c, const char *name,
			      struct buffer *ret) must_check;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One command's rows and notes as text, as JSON, and as the items of gdb's osdata. */
#include <stdlib.h>

#include "stub/base/cleanup.h"
#include "stub/base/tests/tap.h"
#include "stub/monitor/monitor.h"
#include "stub/monitor/writer.h"

static const struct writer_column columns[] = {
	{ "", "running", false }, { "PID", "pid", true }, { NULL, "hidden_one", false }, { "COMM", "comm", false },
};

static struct error *write_rows(const struct monitor_context *c, int argc, char **argv,
				struct monitor_writer *w)
{
	(void)c;
	(void)argv;
	writer_field(w, "ROOT", "root", "/a\nb\x1b");
	writer_table(w, columns, 4);
	writer_cell_both(w, ">", json_new_bool(true));
	writer_cell_uint(w, 1);
	writer_cell_json(w, json_new_uint(5));
	writer_cell(w, "<i\xff\x1b[2J>\n\t\xc3\xa4\xc2\x9b");
	writer_row_end(w);
	writer_cell_both(w, "", json_new_bool(false));
	writer_cell_none(w);
	writer_row_end(w);
	if (argc > 1)
		writer_note(w, "damaged after <i\xfe>\nreally");
	return NULL;
}

static struct error *write_note(const struct monitor_context *c, int argc, char **argv,
				struct monitor_writer *w)
{
	(void)c;
	(void)argc;
	(void)argv;
	writer_note(w, "no tasks & more");
	return NULL;
}

static const struct monitor_command rows = { .name = "rows", .run = write_rows };
static const struct monitor_command note = { .name = "note", .run = write_note };

static void check(const struct monitor_command *command, int argc, enum monitor_format format,
		  const char *want, const char *name)
{
	static const struct monitor_context c;
	_cleanup_buffer_ struct buffer b = BUFFER_INIT;
	_cleanup_error_ struct error *err = monitor_run_command(&c, command, argc, NULL, format, &b);
	tap_is_str(err ? err->text : buffer_text(&b), want, name);
}

int main(void)
{
	check(&rows, 2, MONITOR_TEXT,
	      "ROOT: /a\\x0ab\\x1b\n\n"
	      "   PID  COMM\n"
	      ">    1  <i\\xff\\x1b[2J>\\x0a\\x09\xc3\xa4\\xc2\\x9b\n"
	      "     -\n\n"
	      "damaged after <i\\xfe>\nreally\n", "text: no byte of a name drives the terminal, or ends a line");
	check(&rows, 1, MONITOR_JSON,
	      "{ \"root\": \"/a\\nb\\u001b\", \"rows\": [ { \"running\": true, \"pid\": 1, \"hidden_one\": 5, "
	      "\"comm\": \"<i\xef\xbf\xbd\\u001b[2J>\\n\\t\xc3\xa4\xc2\x9b\" }, { \"running\": false, "
	      "\"pid\": null } ] }\n", "json: every name is a text of JSON");
	check(&rows, 2, MONITOR_OSDATA,
	      "<item><column name=\"RUNNING\">&gt;</column><column name=\"PID\">1</column>"
	      "<column name=\"HIDDEN_ONE\">5</column>"
	      "<column name=\"COMM\">&lt;i\\xff\\x1b[2J&gt;\\x0a\\x09\xc3\xa4\\xc2\\x9b</column></item>\n"
	      "<item><column name=\"RUNNING\"></column><column name=\"PID\">-</column>"
	      "<column name=\"HIDDEN_ONE\"></column><column name=\"COMM\"></column></item>\n"
	      "<item><column name=\"RUNNING\">note: damaged after &lt;i\\xfe&gt;</column><column name=\"PID\"></column>"
	      "<column name=\"HIDDEN_ONE\"></column><column name=\"COMM\"></column></item>\n"
	      "<item><column name=\"RUNNING\">note: really</column><column name=\"PID\"></column>"
	      "<column name=\"HIDDEN_ONE\"></column><column name=\"COMM\"></column></item>\n",
	      "osdata: the same columns in every item, and the notes behind them");
	check(&note, 1, MONITOR_OSDATA, "<item><column name=\"NOTE\">no tasks &amp; more</column></item>\n",
	      "osdata: a note where there is no table");
	return tap_done();
}

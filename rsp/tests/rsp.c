/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The protocol as tables of rows: framing, hex, requests, replies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rsp/hex.h"
#include "rsp/packet.h"
#include "rsp/reply.h"
#include "rsp/request.h"
#include "stub/base/tests/tap.h"

/* --- hex --------------------------------------------------------------------------------- */

static void check_hex(void)
{
	unsigned char all[256], back[256];
	char text[512], one[3];
	bool same = true;
	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	for (size_t len = 0; len <= sizeof(all); len++) {
		hex_encode(all + sizeof(all) - len, len, text);
		for (size_t i = 0; i < len; i++) {
			snprintf(one, sizeof(one), "%02x", all[sizeof(all) - len + i]);
			same = same && !memcmp(one, text + i * 2, 2);
		}
		same = same && hex_decode(text, len * 2, back) && !memcmp(back, all + sizeof(all) - len, len);
	}
	tap_ok(same, "every byte and length as printf prints it, and back");
	tap_ok(hex_decode("aBCd", 4, back) && back[0] == 0xab && back[1] == 0xcd, "capitals are read");
	static const char *const bad[] = { "g0", "0g", "a", " 1", "0x", "1\0" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_ok(!hex_decode(bad[i], bad[i][1] ? strlen(bad[i]) : 2 - (bad[i][0] == 'a'), back),
		       "'%s' is refused", bad[i]);
	const char *p = "ffffffffffffffff,";
	uint64_t n = 0;
	tap_ok(hex_number(&p, p + 17, &n) && n == UINT64_MAX && *p == ',', "16 digits are a number");
	p = "10000000000000000";
	tap_ok(!hex_number(&p, p + 17, &n), "17 are none");
	p = ",";
	tap_ok(!hex_number(&p, p + 1, &n), "no digit is none");
}

/* --- packets ----------------------------------------------------------------------------- */

static const struct { const char *in, *events; } frames[] = {
	{ "$g#67", "g;" }, { "+$g#67", "+g;" }, { "$g#67$?#3f", "g;?;" }, { "$#00", ";" },
	{ "-", "-" }, { "\3", "^" }, { "$g#68", "!" }, { "$g#zz", "!" }, { "junk$g#67", "g;" },
	{ "$half$g#67", "!g;" }, { "$g#6", "" }, { "$g", "" }, { "$g\3#6a", "g\3;" },
	{ "$12345678901234567890#00", "!" }, { "$12345678901234567890#00$g#67", "!g;" },
	{ "+-+", "+-+" }, { "$a}\3#e1", "a}\3;" }, { "$G#47", "G;" }, { "#67$g#67", "g;" },
};

/* Fed whole, and a byte at a time: the events must be the same. */
static void decode(const char *in, size_t step, char *out)
{
	char body[16];
	struct rsp_decoder d = { .body = body, .cap = sizeof(body) };
	size_t len = strlen(in);
	*out = '\0';
	for (size_t at = 0; at < len; at += step) {
		const char *p = in + at, *end = in + (at + step < len ? at + step : len);
		enum rsp_event e;
		while ((e = rsp_decode(&d, &p, end)) != RSP_MORE) {
			if (e == RSP_PACKET)
				out += sprintf(out, "%.*s;", (int)d.len, d.body);
			else
				out += sprintf(out, "%s", e == RSP_ACK ? "+" : e == RSP_NAK ? "-" :
							  e == RSP_INTERRUPT ? "^" : "!");
		}
	}
}

static void check_packets(void)
{
	char events[256], out[64], expanded[16];
	size_t n = 0;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		decode(frames[i].in, strlen(frames[i].in), events);
		tap_is_str(events, frames[i].events, frames[i].in);
		decode(frames[i].in, 1, events);
		tap_is_str(events, frames[i].events, "  and a byte at a time");
	}
	n = rsp_frame("OK", 2, out, sizeof(out));
	tap_ok(n == 6 && !memcmp(out, "$OK#9a", 6), "a reply is framed");
	tap_ok(!rsp_frame("OK", 2, out, 5), "or refused where it does not fit");
	strcpy(out, "a}\x03}]b");
	n = rsp_unescape(out, 6);
	tap_ok(n == 4 && !memcmp(out, "a#}b", 4), "escapes are undone");
	tap_ok(rsp_expand("0* ", 3, expanded, 16, &n) && n == 4 && !memcmp(expanded, "0000", 4), "runs are expanded");
	tap_ok(!rsp_expand("*!", 2, expanded, 16, &n), "a run of nothing is refused");
	tap_ok(!rsp_expand("0*~0*~", 6, expanded, 16, &n), "a run over the end is refused");
}

/* --- requests ---------------------------------------------------------------------------- */

static const struct {
	const char *body;
	int type;               /* -1: malformed */
	int64_t thread;
	uint64_t number, addr, len;
	const char *text;
} requests[] = {
	{ "?", RSP_WHY_STOPPED, 0, 0, 0, 0, "" }, { "?x", -1, 0, 0, 0, 0, "" },
	{ "g", RSP_READ_REGS, 0, 0, 0, 0, "" }, { "G00ff", RSP_WRITE_REGS, 0, 0, 0, 0, "00ff" },
	{ "G0", -1, 0, 0, 0, 0, "" }, { "p1f", RSP_READ_REG, 0, 0x1f, 0, 0, "" }, { "p", -1, 0, 0, 0, 0, "" },
	{ "P10=00ff", RSP_WRITE_REG, 0, 0x10, 0, 0, "00ff" }, { "P10", -1, 0, 0, 0, 0, "" },
	{ "mffffffff81000000,40", RSP_READ_MEMORY, 0, 0, 0xffffffff81000000, 0x40, "" },
	{ "m1", -1, 0, 0, 0, 0, "" }, { "m,1", -1, 0, 0, 0, 0, "" }, { "m1,1,1", -1, 0, 0, 0, 0, "" },
	{ "m-1,1", -1, 0, 0, 0, 0, "" }, { "m10000000000000000,1", -1, 0, 0, 0, 0, "" },
	{ "M10,2:abcd", RSP_WRITE_MEMORY, 0, 0, 0x10, 2, "abcd" }, { "M10,3:abcd", -1, 0, 0, 0, 0, "" },
	{ "X10,0:", RSP_WRITE_BINARY, 0, 0, 0x10, 0, "" }, { "X10,2:}]b", RSP_WRITE_BINARY, 0, 0, 0x10, 2, "}]b" },
	{ "Hg5a", RSP_SET_THREAD, 0x5a, 0, 0, 0, "" }, { "Hc-1", RSP_SET_THREAD, -1, 0, 0, 0, "" },
	{ "Hgp1.2", RSP_SET_THREAD, 2, 0, 0, 0, "" }, { "Hgp1.-1", RSP_SET_THREAD, -1, 0, 0, 0, "" },
	{ "Hg", -1, 0, 0, 0, 0, "" }, { "H", -1, 0, 0, 0, 0, "" }, { "Hgx", -1, 0, 0, 0, 0, "" },
	{ "T400001", RSP_THREAD_ALIVE, 0x400001, 0, 0, 0, "" }, { "T", -1, 0, 0, 0, 0, "" },
	{ "qC", RSP_CURRENT_THREAD, 0, 0, 0, 0, "" }, { "qCRC:0,1", RSP_UNKNOWN, 0, 0, 0, 0, "" },
	{ "qSupported:xmlRegisters=i386", RSP_SUPPORTED, 0, 0, 0, 0, "xmlRegisters=i386" },
	{ "qfThreadInfo", RSP_FIRST_THREADS, 0, 0, 0, 0, "" }, { "qsThreadInfo", RSP_NEXT_THREADS, 0, 0, 0, 0, "" },
	{ "qThreadExtraInfo,5", RSP_THREAD_EXTRA, 5, 0, 0, 0, "" }, { "qThreadExtraInfo,", -1, 0, 0, 0, 0, "" },
	{ "qAttached:1", RSP_ATTACHED, 0, 0, 0, 0, "" }, { "qOffsets", RSP_OFFSETS, 0, 0, 0, 0, "" },
	{ "qSymbol::", RSP_SYMBOL, 0, 0, 0, 0, ":" }, { "QStartNoAckMode", RSP_NO_ACK, 0, 0, 0, 0, "" },
	{ "qRcmd,6c6f67", RSP_MONITOR, 0, 0, 0, 0, "6c6f67" }, { "qRcmd,6", -1, 0, 0, 0, 0, "" },
	{ "qSearch:memory:10;20;ab", RSP_SEARCH_MEMORY, 0, 0, 0x10, 0x20, "ab" },
	{ "qSearch:memory:10;20;", -1, 0, 0, 0, 0, "" }, { "qSearch:memory:10", -1, 0, 0, 0, 0, "" },
	{ "vCont?", RSP_CONT_QUERY, 0, 0, 0, 0, "" }, { "vCont;s:5;c", RSP_CONT, 0, 0, 0, 0, "s:5;c" },
	{ "vCont;", -1, 0, 0, 0, 0, "" }, { "vMustReplyEmpty", RSP_MUST_REPLY_EMPTY, 0, 0, 0, 0, "" },
	{ "vKill;1", RSP_KILL, 0, 1, 0, 0, "" }, { "vKill;", -1, 0, 0, 0, 0, "" }, { "vKill;1;", -1, 0, 0, 0, 0, "" },
	{ "vKill", RSP_UNKNOWN, 0, 0, 0, 0, "" }, { "vFile:open:00", RSP_UNKNOWN, 0, 0, 0, 0, "" },
	{ "vAttach;5a", RSP_ATTACH, 0, 0x5a, 0, 0, "" }, { "vAttach;", -1, 0, 0, 0, 0, "" },
	{ "vAttach;-1", -1, 0, 0, 0, 0, "" }, { "vAttach;5a;1", -1, 0, 0, 0, 0, "" }, { "vAttach", RSP_UNKNOWN, 0, 0, 0, 0, "" },
	{ "vRun;2f62;61", RSP_RUN, 0, 0, 0, 0, "2f62;61" }, { "vRun;", RSP_RUN, 0, 0, 0, 0, "" },
	{ "D", RSP_DETACH, 0, 0, 0, 0, "" }, { "D;1f", RSP_DETACH, 0, 0x1f, 0, 0, "" }, { "D;", -1, 0, 0, 0, 0, "" },
	{ "D1", -1, 0, 0, 0, 0, "" }, { "k", RSP_KILL, 0, 0, 0, 0, "" }, { "k1", -1, 0, 0, 0, 0, "" },
	{ "qqemu.sstepbits", RSP_QEMU_STEP_BITS, 0, 0, 0, 0, "" }, { "Qqemu.sstepbits", RSP_QEMU_STEP_BITS, 0, 0, 0, 0, "" },
	{ "qqemu.sstep", RSP_QEMU_STEP, 0, 0, 0, 0, "" }, { "Qqemu.sstep", RSP_QEMU_STEP, 0, 0, 0, 0, "" },
	{ "Qqemu.sstep=7", RSP_QEMU_SET_STEP, 0, 7, 0, 0, "" }, { "Qqemu.sstep=", -1, 0, 0, 0, 0, "" },
	{ "qqemu.Supported", RSP_QEMU_SUPPORTED, 0, 0, 0, 0, "" }, { "Qqemu.Supported", RSP_UNKNOWN, 0, 0, 0, 0, "" },
	{ "qqemu.PhyMemMode", RSP_QEMU_PHYSICAL, 0, 0, 0, 0, "" }, { "Qqemu.PhyMemMode", RSP_UNKNOWN, 0, 0, 0, 0, "" },
	{ "Qqemu.PhyMemMode:1", RSP_QEMU_SET_PHYSICAL, 0, 1, 0, 0, "" },
	{ "Qqemu.PhyMemMode:0", RSP_QEMU_SET_PHYSICAL, 0, 0, 0, 0, "" }, { "Qqemu.PhyMemMode:", -1, 0, 0, 0, 0, "" },
	{ "Qqemu.PhyMemMode:1 ", -1, 0, 0, 0, 0, "" }, { "qqemu.nonesuch", RSP_UNKNOWN, 0, 0, 0, 0, "" },
	{ "c", RSP_RESUME, 0, 0, 0, 0, "" }, { "S05", RSP_RESUME, 0, 0, 0, 0, "" }, { "!", RSP_EXTENDED, 0, 0, 0, 0, "" },
	{ "Z0,ffffffff81000000,1", RSP_BREAKPOINT, 0, 0, 0xffffffff81000000, 1, "" },
	{ "z2,10,8;X1,00", RSP_BREAKPOINT, 0, 2, 0x10, 8, "X1,00" }, { "Z0,10", -1, 0, 0, 0, 0, "" },
	{ "", RSP_UNKNOWN, 0, 0, 0, 0, "" }, { "y", RSP_UNKNOWN, 0, 0, 0, 0, "" },
};

static void check_requests(void)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct rsp_request r;
		/* At the end of a buffer of its own, so that a read beyond is seen. */
		size_t len = strlen(requests[i].body);
		char *body = malloc(len ? len : 1);
		if (!body)
			return;
		memcpy(body, requests[i].body, len);
		bool good = rsp_parse(body, len, &r);
		bool right = good == (requests[i].type >= 0);
		if (good && right)
			right = (int)r.type == requests[i].type && r.thread == requests[i].thread &&
				r.number == requests[i].number && r.range.addr == requests[i].addr &&
				r.range.len == requests[i].len && rsp_text_is(r.text, requests[i].text);
		tap_ok(right, "request '%s'", requests[i].body);
		free(body);
	}
	struct rsp_request r;
	const char *x = "qXfer:features:read:target.xml:10,ffb";
	tap_ok(rsp_parse(x, strlen(x), &r) && r.type == RSP_XFER_READ && rsp_text_is(r.xfer.object, "features") &&
	       rsp_text_is(r.xfer.annex, "target.xml") && r.xfer.offset == 0x10 && r.xfer.len == 0xffb, "%s", x);
	x = "qXfer:exec-file:read:1:0,1000";
	tap_ok(rsp_parse(x, strlen(x), &r) && rsp_text_is(r.xfer.annex, "1"), "%s", x);
	x = "qXfer:threads:read::0";
	tap_ok(!rsp_parse(x, strlen(x), &r), "%s is malformed", x);
	x = "qXfer:siginfo:write::0:00";
	tap_ok(rsp_parse(x, strlen(x), &r) && r.type == RSP_UNKNOWN, "%s is not known", x);
}

/* --- replies ----------------------------------------------------------------------------- */

static void check_replies(void)
{
	char room[32];
	struct rsp_reply r = { .body = room, .cap = sizeof(room) };
	static const char document[] = "ab#$}*c";
	reply_xfer(&r, document, 7, 0, 100);
	tap_ok(r.len == 12 && !memcmp(room, "lab}\3}\4}]}\nc", 12), "a document, escaped, to its end");
	reply_clear(&r);
	reply_xfer(&r, document, 7, 1, 1);
	tap_ok(r.len == 2 && !memcmp(room, "mb", 2), "a part of it");
	reply_clear(&r);
	reply_xfer(&r, document, 7, 7, 1);
	tap_ok(r.len == 1 && room[0] == 'l', "nothing behind its end");
	reply_clear(&r);
	reply_xfer(&r, document, 7, UINT64_MAX, UINT64_MAX);
	tap_ok(r.len == 1 && room[0] == 'l', "nor far behind it");
	r.cap = 4;
	reply_clear(&r);
	reply_xfer(&r, document, 7, 0, 100);
	tap_ok(r.len == 3 && !memcmp(room, "mab", 3) && !r.overflow, "less where the buffer is short");
	r.cap = sizeof(room);
	reply_clear(&r);
	reply_hex_number(&r, 0);
	reply_hex_number(&r, 0x400001);
	tap_ok(r.len == 7 && !memcmp(room, "0400001", 7), "numbers without leading zeros");
	reply_unavailable(&r, 2);
	tap_ok(r.len == 11 && !memcmp(room + 7, "xxxx", 4), "unavailable bytes");
	reply_unavailable(&r, 100);
	tap_ok(r.overflow && r.len == 11, "what does not fit is noted, and not written");
	reply_error_number(&r, 0x16);
	tap_ok(!r.overflow && r.len == 3 && !memcmp(room, "E16", 3), "an error takes its place");
}

int main(void)
{
	check_hex();
	check_packets();
	check_requests();
	check_replies();
	return tap_done();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rsp/request.h"

#include <string.h>

#include "rsp/hex.h"

struct cursor {
	const char *p, *end;
};

static bool at_end(const struct cursor *c)
{
	return c->p == c->end;
}

static bool take(struct cursor *c, char wanted)
{
	if (at_end(c) || *c->p != wanted)
		return false;
	c->p++;
	return true;
}

static bool take_word(struct cursor *c, const char *word)
{
	size_t len = strlen(word);
	if ((size_t)(c->end - c->p) < len || memcmp(c->p, word, len))
		return false;
	c->p += len;
	return true;
}

static bool take_number(struct cursor *c, uint64_t *ret)
{
	return hex_number(&c->p, c->end, ret);
}

static struct rsp_text rest_of(struct cursor *c)
{
	struct rsp_text t = { c->p, (size_t)(c->end - c->p) };
	c->p = c->end;
	return t;
}

/* Up to `stop`, which is taken as well. */
static bool take_until(struct cursor *c, char stop, struct rsp_text *ret)
{
	const char *hit = memchr(c->p, stop, (size_t)(c->end - c->p));
	if (!hit)
		return false;
	*ret = (struct rsp_text){ c->p, (size_t)(hit - c->p) };
	c->p = hit + 1;
	return true;
}

/* "5a", "-1", "0", and with multiprocess "p1.5a", "p1.-1", "p1". */
static bool take_thread(struct cursor *c, int64_t *ret)
{
	uint64_t id;
	if (take(c, 'p')) {
		if (!take_word(c, "-1") && !take_number(c, &id))
			return false;
		if (!take(c, '.')) {
			*ret = RSP_THREAD_ALL;
			return true;
		}
	}
	if (take_word(c, "-1")) {
		*ret = RSP_THREAD_ALL;
		return true;
	}
	if (!take_number(c, &id) || id > INT64_MAX)
		return false;
	*ret = (int64_t)id;
	return true;
}

static bool take_range(struct cursor *c, uint64_t *addr, uint64_t *len, char between)
{
	return take_number(c, addr) && take(c, between) && take_number(c, len);
}

static bool parse_xfer(struct cursor *c, struct rsp_request *r)
{
	struct rsp_text verb;
	r->type = RSP_XFER_READ;
	if (!take_until(c, ':', &r->xfer.object) || !take_until(c, ':', &verb))
		return false;
	if (!rsp_text_is(verb, "read")) {
		r->type = RSP_UNKNOWN;
		return true;
	}
	return take_until(c, ':', &r->xfer.annex) &&
	       take_range(c, &r->xfer.offset, &r->xfer.len, ',') && at_end(c);
}

static bool parse_search(struct cursor *c, struct rsp_request *r)
{
	r->type = RSP_SEARCH_MEMORY;
	if (!take_range(c, &r->range.addr, &r->range.len, ';') || !take(c, ';'))
		return false;
	r->text = rest_of(c);
	return r->text.len > 0;
}

/* Queries that are a word and nothing else, or a word and text. */
static bool parse_query(struct cursor *c, struct rsp_request *r)
{
	static const struct { const char *word; enum rsp_request_type type; } whole[] = {
		{ "qC", RSP_CURRENT_THREAD }, { "qfThreadInfo", RSP_FIRST_THREADS },
		{ "qsThreadInfo", RSP_NEXT_THREADS }, { "qOffsets", RSP_OFFSETS },
		{ "qAttached", RSP_ATTACHED }, { "qSupported", RSP_SUPPORTED },
		{ "QStartNoAckMode", RSP_NO_ACK },
		{ "qqemu.sstepbits", RSP_QEMU_STEP_BITS }, { "Qqemu.sstepbits", RSP_QEMU_STEP_BITS },
		{ "qqemu.sstep", RSP_QEMU_STEP }, { "Qqemu.sstep", RSP_QEMU_STEP },
		{ "qqemu.Supported", RSP_QEMU_SUPPORTED }, { "qqemu.PhyMemMode", RSP_QEMU_PHYSICAL },
	};
	size_t len = (size_t)(c->end - c->p);
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		if (strlen(whole[i].word) == len && !memcmp(c->p, whole[i].word, len)) {
			r->type = whole[i].type;
			return true;
		}
	}
	if (take_word(c, "qSupported:")) {
		r->type = RSP_SUPPORTED;
		r->text = rest_of(c);
		return true;
	}
	if (take_word(c, "qAttached:")) {
		r->type = RSP_ATTACHED;
		return true;
	}
	if (take_word(c, "qSymbol:")) {
		r->type = RSP_SYMBOL;
		r->text = rest_of(c);
		return true;
	}
	if (take_word(c, "qThreadExtraInfo,")) {
		r->type = RSP_THREAD_EXTRA;
		return take_thread(c, &r->thread) && at_end(c);
	}
	if (take_word(c, "qRcmd,")) {
		r->type = RSP_MONITOR;
		r->text = rest_of(c);
		return r->text.len % 2 == 0;
	}
	if (take_word(c, "qXfer:"))
		return parse_xfer(c, r);
	if (take_word(c, "qSearch:memory:"))
		return parse_search(c, r);
	if (take_word(c, "Qqemu.PhyMemMode:")) {
		r->type = RSP_QEMU_SET_PHYSICAL;
		return take_number(c, &r->number) && at_end(c);
	}
	if (take_word(c, "Qqemu.sstep=")) {
		r->type = RSP_QEMU_SET_STEP;
		return take_number(c, &r->number) && at_end(c);
	}
	return true;
}

static bool parse_v(struct cursor *c, struct rsp_request *r)
{
	struct cursor start = *c;
	if (take_word(c, "vCont?") && at_end(c)) {
		r->type = RSP_CONT_QUERY;
		return true;
	}
	*c = start;
	if (take_word(c, "vCont;")) {
		r->type = RSP_CONT;
		r->text = rest_of(c);
		return r->text.len > 0;
	}
	if (take_word(c, "vAttach;")) {
		r->type = RSP_ATTACH;
		return take_number(c, &r->number) && at_end(c);
	}
	if (take_word(c, "vKill;")) {
		r->type = RSP_KILL;
		r->op = 'v';
		return take_number(c, &r->number) && at_end(c);
	}
	if (take_word(c, "vRun;")) {
		r->type = RSP_RUN;
		r->text = rest_of(c);
	} else if (take_word(c, "vMustReplyEmpty")) {
		r->type = RSP_MUST_REPLY_EMPTY;
	}
	return true;
}

static bool parse_write(struct cursor *c, struct rsp_request *r, enum rsp_request_type type)
{
	r->type = type;
	if (!take_range(c, &r->range.addr, &r->range.len, ',') || !take(c, ':'))
		return false;
	r->text = rest_of(c);
	return type == RSP_WRITE_BINARY ||
	       (r->text.len % 2 == 0 && r->text.len / 2 == r->range.len);
}

static bool parse_breakpoint(struct cursor *c, struct rsp_request *r, char op)
{
	r->type = RSP_BREAKPOINT;
	r->op = op;
	if (!take_number(c, &r->number) || !take(c, ',') ||
	    !take_range(c, &r->range.addr, &r->range.len, ','))
		return false;
	if (take(c, ';'))
		r->text = rest_of(c);
	return at_end(c);
}

static bool parse_letter(struct cursor *c, struct rsp_request *r)
{
	char op = *c->p++;
	switch (op) {
	case '?': r->type = RSP_WHY_STOPPED; return at_end(c);
	case '!': r->type = RSP_EXTENDED; return at_end(c);
	case 'g': r->type = RSP_READ_REGS; return at_end(c);
	case 'k':
		r->type = RSP_KILL;
		r->op = op;
		return at_end(c);
	case 'D':
		r->type = RSP_DETACH;
		return at_end(c) || (take(c, ';') && take_number(c, &r->number) && at_end(c));
	case 'm':
		r->type = RSP_READ_MEMORY;
		return take_range(c, &r->range.addr, &r->range.len, ',') && at_end(c);
	case 'M': return parse_write(c, r, RSP_WRITE_MEMORY);
	case 'X': return parse_write(c, r, RSP_WRITE_BINARY);
	case 'G':
		r->type = RSP_WRITE_REGS;
		r->text = rest_of(c);
		return r->text.len % 2 == 0;
	case 'p':
		r->type = RSP_READ_REG;
		return take_number(c, &r->number) && at_end(c);
	case 'P':
		r->type = RSP_WRITE_REG;
		if (!take_number(c, &r->number) || !take(c, '='))
			return false;
		r->text = rest_of(c);
		return r->text.len % 2 == 0;
	case 'H':
		r->type = RSP_SET_THREAD;
		if (at_end(c))
			return false;
		r->op = *c->p++;
		return take_thread(c, &r->thread) && at_end(c);
	case 'T':
		r->type = RSP_THREAD_ALIVE;
		return take_thread(c, &r->thread) && at_end(c);
	case 'c': case 's': case 'C': case 'S':
		r->type = RSP_RESUME;
		r->op = op;
		return true;
	case 'Z': case 'z':
		return parse_breakpoint(c, r, op);
	default:
		return true;
	}
}

bool rsp_parse(const char *body, size_t len, struct rsp_request *ret)
{
	struct rsp_request r = { .type = RSP_UNKNOWN };
	struct cursor c = { body, body + len };
	bool good = true;
	if (len && (body[0] == 'q' || body[0] == 'Q'))
		good = parse_query(&c, &r);
	else if (len && body[0] == 'v')
		good = parse_v(&c, &r);
	else if (len)
		good = parse_letter(&c, &r);
	if (good)
		*ret = r;
	return good;
}

bool rsp_text_is(struct rsp_text t, const char *word)
{
	return t.len == strlen(word) && (!t.len || !memcmp(t.data, word, t.len));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet's body as a typed request. Parsing is all that happens here; text fields borrow from
 * the body. A body that is no packet of gdb's is "malformed"; one that kstub does not know is
 * RSP_UNKNOWN, to which the protocol's answer is empty.
 */
#ifndef RSP_REQUEST_H
#define RSP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rsp_request_type {
	RSP_UNKNOWN,
	RSP_SUPPORTED,          /* qSupported:features          text */
	RSP_NO_ACK,             /* QStartNoAckMode */
	RSP_WHY_STOPPED,        /* ? */
	RSP_EXTENDED,           /* ! */
	RSP_READ_REGS,          /* g */
	RSP_WRITE_REGS,         /* G...                         text: hex */
	RSP_READ_REG,           /* pN                           number */
	RSP_WRITE_REG,          /* PN=...                       number, text: hex */
	RSP_READ_MEMORY,        /* mA,L                         range */
	RSP_WRITE_MEMORY,       /* MA,L:...                     range, text: hex */
	RSP_WRITE_BINARY,       /* XA,L:...                     range, text: escaped bytes */
	RSP_SET_THREAD,         /* HgT, HcT                     thread, op */
	RSP_THREAD_ALIVE,       /* TT                           thread */
	RSP_CURRENT_THREAD,     /* qC */
	RSP_FIRST_THREADS,      /* qfThreadInfo */
	RSP_NEXT_THREADS,       /* qsThreadInfo */
	RSP_THREAD_EXTRA,       /* qThreadExtraInfo,T           thread */
	RSP_ATTACHED,           /* qAttached[:pid] */
	RSP_OFFSETS,            /* qOffsets */
	RSP_SYMBOL,             /* qSymbol:value:name           text: all behind the first colon */
	RSP_XFER_READ,          /* qXfer:OBJECT:read:ANNEX:O,L  xfer */
	RSP_MONITOR,            /* qRcmd,hex                    text: hex */
	RSP_SEARCH_MEMORY,      /* qSearch:memory:A;L;pattern   range, text: escaped bytes */
	RSP_CONT_QUERY,         /* vCont? */
	RSP_CONT,               /* vCont;actions                text: all behind the first ; */
	RSP_RESUME,             /* c s C S [addr]               op */
	RSP_BREAKPOINT,         /* Z/z KIND,A,LEN[;cmds]        op 'Z' or 'z', number: kind, range */
	RSP_DETACH,             /* D[;pid]                      number: pid, 0 without */
	RSP_KILL,               /* k, vKill;pid                 op 'k' or 'v', number: pid */
	RSP_ATTACH,             /* vAttach;pid                  number: pid */
	RSP_RUN,                /* vRun;program;arguments       text: hex, all behind the first ; */
	RSP_MUST_REPLY_EMPTY,   /* vMustReplyEmpty */

	/* QEMU's own; it answers the two queries of steps to Qqemu as well. */
	RSP_QEMU_STEP_BITS,     /* qqemu.sstepbits */
	RSP_QEMU_STEP,          /* qqemu.sstep */
	RSP_QEMU_SET_STEP,      /* Qqemu.sstep=N                number */
	RSP_QEMU_SUPPORTED,     /* qqemu.Supported */
	RSP_QEMU_PHYSICAL,      /* qqemu.PhyMemMode */
	RSP_QEMU_SET_PHYSICAL,  /* Qqemu.PhyMemMode:N           number */
};

/* Ids of threads: RSP_ALL and RSP_ANY are gdb's -1 and 0. */
static const int64_t RSP_THREAD_ALL = -1, RSP_THREAD_ANY = 0;

struct rsp_text {
	const char *data;       /* borrowed from the body; not NUL-terminated */
	size_t len;
};

struct rsp_request {
	enum rsp_request_type type;
	char op;
	int64_t thread;
	uint64_t number;
	struct { uint64_t addr, len; } range;
	struct { struct rsp_text object, annex; uint64_t offset, len; } xfer;
	struct rsp_text text;
};

/* False: malformed. */
bool rsp_parse(const char *body, size_t len, struct rsp_request *ret);

bool rsp_text_is(struct rsp_text t, const char *word);

#endif

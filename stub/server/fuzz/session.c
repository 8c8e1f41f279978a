/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole sessions: packets, one a line, to the handlers on a kernel of a few pages. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stub/server/session.h"
#include "stub/tests/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPLY = 1 << 19 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake *f;
	static char out[REPLY];
	static const struct session_options nobody;
	struct session *s = NULL;
	if (!f)
		f = fake_make();
	struct error *err = f ? session_create(&f->k, &nobody, &s) : error_nomem();
	if (err)
		abort();
	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;
		/* A body of its own, so that a read behind its end is seen. */
		char *body = malloc(len ? len : 1);
		struct rsp_reply reply = { .body = out, .cap = sizeof(out) };
		if (!body)
			abort();
		memcpy(body, data, len);
		enum session_next next = session_answer(s, body, len, &reply);
		free(body);
		/* What would end the packet early, or be taken for a run of characters. */
		for (size_t i = 0; i < reply.len; i++)
			if (out[i] == '$' || out[i] == '#' || out[i] == '*')
				abort();
		if (next == SESSION_END)
			break;
		data += len + !!end;
		size -= len + !!end;
	}
	session_destroy(s);
	return 0;
}

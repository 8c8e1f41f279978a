/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arbitrary bodies; what is borrowed must lie within them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rsp/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct rsp_text t, const char *body, size_t size)
{
	if (t.len && (t.data < body || t.data + t.len > body + size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rsp_request r;
	const char *body = (const char *)data;
	if (!rsp_parse(body, size, &r))
		return 0;
	check(r.text, body, size);
	check(r.xfer.object, body, size);
	check(r.xfer.annex, body, size);
	return 0;
}

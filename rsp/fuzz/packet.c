/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arbitrary bytes from gdb's side, in pieces of an arbitrary size. */
#include <stdint.h>
#include <stdlib.h>

#include "rsp/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char body[64], out[128];
	size_t n;
	if (size < 1)
		return 0;
	size_t step = (size_t)data[0] + 1;
	struct rsp_decoder d = { .body = body, .cap = sizeof(body) };
	for (size_t at = 1; at < size; at += step) {
		const char *p = (const char *)data + at;
		const char *end = (const char *)data + (at + step < size ? at + step : size);
		enum rsp_event e;
		while ((e = rsp_decode(&d, &p, end)) != RSP_MORE) {
			if (e != RSP_PACKET)
				continue;
			if (d.len > d.cap)
				abort();
			rsp_expand(d.body, d.len, out, sizeof(out), &n);
			if (rsp_unescape(d.body, d.len) > d.len)
				abort();
		}
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>

#include "symbols/cfi.h"

void cfi_uleb(struct buffer *b, uint64_t value)
{
	do {
		unsigned char byte = value & 127;
		value >>= 7;
		buffer_putc(b, (char)(value ? byte | 128 : byte));
	} while (value);
}

void cfi_sleb(struct buffer *b, int64_t value)
{
	for (;;) {
		unsigned char byte = value & 127;
		value >>= 7;
		bool last = (value == 0 && !(byte & 64)) || (value == -1 && (byte & 64));
		buffer_putc(b, (char)(last ? byte : byte | 128));
		if (last)
			return;
	}
}

static void put_u32(struct buffer *b, uint32_t value)
{
	buffer_put(b, &value, sizeof(value));
}

/* Entries start on 8-byte boundaries; DW_CFA_nop fills. */
static void put_entry(struct buffer *b, const struct buffer *body)
{
	size_t pad = -(body->len + 4) & 7;
	put_u32(b, (uint32_t)(body->len + pad));
	buffer_put(b, body->data, body->len);
	buffer_fill(b, DW_CFA_nop, pad);
}

void cfi_cie(struct buffer *b, bool signal_frame)
{
	struct buffer body = BUFFER_INIT;
	put_u32(&body, UINT32_MAX);
	buffer_putc(&body, 1);                  /* version */
	buffer_puts(&body, signal_frame ? "S" : "");
	buffer_putc(&body, '\0');
	cfi_uleb(&body, 1);                     /* code alignment */
	cfi_sleb(&body, 8);                     /* data alignment */
	buffer_putc(&body, 16);                 /* the return address's column */
	buffer_putc(&body, DW_CFA_def_cfa);
	cfi_uleb(&body, 7);
	cfi_uleb(&body, 8);
	buffer_putc(&body, DW_CFA_offset_extended_sf);
	cfi_uleb(&body, 16);
	cfi_sleb(&body, -1);
	put_entry(b, &body);
	b->failed |= body.failed;
	buffer_deinit(&body);
}

void cfi_fde(struct buffer *b, uint32_t cie, uint64_t start, uint64_t size, const struct buffer *instructions)
{
	size_t pad = -(instructions->len + 4 + 20) & 7;
	put_u32(b, (uint32_t)(20 + instructions->len + pad));
	put_u32(b, cie);
	buffer_put(b, &start, sizeof(start));
	buffer_put(b, &size, sizeof(size));
	buffer_put(b, instructions->data, instructions->len);
	buffer_fill(b, DW_CFA_nop, pad);
}

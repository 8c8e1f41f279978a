/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Little-endian integers at any address: what dumps and ELF files of x86-64 are made of. */
#ifndef STUB_BASE_BYTES_H
#define STUB_BASE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t u32_at(const void *p)
{
	uint32_t value;
	memcpy(&value, p, sizeof(value));
	return le32toh(value);
}

static inline uint64_t u64_at(const void *p)
{
	uint64_t value;
	memcpy(&value, p, sizeof(value));
	return le64toh(value);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/target/fuzz/dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	return fuzz_dump("makedumpfile\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1", 32, data, len);
}

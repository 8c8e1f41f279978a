/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/target/fuzz/dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	return fuzz_dump("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\4\0\76\0", 20, data, len);
}

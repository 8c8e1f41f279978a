/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/target/fuzz/dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	return fuzz_dump("KDUMP   \6\0\0\0", 12, data, len);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BTF of a guest may be anything. libFuzzer's input is the whole of it; then everything is asked. */
#include <stddef.h>
#include <stdint.h>

#include "symbols/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const names[] = { "s", "a", "int", "task_struct", "list_head" };
	static const char *const paths[] = { "a", "a.b", "b[1]", "comm", "next.prev" };
	struct types *t;
	struct member m;
	uint64_t size;
	int64_t value;
	struct error *err = types_from_btf(data, len, &t);
	if (err) {
		error_free(err);
		return 0;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		for (size_t k = 0; k < sizeof(paths) / sizeof(*paths); k++)
			error_free(types_member(t, names[i], paths[k], &m));
		error_free(types_sizeof(t, names[i], &size));
		error_free(types_enumerator(t, names[i], &value));
	}
	types_destroy(t);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens made-up bytes as a dump and reads what it says it has. */
#ifndef STUB_TARGET_FUZZ_DUMP_H
#define STUB_TARGET_FUZZ_DUMP_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stub/base/buffer.h"
#include "stub/target/dump/dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_read(struct target *t)
{
	unsigned char got[8192];
	struct regs r;
	for (size_t i = 0; i < t->nram && i < 16; i++) {
		struct buffer text = BUFFER_INIT;
		error_free(target_read_phys(t, t->ram[i].start, got, sizeof(got)));
		error_free(target_read_phys(t, t->ram[i].end - 8, got, 16));
		if (t->ops->describe_page)
			t->ops->describe_page(t, t->ram[i].start, &text);
		buffer_deinit(&text);
	}
	for (unsigned cpu = 0; cpu < t->ncpus && cpu < 4; cpu++)
		error_free(t->ops->read_regs(t, cpu, &r));
}

/* `magic` takes the place of the first bytes, so that the reader is the one that is meant. */
static int fuzz_dump(const char *magic, size_t magic_len, const uint8_t *data, size_t len)
{
	char path[64];
	struct target *t = NULL;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (len >= magic_len && pwrite(fd, data, len, 0) == (ssize_t)len &&
	    pwrite(fd, magic, magic_len, 0) == (ssize_t)magic_len) {
		struct error *err = dump_open(path, &t);
		if (!err)
			fuzz_read(t);
		error_free(err);
		target_close(t);
	}
	close(fd);
	return 0;
}

#endif

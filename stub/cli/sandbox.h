/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After a dump is open, the process that serves it needs to read, write and answer: no files, no
 * programs, no new sockets. So that a hostile dump which takes it over gets nothing more.
 */
#ifndef STUB_CLI_SANDBOX_H
#define STUB_CLI_SANDBOX_H

#include "stub/base/error.h"

/*
 * No new privileges and a seccomp filter, for good. What is not allowed fails with EPERM, so that
 * a library's odd call costs an answer and not the session. ERROR_UNSUPPORTED: built without.
 */
struct error *sandbox_enter(void) must_check;

#endif

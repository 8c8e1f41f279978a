/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug information from the servers in $DEBUGINFOD_URLS; the library keeps its own cache. */
#ifndef SYMBOLS_DEBUGINFOD_H
#define SYMBOLS_DEBUGINFOD_H

#include "stub/base/error.h"
#include "stub/base/progress.h"
#include "symbols/symbols.h"

/* True when there are servers to ask; built without it, debuginfod_find() says so. */
bool debuginfod_wanted(void);

/*
 * Path of the file with debug info for that build-id; caller frees. ERROR_NOT_FOUND when no server
 * has it, or none answers within $DEBUGINFOD_TIMEOUT; none is asked again then.
 */
struct error *debuginfod_find(const struct build_id *id, struct progress *progress, char **ret) must_check;

#endif

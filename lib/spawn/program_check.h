/*
 * Another build of one of our programs is checked before it takes over: it is called with --check, which says at the end what it is
 * ("oxherd 0.2.0 keep 1") and touches nothing.
 */
#ifndef OX_SPAWN_PROGRAM_CHECK_H
#define OX_SPAWN_PROGRAM_CHECK_H

#include "spawn/run.h"

struct err;

enum { PROGRAM_CHECK_MS = 20000, PROGRAM_VERSION_MAX = 64 };

/* As run_start(), with our own environment. */
struct run *program_check_start(
	struct runner *runner, const char *name, const char *path, run_done done, void *context);
/* Its version; -1 with words when it is not `name` ("oxherd "), or speaks another version of the keeper's messages. */
int program_check_read(const char *path, const char *name, const struct run_result *result,
	char version[PROGRAM_VERSION_MAX], struct err *e);

#endif

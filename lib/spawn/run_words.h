/*
 * The result of a command: whether it succeeded, and a text for users.
 */
#ifndef OX_SPAWN_RUN_WORDS_H
#define OX_SPAWN_RUN_WORDS_H

#include <stdbool.h>

#include "base/buf.h"
#include "spawn/run.h"

enum {
	RUN_WORDS_MAX = 600, /* bytes of what the command said that go into ours */
};

/* It ended by itself, with exit code 0. */
bool run_went_well(const struct run_result *result);
/* "'nginx -t' failed (exit code 1): " and the end of what it said, on one line. */
void run_failure_words(const struct command *command, const struct run_result *result, struct buf *out);

#endif

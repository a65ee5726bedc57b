/*
 * The sentences about what a request waited for (model/wait_result), with the last lines of an instance below.
 */
#ifndef OX_VIEW_WAIT_TEXT_H
#define OX_VIEW_WAIT_TEXT_H

#include <stdint.h>

#include "base/buf.h"

struct reason;
struct wait_result;
struct wait_results;

/* Why a deploy failed; `lines` has a line break before each line, or is NULL. */
void failure_text(const struct reason *why, const char *lines, struct buf *out);
/* The lines alone, and what else stands below the sentence. */
void failure_lines_text(const struct reason *why, const char *lines, struct buf *out);
void wait_result_text(const struct wait_result *r, struct buf *out);
void wait_results_text(const struct wait_results *r, struct buf *out);
/* What is still waited for, and where to read on; nothing for none. */
void pending_text(const struct wait_results *pending, struct buf *out);
/* The same as the error of a request that waited for `ms` milliseconds. */
void timeout_text(int64_t ms, const struct wait_results *pending, struct buf *out);
/* Appends an array for clients: each with its reason, the sentence and an array of lines. */
void wait_results_emit(const struct wait_results *r, const char *key, struct buf *out);

#endif

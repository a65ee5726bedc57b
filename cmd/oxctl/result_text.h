/*
 * What came of it, a line an app, from what the daemon answers to start, stop and the like.
 */
#ifndef OX_CMD_OXCTL_RESULT_TEXT_H
#define OX_CMD_OXCTL_RESULT_TEXT_H

#include <stdbool.h>

struct json;

/* "api: 4 instances started on 3000-3003"; false if there was no app at all.  `is_ready`: all of it was waited for. */
bool result_text_started(const struct json *result, bool is_ready);
/* "Would start: api (×2 instances), worker". */
void result_text_would_start(const struct json *result);
/* "api: stopped": each app, and the word; false if there was none. */
bool result_text_done(const struct json *result, const char *word);
/* "api: HUP sent to 2 instances"; false where nothing ran that it could be sent to. */
bool result_text_signalled(const struct json *result, const char *signal);
/* "api: 4 -> 6 instances". */
bool result_text_scaled(const struct json *result);

#endif

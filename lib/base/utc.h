/*
 * A moment as text, in UTC, by the calendar's own arithmetic: "2026-11-20T19:55:01.120Z" for milliseconds since 1970, and back; years 0 to 9999.
 */
#ifndef OX_BASE_UTC_H
#define OX_BASE_UTC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

void utc_print(struct buf *out, int64_t ms);
bool utc_parse(const char *text, int64_t *ms);

#endif

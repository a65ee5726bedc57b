/*
 * Moments as people type them: "10m" ago, "10:30", "2026-11-20", "2026-11-20T10:00".
 */
#ifndef OX_RULES_TIME_PARSE_H
#define OX_RULES_TIME_PARSE_H

#include <stdbool.h>
#include <stdint.h>

struct err;

struct time_point {
	int64_t ms;    /* since 1970 */
	bool is_local; /* as the clock here shows it, as if that were UTC; the caller knows the zone */
};

/*
 * Reads a duration before now (as the oxfile has them), a date, a date and a time ("T" or a blank between, seconds and their parts as wanted, "Z" for
 * UTC), or a time alone: the last time that it was so.  `local_ms` is the moment `now_ms` as the clock here shows it.  -1 with words.
 */
int time_parse(const char *text, int64_t now_ms, int64_t local_ms, struct time_point *w, struct err *e);

#endif

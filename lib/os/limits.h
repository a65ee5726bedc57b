/*
 * Resource limits by name, as text: "nofile" and "1024:524288", "core" and "0:unlimited".
 */
#ifndef OX_OS_LIMITS_H
#define OX_OS_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

#include "base/buf.h"

struct limit_kind {
	const char *name;
	int resource;
};

/* All that this system has a name for; at most 16. */
extern const struct limit_kind limit_kinds[];
extern const size_t limit_kind_count;

/* -1 for a name that is none. */
int limit_find(const char *name);
/* Appends "SOFT:HARD". */
void limit_write(struct buf *out, const struct rlimit *limit);
/* False for anything but two numbers or "unlimited", the first not above the second. */
bool limit_read(const char *text, struct rlimit *limit);
/* No higher than our own hard limit allows: a higher value is lowered, and is no failure. */
void limit_clamp(int resource, struct rlimit *limit);

#endif

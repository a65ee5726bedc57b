#include "os/limits.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct limit_kind limit_kinds[] = {
	{ "as", RLIMIT_AS },
	{ "core", RLIMIT_CORE },
	{ "cpu", RLIMIT_CPU },
	{ "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE },
	{ "locks", RLIMIT_LOCKS },
	{ "memlock", RLIMIT_MEMLOCK },
	{ "msgqueue", RLIMIT_MSGQUEUE },
	{ "nice", RLIMIT_NICE },
	{ "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC },
	{ "rss", RLIMIT_RSS },
	{ "rtprio", RLIMIT_RTPRIO },
	{ "rttime", RLIMIT_RTTIME },
	{ "sigpending", RLIMIT_SIGPENDING },
	{ "stack", RLIMIT_STACK },
};

const size_t limit_kind_count = sizeof(limit_kinds) / sizeof(limit_kinds[0]);

static const char unlimited[] = "unlimited";

int limit_find(const char *name)
{
	for (size_t i = 0; i < limit_kind_count; i++)
		if (!strcmp(limit_kinds[i].name, name))
			return limit_kinds[i].resource;
	return -1;
}

static void write_one(struct buf *out, rlim_t value)
{
	if (value == RLIM_INFINITY)
		buf_adds(out, unlimited);
	else
		buf_addf(out, "%llu", (unsigned long long)value);
}

void limit_write(struct buf *out, const struct rlimit *limit)
{
	write_one(out, limit->rlim_cur);
	buf_addc(out, ':');
	write_one(out, limit->rlim_max);
}

/* Steps over it. */
static bool read_limit(const char **at, rlim_t *value)
{
	char *end = NULL;

	if (!strncmp(*at, unlimited, sizeof(unlimited) - 1)) {
		*value = RLIM_INFINITY;
		*at += sizeof(unlimited) - 1;
		return true;
	}
	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*value = strtoull(*at, &end, 10);
	*at = end;
	return errno == 0;
}

bool limit_read(const char *text, struct rlimit *limit)
{
	if (!read_limit(&text, &limit->rlim_cur) || *text++ != ':' || !read_limit(&text, &limit->rlim_max))
		return false;
	return !*text && limit->rlim_cur <= limit->rlim_max;
}

void limit_clamp(int resource, struct rlimit *limit)
{
	struct rlimit own;

	if (getrlimit(resource, &own) < 0)
		return;
	if (limit->rlim_max > own.rlim_max)
		limit->rlim_max = own.rlim_max;
	if (limit->rlim_cur > limit->rlim_max)
		limit->rlim_cur = limit->rlim_max;
}

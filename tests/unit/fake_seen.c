/* What a test asks of the herd, and of what was written down. */
#include <string.h>

#include "base/str.h"
#include "fake_effects.h"

const char *fake_state(const struct fake *f, const char *name)
{
	const struct instance *i = herd_find(f->h, name);

	return i ? state_word(instance_state(i)) : "none";
}

struct instance_status fake_status(const struct fake *f, const char *name)
{
	struct instance_status s;

	instance_status(herd_find(f->h, name), f->now, &s);
	return s;
}

int fake_revision(const struct fake *f, const char *name)
{
	struct instance_status s = fake_status(f, name);
	int revision = s.revision;

	instance_status_release(&s);
	return revision;
}

int64_t fake_crashes(const struct fake *f, const char *name)
{
	struct instance_status s = fake_status(f, name);
	int64_t crashes = s.crashes;

	instance_status_release(&s);
	return crashes;
}

int fake_port(const struct fake *f, const char *name)
{
	struct instance_status s = fake_status(f, name);
	int port = s.port;

	instance_status_release(&s);
	return port;
}

int fake_count(const struct fake *f, const char *line)
{
	const char *at = f->log.ptr;
	int count = 0;

	while (*at) {
		const char *end = strchr(at, '\n');

		count += str_starts(at, line);
		at = end + 1;
	}
	return count;
}

bool fake_is_before(const struct fake *f, const char *first, const char *second)
{
	const char *a = strstr(f->log.ptr, first);
	const char *b = strstr(f->log.ptr, second);

	return a && b && a < b;
}

#include "rules/ephemeral_ports.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

struct ephemeral_ports ephemeral_ports_read(const char *range, const char *reserved)
{
	char *end = NULL;
	long first = strtol(range, &end, 10);
	long last = strtol(end, NULL, 10);
	struct ephemeral_ports o = {
		.first = (int)first, .last = (int)last, .reserved = reserved ? reserved : ""
	};

	if (first < 1 || last < first || last > 65535)
		o.first = o.last = 0;
	ASSERT(!o.first == !o.last && o.first <= o.last, "ports from %d to %d are read", o.first, o.last);
	return o;
}

/* "8080,9000-9010" */
static bool is_reserved(const char *list, int port)
{
	for (const char *at = list; *at >= '0' && *at <= '9';) {
		char *end = NULL;
		long first = strtol(at, &end, 10);
		long last = *end == '-' ? strtol(end + 1, &end, 10) : first;

		if (port >= first && port <= last)
			return true;
		at = *end == ',' ? end + 1 : "";
	}
	return false;
}

bool ephemeral_ports_has(const struct ephemeral_ports *o, int port)
{
	ASSERT(o->reserved, "there is no list of reserved ports, not even an empty one");
	return o->first && port >= o->first && port <= o->last && !is_reserved(o->reserved, port);
}

static void add_range(struct buf *out, int first, int last)
{
	ASSERT(first > 0 && last >= first, "the ports from %d to %d are suggested", first, last);
	buf_addf(out, "%d", first);
	if (last > first)
		buf_addf(out, "-%d", last);
}

bool ephemeral_ports_meet(
	const struct ephemeral_ports *o, int first, int count, int step, struct buf *what, struct buf *todo)
{
	int by = step > 1 ? step : 1;
	int last = first + (count - 1) * by;
	int found = 0;

	for (int k = 0; k < count && first && !found; k++)
		found = ephemeral_ports_has(o, first + k * by) ? first + k * by : 0;
	if (!found)
		return false;
	ASSERT(found >= first && found <= last, "port %d is found between %d and %d", found, first, last);
	buf_addf(what,
		"port %d is among those that the kernel gives to outgoing connections (%d to %d), and may be taken at a start",
		found, o->first, o->last);
	buf_adds(todo, "choose a port outside, or keep it free: sysctl net.ipv4.ip_local_reserved_ports=");
	/* Setting the list takes back what is not in it. */
	buf_add(todo, o->reserved, strcspn(o->reserved, "\n"));
	if (o->reserved[0] && o->reserved[0] != '\n')
		buf_addc(todo, ',');
	add_range(todo, first, last);
	return true;
}

#include "rules/ports.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

enum { PORT_COUNT = PORTS_LAST + 1 };

/* Who has which port while the claims are answered. */
struct board {
	size_t *holder; /* of each port: the claim's index + 1, or 0 */
	int *run;       /* find_block's scratch: free ports in a row that end here, one step apart */
	struct {
		int instances, step, first;
	} last; /* the block that find_block gave last: the board only fills, so a like one is not below it */
	size_t *reported; /* of each claim: the index + 1 of the last one that was reported to meet it */
	bool (*is_taken)(void *context, int port);
	void *context;
	struct vec *troubles;
	size_t count; /* of the claims */
};

static int claim_step(const struct port_claim *claim)
{
	return claim->step > 1 ? claim->step : 1;
}

/* In 64 bits, so that ten thousand instances with a wild step are still a number. */
static int64_t port_at(const struct port_claim *claim, int instance)
{
	return claim->first + (int64_t)instance * claim_step(claim);
}

static void report_trouble(
	struct board *b, enum port_trouble_kind kind, size_t claim, size_t other, int64_t port)
{
	struct port_trouble *trouble = mem_zalloc(1, sizeof(*trouble));

	ASSERT(claim < b->count && other < b->count, "claims %zu and %zu of %zu meet", claim, other,
		b->count);
	*trouble = (struct port_trouble){
		.kind = kind,
		.claim = claim > other ? claim : other,
		.other = claim > other ? other : claim,
		.port = port < INT_MAX ? (int)port : INT_MAX,
	};
	vec_push(b->troubles, trouble);
}

/* Puts the claim's range on the board; an earlier claim stays, and each collision is reported once. */
static void lay_claim(
	struct board *b, const struct port_claim *claim, size_t self, enum port_trouble_kind meeting)
{
	int64_t last = claim->instances > 0 ? port_at(claim, claim->instances - 1) : claim->first;

	ASSERT(claim->first > 0, "'%s' claims ports from %d on", claim->app, claim->first);
	if (last > PORTS_LAST)
		report_trouble(b, PORT_BEYOND, self, self, last);
	for (int i = 0; i < claim->instances && port_at(claim, i) <= PORTS_LAST; i++) {
		int64_t port = port_at(claim, i);
		size_t other = b->holder[port];

		ASSERT(other <= b->count, "port %lld is that of claim %zu of %zu", (long long)port, other,
			b->count);

		if (!other) {
			b->holder[port] = self + 1;
		} else if (b->reported[other - 1] != self + 1) {
			b->reported[other - 1] = self + 1;
			report_trouble(b, meeting, self, other - 1, port);
		}
	}
}

static void begin_claim(struct port_claim *claim)
{
	claim->source = PORT_NONE;
	claim->first = 0;
	claim->is_owned = false;
	if (claim->written > 0) {
		claim->source = PORT_WRITTEN;
		claim->first = claim->written;
		claim->is_owned = true;
	} else if (claim->from_env > 0) {
		claim->source = PORT_FROM_ENV;
		claim->first = claim->from_env;
	}
	ASSERT((claim->source == PORT_NONE) == !claim->first, "'%s' begins at port %d without a source",
		claim->app, claim->first);
}

static void lay_all(struct board *b, const struct port_claim *claims, size_t count, enum port_source source)
{
	enum port_trouble_kind meeting = source == PORT_WRITTEN ? PORT_OVERLAP : PORT_OVERLAP_PASSED;

	for (size_t i = 0; i < count; i++)
		if (claims[i].source == source)
			lay_claim(b, &claims[i], i, meeting);
}

static void settle_block(struct board *b, struct port_claim *claim, size_t self, int first)
{
	ASSERT(claim->source == PORT_NONE && self < b->count, "'%s' has ports from %d on, and gets a block",
		claim->app, claim->first);
	claim->source = PORT_BLOCK;
	claim->first = first;
	claim->is_owned = true;
	for (int i = 0; i < claim->instances; i++) {
		int64_t port = port_at(claim, i);

		ASSERT(port > 0 && port <= PORTS_LAST && !b->holder[port],
			"port %lld is given to a second app", (long long)port);
		b->holder[port] = self + 1;
	}
}

/* What an app had is not asked of is_taken: its own processes are what holds it. */
static void settle_remembered(struct board *b, struct port_claim *claim, size_t self)
{
	struct port_claim was = *claim;

	if (claim->source != PORT_NONE || claim->remembered <= 0 || claim->remembered > PORTS_LAST)
		return;
	was.first = claim->remembered;
	for (int i = 0; i < was.instances; i++)
		if (port_at(&was, i) > PORTS_LAST || b->holder[port_at(&was, i)])
			return;
	settle_block(b, claim, self, was.first);
}

/* The lowest block of `instances` ports, or 0: one walk over the ports, however they are fragmented. */
static int find_block(struct board *b, int instances, int step)
{
	bool is_like_last = b->last.first && b->last.step == step && b->last.instances <= instances;
	int lowest = is_like_last ? b->last.first : PORTS_FIRST;

	ASSERT(instances > 0 && step > 0, "a block of %d ports, %d apart, is looked for", instances, step);
	for (int port = lowest; port <= PORTS_LAST; port++) {
		int before = step <= port - lowest ? b->run[port - step] : 0;
		bool is_free = !b->holder[port] && !(b->is_taken && b->is_taken(b->context, port));

		b->run[port] = is_free ? before + 1 : 0;
		if (b->run[port] < instances)
			continue;
		b->last.instances = instances;
		b->last.step = step;
		b->last.first = port - (instances - 1) * step;
		ASSERT(b->last.first >= lowest, "a block for %d begins at %d, below %d", instances,
			b->last.first, lowest);
		return b->last.first;
	}
	return 0;
}

static void settle_new(struct board *b, struct port_claim *claim, size_t self)
{
	int first = 0;

	if (claim->source != PORT_NONE || claim->instances < 2)
		return;
	first = find_block(b, claim->instances, claim_step(claim));
	if (first)
		settle_block(b, claim, self, first);
	else
		report_trouble(b, PORT_NO_BLOCK, self, self, 0);
}

void ports_assign(struct port_claim *claims, size_t count, bool (*is_taken)(void *context, int port),
	void *context, struct vec *troubles)
{
	struct board b = {
		.count = count,
		.holder = mem_zalloc(PORT_COUNT, sizeof(*b.holder)),
		.run = mem_zalloc(PORT_COUNT, sizeof(*b.run)),
		.reported = mem_zalloc(count, sizeof(*b.reported)),
		.is_taken = is_taken,
		.context = context,
		.troubles = troubles,
	};

	ASSERT(claims || !count, "%zu claims to ports are nowhere", count);
	for (size_t i = 0; i < count; i++)
		begin_claim(&claims[i]);
	lay_all(&b, claims, count, PORT_WRITTEN);
	for (size_t i = 0; i < count; i++)
		settle_remembered(&b, &claims[i], i);
	lay_all(&b, claims, count, PORT_FROM_ENV);
	for (size_t i = 0; i < count; i++)
		settle_new(&b, &claims[i], i);
	mem_free(b.reported);
	mem_free(b.run);
	mem_free(b.holder);
}

int ports_of(const struct port_claim *claim, int instance)
{
	int64_t port = 0;

	if (claim->first <= 0 || instance < 0 || instance >= claim->instances)
		return 0;
	port = port_at(claim, instance);
	ASSERT(port >= claim->first, "instance %d of '%s' has a port below the first, %d", instance,
		claim->app, claim->first);
	return port <= PORTS_LAST ? (int)port : 0;
}

/* --- ports that the kernel gives away --- */

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

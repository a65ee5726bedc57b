#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

/* Every so many steps all faults end for a while, and then everything that is wanted must run. */
enum { QUIET_EVERY = 20000, QUIET_STEPS_MAX = 200000 };

uint64_t sim_mix(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9e3779b97f4a7c15ULL + b + 0x7f4a7c159e3779b9ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

uint64_t sim_draw(uint64_t *random, uint64_t range)
{
	*random = sim_mix(*random, 1);
	return range ? *random % range : 0;
}

bool sim_chance(uint64_t *random, unsigned int percent)
{
	return sim_draw(random, 100) < percent;
}

void sim_fail(struct sim *s, const char *format, ...)
{
	va_list args;

	/* The first is the cause; what follows from it says nothing. */
	if (s->failure[0])
		return;
	va_start(args, format);
	vsnprintf(s->failure, sizeof(s->failure), format, args);
	va_end(args);
}

void sim_trace(struct sim *s, const char *format, ...)
{
	char *line = NULL;
	int len = 0;
	va_list args;

	if (!s->is_tracing)
		return;
	line = s->trace[s->traced++ % SIM_TRACE_LINES];
	len = snprintf(
		line, sizeof(*s->trace), "%7llu %9lld ms  ", (unsigned long long)s->steps, (long long)s->now);
	va_start(args, format);
	vsnprintf(line + len, sizeof(*s->trace) - (size_t)len, format, args);
	va_end(args);
}

void sim_init(struct sim *s, uint64_t seed, uint64_t limit)
{
	memset(s, 0, sizeof(*s));
	buf_init(&s->store);
	s->seed = seed;
	s->behaviour = sim_mix(seed, 2);
	s->limit = limit;
	s->now = 1000;
	s->wall = 1700000000000;
	s->dies_in = -1;
	s->dies_at_effect = -1;
	s->back_at = -1;
	s->next_action = s->now;
	brain_start(s);
}

void sim_release(struct sim *s)
{
	herd_free(s->h);
	buf_release(&s->store);
	machine_release(s);
	mem_free(s->trace);
}

static int64_t earlier(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* Does the one thing that is due next.  False: nothing ever is. */
static bool step(struct sim *s)
{
	int64_t machine = machine_next(s);
	int64_t timer = s->h ? herd_next_deadline(s->h) : -1;
	int64_t action = s->is_calm || !s->h ? -1 : s->next_action;
	int64_t next = earlier(earlier(machine, timer), earlier(action, s->back_at));

	if (next < 0)
		return false;
	if (next > s->now)
		s->now = next;
	if (next == s->back_at)
		brain_start(s);
	else if (next == machine)
		machine_step(s);
	else if (next == timer)
		herd_timer(s->h, s->now);
	else
		driver_act(s, s->actions++);
	return true;
}

/* A death that was planned comes nearer; the end of a shutdown is one as well. */
static void after_step(struct sim *s)
{
	if (!s->h || s->failure[0])
		return;
	if (s->dies_in == 0) {
		brain_die(s);
		return;
	}
	if (s->dies_in > 0)
		s->dies_in--;
	if (s->ends && !s->is_calm)
		brain_end(s);
	s->ends = false;
	if (s->h)
		check_step(s);
}

static bool one_step(struct sim *s)
{
	bool is_anything_due = step(s);

	s->steps++;
	if (is_anything_due)
		after_step(s);
	return is_anything_due && !s->failure[0];
}

/* Checks of health continue for ever; when they all pass, and nothing else is due, it is quiet. */
static bool is_quiet(const struct sim *s)
{
	if (!s->h || s->back_at >= 0 || herd_counts(s->h).timers > herd_counts(s->h).checks ||
		!machine_is_quiet(s))
		return false;
	for (const struct instance *i = herd_first(s->h); i; i = herd_next(s->h, i))
		if (instance_state(i) == STATE_UNHEALTHY)
			return false;
	return true;
}

/* No faults from here on, until nothing is due any more. */
static void be_quiet(struct sim *s)
{
	int left = QUIET_STEPS_MAX;

	sim_trace(s, "all faults end");
	machine_calm(s);
	while (left && !is_quiet(s) && one_step(s))
		left--;
	if (!left)
		sim_fail(s, "it does not come to rest within %d steps without a fault", QUIET_STEPS_MAX);
	if (!s->failure[0])
		check_quiet(s);
}

static void be_wild_again(struct sim *s)
{
	uint64_t random = sim_mix(s->seed, s->steps);

	sim_trace(s, "faults begin again");
	s->is_calm = false;
	s->next_action = s->now;
	for (size_t k = 0; k < s->procs.len; k++) {
		struct proc *p = s->procs.items[k];

		p->is_immortal = false;
		machine_due(s, HAPPENS_END, p->ticket, s->now + (int64_t)sim_draw(&random, 60000), 0);
	}
}

bool sim_run(struct sim *s)
{
	while (s->steps < s->limit && !s->failure[0]) {
		uint64_t until = s->steps + QUIET_EVERY;

		while (s->steps < until && s->steps < s->limit && one_step(s))
			;
		if (s->failure[0])
			break;
		be_quiet(s);
		if (s->is_shutting_down && !s->failure[0])
			brain_end(s);
		be_wild_again(s);
	}
	if (s->failure[0])
		return false;
	be_quiet(s);
	/* A brain that dies while the daemon stops would be followed by one that continues. */
	s->dies_in = -1;
	if (!s->failure[0])
		driver_shut_down(s, 0);
	if (!s->failure[0])
		be_quiet(s);
	if (!s->failure[0])
		check_empty(s);
	return !s->failure[0];
}

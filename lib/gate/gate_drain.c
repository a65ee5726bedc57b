#include "gate/gate_drain.h"

#include "base/mem.h"
#include "base/vec.h"
#include "gate/gate.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/netdiag.h"
#include "rules/pace.h"

struct one_drain {
	int64_t gate;
	struct ticket ticket;
	int port;
	pid_t main;
	struct drain_behind pace;
	size_t left;
	int due;        /* answers of the keeper: with the last one it has taken it out of the choice */
	bool is_again;  /* the choice had failed, and was said again */
	bool is_looked; /* it was looked at since then */
	bool is_over;   /* freed at the end of the look that is under way */
	bool is_former; /* the same, and nobody hears of it: a later one of its process has begun */
};

struct gate_drains {
	struct gate_drains_options options;
	struct vec waiting; /* of struct one_drain * */
	ev_timer look;
	int64_t pause_ms;
	bool is_looking;
};

/* Those that have not begun are looked at when they have, and at their deadline. */
static void arm_gate_look(struct gate_drains *d)
{
	int64_t first = INT64_MAX;
	int64_t now = clock_ms();
	bool is_any_begun = false;
	const struct one_drain *drain = NULL;
	size_t i = 0;

	ev_timer_stop(d->options.loop, &d->look);
	if (!d->waiting.len)
		return;
	VEC_EACH (&d->waiting, i, drain) {
		if (drain->pace.deadline < first)
			first = drain->pace.deadline;
		is_any_begun |= !drain->due;
	}
	ev_now_update(d->options.loop);
	ev_timer_set(
		&d->look, (double)drain_wait(is_any_begun ? d->pause_ms : INT64_MAX, first, now) / 1000, 0);
	ev_timer_start(d->options.loop, &d->look);
}

/* Once for each, when it gets nothing new any more.  What cannot be known is waited for. */
static void look_for_half_open(struct gate_drains *d)
{
	struct one_drain *drain = NULL;
	size_t count = 0;
	size_t i = 0;

	VEC_EACH (&d->waiting, i, drain) {
		if (drain->due || drain->is_looked)
			continue;
		drain->is_looked = true;
		drain->pace.is_half_open = netdiag_half_open(drain->port, &count, NULL) < 0 || count > 0;
	}
}

static void count_behind(struct gate_drains *d)
{
	size_t len = d->waiting.len;
	int *ports = mem_zalloc(len, sizeof(*ports));
	pid_t *mains = mem_zalloc(len, sizeof(*mains));
	size_t *counts = mem_zalloc(len, sizeof(*counts));
	struct one_drain *drain = NULL;
	size_t i = 0;

	VEC_EACH (&d->waiting, i, drain) {
		int64_t queue = gates_queue(d->options.gates, drain->gate, drain->ticket);

		ports[i] = drain->port;
		mains[i] = drain->main;
		drain->left = queue > 0 ? (size_t)queue : 0;
	}
	/* After the queues: what is accepted in between is counted twice, and not missed. */
	d->options.count(ports, mains, len, counts);
	VEC_EACH (&d->waiting, i, drain)
		drain->left += counts[i];
	mem_free(ports);
	mem_free(mains);
	mem_free(counts);
}

static void sweep_gate_drains(struct gate_drains *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->waiting.len; i++) {
		struct one_drain *drain = d->waiting.items[i];

		if (drain->is_over || drain->is_former)
			mem_free(drain);
		else
			d->waiting.items[kept++] = drain;
	}
	d->waiting.len = kept;
}

static void on_gate_look(struct ev_loop *loop, ev_timer *w, int events)
{
	struct gate_drains *d = w->data;
	size_t count = d->waiting.len;
	int64_t now = clock_ms();

	(void)loop;
	(void)events;
	d->is_looking = true;
	look_for_half_open(d);
	count_behind(d);
	d->pause_ms = drain_pause_after(d->pause_ms);
	/* The callback may start new ones: they are appended. */
	for (size_t i = 0; i < count; i++) {
		struct one_drain *drain = d->waiting.items[i];

		if (drain->is_former || (drain->due && now < drain->pace.deadline))
			continue;
		drain->is_over = drain_behind_is_over(&drain->pace, drain->left, now);
		if (drain->is_over)
			d->options.done(d->options.context, drain->ticket, drain->left);
	}
	d->is_looking = false;
	sweep_gate_drains(d);
	arm_gate_look(d);
}

static void on_out_of_choice(void *context, struct ticket ticket);

static bool is_ticket(struct ticket a, struct ticket b)
{
	return a.slot == b.slot && a.generation == b.generation;
}

/* Who is still chosen gets connections on: the choice is said again once, and else the deadline ends it. */
static bool is_still_chosen(struct gate_drains *d, struct one_drain *drain)
{
	if (!gates_choose_again(d->options.gates, drain->gate))
		return false;
	drain->due = 1;
	if (!drain->is_again)
		gates_after(d->options.gates, drain->ticket, on_out_of_choice, d);
	drain->is_again = true;
	return true;
}

static void on_out_of_choice(void *context, struct ticket ticket)
{
	struct gate_drains *d = context;
	struct one_drain *drain = NULL;
	size_t i = 0;

	VEC_EACH (&d->waiting, i, drain) {
		if (!drain->due || !is_ticket(drain->ticket, ticket) || --drain->due ||
			is_still_chosen(d, drain))
			continue;
		drain->pace.begun_at = clock_ms();
	}
	d->pause_ms = DRAIN_FIRST_MS;
	if (!d->is_looking)
		arm_gate_look(d);
}

struct gate_drains *gate_drains_new(const struct gate_drains_options *options)
{
	struct gate_drains *d = mem_zalloc(1, sizeof(*d));

	d->options = *options;
	d->pause_ms = DRAIN_FIRST_MS;
	ev_timer_init(&d->look, on_gate_look, 0, 0);
	d->look.data = d;
	return d;
}

void gate_drains_free(struct gate_drains *d)
{
	if (!d)
		return;
	ev_timer_stop(d->options.loop, &d->look);
	vec_release_with(&d->waiting, mem_free);
	mem_free(d);
}

/* It was called back.  How many answers about it are due. */
static int end_former(struct gate_drains *d, struct ticket ticket)
{
	struct one_drain *drain = NULL;
	int due = 0;
	size_t i = 0;

	VEC_EACH (&d->waiting, i, drain) {
		if (drain->is_former || !is_ticket(drain->ticket, ticket))
			continue;
		drain->is_former = true;
		due += drain->due;
	}
	if (!d->is_looking)
		sweep_gate_drains(d);
	return due;
}

void gate_drain_start(struct gate_drains *d, const struct endpoint *at, pid_t main, int64_t ms)
{
	struct one_drain *drain = mem_zalloc(1, sizeof(*drain));

	*drain = (struct one_drain){
		.gate = at->gate,
		.ticket = at->ticket,
		.port = at->port,
		.main = main,
		.pace = { .deadline = clock_ms() + ms },
		.left = 1,
		.due = end_former(d, at->ticket) + 1,
	};
	vec_push(&d->waiting, drain);
	gates_after(d->options.gates, at->ticket, on_out_of_choice, d);
	if (!d->is_looking)
		arm_gate_look(d);
}

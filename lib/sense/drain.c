#include "sense/drain.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/netdiag.h"
#include "rules/pace.h"

struct drain {
	struct endpoint at; /* its port is what the kernel is asked about */
	int64_t deadline;
	size_t left;
	bool is_over;   /* freed at the end of the look that is under way */
	bool is_former; /* the same, and nobody hears of it: a later one of its process has begun */
};

struct drains {
	struct ev_loop *loop;
	drain_done done;
	void *context;
	struct vec waiting; /* of struct drain * */
	ev_timer look;
	int64_t pause_ms;
	bool is_looking;
};

static void arm_drain_look(struct drains *d)
{
	int64_t first = INT64_MAX;
	size_t i = 0;
	const struct drain *drain = NULL;

	ev_timer_stop(d->loop, &d->look);
	if (!d->waiting.len)
		return;
	VEC_EACH (&d->waiting, i, drain) {
		if (drain->deadline < first)
			first = drain->deadline;
	}
	ev_now_update(d->loop);
	ev_timer_set(&d->look, (double)drain_wait(d->pause_ms, first, clock_ms()) / 1000, 0);
	ev_timer_start(d->loop, &d->look);
}

/* What cannot be known is not waited for beyond the deadline, and not called drained before it. */
static void count_each(struct drains *d)
{
	struct err e = ERR_INIT;
	size_t i = 0;
	struct drain *drain = NULL;

	VEC_EACH (&d->waiting, i, drain) {
		if (netdiag_connections(drain->at.port, &drain->left, &e) < 0) {
			log_warn("connections of port %d cannot be counted: %s", drain->at.port, e.text.ptr);
			drain->left = 1;
		}
	}
	err_release(&e);
}

static void count_all(struct drains *d)
{
	struct netdiag_sockets sockets = NETDIAG_SOCKETS_INIT;
	size_t i = 0;
	struct drain *drain = NULL;
	bool is_known = netdiag_connected(0, &sockets, NULL) == 0;

	VEC_EACH (&d->waiting, i, drain) {
		drain->left = is_known ? netdiag_count(&sockets, drain->at.port) : 1;
	}
	netdiag_release(&sockets);
}

static void sweep_drains(struct drains *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->waiting.len; i++) {
		struct drain *drain = d->waiting.items[i];

		if (drain->is_over || drain->is_former)
			mem_free(drain);
		else
			d->waiting.items[kept++] = drain;
	}
	d->waiting.len = kept;
}

static void on_drain_look(struct ev_loop *loop, ev_timer *w, int events)
{
	struct drains *d = w->data;
	size_t count = d->waiting.len;
	int64_t now = clock_ms();

	(void)loop;
	(void)events;
	d->is_looking = true;
	if (count <= DRAIN_ALONE_MAX)
		count_each(d);
	else
		count_all(d);
	d->pause_ms = drain_pause_after(d->pause_ms);
	/* The callback may start new ones: they are appended. */
	for (size_t i = 0; i < count; i++) {
		struct drain *drain = d->waiting.items[i];

		if (drain->is_former)
			continue;
		drain->is_over = drain_is_over(drain->left, drain->deadline, now);
		if (drain->is_over)
			d->done(d->context, drain->at.ticket, drain->left);
	}
	d->is_looking = false;
	sweep_drains(d);
	arm_drain_look(d);
}

struct drains *drains_new(struct ev_loop *loop, drain_done done, void *context)
{
	struct drains *d = mem_zalloc(1, sizeof(*d));

	*d = (struct drains){ .loop = loop, .done = done, .context = context };
	ev_timer_init(&d->look, on_drain_look, 0, 0);
	d->look.data = d;
	return d;
}

void drains_free(struct drains *d)
{
	if (!d)
		return;
	ev_timer_stop(d->loop, &d->look);
	vec_release_with(&d->waiting, mem_free);
	mem_free(d);
}

/* It was called back. */
static void end_former(struct drains *d, struct ticket ticket)
{
	struct drain *drain = NULL;
	size_t i = 0;

	VEC_EACH (&d->waiting, i, drain) {
		drain->is_former |= drain->at.ticket.slot == ticket.slot &&
			drain->at.ticket.generation == ticket.generation;
	}
	if (!d->is_looking)
		sweep_drains(d);
}

void drain_start(struct drains *d, const struct endpoint *at, int64_t deadline_ms)
{
	struct drain *drain = mem_zalloc(1, sizeof(*drain));

	*drain = (struct drain){
		.at = *at,
		.deadline = clock_ms() + deadline_ms,
		.left = 1,
	};
	end_former(d, at->ticket);
	vec_push(&d->waiting, drain);
	d->pause_ms = DRAIN_FIRST_MS;
	if (!d->is_looking)
		arm_drain_look(d);
}

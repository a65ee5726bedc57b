#include "sense/drain.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/netdiag.h"

enum {
	ALONE_MAX = 4, /* up to here the kernel is asked port by port, beyond for all connections at once */
};

struct drain {
	struct drains *drains;
	int port;
	int64_t deadline;
	size_t left;
	drain_done done;
	void *context;
	bool is_over; /* freed at the end of the look that is under way */
};

struct drains {
	struct ev_loop *loop;
	struct vec waiting; /* of struct drain * */
	ev_timer look;
	int64_t pause_ms;
	bool is_looking;
};

static void arm(struct drains *d)
{
	int64_t now = clock_ms();
	int64_t wait = d->pause_ms;
	size_t i = 0;
	const struct drain *drain = NULL;

	ev_timer_stop(d->loop, &d->look);
	if (!d->waiting.len)
		return;
	VEC_EACH (&d->waiting, i, drain) {
		if (drain->deadline - now < wait)
			wait = drain->deadline > now ? drain->deadline - now : 0;
	}
	ev_now_update(d->loop);
	ev_timer_set(&d->look, (double)wait / 1000, 0);
	ev_timer_start(d->loop, &d->look);
}

/* What cannot be known is not waited for beyond the deadline, and not called drained before it. */
static void count_each(struct drains *d)
{
	struct err e = ERR_INIT;
	size_t i = 0;
	struct drain *drain = NULL;

	VEC_EACH (&d->waiting, i, drain) {
		if (netdiag_connections(drain->port, &drain->left, &e) < 0) {
			log_warn("connections of port %d cannot be counted: %s", drain->port, e.text.ptr);
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
	bool is_known = netdiag_connected(&sockets, NULL) == 0;

	VEC_EACH (&d->waiting, i, drain) {
		drain->left = is_known ? netdiag_count(&sockets, drain->port) : 1;
	}
	netdiag_release(&sockets);
}

static void sweep(struct drains *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->waiting.len; i++) {
		struct drain *drain = d->waiting.items[i];

		if (drain->is_over)
			mem_free(drain);
		else
			d->waiting.items[kept++] = drain;
	}
	d->waiting.len = kept;
}

static void on_look(struct ev_loop *loop, ev_timer *w, int events)
{
	struct drains *d = w->data;
	size_t count = d->waiting.len;
	int64_t now = clock_ms();

	(void)loop;
	(void)events;
	d->is_looking = true;
	if (count <= ALONE_MAX)
		count_each(d);
	else
		count_all(d);
	d->pause_ms = d->pause_ms * 2 < DRAIN_MAX_MS ? d->pause_ms * 2 : DRAIN_MAX_MS;
	/* Those that are told may begin new ones: they come behind. */
	for (size_t i = 0; i < count; i++) {
		struct drain *drain = d->waiting.items[i];

		if (drain->is_over || (drain->left && now < drain->deadline))
			continue;
		drain->is_over = true;
		drain->done(drain->context, drain->left);
	}
	d->is_looking = false;
	sweep(d);
	arm(d);
}

struct drains *drains_new(struct ev_loop *loop)
{
	struct drains *d = mem_zalloc(1, sizeof(*d));

	d->loop = loop;
	ev_timer_init(&d->look, on_look, 0, 0);
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

struct drain *drain_start(struct drains *d, int port, int64_t deadline_ms, drain_done done, void *context)
{
	struct drain *drain = mem_zalloc(1, sizeof(*drain));

	*drain = (struct drain){
		.drains = d,
		.port = port,
		.deadline = clock_ms() + deadline_ms,
		.left = 1,
		.done = done,
		.context = context,
	};
	vec_push(&d->waiting, drain);
	d->pause_ms = DRAIN_FIRST_MS;
	if (!d->is_looking)
		arm(d);
	return drain;
}

void drain_cancel(struct drain *drain)
{
	struct drains *d = drain ? drain->drains : NULL;

	if (!d)
		return;
	drain->is_over = true;
	if (d->is_looking)
		return;
	sweep(d);
	arm(d);
}

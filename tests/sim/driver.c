/*
 * People, strangers and accidents.  Each action is drawn from the seed and its own number, done to the herd, and noted in the wants.
 */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/reason.h"
#include "sim.h"
#include "wire/notice.h"

/* What an action means, drawn before it is known whether it is left out. */
struct target {
	int app;    /* -1: all */
	int number; /* -1: the whole app */
	bool is_namespace;
};

static struct target draw_target(struct sim *s, uint64_t *random)
{
	struct target t = { .app = (int)sim_draw(random, SIM_APPS), .number = -1 };

	if (sim_chance(random, 10))
		t.app = -1;
	else if (sim_chance(random, 10))
		t.is_namespace = true;
	else if (sim_chance(random, 30) && s->wants[t.app].count)
		t.number = (int)sim_draw(random, (uint64_t)s->wants[t.app].count);
	return t;
}

static bool is_meant(const struct target *t, int app, int number)
{
	static const int back[] = { 0, 1, 2 };

	if (t->is_namespace)
		return app == back[0] || app == back[1] || app == back[2];
	return t->app < 0 || (t->app == app && (t->number < 0 || t->number == number));
}

static bool there_is(const struct sim *s, const struct target *t)
{
	for (int app = 0; app < SIM_APPS; app++)
		for (int n = -1; n < SIM_COUNT_MAX; n++)
			if (s->wants[app].exists && is_meant(t, app, n < 0 ? t->number : n) &&
				(t->number < 0 || t->number < s->wants[app].count))
				return true;
	return t->app < 0 && !t->is_namespace;
}

struct asked *driver_ask(struct sim *s, uint64_t *random)
{
	struct asked *free_one = NULL;

	for (int k = 0; k < SIM_REQUESTS; k++)
		if (!s->asked[k].id)
			free_one = &s->asked[k];
	if (!free_one || sim_chance(random, 30))
		return NULL;
	memset(free_one, 0, sizeof(*free_one));
	free_one->id = ++s->request_ids;
	free_one->last_pid = (int64_t)s->spawns + 100;
	return free_one;
}

static void cover(const struct sim *s, struct asked *a, const struct target *t)
{
	for (int app = 0; a && app < SIM_APPS; app++)
		for (int n = 0; n < s->wants[app].count; n++)
			a->covers[app][n] = s->wants[app].exists && is_meant(t, app, n);
}

static void want_app(struct want *w, bool is_up)
{
	w->is_up = is_up;
	for (int n = 0; n < SIM_COUNT_MAX; n++)
		w->up[n] = is_up;
}

static void want_needs(struct sim *s, int app)
{
	for (int other = 0; other < SIM_APPS; other++) {
		if (!town_needs(app, other) || !s->wants[other].exists)
			continue;
		want_app(&s->wants[other], true);
		want_needs(s, other);
	}
}

static void note(struct sim *s, const struct herd_request *r, const struct target *t)
{
	bool is_up = r->verb == HERD_START || r->verb == HERD_RESTART;

	for (int app = 0; app < SIM_APPS; app++) {
		struct want *w = &s->wants[app];
		bool is_app = t->number < 0 && is_meant(t, app, 0);

		if (!w->exists)
			continue;
		if (r->verb == HERD_DELETE && is_app)
			*w = (struct want){ .exists = false };
		else if (is_app)
			want_app(w, is_up);
		else if (t->number >= 0 && t->app == app && !t->is_namespace &&
			!driver_is_spare(s, app, t->number))
			w->up[t->number] = is_up;
	}
	for (int app = 0; app < SIM_APPS && r->verb == HERD_START && !r->is_alone; app++)
		if (s->wants[app].exists && is_meant(t, app, t->number) && s->wants[app].count)
			want_needs(s, app);
}

void driver_settle_failed(struct asked *a)
{
	if (a)
		a->id = 0;
}

static void request(struct sim *s, enum herd_verb verb, uint64_t *random)
{
	static const char *const words[] = { "start", "stop", "restart", "delete", "reset", "signal" };
	struct target t = draw_target(s, random);
	struct asked *a = driver_ask(s, random);
	struct buf name = BUF_INIT;
	const char *targets[1] = { NULL };
	struct herd_request r = {
		.id = a ? a->id : 0, .verb = verb, .targets = targets, .count = 1, .signal = "SIGHUP"
	};
	struct err e = ERR_INIT;
	bool was_there = false;

	if (verb == HERD_DELETE)
		t.number = -1;
	r.waits_ready = sim_chance(random, 50);
	r.is_alone = sim_chance(random, 30);
	was_there = there_is(s, &t) && driver_is_there_yet(s, t.is_namespace ? -1 : t.app, t.number);
	buf_adds(&name, t.is_namespace ? "back" : t.app < 0 ? "all" : town_names[t.app]);
	if (t.number >= 0 && !t.is_namespace && t.app >= 0)
		buf_addf(&name, ":%d", t.number);
	targets[0] = name.ptr;
	cover(s, a, &t);
	if (a)
		a->is_stop = verb == HERD_STOP || verb == HERD_DELETE;
	sim_trace(s, "request %llu: %s %s%s", (unsigned long long)r.id, words[verb], name.ptr,
		r.waits_ready ? " --wait" : "");
	/* Noted first: it may be settled, and processes spawned, before it returns. */
	if (was_there && !s->is_shutting_down && (verb <= HERD_DELETE))
		note(s, &r, &t);
	if (herd_request(s->h, &r, s->now, &e) < 0) {
		driver_settle_failed(a);
		if (was_there && !s->is_shutting_down && !s->is_brain_dead)
			sim_fail(s, "%s %s was refused: %s", words[verb], name.ptr, e.text.ptr);
	} else if (s->is_shutting_down && !s->is_brain_dead) {
		sim_fail(s, "%s was accepted while shutting down", words[verb]);
	}
	buf_release(&name);
	err_release(&e);
}

static void do_start(struct sim *s, uint64_t *random)
{
	request(s, HERD_START, random);
}

static void do_stop(struct sim *s, uint64_t *random)
{
	request(s, HERD_STOP, random);
}

static void do_restart(struct sim *s, uint64_t *random)
{
	request(s, HERD_RESTART, random);
}

static void do_delete(struct sim *s, uint64_t *random)
{
	request(s, HERD_DELETE, random);
}

static void do_reset(struct sim *s, uint64_t *random)
{
	request(s, HERD_RESET, random);
}

static void do_signal(struct sim *s, uint64_t *random)
{
	request(s, HERD_SIGNAL, random);
}

/* --- the oxfile --- */

static void edit_file(struct sim *s, uint64_t *random)
{
	int app = (int)sim_draw(random, SIM_APPS);

	s->file_version[app] =
		sim_chance(random, 10) ? -1 : town_version_of(app, (int)sim_draw(random, SIM_VERSIONS));
	/* What is deployed is mostly a build that works. */
	if (s->file_version[app] > 0 && sim_chance(random, 60))
		s->file_version[app] &= ~8;
}

static void choose(const struct sim *s, int app, bool *chosen)
{
	if (chosen[app] || s->file_version[app] < 0)
		return;
	chosen[app] = true;
	for (int other = 0; other < SIM_APPS; other++)
		if (town_needs(app, other))
			choose(s, other, chosen);
}

static void note_apply(struct sim *s, const struct herd_apply *a, const bool *chosen)
{
	for (int app = 0; app < SIM_APPS; app++) {
		struct want *w = &s->wants[app];
		int version = s->file_version[app];

		if (a->prunes && !a->only_count && version < 0)
			*w = (struct want){ .exists = false };
		if (!chosen[app])
			continue;
		if (!w->exists) {
			*w = (struct want){ .exists = true, .version = version };
			driver_resize(s, app, town_count(app, version));
		} else if (a->changes && w->version != version) {
			if (town_count(app, version) != town_count(app, w->version))
				driver_resize(s, app, town_count(app, version));
			w->version = version;
		}

		if (a->starts)
			want_app(w, true);
	}
}

static void do_apply(struct sim *s, uint64_t *random)
{
	struct vec specs = VEC_INIT;
	int only = (int)sim_draw(random, SIM_APPS);
	bool chosen[SIM_APPS] = { false };
	struct want before[SIM_APPS];
	struct asked *asked = NULL;
	struct err e = ERR_INIT;
	struct herd_apply a = { .oxfile = "/town/oxfile.toml", .specs = &specs, .only = &town_names[only] };

	edit_file(s, random);
	if (sim_chance(random, 50))
		disk_edit(s, random);
	asked = driver_ask(s, random);
	a.id = asked ? asked->id : 0;
	a.only_count = sim_chance(random, 40) && s->file_version[only] >= 0 ? 1 : 0;
	a.changes = sim_chance(random, 60);
	a.prunes = sim_chance(random, 20);
	a.starts = sim_chance(random, 85);
	a.waits_ready = sim_chance(random, 50);
	a.forces = a.changes && sim_chance(random, 10);
	for (int app = 0; app < SIM_APPS; app++) {
		if (s->file_version[app] >= 0)
			vec_push(&specs, town_spec(app, s->file_version[app]));
		if (!a.only_count || app == only)
			choose(s, app, chosen);
	}
	memcpy(before, s->wants, sizeof(before));
	sim_trace(s, "request %llu: apply%s%s%s%s%s", (unsigned long long)a.id, a.only_count ? " only " : "",
		a.only_count ? town_names[only] : "", a.changes ? " changes" : "", a.prunes ? " prunes" : "",
		a.starts ? " starts" : "");
	if (!s->is_shutting_down)
		note_apply(s, &a, chosen);
	if (herd_apply(s->h, &a, s->now, &e) < 0) {
		sim_trace(s, "it is refused: %s", e.text.ptr);
		driver_settle_failed(asked);
		memcpy(s->wants, before, sizeof(before));
	} else if (a.changes) {
		for (int app = 0; app < SIM_APPS && s->h; app++)
			if (chosen[app])
				disk_check_deployed(s, app);
	}
	err_release(&e);
	vec_release_with(&specs, (void (*)(void *))spec_free);
}

/* --- accidents --- */

static void do_stranger(struct sim *s, uint64_t *random)
{
	int index = sim_chance(random, 50) ? (int)sim_draw(random, 8) : 100 + (int)sim_draw(random, 15);

	s->stranger_until[index] = s->now + (int64_t)sim_draw(random, 20000);
	sim_trace(s, "a stranger takes port %d", SIM_PORT_FIRST + index);
}

static void do_jump(struct sim *s, uint64_t *random)
{
	/* Nothing may hang on this: it is what people's clocks say. */
	s->wall = (int64_t)sim_draw(random, 4102444800000ULL) - 3600000;
	sim_trace(s, "the wall clock jumps");
}

/* Either one process, or all of an app at once. */
static void do_illness(struct sim *s, uint64_t *random)
{
	struct proc *p = s->procs.len ? s->procs.items[sim_draw(random, s->procs.len)] : NULL;
	int64_t until = s->now + (int64_t)sim_draw(random, 60000);
	int app = (int)sim_draw(random, SIM_APPS);

	if (p && sim_chance(random, 40)) {
		p->ill_until = until;
		sim_trace(s, "%s falls ill", p->name);
		return;
	}
	s->cause_until[app] = until;
	sim_trace(s, "something that %s needs is gone", town_names[app]);
}

/* As while a build runs that writes it anew. */
static void do_lose_program(struct sim *s, uint64_t *random)
{
	int app = (int)sim_draw(random, SIM_APPS);

	s->program_gone_until[app] = s->now + (int64_t)sim_draw(random, 5000);
	sim_trace(s, "the program of %s is gone", town_names[app]);
}

/* Whatever a service may say of itself; only READY is never a lie. */
static void do_word(struct sim *s, uint64_t *random)
{
	const struct proc *p = s->procs.len ? s->procs.items[sim_draw(random, s->procs.len)] : NULL;
	struct notice n;

	if (!p || p->was_exit_told)
		return;
	memset(&n, 0, sizeof(n));
	n.is_ready = sim_chance(random, 30) && p->is_watched && p->ready_at >= 0 && p->ready_at <= s->now;
	n.is_reloading = sim_chance(random, 20);
	n.is_stopping = sim_chance(random, 5);
	n.is_alive = sim_chance(random, 50);
	n.is_sick = sim_chance(random, 10);
	n.extend_ms = sim_chance(random, 20) ? (int64_t)sim_draw(random, 5000) : 0;
	n.watchdog_ms = sim_chance(random, 10) ? 1 + (int64_t)sim_draw(random, 3000) : 0;
	n.has_status = sim_chance(random, 30);
	sim_trace(s, "%s says something of itself", p->name);
	herd_notified(s->h, p->ticket, &n, s->now);
	if (sim_chance(random, 20))
		herd_over_limit(s->h, p->ticket, &REASON_OF(MEMORY_LIMIT, .used = 85, .most = 60), s->now);
	if (sim_chance(random, 10))
		herd_mute(s->h, p->ticket, sim_chance(random, 50), s->now);
}

/* An echo of an attempt that is over, or was of another slot: nothing may come of it. */
static void do_echo(struct sim *s, uint64_t *random)
{
	const struct proc *p = s->procs.len ? s->procs.items[sim_draw(random, s->procs.len)] : NULL;
	struct ticket t = { .slot = 1, .generation = 1 };
	struct herd_exit end = { .code = 3 };
	uint64_t events = 0;

	if (p) {
		t.slot = p->ticket.slot + (sim_chance(random, 20) ? 1 : 0);
		t.generation = p->ticket.generation - 1 - sim_draw(random, 5);
	}
	if (machine_find(s, t))
		return;
	sim_trace(s, "an echo for slot %u generation %llu", t.slot, (unsigned long long)t.generation);
	events = herd_counts(s->h).events;
	herd_spawned(s->h, t, 1, s->now);
	herd_ready(s->h, t, s->now);
	herd_listens(s->h, t, NULL, s->now);
	herd_notified(s->h, t, &(struct notice){ .is_ready = true, .is_sick = true, .extend_ms = 1 }, s->now);
	herd_probed(s->h, t, PROBE_FAILED, &REASON_OF(REFUSED), s->now);
	herd_exited(s->h, t, &end, s->now);
	herd_tree_gone(s->h, t, s->now);
	herd_spawn_failed(s->h, t, &REASON_OF(LAUNCH_FAILED, .text = "echo", .number = 2), s->now);
	if (herd_counts(s->h).events != events)
		sim_fail(s, "an echo for slot %u generation %llu changed something", t.slot,
			(unsigned long long)t.generation);
}

static void do_death(struct sim *s, uint64_t *random)
{
	if (s->dies_in >= 0)
		return;
	s->is_store_prompt = sim_chance(random, 60);
	s->dies_in = (int64_t)sim_draw(random, s->is_store_prompt ? 8 : 40);
	s->dies_at_effect = sim_chance(random, 50) ? (int64_t)sim_draw(random, 8) : -1;
	sim_trace(s, "the brain will die in %lld steps%s", (long long)s->dies_in,
		s->is_store_prompt ? "" : ", and the store is as it is now");
	brain_save(s);
}

void driver_shut_down(struct sim *s, int64_t deadline_ms)
{
	struct asked *a = &s->asked[0];

	for (int k = 0; k < SIM_REQUESTS && a->id; k++)
		a = &s->asked[k];
	/* When all are taken, the last of them hangs up. */
	if (a->id)
		herd_forget_request(s->h, a->id);
	memset(a, 0, sizeof(*a));
	a->id = ++s->request_ids;
	a->is_stop = true;
	a->is_shutdown = true;
	a->last_pid = (int64_t)s->spawns + 100;
	memset(a->covers, 1, sizeof(a->covers));
	sim_trace(s, "request %llu: shutdown", (unsigned long long)a->id);
	s->has_deadline = s->has_deadline || deadline_ms > 0;
	s->is_shutting_down = true;
	herd_shutdown(s->h, a->id, deadline_ms, s->now);
}

static void do_shutdown(struct sim *s, uint64_t *random)
{
	int64_t deadline = sim_chance(random, 30) ? 1 + (int64_t)sim_draw(random, 4000) : 0;

	if (!s->is_shutting_down || sim_chance(random, 30))
		driver_shut_down(s, deadline);
}

struct kind {
	unsigned int weight;
	void (*act)(struct sim *s, uint64_t *random);
};

static const struct kind kinds[] = {
	{ 20, do_start },
	{ 10, do_stop },
	{ 14, do_restart },
	{ 3, do_delete },
	{ 5, do_reset },
	{ 3, do_signal },
	{ 14, driver_scale },
	{ 6, driver_once },
	{ 14, do_apply },
	{ 5, driver_reload },
	{ 8, driver_steer },
	{ 8, do_stranger },
	{ 2, do_jump },
	{ 8, do_illness },
	{ 4, do_lose_program },
	{ 6, do_word },
	{ 4, do_echo },
	{ 6, do_death },
	{ 1, do_shutdown },
};

void driver_act(struct sim *s, uint64_t number)
{
	uint64_t random = sim_mix(s->seed ^ 0x5bd1e995, number);
	uint64_t at = 0;
	uint64_t pick = 0;
	unsigned int sum = 0;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		sum += kinds[k].weight;
	s->next_action =
		s->now + (int64_t)(sim_chance(&random, 50) ? sim_draw(&random, 20) : sim_draw(&random, 3000));
	pick = sim_draw(&random, sum);
	if (number < s->skips_len && s->skips[number]) {
		s->next_action = s->is_shrunk ? s->now : s->next_action;
		return;
	}
	/* The first one fills the town. */
	if (number == 0) {
		do_apply(s, &random);
		return;
	}
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		at += kinds[k].weight;
		if (pick < at) {
			/* Whatever else is asked for may change the count, too. */
			s->again.is_clean = false;
			kinds[k].act(s, &random);
			return;
		}
	}
}

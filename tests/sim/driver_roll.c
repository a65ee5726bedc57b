/*
 * Users who reload, abort, continue and roll back.
 */
#include <stdio.h>

#include "base/err.h"
#include "herd/herd_private.h"
#include "sim.h"

void driver_reload(struct sim *s, uint64_t *random)
{
	struct vec specs = VEC_INIT;
	int app = (int)sim_draw(random, SIM_APPS);
	bool is_all = sim_chance(random, 15);
	struct asked *asked = driver_ask(s, random);
	struct herd_apply a = { .specs = &specs, .changes = true, .is_reload = true };
	struct err e = ERR_INIT;

	a.id = asked ? asked->id : 0;
	for (int k = 0; k < SIM_APPS; k++) {
		const struct spec *spec = is_all || k == app ? herd_spec(s->h, town_names[k]) : NULL;

		if (spec && s->wants[k].exists)
			vec_push(&specs, spec_clone(spec));
	}
	if (asked)
		asked->is_rollout = true;
	sim_trace(s, "request %llu: reload %s", (unsigned long long)a.id, is_all ? "all" : town_names[app]);
	if (herd_apply(s->h, &a, s->now, &e) < 0) {
		/* What it depends on was deleted. */
		sim_trace(s, "it is refused: %s", e.text.ptr);
		driver_settle_failed(asked);
	}
	err_release(&e);
	vec_release_with(&specs, (void (*)(void *))spec_free);
}

void driver_steer(struct sim *s, uint64_t *random)
{
	static const char *const words[] = { "continue", "abort", "rollback" };
	int app = (int)sim_draw(random, SIM_APPS);
	enum herd_steering steering = (enum herd_steering)sim_draw(random, 3);
	struct asked *asked = driver_ask(s, random);
	bool is_lost = steering == HERD_ROLLBACK && disk_has_lost_back(s, app);
	struct err e = ERR_INIT;

	if (asked)
		asked->is_rollout = true;
	sim_trace(s, "request %llu: %s %s", (unsigned long long)(asked ? asked->id : 0), words[steering],
		town_names[app]);
	s->wants[app].is_told |= s->wants[app].exists;
	if (herd_steer(s->h, asked ? asked->id : 0, steering, town_names[app], s->now, &e) < 0) {
		sim_trace(s, "it is refused: %s", e.text.ptr);
		driver_settle_failed(asked);
	} else if (is_lost) {
		sim_fail(s, "%s is rolled back to files that are gone", town_names[app]);
	}
	err_release(&e);
}

bool driver_is_there_yet(const struct sim *s, int app, int number)
{
	char name[32];
	const char *names[] = { name };
	struct vec found = VEC_INIT;
	bool is = number < 0 || app < 0;

	if (!is) {
		snprintf(name, sizeof(name), "%s:%d", town_names[app], number);
		is = herd_targets(s->h, names, 1, &found, NULL) == 0;
	}
	vec_release(&found);
	return is;
}

bool driver_is_spare(const struct sim *s, int app, int number)
{
	const struct app *a = app_find(s->h, town_names[app]);
	const struct instance *i = a ? app_instance(a, number) : NULL;

	return i && instance_is_spare(i);
}

bool driver_wants_up(const struct sim *s, int app, int number, bool fallback)
{
	const struct app *a = app_find(s->h, town_names[app]);
	const struct instance *i = a && !a->is_deleting ? app_instance(a, number) : NULL;

	return i && !instance_is_retired(i) && !instance_is_spare(i) ? i->wants_up : fallback;
}

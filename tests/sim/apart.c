/*
 * How far apart the instances of one app start: stagger_ms.
 */
#include <string.h>

#include "herd/herd_private.h"
#include "sim.h"

/* Two instances of an app are never started closer to one another, whatever starts them and however many brains die in between, as far as anybody knows of the starts. */
void apart_check(struct sim *s, int app, int number)
{
	int64_t least = town_stagger(app_find(s->h, town_names[app])->spec);

	for (int n = 0; n < SIM_NUMBERS; n++)
		if (n != number && s->started_at[app][n] && s->now - s->started_at[app][n] < least)
			sim_fail(s, "%s:%d is started %lld ms after %s:%d, and that is less than %lld",
				town_names[app], number, (long long)(s->now - s->started_at[app][n]),
				town_names[app], n, (long long)least);
}

static bool has_process(const struct sim *s, int app, int number)
{
	for (size_t k = 0; k < s->procs.len; k++) {
		const struct proc *p = s->procs.items[k];

		if (p->app == app && p->number == number)
			return true;
	}
	return false;
}

/* The store is older than it should be: of what began since and is forgotten by the keeper too, nobody can know. */
void apart_relearn(struct sim *s)
{
	for (int app = 0; app < SIM_APPS; app++)
		for (int n = 0; n < SIM_NUMBERS; n++)
			if (!has_process(s, app, n))
				s->started_at[app][n] = 0;
}

void apart_note(struct sim *s, int app, const struct herd_event *event)
{
	/* One of that name that comes later is another app. */
	if (app >= 0 && event->why && event->why->kind == REASON_APP_REMOVED)
		memset(s->started_at[app], 0, sizeof(s->started_at[app]));
}

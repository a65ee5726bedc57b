/*
 * A world in which time passes, and a process that gets the stop signal ends.
 */
#include <stdio.h>
#include <string.h>

#include "fake_effects.h"

static bool is_port_busy(void *context, int port)
{
	const struct fake *f = context;

	return port == f->listened;
}

static struct build *look(void *context, const struct build_query *effect)
{
	const struct fake *f = context;

	return f->look ? f->look(f, effect) : NULL;
}

struct herd_options fake_options(struct fake *f)
{
	return (struct herd_options){
		.effects = &fake_effects,
		.context = f,
		.seed = 1,
		.cpus = 4,
		.is_port_busy = is_port_busy,
		.look = look,
	};
}

void fake_release(struct fake *f)
{
	herd_free(f->h);
	buf_release(&f->log);
	instance_pasts_release(&f->pasts);
	vec_release_with(&f->specs, (void (*)(void *))spec_free);
}

/* Signals are obeyed at once. */
static void obey(struct fake *f)
{
	const char *last = NULL;
	char name[64];

	for (;;) {
		bool any = false;

		for (const struct instance *i = herd_first(f->h); i; i = herd_next(f->h, i)) {
			struct instance_status s;

			instance_status(i, f->now, &s);
			snprintf(name, sizeof(name), "%s:%d", s.name, s.instance);
			last = s.status;
			any = !strcmp(last, "stopping") && s.pid;
			instance_status_release(&s);
			if (any)
				break;
		}
		if (!any)
			return;
		fake_exit(f, name, 0, 15);
	}
}

void fake_live(struct fake *f, int64_t ms)
{
	for (int64_t left = ms; left > 0; left -= 50) {
		fake_answer(f);
		obey(f);
		fake_pass(f, 50);
	}
	fake_answer(f);
	obey(f);
}

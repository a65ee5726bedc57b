#include "engine/follow.h"

#include "base/mem.h"
#include "engine/brain.h"
#include "engine/brain_logs.h"
#include "os/clock.h"

struct follower {
	struct brain *brain;
	struct logs *logs;
	struct vec targets; /* of char * */
	void (*wake)(void *context);
	void *context;
};

/* Whatever writes to these logs now; those that wrote to them before stay. */
static int add_logs(struct follower *f, struct err *e)
{
	static const enum mark_kind kinds[LOG_STREAM_COUNT] = {
		[LOG_STREAM_OUT] = MARK_OUT,
		[LOG_STREAM_ERR] = MARK_ERR,
	};
	struct brain *b = f->brain;
	struct vec instances = VEC_INIT;
	const struct instance *i = NULL;
	size_t k = 0;
	const char *const *targets = (const char *const *)f->targets.items;
	int rc = herd_targets(brain_herd(b), targets, f->targets.len, &instances, e);

	herd_gone(brain_herd(b), targets, f->targets.len, clock_ms(), &instances);
	if (instances.len)
		rc = 0;
	VEC_EACH (&instances, k, i) {
		const char *app = instance_app(i);
		int number = instance_number(i);

		for (enum log_stream which = LOG_STREAM_OUT; which < LOG_STREAM_COUNT; which++) {
			struct log_location log = brain_log_location(b, i, which);

			logs_add(f->logs, &log, app, number, kinds[which]);
			log_location_release(&log);
		}
	}
	vec_release(&instances);
	return rc;
}

struct follower *follow_new(struct brain *b, const struct follow_wish *wish, struct err *e)
{
	struct logs_query query = wish->query;
	struct follower *f = mem_zalloc(1, sizeof(*f));

	*f = (struct follower){ .brain = b, .wake = wish->wake, .context = wish->context };
	query.now_ms = clock_wall_ms();
	for (size_t i = 0; i < wish->count; i++)
		vec_push(&f->targets, mem_strdup(wish->targets[i]));
	vec_push(&brain_followers(b)->all, f);
	f->logs = logs_new(&query);
	if (add_logs(f, e) == 0)
		return f;
	follow_free(f);
	return NULL;
}

void follow_free(struct follower *f)
{
	struct vec *all = NULL;

	if (!f)
		return;
	all = &brain_followers(f->brain)->all;
	for (size_t i = all->len; i-- > 0;)
		if (all->items[i] == f)
			vec_remove(all, i);
	logs_free(f->logs);
	vec_release_with(&f->targets, mem_free);
	mem_free(f);
}

struct logs *follow_logs(struct follower *f)
{
	return f->logs;
}

/* --- what the brain hears ------------------------------------------------------------------------------------------------ */

void followers_release(struct followers *all)
{
	vec_release(&all->all);
}

void followers_newcomer(struct followers *all)
{
	all->has_newcomers = true;
}

void followers_end_turn(struct followers *all)
{
	struct follower *f = NULL;
	size_t i = 0;

	if (!all->has_newcomers)
		return;
	all->has_newcomers = false;
	VEC_EACH (&all->all, i, f) {
		/* A target that is gone for now may come back. */
		(void)add_logs(f, NULL);
		f->wake(f->context);
	}
}

void followers_written(const struct followers *all, const char *path)
{
	struct follower *f = NULL;
	size_t i = 0;

	VEC_EACH (&all->all, i, f) {
		if (logs_stir(f->logs, path))
			f->wake(f->context);
	}
}

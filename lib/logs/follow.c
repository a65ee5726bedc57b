#include "logs/follow.h"

#include "base/mem.h"
#include "model/spec.h"
#include "os/clock.h"

struct follower {
	struct followers *all;
	struct logs *logs;
	struct strings targets;
	void (*wake)(void *context);
	void *context;
};

/* Whatever writes to these logs now; those that wrote to them before stay. */
static int find_logs(struct follower *f, struct err *e)
{
	return f->all->find(
		f->all->context, (const char *const *)f->targets.items, f->targets.len, f->logs, e);
}

struct follower *follow_new(struct followers *all, const struct follow_request *request, struct err *e)
{
	struct logs_query query = request->query;
	struct follower *f = mem_zalloc(1, sizeof(*f));

	*f = (struct follower){ .all = all, .wake = request->wake, .context = request->context };
	query.now_ms = clock_wall_ms();
	for (size_t i = 0; i < request->count; i++)
		strings_add(&f->targets, request->targets[i]);
	vec_push(&all->all, f);
	f->logs = logs_new(&query);
	if (find_logs(f, e) == 0)
		return f;
	follow_free(f);
	return NULL;
}

void follow_free(struct follower *f)
{
	if (!f)
		return;
	vec_drop(&f->all->all, f);
	logs_free(f->logs);
	strings_release(&f->targets);
	mem_free(f);
}

struct logs *follow_logs(struct follower *f)
{
	return f->logs;
}

/* --- what happens to the logs ------------------------------------------------------------------------------------------- */

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

	all->has_newcomers = false;
	VEC_EACH (&all->all, i, f) {
		/* A target that is gone for now may come back. */
		(void)find_logs(f, NULL);
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

/*
 * What the senses have to know of the herd, as they do not know it themselves.
 */
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/brain_private.h"
#include "os/clock.h"
#include "os/procfs.h"
#include "rules/limits.h"
#include "sense/homewatch.h"
#include "sense/left_behind.h"

static size_t find_subjects(void *context, struct limit_subject **subjects)
{
	const struct brain *b = context;
	size_t most = herd_counts(b->herd).instances;
	size_t count = 0;

	*subjects = mem_zalloc(most, sizeof(**subjects));
	for (const struct instance *i = herd_first(b->herd); i && count < most; i = herd_next(b->herd, i)) {
		enum state state = instance_state(i);

		if ((state == STATE_RUNNING || state == STATE_UNHEALTHY) && spec_has_limits(instance_spec(i)))
			(*subjects)[count++] = (struct limit_subject){
				.ticket = instance_ticket(i),
				.spec = instance_spec(i),
				.pid = instance_pid(i),
			};
	}
	return count;
}

static void over_limit(void *context, struct ticket ticket, const struct reason *why, int64_t now)
{
	const struct brain *b = context;

	herd_over_limit(b->herd, ticket, why, now);
}

static void limits_done(void *context)
{
	brain_end(context);
}

static void drained(void *context, struct ticket ticket, size_t left)
{
	struct brain *b = context;

	herd_drained(b->herd, ticket, left, clock_ms());
	brain_end(b);
}

static void probed(void *context, struct ticket ticket, enum probe_answer answer, const struct reason *why)
{
	struct brain *b = context;

	herd_probed(b->herd, ticket, answer, why, clock_ms());
	brain_end(b);
}

/* The main processes that are known. */
static pid_t *known_pids(const struct brain *b, size_t *count)
{
	pid_t *pids = mem_zalloc(herd_counts(b->herd).processes + 1, sizeof(*pids));

	*count = 0;
	for (const struct instance *i = herd_first(b->herd); i; i = herd_next(b->herd, i))
		if (instance_pid(i) > 0)
			pids[(*count)++] = (pid_t)instance_pid(i);
	return pids;
}

void brain_find_left(
	const struct brain *b, const struct instance *i, struct left_behind *left, struct buf *command)
{
	enum state state = instance_state(i);
	size_t count = 0;
	pid_t *known = NULL;

	if (state != STATE_STARTING && state != STATE_RUNNING && state != STATE_UNHEALTHY)
		return;
	known = known_pids(b, &count);
	left_behind_find(
		&(struct left_behind_query){
			.keeper = (pid_t)b->daemon.keeper_pid,
			.main = (pid_t)instance_pid(i),
			.ticket = instance_ticket(i),
			.app = instance_app(i),
			.instance = instance_number(i),
			.is_server = spec_ready(instance_spec(i)) != READY_ALIVE,
			.known = known,
			.known_count = count,
		},
		left, command);
	mem_free(known);
}

static bool is_whole(const struct brain *b)
{
	const struct brain_options *o = &b->options;

	return homewatch_is_whole(o->dirs) && (!o->is_reachable || o->is_reachable(o->context));
}

/* A brain that begins makes all of it, so this one leaves its place to the next. */
void brain_check_home(void *context)
{
	struct brain *b = context;
	struct err e = ERR_INIT;

	if (b->daemon.is_leaving || b->recovery || is_whole(b))
		return;
	/* Where the next brain could not make them either, this one continues for its services. */
	if (dirs_make(b->options.dirs, &e) < 0) {
		log_warn("nobody can reach the daemon, and its services keep running: %s", e.text.ptr);
	} else {
		log_warn(
			"something of '%s' or '%s' was deleted; this brain ends, for the next one to make it again",
			b->options.dirs->run, b->options.dirs->state);
		saver_save_soon(b->saver);
		brain_leave(b);
	}
	err_release(&e);
}

void brain_open_senses(struct brain *b)
{
	static const struct limit_watch_calls limit_calls = { find_subjects, over_limit, limits_done };

	b->senses.probes = probes_new(b->options.loop, b->runner, probed, b);
	b->senses.usage = usage_new();
	b->senses.limits = limit_watch_new(b->options.loop, b->senses.usage, &limit_calls, b);
	b->senses.ports = port_waits_new(b->options.loop, &brain_port_calls, b);
	b->senses.drains = drains_new(b->options.loop, drained, b);
	b->senses.oom_kills = procfs_oom_kills();
	b->senses.home = homewatch_new(b->options.loop, b->options.dirs, brain_check_home, b);
}

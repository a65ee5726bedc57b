/*
 * What instances say of themselves: that they are ready, that they need more time, that they are alive.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "herd/herd_private.h"
#include "wire/notice.h"

/* What is known from the words of a process that exists. */
struct notify_state {
	struct timer silence; /* of the watchdog */
	int64_t watchdog_ms;
	int64_t ready_by, stopped_by; /* as it was before it asked for more time; 0: it has not */
	bool is_silent;               /* the watchdog has waited in vain */
	bool is_reloading;            /* it said so, and not yet that it is ready again */
	bool is_stopping;
	char status[NOTICE_STATUS_MAX + 1];
};

static struct notify_state *open(struct instance *i)
{
	if (!i->told) {
		i->told = mem_zalloc(1, sizeof(*i->told));
		i->told->silence.owner = i;
		i->told->watchdog_ms = instance_spec(i)->watchdog_ms;
	}
	return i->told;
}

void instance_notify_end(struct instance *i)
{
	if (!i->told)
		return;
	timer_disarm(&i->app->herd->timers, &i->told->silence);
	mem_free(i->told);
	i->told = NULL;
}

const char *instance_notify_status(const struct instance *i)
{
	return i->told && i->told->status[0] ? i->told->status : NULL;
}

bool instance_is_silent(const struct instance *i)
{
	return i->told && i->told->is_silent;
}

/* --- the watchdog ---------------------------------------------------------------------------------------------------- */

void instance_watchdog_begin(struct instance *i)
{
	/* Another brain heard what this one did not. */
	if (i->state == STATE_UNHEALTHY && i->health != HEALTH_UNHEALTHY)
		open(i)->is_silent = true;
	if (!instance_spec(i)->watchdog_ms)
		return;
	open(i);
	instance_arm(i, &i->told->silence, TIMER_WATCHDOG, i->told->watchdog_ms);
}

/* Its checks, where it has some, say so too when they fail; whoever was the first is undone only by himself. */
static void turn_silent(struct instance *i, const char *why)
{
	i->told->is_silent = true;
	if (i->state == STATE_RUNNING)
		instance_event(i, EVENT_UNHEALTHY, why);
	else
		instance_mark_dirty(i);
}

void instance_watchdog_bite(struct instance *i)
{
	char why[96];

	if (!i->told || (i->state != STATE_RUNNING && i->state != STATE_UNHEALTHY))
		return;
	snprintf(why, sizeof(why), "it has not said WATCHDOG=1 for %.3g s",
		(double)i->told->watchdog_ms / 1000);
	turn_silent(i, why);
}

static void hear_alive(struct instance *i)
{
	struct notify_state *told = i->told;

	if (i->state != STATE_RUNNING && i->state != STATE_UNHEALTHY)
		return;
	if (told->watchdog_ms && instance_spec(i)->watchdog_ms)
		instance_arm(i, &told->silence, TIMER_WATCHDOG, told->watchdog_ms);
	told->is_silent = false;
	if (i->state == STATE_UNHEALTHY && i->health != HEALTH_UNHEALTHY)
		instance_event(i, EVENT_HEALTHY, NULL);
}

/* --- what it says ---------------------------------------------------------------------------------------------------- */

static void hear_ready(struct instance *i)
{
	enum ready_kind kind = spec_ready(instance_spec(i));

	if (i->told->is_reloading)
		instance_note(i, "says that it has reloaded");
	i->told->is_reloading = false;
	if (i->state == STATE_STARTING &&
		(kind == READY_NOTIFY || kind == READY_NOTIFY_FD || kind == READY_IPC))
		instance_event(i, EVENT_READY, NULL);
}

static void hear_changes(struct instance *i, const struct notice *what)
{
	struct notify_state *told = i->told;

	if (what->has_status)
		memcpy(told->status, what->status, sizeof(told->status));
	if (what->is_reloading && !told->is_reloading)
		instance_note(i, "says that it reloads");
	told->is_reloading |= what->is_reloading;
	if (what->is_stopping && !told->is_stopping && i->state != STATE_STOPPING)
		instance_note(i, "says that it stops");
	told->is_stopping |= what->is_stopping;
}

/* Never less time than it was given in the first place. */
static void extend(struct instance *i, int64_t ms)
{
	int64_t *first = i->life.kind == TIMER_KILL ? &i->told->stopped_by : &i->told->ready_by;
	int64_t at = i->app->herd->now + ms;

	if (!timer_is_armed(&i->life) || (i->life.kind != TIMER_NEVER_READY && i->life.kind != TIMER_KILL))
		return;
	if (!*first)
		*first = i->life.at;
	timer_arm(&i->app->herd->timers, &i->life, at > *first ? at : *first);
}

void herd_notified(struct herd *h, struct ticket t, const struct notice *what, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	if (i->phase != PHASE_UP) {
		fact_unexpected(h, i, "a word of its own");
		return;
	}
	open(i);
	hear_changes(i, what);
	if (what->extend_ms)
		extend(i, what->extend_ms);
	if (what->watchdog_ms)
		i->told->watchdog_ms = what->watchdog_ms;
	if (what->is_ready)
		hear_ready(i);
	if (i->told && (what->is_alive || what->watchdog_ms))
		hear_alive(i);
	if (i->told && what->is_sick && (i->state == STATE_RUNNING || i->state == STATE_UNHEALTHY))
		turn_silent(i, "it said WATCHDOG=trigger");
	herd_commit(h);
}

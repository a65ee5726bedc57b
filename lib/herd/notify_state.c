/*
 * What instances say of themselves: that they are ready, that they need more time, that they are alive.
 */
#include <string.h>

#include "base/assert.h"
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
	if (!i->notify) {
		i->notify = mem_zalloc(1, sizeof(*i->notify));
		i->notify->silence.owner = i;
		i->notify->watchdog_ms = instance_spec(i)->watchdog_ms;
	}
	ASSERT_OF(i, i->notify->silence.owner == i, "speaks for another");
	return i->notify;
}

void instance_notify_end(struct instance *i)
{
	ASSERT_OF(i, i->notify, "has said nothing, and that is forgotten");
	timer_disarm(&i->app->herd->timers, &i->notify->silence);
	mem_free(i->notify);
	i->notify = NULL;
}

const char *instance_notify_status(const struct instance *i)
{
	return i->notify && i->notify->status[0] ? i->notify->status : NULL;
}

bool instance_is_silent(const struct instance *i)
{
	return i->notify && i->notify->is_silent;
}

/* --- the watchdog ---------------------------------------------------------------------------------------------------- */

void instance_watchdog_begin(struct instance *i)
{
	ASSERT_OF(i, i->phase == PHASE_UP || i->phase == PHASE_SPAWNING,
		"is to say that it is alive, and has no process");
	open(i);
	instance_arm(i, &i->notify->silence, TIMER_WATCHDOG, i->notify->watchdog_ms);
}

void instance_watchdog_resume(struct instance *i)
{
	/* Another brain heard what this one did not. */
	if (i->state == STATE_UNHEALTHY && i->health != HEALTH_UNHEALTHY)
		open(i)->is_silent = true;
	if (instance_spec(i)->watchdog_ms)
		instance_watchdog_begin(i);
}

/* Its checks, where it has some, may find the same; only the one that came first can take it back. */
static void turn_silent(struct instance *i, const struct reason *why)
{
	ASSERT(i->notify, "%s:%d is silent, and has never spoken", i->app->spec->name, i->number);
	i->notify->is_silent = true;
	if (i->state == STATE_RUNNING)
		instance_event(i, EVENT_UNHEALTHY, why);
	else
		instance_mark_dirty(i);
}

void instance_watchdog_bite(struct instance *i)
{
	if (!i->notify || (i->state != STATE_RUNNING && i->state != STATE_UNHEALTHY))
		return;
	turn_silent(i, &REASON_OF(WATCHDOG, .ms = i->notify->watchdog_ms));
}

static void hear_alive(struct instance *i)
{
	struct notify_state *notify = i->notify;

	ASSERT_OF(i, notify, "is alive, and has never spoken");
	if (i->state != STATE_RUNNING && i->state != STATE_UNHEALTHY)
		return;
	if (notify->watchdog_ms && instance_spec(i)->watchdog_ms)
		instance_arm(i, &notify->silence, TIMER_WATCHDOG, notify->watchdog_ms);
	notify->is_silent = false;
	if (i->state == STATE_UNHEALTHY && i->health != HEALTH_UNHEALTHY)
		instance_event(i, EVENT_HEALTHY, NULL);
}

/* --- what it says ---------------------------------------------------------------------------------------------------- */

static void hear_ready(struct instance *i)
{
	enum ready_kind kind = spec_ready(instance_spec(i));

	ASSERT_OF(i, i->notify, "is ready, and has never spoken");
	if (i->notify->is_reloading)
		instance_note(i, &REASON_OF(RELOADED));
	i->notify->is_reloading = false;
	if (i->state == STATE_STARTING &&
		(kind == READY_NOTIFY || kind == READY_NOTIFY_FD || kind == READY_IPC))
		instance_become_ready(i);
}

static void hear_changes(struct instance *i, const struct notice *what)
{
	struct notify_state *notify = i->notify;

	ASSERT_OF(i, notify && i->phase == PHASE_UP, "changes what it says, and has no process");
	if (what->has_status)
		memcpy(notify->status, what->status, sizeof(notify->status));
	if (what->is_reloading && !notify->is_reloading)
		instance_note(i, &REASON_OF(RELOADS));
	notify->is_reloading |= what->is_reloading;
	if (what->is_stopping && !notify->is_stopping && i->state != STATE_STOPPING)
		instance_note(i, &REASON_OF(SAYS_STOPPING));
	notify->is_stopping |= what->is_stopping;
}

/* Never less time than it was given in the first place. */
static void extend(struct instance *i, int64_t ms)
{
	int64_t *first = i->life.kind == TIMER_KILL ? &i->notify->stopped_by : &i->notify->ready_by;
	int64_t at = i->app->herd->now + ms;

	if (!timer_is_armed(&i->life) || (i->life.kind != TIMER_NEVER_READY && i->life.kind != TIMER_KILL))
		return;
	if (!*first)
		*first = i->life.at;
	timer_arm(&i->app->herd->timers, &i->life, at > *first ? at : *first);
	ASSERT_OF(i, i->life.at >= *first, "has less time than before, for it asked for more");
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
		i->notify->watchdog_ms = what->watchdog_ms;
	if (what->is_ready)
		hear_ready(i);
	if (i->notify && (what->is_alive || what->watchdog_ms))
		hear_alive(i);
	if (i->notify && what->is_sick && (i->state == STATE_RUNNING || i->state == STATE_UNHEALTHY))
		turn_silent(i, &REASON_OF(WATCHDOG_TRIGGER));
	herd_commit(h);
}

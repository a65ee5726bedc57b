/*
 * Starts that fail although the program runs: what it does instead of becoming ready, and what to do about it.
 */
#include "herd/unready.h"
#include "base/assert.h"
#include "herd/deploy.h"

/* --- not ready in time --- */

static bool listens_on(const struct process_look *look, int port)
{
	for (int k = 0; k < look->ports_len; k++)
		if (look->ports[k] == port)
			return true;
	return false;
}

bool instance_listens(const struct instance *i)
{
	const struct herd_options *o = &i->app->herd->options;
	struct process_look look = { .ports_len = 0 };

	if (!i->port || !i->pid)
		return false;
	o->effects->look(o->context, i->pid, &look);
	return listens_on(&look, i->port);
}

/* One that has a port and does not listen there, whatever it is to be ready by. */
static void look_at_port(const struct instance *i, const struct process_look *look, struct reason *why)
{
	bool is_asked_for = spec_ready(instance_spec(i)) == READY_LISTEN;

	if (!i->port || listens_on(look, i->port) || (!look->ports_len && !is_asked_for))
		return;
	why->port = i->port;
	if (!look->ports_len)
		return;
	for (int k = 0; k < look->ports_len && k < REASON_PORTS_MAX; k++)
		why->ports.items[why->ports.len++] = look->ports[k];
	why->next_port =
		look->ports[0] - (instance_is_spare(i) ? 0 : i->port - revision_port(i->revision, 0));
	ASSERT_OF(i, why->ports.len <= REASON_PORTS_MAX, "listens on more ports than a reason holds");
}

struct reason unready_reason(const struct instance *i, const char *name)
{
	const struct herd_options *o = &i->app->herd->options;
	struct process_look look = { .ports_len = 0 };
	struct reason why = { .kind = REASON_NOT_READY,
		.ms = instance_spec(i)->ready_timeout_ms,
		.expects = spec_ready(instance_spec(i)),
		.instance = name,
		.cause = instance_check_reason(i) };

	ASSERT_OF(i, i->state == STATE_STARTING, "is ready, or was never to be");
	o->effects->look(o->context, i->pid, &look);
	look_at_port(i, &look, &why);
	why.is_first_thread_over = look.is_first_thread_over;
	return why;
}

void instance_fail_start(struct instance *i, const struct reason *why)
{
	ASSERT(i->state == STATE_STARTING, "%s:%d fails to start while it is %s", i->app->spec->name,
		i->number, state_word(i->state));
	if (!instance_is_restarting(i))
		instance_set_down(i, DOWN_FAILING);
	ASSERT_OF(i, why && i->down_cause != DOWN_NONE, "fails to start for nothing");
	if (i->app->rollout)
		rollout_note_failure(i, why);
	instance_event(i, EVENT_STOP, why);
	ASSERT_OF(i, i->state != STATE_STARTING, "has failed to start, and is starting");
}

/* --- NOTIFY_FD is closed --- */

void herd_mute(struct herd *h, struct ticket t, bool has_written, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);
	enum ready_kind kind = READY_AUTO;

	if (!i)
		return;
	kind = spec_ready(instance_spec(i));
	/*
	 * What speaks on NOTIFY_SOCKET may close all that it inherits before (sudo and sshd do): that says nothing.  But who has begun to write on the
	 * descriptor speaks there.
	 */
	if (i->state == STATE_STARTING && (kind == READY_NOTIFY_FD || (kind == READY_NOTIFY && has_written)))
		instance_fail_start(i, &REASON_OF(NOTIFY_FD_CLOSED));
	herd_commit(h);
}

/* --- in the background --- */

struct reason background_reason(const struct instance *i, const struct left_behind *left)
{
	bool was_to_serve = left->port || spec_ready(instance_spec(i)) != READY_ALIVE;

	ASSERT_OF(i, left->pid, "has left nothing behind");
	return (struct reason){ .kind = was_to_serve ? REASON_IN_BACKGROUND : REASON_LEFT_BEHIND,
		.pid = left->pid,
		.port = left->port,
		.command = left->command };
}

bool is_background_start(const struct instance *i, const struct left_behind *left)
{
	bool is_server = spec_ready(instance_spec(i)) != READY_ALIVE;

	if (!state_is_live(i->state))
		return false;
	/* One that listens before it goes into the background was ready for a moment; a job may leave a helper that listens. */
	return is_server || (left->port && i->state == STATE_STARTING);
}

/*
 * Starts that fail although the program runs: what it does instead of becoming ready, and what to do about it.
 */
#include "herd/unready.h"
#include "herd/deploy.h"

/* --- not ready in time --- */

static bool listens_on(const struct process_look *look, int port)
{
	for (int k = 0; k < look->ports_len; k++)
		if (look->ports[k] == port)
			return true;
	return false;
}

static void add_ports(const struct process_look *look, struct buf *out)
{
	buf_adds(out, look->ports_len > 1 ? "ports " : "port ");
	for (int k = 0; k < look->ports_len; k++)
		buf_addf(out, "%s%d", !k ? "" : k + 1 < look->ports_len ? ", " : " and ", look->ports[k]);
}

/* One that has a port and does not listen there, whatever it is to be ready by. */
static void add_port_words(const struct instance *i, const struct process_look *look, struct buf *out)
{
	bool is_asked_for = spec_ready(instance_spec(i)) == READY_LISTEN;

	if (!i->port || listens_on(look, i->port) || (!look->ports_len && !is_asked_for))
		return;
	buf_adds(out, ": ");
	instance_name(i, out);
	if (!look->ports_len) {
		buf_addf(out, " does not listen on its PORT %d, nor on any other", i->port);
		return;
	}
	buf_adds(out, " listens on ");
	add_ports(look, out);
	buf_addf(out, ", not on its PORT %d; set port = %d or make the program read PORT", i->port,
		look->ports[0] - (instance_is_spare(i) ? 0 : i->port - revision_port(i->revision, 0)));
}

static void add_word_words(const struct instance *i, struct buf *out)
{
	enum ready_kind kind = spec_ready(instance_spec(i));

	if (kind == READY_NOTIFY)
		buf_adds(out, ": it has not sent READY=1 to NOTIFY_SOCKET, nor a newline to NOTIFY_FD");
	else if (kind == READY_NOTIFY_FD)
		buf_adds(out, ": it has not written a newline to NOTIFY_FD");
	else if (kind == READY_IPC)
		buf_adds(out, ": it has not called process.send('ready')");
}

void unready_words(const struct instance *i, struct buf *out)
{
	const struct herd_options *o = &i->app->herd->options;
	const char *check = instance_check_words(i);
	struct process_look look = { .ports_len = 0 };

	o->effects->look(o->context, i->pid, &look);
	buf_addf(out, "not ready within %.3g s (ready_timeout_secs)",
		(double)instance_spec(i)->ready_timeout_ms / 1000);
	if (check)
		buf_addf(out, ": %s", check);
	add_word_words(i, out);
	add_port_words(i, &look, out);
	if (look.is_first_thread_over)
		buf_adds(out, "; its first thread has ended, and others of its threads still run");
}

void instance_fail_start(struct instance *i, const char *why)
{
	if (!instance_is_restarting(i))
		instance_set_down(i, DOWN_FAILING);
	rollout_note_failure(i, why);
	instance_event(i, EVENT_STOP, why);
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
		instance_fail_start(
			i, "it closed NOTIFY_FD without a newline, so it will not say that it is ready");
	herd_commit(h);
}

/* --- in the background --- */

bool background_words(const struct instance *i, const struct left_behind *left, struct buf *out)
{
	bool was_to_serve = left->port || spec_ready(instance_spec(i)) != READY_ALIVE;

	if (!left->pid)
		return false;
	if (was_to_serve)
		buf_adds(out, "the program put itself into the background: ");
	buf_addf(out, "pid %lld '%s'", (long long)left->pid, left->command ? left->command : "");
	if (left->port)
		buf_addf(out, ", which listens on port %d,", left->port);
	buf_adds(out, " was left behind and is stopped");
	if (was_to_serve)
		buf_adds(out, "; run it in the foreground (--no-daemon, --foreground, -D or similar)");
	return true;
}

bool is_background_start(const struct instance *i, const struct left_behind *left)
{
	bool is_server = spec_ready(instance_spec(i)) != READY_ALIVE;

	if (!left->pid || !state_is_live(i->state))
		return false;
	/* One that listens before it goes into the background was ready for a moment; a job may leave a helper that listens. */
	return is_server || (left->port && i->state == STATE_STARTING);
}

/*
 * What the herd asks for, done on the real machine.
 */
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/signal_name.h"
#include "engine/brain_logs.h"
#include "engine/brain_private.h"
#include "herd/facts.h"
#include "model/build.h"
#include "os/clock.h"
#include "os/netdiag.h"
#include "sense/build_look.h"
#include "sense/process_look.h"
#include "spawn/hook.h"
#include "spawn/launch.h"
#include "spawn/spawn_reason.h"
#include "view/event_line.h"

static void fail_spawn(struct brain *b, struct ticket ticket, const struct err *e)
{
	notify_close(b->notify, ticket);
	herd_fact_later(b->herd,
		&(struct herd_fact){
			.kind = FACT_SPAWN_FAILED,
			.ticket = ticket,
			.why = &REASON_OF(LAUNCH_FAILED, .text = e->text.ptr, .number = e->number),
		});
}

/* A revision's own folder that is gone is nothing that people expect. */
static void note_folder(const struct brain *b, const struct spawn_effect *effect)
{
	if (!effect->own || launch_has_folder(effect->own))
		return;
	herd_fact_later(b->herd,
		&(struct herd_fact){
			.kind = FACT_NOTE,
			.ticket = effect->ticket,
			.why = &REASON_OF(FOLDER_GONE, .folder = effect->own->folder),
		});
}

static void note_cpus(const struct brain *b, const struct spawn_effect *effect)
{
	struct reason *why = spawn_cpus_note(effect->spec);

	if (why)
		herd_fact_later(b->herd,
			&(struct herd_fact){ .kind = FACT_NOTE, .ticket = effect->ticket, .why = why });
	reason_free(why);
}

/* No serial: a keeper of 0.1.0 does not know it, and its ERROR is about nothing. */
static void do_grace(void *context, struct ticket ticket, const char *signal, int64_t ms)
{
	const struct brain *b = context;
	struct keeper_msg m;

	keeper_msg_init(&m, KEEPER_GRACE);
	m.ticket = (struct keeper_ticket){ .slot = ticket.slot, .generation = ticket.generation };
	m.signal = signal_number(signal);
	m.grace_ms = ms;
	(void)keeper_client_send(b->keeper, &m, -1);
}

static void do_spawn(void *context, const struct spawn_effect *effect)
{
	struct brain *b = context;
	struct err e = ERR_INIT;
	struct launch launch;
	struct stream_request pipes = {
		.name = effect->name, .spec = effect->spec, .run = effect->ticket.generation, .is_new = true
	};
	struct stream_paths paths = { .out = NULL };
	struct launch_ends ends = { .out = NULL };

	if (log_streams_open(b->streams, &pipes, &paths, &e) < 0 ||
		notify_open(b->notify, effect, &ends, &e) < 0) {
		fail_spawn(b, effect->ticket, &e);
		stream_paths_release(&paths);
		err_release(&e);
		return;
	}
	note_folder(b, effect);
	if (effect->spec->cpus)
		note_cpus(b, effect);
	ends.out = paths.out;
	ends.err = paths.err;
	if (launch_fill(&launch, effect, launch_envs_get(&b->launch_envs, effect->caller, effect->spec->name),
		    &ends, &e) < 0)
		fail_spawn(b, effect->ticket, &e);
	else if (keeper_client_send(b->keeper, &launch.message, -1) < 0)
		err_set(&e, "the keeper does not take it; see the daemon's log"),
			fail_spawn(b, effect->ticket, &e);
	else
		do_grace(b, effect->ticket, spec_stop_signal(effect->spec), effect->spec->stop_timeout_ms);
	notify_sent(b->notify, effect->ticket);
	launch_release(&launch);
	stream_paths_release(&paths);
	err_release(&e);
}

static void do_stopping(void *context, struct ticket ticket)
{
	const struct brain *b = context;

	(void)keeper_client_tell(b->keeper, KEEPER_ASKED, ticket);
}

static void do_signal(void *context, struct ticket ticket, const char *signal)
{
	const struct brain *b = context;

	(void)keeper_client_tell_signal(b->keeper, KEEPER_SIGNAL, ticket, signal, REACH_MAIN);
}

static void do_stop(void *context, struct ticket ticket, const char *signal, enum reach reach)
{
	const struct brain *b = context;

	(void)keeper_client_tell_signal(b->keeper, KEEPER_STOP, ticket, signal, reach);
}

static void do_shutdown(void *context, struct ticket ticket, const char *signal)
{
	struct brain *b = context;

	if (!notify_shutdown(b->notify, ticket))
		do_stop(b, ticket, signal, REACH_MAIN);
}

static void do_end_tree(void *context, struct ticket ticket, const char *signal)
{
	const struct brain *b = context;

	(void)keeper_client_tell_signal(b->keeper, KEEPER_END_TREE, ticket, signal, REACH_TREE);
}

static void do_kill_tree(void *context, struct ticket ticket)
{
	const struct brain *b = context;

	(void)keeper_client_tell(b->keeper, KEEPER_KILL_TREE, ticket);
}

/* --- ports ------------------------------------------------------------------------------------------------------ */

static void do_check_port(void *context, const struct endpoint *at)
{
	struct brain *b = context;
	struct netdiag_holder holder = { .command = BUF_INIT };
	struct herd_fact fact = { .kind = FACT_PORT_FREE, .ticket = at->ticket };
	struct reason taken;

	if (port_waits_until_free(b->senses.ports, at, &holder)) {
		fact.kind = FACT_PORT_TAKEN;
		taken = REASON_OF(PORT_TAKEN, .port = at->port, .pid = holder.pid,
			.command = holder.pid ? holder.command.ptr : NULL);
		fact.why = &taken;
	}
	herd_fact_later(b->herd, &fact);
	buf_release(&holder.command);
}

static void do_watch_ready(void *context, const struct endpoint *at, enum ready_kind kind, bool is_adopted)
{
	struct brain *b = context;
	const struct instance *i = herd_slot(b->herd, at->ticket.slot);

	(void)is_adopted;
	if (!i || !at->port || (kind != READY_ALIVE && kind != READY_LISTEN))
		return;
	if (at->gate && brain_is_behind(b, at->ticket))
		herd_fact_later(b->herd, &(struct herd_fact){ .kind = FACT_READY, .ticket = at->ticket });
	else
		port_waits_until_listening(b->senses.ports, at, (pid_t)instance_pid(i));
}

static void port_listens(void *context, struct ticket ticket)
{
	struct brain *b = context;
	const struct instance *i = herd_slot(b->herd, ticket.slot);

	if (!i || !instance_endpoint(i).gate || !brain_hears_rest(b, ticket))
		herd_ready(b->herd, ticket, clock_ms());
	brain_end(b);
}

static void port_became_free(void *context, struct ticket ticket)
{
	struct brain *b = context;

	herd_port_free(b->herd, ticket, clock_ms());
	brain_end(b);
}

static void port_has_stranger(void *context, struct ticket ticket, const char *words)
{
	const struct brain *b = context;
	const struct instance *i = herd_slot(b->herd, ticket.slot);

	if (i)
		log_warn("%s:%d: not its own process: %s", instance_app(i), instance_number(i), words);
}

const struct port_waits_calls brain_port_calls = {
	.is_free = port_became_free,
	.listens = port_listens,
	.stranger = port_has_stranger,
	.is_held = brain_is_held,
	.is_kin = brain_is_kin,
};

static void do_unwatch(void *context, struct ticket ticket)
{
	struct brain *b = context;

	const struct instance *i = herd_slot(b->herd, ticket.slot);

	port_waits_cancel(b->senses.ports, ticket);
	if (i && instance_has_checks(i))
		probes_stop(b->senses.probes, ticket);
}

/* --- health --------------------------------------------------------------------------------------------------------- */

static void do_probe(void *context, const struct spawn_effect *effect, int64_t pid)
{
	struct brain *b = context;
	struct probe_helds held;
	bool is_gated = brain_find_held(b, effect->gate, effect->ticket, &held);

	probes_start(b->senses.probes, effect, pid,
		launch_envs_get(&b->launch_envs, effect->caller, effect->spec->name),
		is_gated ? &held : NULL);
}

/* --- who serves, and the hooks of a deploy --- */

static void do_upstream(void *context, const struct upstream_effect *effect)
{
	struct brain *b = context;

	if (effect->is_gone)
		upstreams_forget(b->upstreams, effect->app);
	else
		upstreams_set(b->upstreams, effect->spec, effect->servers, effect->count, effect->serial);
}

void brain_upstream_reported(
	void *context, const char *app, uint64_t serial, enum upstream_outcome outcome, const char *words)
{
	struct brain *b = context;

	herd_upstream_set(b->herd, app, serial, outcome, words, clock_ms());
	brain_end(b);
}

static void do_gate(void *context, const struct gate_effect *effect)
{
	const struct brain *b = context;

	gates_set(b->gates, effect);
}

static void do_drain(void *context, const struct endpoint *at, int64_t ms)
{
	const struct brain *b = context;
	const struct instance *i = herd_slot(b->herd, at->ticket.slot);

	if (at->gate)
		gate_drain_start(b->gate_drains, at, i ? (pid_t)instance_pid(i) : 0, ms);
	else
		drain_start(b->senses.drains, at, ms);
}

static void hooked(void *context, const char *app, uint64_t rollout, bool is_ok, const char *words)
{
	struct brain *b = context;

	herd_hooked(b->herd, app, rollout, is_ok, words, clock_ms());
	brain_end(b);
}

static void do_hook(void *context, const struct hook_effect *effect)
{
	struct brain *b = context;

	hook_start(b->runner, effect, launch_envs_get(&b->launch_envs, effect->caller, effect->spec->name),
		hooked, b);
}

/* --- what others hear --------------------------------------------------------------------------------------------- */

static void log_event(const struct herd_event *event)
{
	struct buf line = BUF_INIT;

	if (event_line(event, &line) && event_is_warning(event))
		log_warn("%s", line.ptr);
	else if (line.len)
		log_info("%s", line.ptr);
	buf_release(&line);
}

/* For everybody: it gets its number, and those who listen hear of it. */
static void do_publish(void *context, const struct herd_event *event)
{
	struct brain *b = context;
	const struct event_item *item = past_add(&b->past, event);
	const struct spec *spec = b->herd ? herd_spec(b->herd, event->app) : NULL;

	log_event(event);
	if (b->followers.all.len && event->instance >= 0 && event->to == STATE_STARTING)
		followers_newcomer(&b->followers);
	if (spec && spec_has_limits(spec))
		limit_watch_wake(b->senses.limits);
	if (!b->recovery)
		b->options.publish(b->options.context, item);
}

static void do_remember(void *context, const struct herd_event *event)
{
	struct brain *b = context;

	past_note(&b->past, event);
}

static void do_forget(void *context, const char *app, int instance)
{
	struct brain *b = context;

	past_forget(&b->past, app, instance);
}

static void do_changed(void *context)
{
	struct brain *b = context;

	saver_changed(b->saver);
}

static void do_settled(void *context, uint64_t request, const struct wait_results *results)
{
	brain_settle(context, request, results);
}

static void do_look(void *context, int64_t pid, struct process_look *out)
{
	struct brain *b = context;

	process_look_take(&b->senses.walk, (pid_t)pid, out);
}

const struct herd_effects brain_effects = {
	.spawn = do_spawn,
	.grace = do_grace,
	.stopping = do_stopping,
	.signal = do_signal,
	.stop = do_stop,
	.shutdown = do_shutdown,
	.end_tree = do_end_tree,
	.kill_tree = do_kill_tree,
	.check_port = do_check_port,
	.watch_ready = do_watch_ready,
	.probe = do_probe,
	.unwatch = do_unwatch,
	.upstream = do_upstream,
	.gate = do_gate,
	.drain = do_drain,
	.hook = do_hook,
	.last_lines = brain_last_lines,
	.look = do_look,
	.publish = do_publish,
	.remember = do_remember,
	.forget = do_forget,
	.changed = do_changed,
	.settled = do_settled,
};

/* --- what the herd asks at once ---------------------------------------------------------------------------------- */

bool brain_is_port_busy(void *context, int port)
{
	(void)context;
	return !port_is_free(port);
}

struct build *brain_look(void *context, const struct build_query *effect)
{
	const struct brain *b = context;

	return build_look(effect, launch_envs_get(&b->launch_envs, effect->caller, effect->spec->name));
}

/*
 * What the herd wishes for, done on the real machine.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/brain_private.h"
#include "engine/history.h"
#include "model/build.h"
#include "os/clock.h"
#include "os/sig.h"
#include "sense/process_look.h"
#include "spawn/launch.h"

void brain_fact(struct brain *b, struct fact fact)
{
	vec_push(&b->facts, mem_dup(&fact, sizeof(fact)));
}

static void fail_spawn(struct brain *b, struct ticket ticket, const struct err *e)
{
	notify_close(b->notify, ticket);
	brain_fact(b,
		(struct fact){
			.kind = FACT_SPAWN_FAILED,
			.ticket = ticket,
			.number = e->number,
			.words = mem_strdup(e->text.ptr),
		});
}

/* A revision's own folder that is gone is nothing that people expect. */
static void note_folder(struct brain *b, const struct spawn_effect *wish)
{
	struct buf words = BUF_INIT;

	if (!wish->own || launch_has_folder(wish->own))
		return;
	buf_addf(&words, "its own folder %s is gone; started where the definition says", wish->own->folder);
	brain_fact(
		b, (struct fact){ .kind = FACT_NOTE, .ticket = wish->ticket, .words = buf_detach(&words) });
}

static void do_spawn(void *context, const struct spawn_effect *wish)
{
	struct brain *b = context;
	struct err e = ERR_INIT;
	struct launch launch;
	struct stream_wish pipes = {
		.name = wish->name, .spec = wish->spec, .run = wish->ticket.generation, .is_new = true
	};
	struct stream_paths paths = { .out = NULL };
	struct launch_ends ends = { .out = NULL };

	if (log_streams_open(b->streams, &pipes, &paths, &e) < 0 ||
		notify_open(b->notify, wish, &ends, &e) < 0) {
		fail_spawn(b, wish->ticket, &e);
		err_release(&e);
		return;
	}
	note_folder(b, wish);
	ends.out = paths.out;
	ends.err = paths.err;
	if (launch_fill(&launch, wish, launch_envs_get(&b->launch_envs, wish->caller, wish->spec->name),
		    &ends, &e) < 0)
		fail_spawn(b, wish->ticket, &e);
	else if (keeper_client_send(b->keeper, &launch.message, -1) < 0)
		err_set(&e, "the keeper does not take it; see the daemon's log"),
			fail_spawn(b, wish->ticket, &e);
	notify_sent(b->notify, wish->ticket);
	launch_release(&launch);
	err_release(&e);
}

void brain_tell(struct brain *b, enum keeper_msg_kind kind, struct ticket ticket)
{
	struct keeper_msg m;

	keeper_msg_init(&m, kind);
	m.serial = ticket.generation;
	m.ticket = (struct keeper_ticket){ .slot = ticket.slot, .generation = ticket.generation };
	(void)keeper_client_send(b->keeper, &m, -1);
}

static void do_stopping(void *context, struct ticket ticket)
{
	brain_tell(context, KEEPER_ASKED, ticket);
}

static void tell_signal(const struct brain *b, enum keeper_msg_kind kind, struct ticket ticket,
	const char *signal, enum reach reach)
{
	struct keeper_msg m;

	keeper_msg_init(&m, kind);
	m.serial = ticket.generation;
	m.ticket = (struct keeper_ticket){ .slot = ticket.slot, .generation = ticket.generation };
	m.signal = sig_number(signal);
	m.reach = reach == REACH_TREE ? KEEPER_REACH_TREE : KEEPER_REACH_MAIN;
	(void)keeper_client_send(b->keeper, &m, -1);
}

static void do_signal(void *context, struct ticket ticket, const char *signal)
{
	tell_signal(context, KEEPER_SIGNAL, ticket, signal, REACH_MAIN);
}

static void do_stop(void *context, struct ticket ticket, const char *signal, enum reach reach)
{
	tell_signal(context, KEEPER_STOP, ticket, signal, reach);
}

static void do_end_tree(void *context, struct ticket ticket, const char *signal)
{
	tell_signal(context, KEEPER_END_TREE, ticket, signal, REACH_TREE);
}

static void do_kill_tree(void *context, struct ticket ticket)
{
	brain_tell(context, KEEPER_KILL_TREE, ticket);
}

/* --- ports ------------------------------------------------------------------------------------------------------ */

static struct watch *watch_find(struct brain *b, struct ticket ticket)
{
	return map_get_n(&b->watches, (const char *)&ticket.slot, sizeof(ticket.slot));
}

static struct watch *watch_add(struct brain *b, struct ticket ticket)
{
	struct watch *w = mem_zalloc(1, sizeof(*w));

	brain_unwatch(b, ticket);
	*w = (struct watch){ .brain = b, .ticket = ticket };
	map_put_n(&b->watches, (const char *)&ticket.slot, sizeof(ticket.slot), w);
	return w;
}

/* The wait is over: what the port watch gave is gone already. */
static void watch_end(struct watch *w)
{
	map_remove_n(&w->brain->watches, (const char *)&w->ticket.slot, sizeof(w->ticket.slot));
	mem_free(w);
}

void brain_unwatch(struct brain *b, struct ticket ticket)
{
	struct watch *w = watch_find(b, ticket);

	if (!w)
		return;
	port_wait_cancel(w->wait);
	watch_end(w);
}

static void told_of_free(void *context, enum port_news news, const char *words)
{
	struct watch *w = context;
	struct brain *b = w->brain;
	struct ticket ticket = w->ticket;

	(void)words;
	if (news != PORT_FREE)
		return;
	watch_end(w);
	herd_port_free(b->herd, ticket, clock_ms());
	brain_end(b);
}

static void do_check_port(void *context, struct ticket ticket, int port)
{
	struct brain *b = context;
	struct netdiag_holder holder = { .command = BUF_INIT };
	struct buf words = BUF_INIT;
	struct watch *w = watch_add(b, ticket);

	w->wait = port_watch_until_free(b->ports, port, &holder, told_of_free, w);
	if (!w->wait) {
		watch_end(w);
		brain_fact(b, (struct fact){ .kind = FACT_PORT_FREE, .ticket = ticket });
	} else {
		if (holder.pid)
			port_holder_print(&holder, &words);
		brain_fact(b,
			(struct fact){
				.kind = FACT_PORT_TAKEN,
				.ticket = ticket,
				.words = holder.pid ? buf_detach(&words) : NULL,
			});
	}
	buf_release(&holder.command);
	buf_release(&words);
}

static void told_of_listening(void *context, enum port_news news, const char *words)
{
	struct watch *w = context;
	struct brain *b = w->brain;
	struct ticket ticket = w->ticket;
	const struct instance *i = herd_slot(b->herd, ticket.slot);

	if (news == PORT_STRANGER && i)
		log_warn("%s:%d: not its own process: %s", instance_app(i), instance_number(i), words);
	if (news != PORT_LISTENS)
		return;
	watch_end(w);
	herd_ready(b->herd, ticket, clock_ms());
	brain_end(b);
}

static void do_watch_ready(
	void *context, struct ticket ticket, enum ready_kind kind, int port, bool is_adopted)
{
	struct brain *b = context;
	const struct instance *i = herd_slot(b->herd, ticket.slot);
	struct watch *w = NULL;

	(void)is_adopted;
	if (!i || !port || (kind != READY_ALIVE && kind != READY_LISTEN))
		return;
	w = watch_add(b, ticket);
	w->wait = port_watch_until_listening(
		b->ports, port, (pid_t)instance_pid(i), NULL, told_of_listening, w);
}

static void do_unwatch(void *context, struct ticket ticket)
{
	struct brain *b = context;

	brain_unwatch(b, ticket);
	probes_stop(b->probes, ticket);
}

/* --- health --------------------------------------------------------------------------------------------------------- */

static void do_probe(void *context, const struct spawn_effect *wish, int64_t pid)
{
	struct brain *b = context;

	probes_start(b->probes, wish, pid, launch_envs_get(&b->launch_envs, wish->caller, wish->spec->name));
}

void brain_probed(void *context, struct ticket ticket, enum probe_answer answer, const char *words)
{
	struct brain *b = context;

	herd_probed(b->herd, ticket, answer, words, clock_ms());
	brain_end(b);
}

/* --- what others hear --------------------------------------------------------------------------------------------- */

static void do_changed(void *context)
{
	struct brain *b = context;

	b->is_dirty = true;
}

static void do_settled(void *context, uint64_t request, bool is_ok, const char *words)
{
	struct brain *b = context;
	struct waiter *waiter = map_remove_n(&b->waiters, (const char *)&request, sizeof(request));

	if (waiter)
		waiter->done(waiter->context, is_ok, words);
	mem_free(waiter);
}

static void do_look(void *context, int64_t pid, struct process_look *out)
{
	struct brain *b = context;

	process_look_take(&b->walk, (pid_t)pid, out);
}

const struct herd_effects brain_effects = {
	.spawn = do_spawn,
	.stopping = do_stopping,
	.signal = do_signal,
	.stop = do_stop,
	.shutdown = brain_ask_to_stop,
	.end_tree = do_end_tree,
	.kill_tree = do_kill_tree,
	.check_port = do_check_port,
	.watch_ready = do_watch_ready,
	.probe = do_probe,
	.unwatch = do_unwatch,
	.upstream = brain_upstream,
	.drain = brain_drain,
	.hook = brain_hook,
	.last_lines = brain_last_lines,
	.look = do_look,
	.publish = history_publish,
	.remember = history_remember,
	.changed = do_changed,
	.settled = do_settled,
};

#include "engine/brain.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/json_emit.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/brain_private.h"
#include "engine/homewatch.h"
#include "engine/recovery.h"
#include "engine/upgrade.h"
#include "journal/event_log.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/procfs.h"
#include "sense/process_look.h"

/* --- one turn: facts to the herd, then its next deadline, then what must be saved ------------------------------------ */

static void fact_free(void *item)
{
	struct fact *fact = item;

	mem_free(fact->words);
	mem_free(fact);
}

static void feed_fact(struct brain *b, const struct fact *fact)
{
	int64_t now = clock_ms();

	switch (fact->kind) {
	case FACT_SPAWN_FAILED:
		herd_spawn_failed(b->herd, fact->ticket, fact->number, fact->words, now);
		break;
	case FACT_PORT_FREE:
		herd_port_free(b->herd, fact->ticket, now);
		break;
	case FACT_PORT_TAKEN:
		herd_port_taken(b->herd, fact->ticket, fact->words, now);
		break;
	case FACT_NOTE:
		herd_note(b->herd, fact->ticket, fact->words, now);
		break;
	case FACT_SAID_READY:
		herd_notified(b->herd, fact->ticket, &(struct notice){ .is_ready = true }, now);
		break;
	}
}

/* The herd may answer each with a wish that is a fact again; the last one has none. */
static void feed_facts(struct brain *b)
{
	for (size_t i = 0; i < b->facts.len; i++) {
		struct fact *fact = b->facts.items[i];

		feed_fact(b, fact);
		fact_free(fact);
	}
	b->facts.len = 0;
}

static void arm_due(struct brain *b)
{
	int64_t deadline = herd_next_deadline(b->herd);
	int64_t wait = deadline - clock_ms();

	ev_timer_stop(b->loop, &b->due);
	if (deadline < 0)
		return;
	/* libev counts from the time at which this turn began. */
	ev_now_update(b->loop);
	ev_timer_set(&b->due, wait > 0 ? (double)wait / 1000 : 0, 0);
	ev_timer_start(b->loop, &b->due);
}

void brain_begin(struct brain *b)
{
	b->is_asked = true;
}

void brain_end(struct brain *b)
{
	feed_facts(b);
	process_walk_free(b->walk);
	b->walk = NULL;
	arm_due(b);
	if (b->is_dirty && b->is_asked)
		store_save_soon(b->store);
	if (b->is_dirty || b->forgets.len)
		brain_arm_save(b);
	b->is_dirty = false;
	b->is_asked = false;
	if (b->has_newcomers && b->readers.len)
		brain_readers_join(b);
	b->has_newcomers = false;
}

static void on_due(struct ev_loop *loop, ev_timer *w, int events)
{
	struct brain *b = w->data;

	(void)loop;
	(void)events;
	herd_timer(b->herd, clock_ms());
	brain_end(b);
}

static bool is_caller_used(const void *context, int64_t number)
{
	return herd_uses_caller(context, number);
}

static void snapshot(void *context, struct buf *out)
{
	struct brain *b = context;
	struct json *callers = NULL;
	struct buf text = BUF_INIT;

	launch_envs_sweep(&b->launch_envs, is_caller_used, b->herd);
	callers = launch_envs_to_json(&b->launch_envs);
	json_write(&text, callers);
	emit_open(out, NULL, '{');
	emit_int(out, "keeper_pid", b->keeper_pid);
	emit_int(out, "brain_restarts", b->brain_restarts);
	emit_int(out, "seq", b->last_seq);
	emit_text(out, "callers", text.ptr, text.len);
	emit_text(out, "herd", "", 0);
	herd_write(b->herd, out);
	emit_close(out, '}');
	buf_release(&text);
	json_free(callers);
}

/* --- the keeper's messages -------------------------------------------------------------------------------------------- */

static struct ticket ticket_of(const struct keeper_msg *m)
{
	return (struct ticket){ .slot = (uint32_t)m->ticket.slot, .generation = m->ticket.generation };
}

static void take_spawn_failed(struct brain *b, const struct keeper_msg *m)
{
	struct buf words = BUF_INIT;

	brain_spawn_words(b, ticket_of(m), m->stage, m->number, &words);
	notify_close(b->notify, ticket_of(m));
	herd_spawn_failed(b->herd, ticket_of(m), (int)m->number, words.ptr, clock_ms());
	brain_forget_later(b, ticket_of(m));
	buf_release(&words);
}

/* Has the kernel killed for want of memory since we looked last?  It names nobody; but a SIGKILL that nobody else has sent is nearly always this one. */
static bool is_short_of_memory(struct brain *b)
{
	int64_t before = b->oom_kills;

	b->oom_kills = procfs_oom_kills();
	return before >= 0 && b->oom_kills > before;
}

static void take_exited(struct brain *b, const struct keeper_msg *m)
{
	const struct instance *i = herd_slot(b->herd, ticket_of(m).slot);
	struct buf name = BUF_INIT;
	struct buf command = BUF_INIT;
	struct herd_exit end = recovery_exit(m->status, m->wall_ms);

	if (i) {
		instance_name(i, &name);
		log_streams_drain(b->streams, name.ptr);
	}
	buf_release(&name);
	end.is_oom = end.signal == SIGKILL && is_short_of_memory(b);
	if (i && !end.signal && !end.code)
		brain_find_left(b, i, &end.left, &command);
	herd_exited(b->herd, ticket_of(m), &end, clock_ms());
	buf_release(&command);
}

/* A spawn that the keeper could not even begin. */
static void take_error(struct brain *b, const struct keeper_msg *m)
{
	const struct instance *i = herd_first(b->herd);

	/* What was asked about one that ended meanwhile came too late, and that is all. */
	if (m->number == ESRCH)
		log_debug("the keeper says: %s", m->words);
	else
		log_warn("the keeper says: %s", m->words);
	/* Other messages carry a generation too: a signal that came too late says ESRCH, and its process has an end of its own to tell. */
	if (m->number != EEXIST && m->number != ENOSPC && m->number != EBADMSG && m->number != ENOMEM)
		return;
	for (; i; i = herd_next(b->herd, i)) {
		if (instance_ticket(i).generation != m->about || instance_state(i) != STATE_STARTING)
			continue;
		herd_spawn_failed(b->herd, instance_ticket(i), (int)m->number, m->words, clock_ms());
		return;
	}
}

static void take_signal(struct brain *b, int64_t number)
{
	if (number == SIGTERM || number == SIGINT)
		brain_shut_down(b);
	/* Somebody could not reach us; the keeper's PING comes with it. */
	else if (number == SIGUSR1)
		brain_check_home(b);
	else
		b->options.signalled(b->options.context, (int)number);
}

static void take_message(struct brain *b, const struct keeper_msg *m)
{
	switch (m->kind) {
	case KEEPER_SPAWNED:
		herd_spawned(b->herd, ticket_of(m), m->pid, clock_ms());
		notify_listen(b->notify, ticket_of(m), (pid_t)m->pid);
		break;
	case KEEPER_SPAWN_FAILED:
		take_spawn_failed(b, m);
		break;
	case KEEPER_EXITED:
		take_exited(b, m);
		break;
	case KEEPER_TREE_GONE:
		notify_close(b->notify, ticket_of(m));
		herd_tree_gone(b->herd, ticket_of(m), clock_ms());
		brain_forget_later(b, ticket_of(m));
		break;
	case KEEPER_SIGNALLED:
		take_signal(b, m->signal);
		break;
	case KEEPER_ERROR:
		take_error(b, m);
		break;
	default:
		break;
	}
}

static void answer_ping(struct brain *b, uint64_t serial)
{
	struct keeper_msg m;

	keeper_msg_init(&m, KEEPER_PONG);
	m.about = serial;
	(void)keeper_client_send(b->keeper, &m, -1);
}

static void on_message(void *context, const struct keeper_msg *m, const int *fds, size_t fd_count)
{
	struct brain *b = context;

	brain_take_held(b, m->name, fds, fd_count);
	if (m->kind == KEEPER_PING) {
		answer_ping(b, m->serial);
		return;
	}
	if (!runner_takes(b->runner, m) && !upgrade_takes(b, m)) {
		if (b->is_synced)
			take_message(b, m);
		else
			recovery_message(b, m);
	}
	if (b->is_synced)
		brain_end(b);
}

static void on_gone(void *context)
{
	struct brain *b = context;

	/* After a shutdown that is how it ends. */
	b->is_orphan = !b->is_leaving;
	if (b->is_orphan)
		log_error("the keeper is gone; this brain ends");
	brain_leave(b);
}

static const struct keeper_client_calls keeper_client_calls = {
	.message = on_message,
	.gone = on_gone,
};

/* --- life --------------------------------------------------------------------------------------------------------------- */

static int open_store(struct brain *b, struct err *e)
{
	char *path = path_join(b->options.dirs->state, "state");
	struct buf boot = BUF_INIT;
	struct store_found found = { .words = BUF_INIT };
	struct store_options options = {
		.path = path, .snapshot = snapshot, .ended = brain_on_saved, .context = b
	};

	procfs_boot_id(&boot);
	options.boot_id = boot.ptr;
	b->store = store_open(b->loop, &options, &found, e);
	if (b->store) {
		if (found.words.len)
			log_warn("%s", found.words.ptr);
		b->state = found.state;
		found.state = NULL;
		store_found_release(&found);
	}
	buf_release(&boot);
	mem_free(path);
	return b->store ? 0 : -1;
}

static void open_upstreams(struct brain *b)
{
	char *folder = path_join(b->options.dirs->run, "upstreams");
	const struct upstreams_options options = {
		.loop = b->loop,
		.runner = b->runner,
		.folder = folder,
		.told = brain_upstream_told,
		.context = b,
	};

	b->upstreams = upstreams_new(&options);
	mem_free(folder);
}

struct brain *brain_new(const struct brain_options *options, struct err *e)
{
	struct brain *b = mem_zalloc(1, sizeof(*b));
	struct keeper_msg m;

	b->options = *options;
	b->loop = options->loop;
	b->started_at = clock_ms();
	ev_timer_init(&b->due, on_due, 0, 0);
	ev_timer_init(&b->save, brain_on_save, 0, 0);
	b->due.data = b;
	b->save.data = b;
	b->keeper = keeper_client_new(b->loop, options->keeper, &keeper_client_calls, b);
	b->runner = runner_new(b->loop, b->keeper);
	brain_open_senses(b);
	brain_open_notify(b);
	open_upstreams(b);
	b->home = homewatch_new(b->loop, b->options.dirs, brain_check_home, b);
	if (brain_open_log_streams(b, e) < 0 || open_store(b, e) < 0) {
		brain_free(b);
		return NULL;
	}
	keeper_msg_init(&m, KEEPER_SYNC);
	m.version = KEEPER_VERSION;
	(void)keeper_client_send(b->keeper, &m, -1);
	return b;
}

void brain_free(struct brain *b)
{
	if (!b)
		return;
	if (b->is_synced)
		store_save_soon(b->store);
	store_free(b->store);
	ev_timer_stop(b->loop, &b->due);
	ev_timer_stop(b->loop, &b->save);
	upgrade_release(b);
	port_waits_free(b->ports);
	homewatch_free(b->home);
	process_walk_free(b->walk);
	map_release_with(&b->waiters, mem_free);
	log_streams_free(b->streams);
	probes_free(b->probes);
	notify_free(b->notify);
	limit_watch_free(b->limits);
	usage_free(b->usage);
	upstreams_free(b->upstreams);
	drains_free(b->drains);
	runner_free(b->runner);
	herd_free(b->herd);
	launch_envs_release(&b->launch_envs);
	vec_release(&b->readers);
	event_ring_release(&b->events);
	event_log_free(b->event_log);
	vec_release_with(&b->forgets, mem_free);
	vec_release_with(&b->facts, fact_free);
	recovery_release(b);
	json_free(b->state);
	/* Its socket is closed by the end of the process: the keeper kills a brain without one. */
	keeper_client_free(b->keeper);
	mem_free(b);
}

struct herd *brain_herd(struct brain *b)
{
	return b->herd;
}

struct launch_envs *brain_launch_envs(struct brain *b)
{
	return &b->launch_envs;
}

int64_t brain_now(const struct brain *b)
{
	(void)b;
	return clock_ms();
}

int64_t brain_last_seq(const struct brain *b)
{
	return b->last_seq;
}

uint64_t brain_expect(struct brain *b, brain_done done, void *context)
{
	struct waiter waiter = { .done = done, .context = context };
	uint64_t id = ++b->last_id;

	map_put_n(&b->waiters, (const char *)&id, sizeof(id), mem_dup(&waiter, sizeof(waiter)));
	return id;
}

void brain_forget(struct brain *b, uint64_t id)
{
	mem_free(map_remove_n(&b->waiters, (const char *)&id, sizeof(id)));
	herd_forget_request(b->herd, id);
}

static void on_all_down(void *context, bool is_ok, const char *words)
{
	struct brain *b = context;
	struct keeper_msg m;

	if (!is_ok)
		log_warn("not everything stopped: %s", words);
	(void)store_save_now(b->store, NULL);
	log_streams_sweep(b->streams, NULL, NULL);
	keeper_msg_init(&m, KEEPER_STOP_ALL);
	m.grace_ms = STOP_GRACE_MS;
	(void)keeper_client_send(b->keeper, &m, -1);
}

void brain_shut_down(struct brain *b)
{
	if (b->is_leaving)
		return;
	b->is_leaving = true;
	brain_begin(b);
	herd_shutdown(b->herd, brain_expect(b, on_all_down, b), 0, clock_ms());
	brain_end(b);
}

bool brain_is_orphan(const struct brain *b)
{
	return b->is_orphan;
}

void brain_leave(struct brain *b)
{
	ev_break(b->loop, EVBREAK_ALL);
}

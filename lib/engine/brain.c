#include "engine/brain.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/brain_logs.h"
#include "engine/brain_private.h"
#include "engine/recovery.h"
#include "herd/facts.h"
#include "model/refusal.h"
#include "model/wait_result.h"
#include "os/clock.h"
#include "os/procfs.h"
#include "sense/homewatch.h"
#include "sense/process_look.h"
#include "spawn/spawn_reason.h"
#include "spawn/upgrade.h"
#include "view/wait_text.h"

/* --- one turn: facts to the herd, then its next deadline, then what must be saved ------------------------------------ */

static void arm_due(struct brain *b)
{
	int64_t deadline = herd_next_deadline(b->herd);
	int64_t wait = deadline - clock_ms();

	ev_timer_stop(b->options.loop, &b->due);
	if (deadline < 0)
		return;
	/* libev counts from the time at which this turn began. */
	ev_now_update(b->options.loop);
	ev_timer_set(&b->due, wait > 0 ? (double)wait / 1000 : 0, 0);
	ev_timer_start(b->options.loop, &b->due);
}

void brain_begin(struct brain *b)
{
	saver_is_asked(b->saver);
}

void brain_end(struct brain *b)
{
	herd_facts_hear(b->herd, clock_ms());
	if (b->senses.walk)
		process_walk_free(b->senses.walk);
	b->senses.walk = NULL;
	arm_due(b);
	saver_end_turn(b->saver);
	if (b->followers.has_newcomers)
		followers_end_turn(&b->followers);
}

static void on_due(struct ev_loop *loop, ev_timer *w, int events)
{
	struct brain *b = w->data;

	(void)loop;
	(void)events;
	herd_timer(b->herd, clock_ms());
	brain_end(b);
}

/* --- the keeper's messages -------------------------------------------------------------------------------------------- */

struct reason *brain_spawn_reason(const struct brain *b, struct ticket ticket, int64_t stage, int64_t number)
{
	const struct instance *i = herd_slot(b->herd, ticket.slot);

	return spawn_reason(i ? instance_spec(i) : NULL, stage, number);
}

struct herd_exit brain_exit(int64_t status, int64_t wall_ms)
{
	struct herd_exit end = { .wall_ms = wall_ms };

	keeper_client_exit(status, &end.code, &end.signal);
	return end;
}

static void take_spawn_failed(struct brain *b, const struct keeper_msg *m)
{
	struct reason *why = brain_spawn_reason(b, keeper_client_ticket(m), m->stage, m->number);

	notify_close(b->notify, keeper_client_ticket(m));
	herd_spawn_failed(b->herd, keeper_client_ticket(m), why, clock_ms());
	saver_forget_later(b->saver, keeper_client_ticket(m));
	reason_free(why);
}

/* Has the kernel killed for want of memory since we looked last?  It names nobody; but a SIGKILL that nobody else has sent is nearly always this one. */
static bool is_short_of_memory(struct brain *b)
{
	int64_t before = b->senses.oom_kills;

	b->senses.oom_kills = procfs_oom_kills();
	return before >= 0 && b->senses.oom_kills > before;
}

static void take_exited(struct brain *b, const struct keeper_msg *m)
{
	const struct instance *i = herd_slot(b->herd, keeper_client_ticket(m).slot);
	struct buf name = BUF_INIT;
	struct buf command = BUF_INIT;
	struct herd_exit end = brain_exit(m->status, m->wall_ms);

	if (i) {
		instance_name(i, &name);
		log_streams_drain(b->streams, name.ptr);
	}
	buf_release(&name);
	end.is_oom = end.signal == SIGKILL && is_short_of_memory(b);
	if (i && !end.signal && !end.code)
		brain_find_left(b, i, &end.left, &command);
	if (!i || instance_endpoint(i).gate)
		gates_ended(b->gates, keeper_client_ticket(m));
	herd_exited(b->herd, keeper_client_ticket(m), &end, clock_ms());
	buf_release(&command);
}

/* A spawn that the keeper could not even begin. */
static void take_error(struct brain *b, const struct keeper_msg *m)
{
	const struct instance *i = NULL;
	struct reason *why = NULL;

	/* What was asked about one that ended meanwhile came too late, and that is all. */
	if (m->number == ESRCH)
		log_debug("the keeper says: %s", m->words);
	else
		log_warn("the keeper says: %s", m->words);
	i = spawn_is_refusal(m->number) ? herd_starting(b->herd, m->about) : NULL;
	if (!i)
		return;
	why = spawn_refused_reason(instance_spec(i), m->number, m->words);
	herd_spawn_failed(b->herd, instance_ticket(i), why, clock_ms());
	reason_free(why);
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
		herd_spawned(b->herd, keeper_client_ticket(m), m->pid, clock_ms());
		notify_listen(b->notify, keeper_client_ticket(m), (pid_t)m->pid);
		break;
	case KEEPER_SPAWN_FAILED:
		take_spawn_failed(b, m);
		break;
	case KEEPER_EXITED:
		take_exited(b, m);
		break;
	case KEEPER_TREE_GONE:
		notify_close(b->notify, keeper_client_ticket(m));
		herd_tree_gone(b->herd, keeper_client_ticket(m), clock_ms());
		saver_forget_later(b->saver, keeper_client_ticket(m));
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

/* About a command that runs beside the herd, the gate or an upgrade; an ERROR may be about anything. */
static bool takes_beside_herd(struct brain *b, const struct keeper_msg *m)
{
	bool is_error = m->kind == KEEPER_ERROR;

	if ((is_error || m->kind == KEEPER_PONG) && gates_answered(b->gates, m))
		return true;
	return ((is_error || m->ticket.slot >= RUN_SLOT_FIRST) && runner_takes(b->runner, m)) ||
		((is_error || m->kind == KEEPER_UPGRADED) && upgrade_takes(b->upgrades, m));
}

static void on_message(void *context, const struct keeper_msg *m, const int *fds, size_t fd_count)
{
	struct brain *b = context;

	if (m->kind == KEEPER_LISTENS)
		brain_hear_gate(b, m, fds, fd_count);
	else if (fd_count)
		brain_take_held(b, m->name, fds, fd_count);
	if (m->kind == KEEPER_PING) {
		answer_ping(b, m->serial);
		return;
	}
	if (!takes_beside_herd(b, m)) {
		if (b->recovery)
			recovery_message(b, m);
		else
			take_message(b, m);
	}
	if (!b->recovery)
		brain_end(b);
}

static void on_keeper_gone(void *context)
{
	struct brain *b = context;

	/* After a shutdown that is how it ends. */
	b->daemon.is_orphan = !b->daemon.is_leaving;
	if (b->daemon.is_orphan)
		log_error("the keeper is gone; this brain ends");
	brain_leave(b);
}

static const struct keeper_client_calls keeper_client_calls = {
	.message = on_message,
	.gone = on_keeper_gone,
};

/* --- life --------------------------------------------------------------------------------------------------------------- */

static void open_upstreams(struct brain *b)
{
	char *folder = path_join(b->options.dirs->run, "upstreams");
	const struct upstreams_options options = {
		.loop = b->options.loop,
		.runner = b->runner,
		.folder = folder,
		.reported = brain_upstream_reported,
		.context = b,
	};

	b->upstreams = upstreams_new(&options);
	mem_free(folder);
}

static bool may_upgrade(void *context, struct err *e)
{
	const struct brain *b = context;

	if (b->daemon.is_leaving)
		refusal_set(e, REFUSAL_OF(STOPPING), "the daemon is being stopped");
	return !b->daemon.is_leaving;
}

static void leave(void *context)
{
	brain_leave(context);
}

static int save_all(void *context, struct err *e)
{
	struct brain *b = context;

	saver_save_soon(b->saver);
	return saver_save_now(b->saver, e);
}

static void open_upgrades(struct brain *b)
{
	const struct upgrades_options options = {
		.keeper = b->keeper,
		.runner = b->runner,
		.save = save_all,
		.may_begin = may_upgrade,
		.leave = leave,
		.context = b,
	};

	b->upgrades = upgrades_new(&options);
}

struct brain *brain_new(const struct brain_options *options, struct err *e)
{
	struct brain *b = mem_zalloc(1, sizeof(*b));
	struct keeper_msg m;

	b->options = *options;
	b->recovery = recovery_new();
	b->followers.find = brain_find_logs;
	b->followers.context = b;
	b->daemon.started_at = clock_ms();
	ev_timer_init(&b->due, on_due, 0, 0);
	b->due.data = b;
	b->keeper = keeper_client_new(b->options.loop, options->keeper, &keeper_client_calls, b);
	b->runner = runner_new(b->options.loop, b->keeper);
	brain_open_gates(b);
	brain_open_senses(b);
	brain_open_notify(b);
	open_upstreams(b);
	if (brain_open_log_streams(b, e) < 0 || brain_open_saver(b, e) < 0) {
		brain_free(b);
		return NULL;
	}
	open_upgrades(b);
	keeper_msg_init(&m, KEEPER_SYNC);
	m.version = KEEPER_VERSION;
	(void)keeper_client_send(b->keeper, &m, -1);
	return b;
}

void brain_free(struct brain *b)
{
	if (!b)
		return;
	if (b->saver && !b->recovery)
		saver_save_soon(b->saver);
	saver_free(b->saver);
	ev_timer_stop(b->options.loop, &b->due);
	upgrades_free(b->upgrades);
	port_waits_free(b->senses.ports);
	homewatch_free(b->senses.home);
	process_walk_free(b->senses.walk);
	map_release_with(&b->waiting, mem_free);
	log_streams_free(b->streams);
	probes_free(b->senses.probes);
	notify_free(b->notify);
	limit_watch_free(b->senses.limits);
	usage_free(b->senses.usage);
	upstreams_free(b->upstreams);
	drains_free(b->senses.drains);
	gate_drains_free(b->gate_drains);
	gates_free(b->gates);
	runner_free(b->runner);
	herd_free(b->herd);
	launch_envs_release(&b->launch_envs);
	followers_release(&b->followers);
	past_release(&b->past);
	recovery_free(b->recovery);
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
	return b->past.last_seq;
}

/* --- requests of the herd that are not settled ------------------------------------------------------------------------- */

struct waiter {
	brain_done done;
	void *context;
};

uint64_t brain_expect(struct brain *b, brain_done done, void *context)
{
	struct waiter waiter = { .done = done, .context = context };
	uint64_t id = ++b->last_request;

	map_put_n(&b->waiting, (const char *)&id, sizeof(id), mem_dup(&waiter, sizeof(waiter)));
	return id;
}

void brain_forget(struct brain *b, uint64_t id)
{
	mem_free(map_remove_n(&b->waiting, (const char *)&id, sizeof(id)));
	herd_forget_request(b->herd, id);
}

void brain_settle(struct brain *b, uint64_t id, const struct wait_results *results)
{
	struct waiter *waiter = map_remove_n(&b->waiting, (const char *)&id, sizeof(id));

	if (waiter)
		waiter->done(waiter->context, results);
	mem_free(waiter);
}

struct followers *brain_followers(struct brain *b)
{
	return &b->followers;
}

struct upgrades *brain_upgrades(struct brain *b)
{
	return b->upgrades;
}

static void on_all_down(void *context, const struct wait_results *results)
{
	struct brain *b = context;
	struct buf words = BUF_INIT;
	struct keeper_msg m;

	wait_results_text(results, &words);
	if (!results->is_ok)
		log_warn("not everything stopped: %s", words.ptr);
	buf_release(&words);
	(void)saver_save_now(b->saver, NULL);
	log_streams_sweep(b->streams, NULL, NULL);
	keeper_msg_init(&m, KEEPER_STOP_ALL);
	m.grace_ms = STOP_GRACE_MS;
	(void)keeper_client_send(b->keeper, &m, -1);
}

void brain_shut_down(struct brain *b)
{
	if (b->daemon.is_leaving)
		return;
	b->daemon.is_leaving = true;
	brain_begin(b);
	herd_shutdown(b->herd, brain_expect(b, on_all_down, b), 0, clock_ms());
	brain_end(b);
}

bool brain_is_orphan(const struct brain *b)
{
	return b->daemon.is_orphan;
}

void brain_leave(struct brain *b)
{
	ev_break(b->options.loop, EVBREAK_ALL);
}

#include "engine/recovery.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/brain_logs.h"
#include "engine/brain_private.h"
#include "herd/facts.h"
#include "journal/store.h"
#include "logs/location.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/file.h"
#include "spawn/spawn_reason.h"
#include "wire/keeper_found.h"

struct recovery {
	struct vec found;   /* of struct keeper_found * */
	struct vec held;    /* of char *: what the keeper holds */
	size_t pipes_due;   /* asked of the keeper */
	bool is_stopped;    /* SIGTERM came meanwhile: the keeper sends it once */
	struct json *state; /* as found in the store, until the keeper has told its part; NULL: none */
};

struct recovery *recovery_new(void)
{
	return mem_zalloc(1, sizeof(struct recovery));
}

struct json **recovery_state(struct recovery *r)
{
	return &r->state;
}

void recovery_free(struct recovery *r)
{
	if (!r)
		return;
	keeper_found_release(&r->found);
	vec_release_with(&r->held, mem_free);
	json_free(r->state);
	mem_free(r);
}

static void take_hello(struct brain *b, const struct keeper_msg *m)
{
	int64_t pid = 0;
	int64_t restarts = 0;

	b->daemon.keeper_pid = m->pid;
	/* The daemon is as old as its keeper, which counts from the start of the machine. */
	b->daemon.started_at = (int64_t)m->start_time * 1000 / sysconf(_SC_CLK_TCK);
	if (json_int(json_get(b->recovery->state, "keeper_pid"), &pid) && pid == m->pid &&
		json_int(json_get(b->recovery->state, "brain_restarts"), &restarts))
		b->daemon.brain_restarts = restarts + 1;
}

static struct herd *herd_remembered(struct brain *b, const struct herd_options *options)
{
	struct err e = ERR_INIT;
	const struct json *stored = json_get(b->recovery->state, "herd");
	struct herd *h = stored ? herd_from_json(stored, options, clock_ms(), &e) : NULL;

	if (h)
		return h;
	if (stored)
		log_error("what was remembered makes no sense, and is left aside: %s", e.text.ptr);
	err_release(&e);
	return herd_blank(options);
}

static void open_pipe(struct brain *b, const char *name)
{
	const struct instance *i = herd_find(b->herd, name);
	struct stream_request request = { .name = name };
	struct stream_paths paths = { .out = NULL };
	struct err e = ERR_INIT;

	if (i) {
		request.spec = instance_spec(i);
		request.run = instance_ticket(i).generation;
	}
	if (i && log_streams_open(b->streams, &request, &paths, &e) < 0)
		log_warn("%s: %s", name, e.text.ptr);
	stream_paths_release(&paths);
	err_release(&e);
}

/* What it said last is still in its pipe, unless a later run writes into that: it belongs to its end. */
static void hear_last_words(struct brain *b, const struct keeper_found *ended)
{
	if (!keeper_found_is_newest(&b->recovery->found, ended))
		return;
	open_pipe(b, ended->name);
	log_streams_drain(b->streams, ended->name);
}

static void adopt_found(struct brain *b, const struct keeper_found *f)
{
	bool is_over = keeper_found_has_ended(f);
	const struct herd_live live = {
		.ticket = f->ticket,
		.name = f->name,
		.pid = f->pid,
		.gate = gates_gate_of(b->gates, f->ticket),
		.is_stopping = f->is_asked,
		.has_ended = is_over,
		.is_end_published = is_over && past_has_end(&b->past, f->name, f->ticket.generation),
	};
	struct herd_exit end = brain_exit(f->status, f->wall_ms);
	struct reason *why = NULL;

	if (!herd_adopt(b->herd, &live, clock_ms())) {
		if (f->is_gone || f->state == KEEPER_STATE_FAILED)
			saver_forget_later(b->saver, f->ticket);
		return;
	}
	b->daemon.adopted += !is_over;
	if (!is_over)
		brain_tell_listens(b, f->ticket);
	if (f->state == KEEPER_STATE_FAILED) {
		why = brain_spawn_reason(b, f->ticket, f->stage, f->number);
		herd_spawn_failed(b->herd, f->ticket, why, clock_ms());
		saver_forget_later(b->saver, f->ticket);
	} else if (f->state == KEEPER_STATE_EXITED) {
		hear_last_words(b, f);
		herd_exited(b->herd, f->ticket, &end, clock_ms());
		if (f->is_gone) {
			herd_tree_gone(b->herd, f->ticket, clock_ms());
			saver_forget_later(b->saver, f->ticket);
		}
	}
	reason_free(why);
}

/*
 * The pipes are read again; what was written meanwhile is still in them.  What the keeper holds for an instance that is gone would be held
 * for ever: the brain that knew of it is dead.
 */
static void open_pipes(struct brain *b)
{
	struct keeper_found *f = NULL;
	const char *held = NULL;
	size_t i = 0;

	VEC_EACH (&b->recovery->found, i, f)
		open_pipe(b, f->name);
	VEC_EACH (&b->recovery->held, i, held) {
		char *name = log_name_of_held(held);

		if (name && herd_find(b->herd, name))
			open_pipe(b, name);
		else if (name)
			log_streams_drop_held(b->streams, held);
		mem_free(name);
	}
}

/* The sockets and pipes on which services report: first what the keeper holds, then each process that lives. */
static void adopt_notify(struct brain *b)
{
	const char *held = NULL;
	struct keeper_found *f = NULL;
	size_t k = 0;

	VEC_EACH (&b->recovery->held, k, held)
		notify_found(b->notify, held);
	VEC_EACH (&b->recovery->found, k, f) {
		const struct instance *i = herd_slot(b->herd, f->ticket.slot);
		bool is_it = i && instance_ticket(i).generation == f->ticket.generation;

		if (is_it && !keeper_found_has_ended(f) &&
			notify_adopt(b->notify, f->ticket, instance_spec(i), (pid_t)f->pid))
			herd_fact_later(
				b->herd, &(struct herd_fact){ .kind = FACT_SAID_READY, .ticket = f->ticket });
	}
	notify_sweep(b->notify);
}

static bool is_known(const void *context, const char *app, int instance)
{
	const struct brain *b = context;

	return herd_knows(b->herd, app, instance);
}

/* Before anything happens: what is in the event log is remembered, by instances that still are and as events. */
static void open_past(struct brain *b)
{
	char *path = path_join(b->options.dirs->state, "diary");

	past_open(&b->past, b->options.loop, path, is_known, b);
	mem_free(path);
}

static void find_feet(struct brain *b)
{
	const struct herd_options options = {
		.effects = &brain_effects,
		.context = b,
		.seed = (uint64_t)clock_us() | 1,
		.cpus = cpu_usable(),
		.is_port_busy = brain_is_port_busy,
		.look = brain_look,
	};
	struct err e = ERR_INIT;
	struct keeper_msg m;
	int64_t remembered = 0;
	bool is_stopped = b->recovery->is_stopped;

	(void)json_int(json_get(b->recovery->state, "seq"), &b->past.last_seq);
	launch_envs_from_json(&b->launch_envs, json_get(b->recovery->state, "callers"));
	b->herd = herd_remembered(b, &options);
	open_past(b);
	remembered = (int64_t)herd_counts(b->herd).processes;
	for (size_t i = 0; i < b->recovery->found.len; i++)
		adopt_found(b, b->recovery->found.items[i]);
	b->daemon.lost = remembered > b->daemon.adopted ? remembered - b->daemon.adopted : 0;
	open_pipes(b);
	adopt_notify(b);
	if (b->options.ready(b->options.context, b, &e) < 0) {
		/* A brain that clients cannot reach must not act: the keeper starts another one, and the command that waits for the first gets this error. */
		log_error("%s", e.text.ptr);
		err_release(&e);
		brain_leave(b);
		return;
	}
	recovery_free(b->recovery);
	b->recovery = NULL;
	herd_resume(b->herd, clock_ms());
	gates_sweep(b->gates);
	saver_changed(b->saver);
	keeper_msg_init(&m, KEEPER_SERVES);
	(void)keeper_client_send(b->keeper, &m, -1);
	if (is_stopped)
		brain_shut_down(b);
}

/* --- pipes whose files were deleted --- */

static char *held_pipe_path(const struct brain *b, const char *held)
{
	char *folder = path_join(b->options.dirs->run, "pipes");
	char *path = log_held_path(folder, held);

	mem_free(folder);
	return path;
}

void recovery_take_pipe(struct brain *b, const char *held, int *fd)
{
	char *path = held_pipe_path(b, held);

	if (path)
		fifo_give(path, fd);
	mem_free(path);
}

/* Those who write to them write on; the keeper has an end of each. */
static void ask_for_pipes(struct brain *b)
{
	const char *held = NULL;
	size_t i = 0;

	VEC_EACH (&b->recovery->held, i, held) {
		char *path = held_pipe_path(b, held);

		if (path && !file_exists(path))
			b->recovery->pipes_due +=
				keeper_client_tell_name(b->keeper, KEEPER_GET, held, -1) == 0;
		mem_free(path);
	}
	if (!b->recovery->pipes_due)
		find_feet(b);
}

/* An answer, be it that there is none. */
static void take_answer(struct brain *b)
{
	if (b->recovery->pipes_due && --b->recovery->pipes_due == 0)
		find_feet(b);
}

void recovery_message(struct brain *b, const struct keeper_msg *m)
{
	switch (m->kind) {
	case KEEPER_HELLO:
		take_hello(b, m);
		break;
	case KEEPER_SLOT:
		keeper_found_slot(&b->recovery->found, m);
		break;
	case KEEPER_EXITED:
	case KEEPER_SPAWN_FAILED:
	case KEEPER_TREE_GONE:
	case KEEPER_ASKED:
		keeper_found_more(&b->recovery->found, m);
		break;
	case KEEPER_HELD:
		if (b->recovery->pipes_due) {
			take_answer(b);
			break;
		}
		vec_push(&b->recovery->held, mem_strdup(m->name));
		break;
	case KEEPER_SYNCED:
		ask_for_pipes(b);
		break;
	case KEEPER_SIGNALLED:
		b->recovery->is_stopped |= m->signal == SIGTERM;
		break;
	case KEEPER_ERROR:
		log_error("the keeper says: %s", m->words);
		/* A failed assertion of its own answers nothing. */
		if (m->number != ENOTRECOVERABLE)
			take_answer(b);
		break;
	default:
		break;
	}
}

/* --- before it: can this build continue from what is on the disk? --- */

int brain_check_state(const char *folder, struct err *e)
{
	static const struct herd_effects none;
	const struct herd_options options = { .effects = &none, .seed = 1, .cpus = 1 };
	char *path = path_join(folder, "state");
	struct json *state = NULL;
	struct herd *h = NULL;
	int rc = store_peek(path, &state, e);

	if (rc == 0 && json_get(state, "herd")) {
		h = herd_from_json(json_get(state, "herd"), &options, 0, e);
		rc = h ? 0 : err_prefix(e, "'%s'", path);
	}
	herd_free(h);
	json_free(state);
	mem_free(path);
	return rc;
}

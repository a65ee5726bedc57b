#include "spawn/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/signal_name.h"
#include "base/vec.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/fd.h"
#include "spawn/capture.h"
#include "spawn/keeper_client.h"
#include "spawn/launch.h"

/*
 * Their generations are above those of every instance, and start anew with each brain where no earlier one has been: at the microsecond since the
 * machine started.
 */
static const uint64_t GENERATION_FIRST = UINT64_C(1) << 62;

enum {
	UNKILLABLE_MS = 2000, /* after SIGKILL; then the run ends without its process */
};

enum run_state {
	RUN_WAITING, /* for its turn */
	RUN_FAILED,  /* could not be asked for; told soon */
	RUN_ASKED,
	RUN_UP,
	RUN_ENDING, /* the main process ended, its tree did not yet */
	RUN_TOLD,   /* or cancelled: only there until nothing is left of it */
};

struct run {
	struct runner *runner;
	enum run_state state;
	uint64_t generation;
	uint32_t slot;
	run_done done;
	void *context;
	/* The request, until it was asked for; `program`, `folder` and `user` also for words. */
	struct command command;
	struct env env, said;
	char *name, *folder, *user, *group;
	int umask;
	int64_t timeout_ms;
	ev_timer due;
	struct capture out;
	bool is_killed, is_late;
	int status;
	int number; /* of what kept it from starting */
	struct buf words;
};

struct runner {
	struct ev_loop *loop;
	struct keeper_client *parent;
	struct map runs;    /* generation -> struct run *, those that the keeper knows */
	struct vec waiting; /* of struct run *, in order */
	struct vec failed;  /* of struct run * */
	ev_timer soon;      /* tells of those that failed */
	uint64_t last_generation;
	uint32_t last_slot;
};

static struct ticket run_ticket(const struct run *run)
{
	return (struct ticket){ .slot = run->slot, .generation = run->generation };
}

static struct run *find_run_by(const struct runner *r, uint64_t generation)
{
	return map_get_n(&r->runs, (const char *)&generation, sizeof(generation));
}

static void run_free(void *item)
{
	struct run *run = item;

	capture_release(&run->out);
	ev_timer_stop(run->runner->loop, &run->due);
	command_release(&run->command);
	env_release(&run->env);
	env_release(&run->said);
	buf_release(&run->words);
	mem_free(run->name);
	mem_free(run->folder);
	mem_free(run->user);
	mem_free(run->group);
	mem_free(run);
}

/* --- its end ------------------------------------------------------------------------------------------------------- */

static void start_waiting(struct runner *r);

static void add_exit_words(int status, struct buf *out)
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	const char *name = signal_name(signal);

	if (name)
		buf_addf(out, "killed by %s", name);
	else if (signal)
		buf_addf(out, "killed by signal %d", signal);
	else
		buf_addf(out, "exit code %d", WEXITSTATUS(status));
}

static void late_words(const struct run *run, struct buf *out)
{
	buf_addf(out, "no end within %.10g s", (double)run->timeout_ms / 1000);
	if (run->state != RUN_ENDING)
		buf_adds(out, ", and SIGKILL did not end it either");
}

/* Called once; the callback may start or cancel other runs, and free `context`. */
static void report_run(struct run *run, enum run_end end)
{
	struct run_result result = { .end = end, .number = run->number };
	run_done done = run->done;

	run->done = NULL;
	if (!done)
		return;
	if (end == RUN_EXITED) {
		result.code = WIFEXITED(run->status) ? WEXITSTATUS(run->status) : 0;
		result.signal = WIFSIGNALED(run->status) ? WTERMSIG(run->status) : 0;
		add_exit_words(run->status, &run->words);
	} else if (end == RUN_TIMED_OUT) {
		result.is_unkillable = run->state != RUN_ENDING;
		late_words(run, &run->words);
	}
	result.words = run->words.ptr;
	result.tail = capture_tail(&run->out, &result.tail_len);
	done(run->context, &result);
}

/* The keeper has nothing of it any more. */
static void end_run(struct run *run, enum run_end how)
{
	struct runner *r = run->runner;

	(void)keeper_client_tell(r->parent, KEEPER_FORGET, run_ticket(run));
	map_remove_n(&r->runs, (const char *)&run->generation, sizeof(run->generation));
	capture_close(&run->out);
	report_run(run, how);
	run_free(run);
	start_waiting(r);
}

static void kill_run(struct run *run)
{
	struct runner *r = run->runner;

	ev_timer_stop(r->loop, &run->due);
	run->is_killed = true;
	(void)keeper_client_tell(r->parent, KEEPER_KILL_TREE, run_ticket(run));
	ev_now_update(r->loop);
	ev_timer_set(&run->due, UNKILLABLE_MS / 1000.0, 0);
	ev_timer_start(r->loop, &run->due);
}

static void on_run_due(struct ev_loop *loop, ev_timer *w, int events)
{
	struct run *run = w->data;

	(void)loop;
	(void)events;
	if (!run->is_killed) {
		run->is_late = true;
		kill_run(run);
		return;
	}
	/* Nobody waits for what not even SIGKILL ends; it is forgotten when it does end. */
	capture_close(&run->out);
	report_run(run, run->is_late ? RUN_TIMED_OUT : RUN_EXITED);
	run->state = RUN_TOLD;
}

/* --- its beginning --------------------------------------------------------------------------------------------------- */

static void fail_run(struct run *run, const struct err *e)
{
	struct runner *r = run->runner;

	buf_adds(&run->words, e->text.ptr);
	run->number = e->number;
	run->state = RUN_FAILED;
	capture_close(&run->out);
	vec_push(&r->failed, run);
	ev_timer_stop(r->loop, &r->soon);
	ev_timer_set(&r->soon, 0, 0);
	ev_timer_start(r->loop, &r->soon);
}

static void on_soon(struct ev_loop *loop, ev_timer *w, int events)
{
	struct runner *r = w->data;

	(void)loop;
	(void)events;
	while (r->failed.len) {
		struct run *run = vec_remove(&r->failed, 0);

		report_run(run, RUN_NOT_STARTED);
		run_free(run);
	}
	start_waiting(r);
}

static void add_output(struct keeper_spawn *spawn)
{
	for (int target = STDOUT_FILENO; target <= STDERR_FILENO; target++)
		spawn->descriptors[spawn->descriptor_count++] = (struct keeper_descriptor){
			.target = target,
			.from = KEEPER_FROM_SENT,
			.name = "",
		};
}

static int send_spawn(struct run *run, int out, struct err *e)
{
	struct launch launch;
	struct keeper_msg *m = &launch.message;
	int rc = 0;

	launch_init(&launch);
	m->serial = run->generation;
	m->ticket = (struct keeper_ticket){ .slot = run->slot, .generation = run->generation };
	m->name = run->name;
	m->spawn.umask = run->umask;
	rc = launch_user(&launch, run->user, run->group, &run->said, &run->env, e);
	if (rc == 0) {
		launch_words(&launch, &run->command, &run->env, run->folder);
		add_output(&m->spawn);
		rc = launch_check_size(&launch, e);
		if (rc == 0 && keeper_client_send(run->runner->parent, m, out) < 0)
			rc = err_set(e, "the keeper does not take it; see the daemon's log");
	}
	launch_release(&launch);
	return rc;
}

static void ask_spawn(struct run *run)
{
	struct runner *r = run->runner;
	struct err e = ERR_INIT;
	int out = -1;

	run->slot = ++r->last_slot;
	run->generation = ++r->last_generation;
	if (capture_open(&run->out, &out, &e) < 0 || send_spawn(run, out, &e) < 0) {
		fail_run(run, &e);
	} else {
		run->state = RUN_ASKED;
		map_put_n(&r->runs, (const char *)&run->generation, sizeof(run->generation), run);
	}
	fd_close(&out);
	err_release(&e);
}

static void start_waiting(struct runner *r)
{
	while (r->waiting.len && r->runs.len < RUNS_MAX)
		ask_spawn(vec_remove(&r->waiting, 0));
}

/* --- what the keeper says ------------------------------------------------------------------------------------------- */

static void take_spawned(struct run *run)
{
	struct runner *r = run->runner;

	if (run->state != RUN_ASKED)
		return;
	run->state = RUN_UP;
	if (!run->timeout_ms)
		return;
	ev_now_update(r->loop);
	ev_timer_set(&run->due, (double)run->timeout_ms / 1000, 0);
	ev_timer_start(r->loop, &run->due);
}

static void take_failure(struct run *run, const struct keeper_msg *m)
{
	if (m->stage == KEEPER_STAGE_EXEC)
		buf_addf(&run->words, "cannot execute '%s'", run->command.argv[0]);
	else if (m->stage == KEEPER_STAGE_FOLDER)
		buf_addf(&run->words, "cannot enter the folder '%s'", run->folder);
	else if (m->stage == KEEPER_STAGE_USER && run->user)
		buf_addf(&run->words, "cannot become user '%s'", run->user);
	else
		buf_adds(&run->words, keeper_spawn_stage_words((enum keeper_spawn_stage)m->stage));
	run->number = (int)m->number;
	buf_addf(&run->words, ": %s", strerror(run->number));
	end_run(run, RUN_NOT_STARTED);
}

static void take_run_exited(struct run *run, const struct keeper_msg *m)
{
	run->status = (int)m->status;
	if (run->state != RUN_TOLD)
		run->state = RUN_ENDING;
	if (!run->is_killed)
		kill_run(run);
}

/* The answer to a spawn that could not even begin; to anything else an error is no news. */
static void take_spawn_error(struct runner *r, const struct keeper_msg *m)
{
	struct run *run = find_run_by(r, m->about);

	if (!run || (run->state != RUN_ASKED && run->state != RUN_TOLD) || m->number == ESRCH)
		return;
	run->number = (int)m->number;
	buf_adds(&run->words, m->words);
	end_run(run, RUN_NOT_STARTED);
}

static void take_keeper_msg(struct run *run, const struct keeper_msg *m)
{
	switch (m->kind) {
	case KEEPER_SPAWNED:
		take_spawned(run);
		break;
	case KEEPER_SPAWN_FAILED:
		take_failure(run, m);
		break;
	case KEEPER_EXITED:
		take_run_exited(run, m);
		break;
	case KEEPER_TREE_GONE:
		end_run(run, run->is_late ? RUN_TIMED_OUT : RUN_EXITED);
		break;
	default:
		break;
	}
}

/* Of an earlier brain, or the last word about one that is forgotten here. */
static void take_leftover(struct runner *r, const struct keeper_msg *m)
{
	if (m->kind == KEEPER_SLOT)
		(void)keeper_client_tell(r->parent, KEEPER_KILL_TREE, keeper_client_ticket(m));
	else if (m->kind == KEEPER_TREE_GONE)
		(void)keeper_client_tell(r->parent, KEEPER_FORGET, keeper_client_ticket(m));
}

bool runner_takes(struct runner *r, const struct keeper_msg *m)
{
	struct run *run = NULL;

	if (m->kind == KEEPER_ERROR) {
		if (m->about < GENERATION_FIRST)
			return false;
		take_spawn_error(r, m);
		return true;
	}
	if (m->ticket.slot < RUN_SLOT_FIRST)
		return false;
	run = find_run_by(r, m->ticket.generation);
	if (run)
		take_keeper_msg(run, m);
	else
		take_leftover(r, m);
	return true;
}

/* --- life -------------------------------------------------------------------------------------------------------------- */

struct runner *runner_new(struct ev_loop *loop, struct keeper_client *parent)
{
	struct runner *r = mem_zalloc(1, sizeof(*r));

	r->loop = loop;
	r->parent = parent;
	r->last_slot = RUN_SLOT_FIRST;
	r->last_generation = GENERATION_FIRST + (uint64_t)clock_us();
	ev_timer_init(&r->soon, on_soon, 0, 0);
	r->soon.data = r;
	return r;
}

void runner_free(struct runner *r)
{
	if (!r)
		return;
	ev_timer_stop(r->loop, &r->soon);
	map_release_with(&r->runs, run_free);
	vec_release_with(&r->waiting, run_free);
	vec_release_with(&r->failed, run_free);
	mem_free(r);
}

struct run *run_start(struct runner *r, const struct run_request *request, run_done done, void *context)
{
	struct run *run = mem_zalloc(1, sizeof(*run));

	*run = (struct run){
		.runner = r,
		.done = done,
		.context = context,
		.name = mem_strdup(request->name),
		.folder = mem_strdup(request->folder),
		.user = mem_strdup(request->user),
		.group = mem_strdup(request->group),
		.umask = request->umask,
		.timeout_ms = request->timeout_ms,
		.words = BUF_INIT,
	};
	command_copy(&run->command, request->command);
	if (request->env)
		env_copy(&run->env, request->env);
	if (request->said)
		env_copy(&run->said, request->said);
	ev_timer_init(&run->due, on_run_due, 0, 0);
	capture_init(&run->out, r->loop);
	run->due.data = run;
	vec_push(&r->waiting, run);
	start_waiting(r);
	return run;
}

void run_cancel(struct run *run)
{
	if (!run)
		return;
	run->done = NULL;
	if (run->state == RUN_WAITING || run->state == RUN_FAILED) {
		vec_drop(&run->runner->waiting, run);
		vec_drop(&run->runner->failed, run);
		run_free(run);
		return;
	}
	capture_close(&run->out);
	run->state = RUN_TOLD;
	if (!run->is_killed)
		kill_run(run);
}

/*
 * What a rollout looks like from outside: events for progress, and the words of status.
 */
#include "base/assert.h"
#include "herd/deploy.h"
#include "view/wait_text.h"

static void count_steps(const struct app *a, int *done)
{
	size_t k = 0;
	const struct instance *i = NULL;

	*done = 0;
	VEC_EACH (&a->instances, k, i) {
		*done += !instance_is_spare(i) && !instance_is_retired(i) && i->number < a->rollout->count &&
			i->revision == a->target && !i->takes_target &&
			(i->trial == TRIAL_PROVEN || !instance_is_wanted(i));
	}
	ASSERT(*done >= 0 && (size_t)*done <= a->instances.len, "%s has done %d of %zu", a->spec->name, *done,
		a->instances.len);
}

static struct herd_event event_of(const struct app *a)
{
	const struct rollout *r = a->rollout;

	ASSERT(r, "%s tells of a rollout that is not there", a->spec->name);
	return (struct herd_event){
		.kind = HERD_EVENT_ROLLOUT,
		.app = a->spec->name,
		.instance = -1,
		.delay_ms = -1,
		.phase = rollout_phase_word(r->phase),
		.revision = r->to->number,
		.done = r->published_done,
		.total = r->count,
		.elapsed_ms = a->herd->now - r->began_at,
	};
}

/* The lines of an instance that failed stand below the verdict. */
static void tell_verdict(struct app *a, const struct wait_result *verdict)
{
	struct herd_event event = event_of(a);
	struct buf lines = BUF_INIT;

	ASSERT(verdict->reason, "%s ends, and nothing says how", a->spec->name);
	failure_lines_text(verdict->reason, verdict->lines, &lines);
	event.step = "over";
	event.why = verdict->reason;
	event.lines = lines.len ? lines.ptr : NULL;
	herd_publish(a->herd, &event);
	buf_release(&lines);
}

static void tell_phase(struct app *a)
{
	struct herd_event event = event_of(a);
	const struct rollout *r = a->rollout;
	bool is_abort = r->phase == ROLLOUT_BACK && r->is_aborted;
	struct reason phase = {
		.kind = REASON_DEPLOY_PHASE,
		.text = is_abort ? "aborted; rolling back" : rollout_phase_about(r->phase),
	};

	if (r->phase == ROLLOUT_BACK || r->phase == ROLLOUT_HALTED) {
		phase.verb = rollout_kind_word(r->kind);
		phase.revision = r->to->number;
		phase.cause = r->why ? r->why : &REASON_OF(NO_PROGRESS);
	}
	event.why = &phase;
	herd_publish(a->herd, &event);
}

void rollout_tell(struct app *a, const struct wait_result *verdict)
{
	count_steps(a, &a->rollout->published_done);
	if (verdict)
		tell_verdict(a, verdict);
	else
		tell_phase(a);
}

struct wait_result *rollout_pause_result(struct rollout *r)
{
	const char *name = r->app->spec->name;

	count_steps(r->app, &r->published_done);
	return wait_result_new(name, true,
		&REASON_OF(DEPLOY_PAUSED, .app = name, .running = r->published_done, .count = r->count,
			.revision = r->to->number),
		NULL);
}

static enum rollout_step step_down(const struct instance *i)
{
	ASSERT_OF(i, instance_is_retired(i) || i->takes_target, "stays, and is said to go");
	if (i->state == STATE_STOPPING || i->phase == PHASE_LEFTOVERS)
		return ROLLOUT_STEP_STOPS;
	if (i->drain == DRAIN_DRAINING)
		return ROLLOUT_STEP_DRAINS;
	/* What serves is taken out of the upstream, or of its gate at once, before its stop signal. */
	if (i->drain != DRAIN_REMOVING && !instance_leaves_first(i))
		return ROLLOUT_STEP_STOPS;
	return instance_gate(i) && !instance_leaves_proxy(i) ? ROLLOUT_STEP_DRAINS : ROLLOUT_STEP_LEAVES;
}

static enum rollout_step step_of(const struct instance *i)
{
	if (instance_is_retired(i) || i->takes_target)
		return step_down(i);
	if (i->revision != i->app->target)
		return ROLLOUT_STEP_WAITS;
	if (i->trial == TRIAL_FAILED)
		return ROLLOUT_STEP_FAILED;
	if (i->trial == TRIAL_PROVEN)
		return ROLLOUT_STEP_DONE;
	return instance_is_ready(i) ? ROLLOUT_STEP_PROVES : ROLLOUT_STEP_STARTS;
}

static void tell_step(struct instance *i, enum rollout_step step, const struct reason *why)
{
	struct app *a = i->app;
	struct herd_event event = event_of(a);

	ASSERT_OF(i, a->rollout, "tells of a rollout that is not there");
	i->published_step = step;
	event.instance = i->number;
	event.from = i->state;
	event.to = i->state;
	event.pid = i->pid;
	event.step = rollout_step_word(step);
	event.why = why;
	event.is_spare = instance_is_spare(i);
	herd_publish(a->herd, &event);
}

void rollout_tell_steps(struct app *a)
{
	count_steps(a, &a->rollout->published_done);
	for (size_t k = 0; k < a->instances.len; k++) {
		struct instance *i = a->instances.items[k];
		enum rollout_step step = step_of(i);

		if (step != i->published_step)
			tell_step(i, step, step == ROLLOUT_STEP_FAILED ? i->why : NULL);
	}
}

void rollout_status(const struct app *a, struct rollout_status *out)
{
	const struct rollout *r = a->rollout;

	ASSERT(r, "%s has no rollout to report", a->spec->name);
	*out = (struct rollout_status){
		.phase = rollout_phase_word(r->phase),
		.kind = rollout_kind_word(r->kind),
		.from = a->current->number,
		.to = r->to->number,
		.total = r->count,
		.elapsed_ms = a->herd->now - r->began_at,
		.why = r->why,
		.lines = r->lines,
	};
	count_steps(a, &out->done);
}

void rollout_tell_gone(struct instance *i)
{
	tell_step(i, ROLLOUT_STEP_GONE, NULL);
}

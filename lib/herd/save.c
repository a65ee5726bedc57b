/*
 * The herd as JSON.  Times become ages and remaining times, so that they mean something to a later brain whatever its clock says.
 */
#include "base/json.h"
#include "base/json_emit.h"
#include "herd/deploy.h"
#include "herd/receipt.h"
#include "view/reason_text.h"
#include "view/wait_text.h"

/* Zero is what is read back where nothing is written. */
static void set_int(struct buf *out, const char *key, int64_t value)
{
	if (value)
		emit_int(out, key, value);
}

static void set_remaining(struct buf *out, const char *key, const char *kind, int64_t ms)
{
	emit_open(out, key, '{');
	emit_string(out, "kind", kind);
	emit_int(out, "ms", ms > 0 ? ms : 0);
	emit_close(out, '}');
}

static void set_timer(struct buf *out, const char *key, const struct timer *timer, int64_t now)
{
	if (timer_is_armed(timer))
		set_remaining(out, key, timer_word((enum timer_kind)timer->kind), timer->at - now);
}

static void set_history(struct buf *out, const struct restart_history *history, int64_t now)
{
	if (!history)
		return;
	set_int(out, "crashes", history->crashes);
	set_int(out, "limits", history->limits);
	if (!history->recent_len)
		return;
	emit_open(out, "recent", '[');
	for (size_t k = 0; k < history->recent_len; k++) {
		/* Oldest first, whatever the ring looks like inside. */
		size_t at = (history->recent_at + RESTART_HISTORY_MAX - history->recent_len + k) %
			RESTART_HISTORY_MAX;

		emit_int(out, NULL, now - history->recent[at]);
	}
	emit_close(out, ']');
}

static void set_exit(struct buf *out, const struct last_exit *end)
{
	if (!end->is_known)
		return;
	emit_open(out, "last_exit", '{');
	emit_int(out, "code", end->code);
	emit_int(out, "signal", end->signal);
	emit_int(out, "at", end->at_ms);
	emit_close(out, '}');
}

static void set_flag(struct buf *out, const char *key, bool is)
{
	if (is)
		emit_bool(out, key, true);
}

/* As they were called when each was a member of its own. */
static void write_flags(const struct instance *i, struct buf *out)
{
	set_flag(out, "wants_up", i->wants_up);
	set_flag(out, "is_retired", instance_is_retired(i));
	set_flag(out, "has_ended", i->has_ended);
	set_flag(out, "is_restarting", instance_is_restarting(i));
	set_flag(out, "is_spare", instance_is_spare(i));
	set_flag(out, "takes_target", i->takes_target);
	set_flag(out, "is_pulled", i->down_cause == DOWN_PULLED);
	set_flag(out, "is_proven", i->trial == TRIAL_PROVEN);
	set_flag(out, "is_trusted", instance_is_trusted(i));
	set_flag(out, "has_failed", i->trial == TRIAL_FAILED);
	set_flag(out, "is_failing",
		i->down_cause == DOWN_FAILING || (i->down_cause == DOWN_LIMIT && !instance_is_restarting(i)));
	set_flag(out, "was_delayed", i->was_delayed);
	set_flag(out, "is_unkillable", i->is_unkillable);
	set_flag(out, "has_place", i->health_slot == HEALTH_SLOT_HELD);
}

/* The words are for builds that know nothing else. */
static void set_reason(struct buf *out, const char *words_key, const char *key, const struct reason *why)
{
	struct buf words = BUF_INIT;

	if (!why)
		return;
	reason_text(why, &words);
	emit_string(out, words_key, words.ptr);
	if (why->kind != REASON_OTHER)
		reason_write(why, key, NULL, out);
	buf_release(&words);
}

static void write_instance(const struct instance *i, struct buf *out)
{
	int64_t now = i->app->herd->now;

	emit_open(out, NULL, '{');
	if (i->gone_at != INT64_MIN)
		emit_int(out, "gone_ms", now - i->gone_at);
	emit_int(out, "number", i->number);
	emit_int(out, "slot", i->slot);
	emit_int(out, "generation", (int64_t)i->generation);
	emit_string(out, "state", state_word(i->state));
	/* Builds that do not know that phase take it for a delay of its own. */
	emit_string(out, "phase", phase_word(i->phase == PHASE_STAGGERED ? PHASE_DELAYED : i->phase));
	set_flag(out, "is_staggered", i->phase == PHASE_STAGGERED);
	set_int(out, "port", i->port);
	emit_int(out, "revision", i->revision->number);
	set_int(out, "pid", i->pid);
	emit_int(out, "started_ms", now - i->started_at);
	if (i->ready_at)
		emit_int(out, "ready_ms", now - i->ready_at);
	if (i->health != HEALTH_NONE)
		emit_string(out, "health", health_word(i->health));
	if (i->well_since)
		emit_int(out, "well_ms", now - i->well_since);
	set_int(out, "delay_ms", i->delay_ms);
	set_int(out, "restarts", i->restarts);
	set_int(out, "start_by", i->start_by);
	if (i->drain != DRAIN_NONE)
		emit_string(out, "leave", drain_step_word(i->drain));
	write_flags(i, out);
	if (i->phase == PHASE_STAGGERED)
		set_remaining(out, "life", timer_word(TIMER_DELAY), i->turn_at - now);
	else
		set_timer(out, "life", &i->life, now);
	/* A key of its own: builds that do not know that kind of timer end what is left at once. */
	set_timer(out, i->tree.kind == TIMER_GRACE ? "grace" : "tree", &i->tree, now);
	set_history(out, i->history, now);
	set_reason(out, "over", "over_reason", i->limit_reason);
	set_exit(out, &i->last_exit);
	set_reason(out, "why", "reason", i->why);
	emit_close(out, '}');
}

/* The members; the brackets are the caller's. */
static void write_revision(const struct revision *r, struct buf *out)
{
	struct json *spec = spec_to_json(r->spec);
	struct buf text = BUF_INIT;

	json_write(&text, spec);
	emit_text(out, "app", text.ptr, text.len);
	emit_int(out, "revision", r->number);
	set_int(out, "caller", r->caller);
	emit_int(out, "port_source", r->port_source);
	emit_open(out, "ports", '[');
	for (int k = 0; k < r->ports_len; k++)
		emit_int(out, NULL, r->ports[k]);
	emit_close(out, ']');
	if (r->build)
		build_write(r->build, "build", out);
	if (r->is_pinned)
		emit_bool(out, "is_pinned", true);
	if (r->is_held)
		emit_bool(out, "is_held", true);
	buf_release(&text);
	json_free(spec);
}

static void add_revision(const struct app *a, struct vec *list, const struct revision *r)
{
	size_t i = 0;
	const struct revision *known = NULL;

	if (!r || r == a->current)
		return;
	VEC_EACH (list, i, known) {
		if (known == r)
			return;
	}
	vec_push(list, (void *)r);
}

/* Those that the app or an instance refers to, but the current one. */
static void write_revisions(const struct app *a, struct buf *out)
{
	struct vec list = VEC_INIT;
	size_t k = 0;
	const struct instance *i = NULL;

	emit_open(out, "revisions", '[');
	add_revision(a, &list, a->target);
	add_revision(a, &list, a->previous);
	if (a->rollout)
		add_revision(a, &list, a->rollout->to);
	for (k = 0; k < a->instances.len; k++)
		add_revision(a, &list, ((const struct instance *)a->instances.items[k])->revision);
	VEC_EACH (&a->herd->gone, k, i) {
		if (i->app == a)
			add_revision(a, &list, i->revision);
	}
	for (k = 0; k < list.len; k++) {
		emit_open(out, NULL, '{');
		write_revision(list.items[k], out);
		emit_close(out, '}');
	}
	emit_close(out, ']');
	vec_release(&list);
}

/* The words are for version 0.1.0. */
static void write_failure(const struct rollout *r, struct buf *out)
{
	struct buf words = BUF_INIT;

	failure_text(r->why, r->lines, &words);
	emit_string(out, "failure", words.ptr);
	if (r->why)
		reason_write(r->why, "failure_reason", NULL, out);
	if (r->lines)
		emit_string(out, "failure_lines", r->lines);
	buf_release(&words);
}

/* The same. */
static void write_verdict(const struct wait_result *verdict, struct buf *out)
{
	struct buf words = BUF_INIT;

	wait_result_text(verdict, &words);
	emit_string(out, "verdict", words.ptr);
	emit_bool(out, "is_verdict_ok", verdict->is_ok);
	wait_result_write(verdict, "verdict_result", out);
	buf_release(&words);
}

static void write_rollout(const struct rollout *r, struct buf *out)
{
	int64_t now = r->app->herd->now;

	emit_open(out, "rollout", '{');
	emit_int(out, "number", (int64_t)r->number);
	emit_string(out, "phase", rollout_phase_word(r->phase));
	emit_int(out, "kind", r->kind);
	emit_int(out, "to", r->to->number);
	emit_int(out, "count", r->count);
	emit_int(out, "back_count", r->back_count);
	emit_int(out, "back_scaled", r->back_scaled);
	emit_bool(out, "is_told_on", r->is_continued);
	emit_bool(out, "is_aborted", r->is_aborted);
	emit_int(out, "began_ms", now - r->began_at);
	emit_int(out, "progress_ms", now - r->progress_at);
	write_failure(r, out);
	if (r->auto_surge >= 0)
		emit_int(out, "auto_surge", r->auto_surge);
	emit_close(out, '}');
}

static void write_gone(const struct app *a, struct buf *out)
{
	size_t k = 0;
	const struct instance *i = NULL;
	bool has_any = false;

	VEC_EACH (&a->herd->gone, k, i) {
		if (i->app != a)
			continue;
		if (!has_any)
			emit_open(out, "gone", '[');
		has_any = true;
		write_instance(i, out);
	}
	if (has_any)
		emit_close(out, ']');
}

static void write_start(const struct stagger_start *start, const char *key, int64_t now, struct buf *out)
{
	if (!start->slot)
		return;
	emit_open(out, key, '{');
	emit_int(out, "slot", start->slot);
	emit_int(out, "ms", now - start->at);
	emit_close(out, '}');
}

/* Who has started, so that the next brain keeps the others away from that. */
static void write_starts(const struct app *a, struct buf *out)
{
	if (a->starts.first)
		start_queue_plan(a);
	if (!a->spec->stagger_ms)
		return;
	write_start(&a->starts.stagger.other, "start_before", a->herd->now, out);
	write_start(&a->starts.stagger.last, "start_last", a->herd->now, out);
}

static void write_app(const struct app *a, struct buf *out)
{
	emit_open(out, NULL, '{');
	write_starts(a, out);
	write_revision(a->current, out);
	emit_int(out, "count", a->count);
	emit_int(out, "scaled", a->scaled);
	emit_bool(out, "wants_up", a->wants_up);
	emit_bool(out, "is_leaving", a->is_deleting);
	emit_int(out, "arrival", (int64_t)a->arrival);
	emit_int(out, "target", a->target->number);
	set_int(out, "gate", a->gate);
	if (a->previous)
		emit_int(out, "previous", a->previous->number);
	if (a->rollout)
		write_rollout(a->rollout, out);
	if (a->verdict)
		write_verdict(a->verdict, out);
	emit_int(out, "last_revision", a->last_revision);
	write_revisions(a, out);
	emit_open(out, "instances", '[');
	for (size_t k = 0; k < a->instances.len; k++)
		write_instance(a->instances.items[k], out);
	emit_close(out, ']');
	write_gone(a, out);
	emit_close(out, '}');
}

void herd_write(const struct herd *h, struct buf *out)
{
	emit_open(out, NULL, '{');
	emit_int(out, "version", 1);
	emit_int(out, "now", h->now);
	emit_int(out, "generation", (int64_t)h->last_generation);
	emit_int(out, "slot", h->last_slot);
	emit_int(out, "rollouts", (int64_t)h->last_rollout);
	emit_open(out, "apps", '[');
	for (size_t k = 0; k < h->apps.len; k++)
		write_app(h->apps.items[k], out);
	emit_close(out, ']');
	receipts_write(h, out);
	emit_close(out, '}');
}

struct json *herd_to_json(const struct herd *h)
{
	struct buf text = BUF_INIT;
	struct json *j = NULL;

	herd_write(h, &text);
	j = json_parse(text.ptr, text.len, text.len, NULL);
	buf_release(&text);
	return j;
}

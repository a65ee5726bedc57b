#include "view/progress.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/event_record.h"
#include "view/human.h"
#include "view/list.h"
#include "view/table.h"

enum { BAR_WIDTH = 20 };

struct progress_slot {
	int number;
	bool is_spare, is_gone;
	char *step, *state;
	int64_t since;
};

struct progress_app {
	char *name, *about;
	int revision, done, total;
	int64_t begun_at; /* on the caller's clock */
	bool is_over;
	struct vec slots; /* of struct progress_slot *, by number */
};

static void slot_free(void *slot)
{
	struct progress_slot *s = slot;

	mem_free(s->step);
	mem_free(s->state);
	mem_free(s);
}

static void progress_app_free(void *app)
{
	struct progress_app *a = app;

	vec_release_with(&a->slots, slot_free);
	mem_free(a->name);
	mem_free(a->about);
	mem_free(a);
}

void progress_release(struct progress *p)
{
	vec_release_with(&p->apps, progress_app_free);
}

static void set_text(char **place, const char *text)
{
	if (!text)
		return;
	mem_free(*place);
	*place = mem_strdup(text);
}

static bool is_rollout(const struct event_record *event)
{
	return str_eq(event->kind, "rollout");
}

/* --- what is known ------------------------------------------------------------------------------------------------------ */

static struct progress_app *app_of(struct progress *p, const struct event_record *event, int64_t now)
{
	const char *name = event->app;
	struct progress_app *a = NULL;
	size_t i = 0;

	if (!name)
		return NULL;
	VEC_EACH (&p->apps, i, a) {
		if (str_eq(a->name, name))
			return a;
	}
	/* Only what is rolled out is shown. */
	if (!is_rollout(event))
		return NULL;
	a = mem_zalloc(1, sizeof(*a));
	a->name = mem_strdup(name);
	a->begun_at = now - event->elapsed_ms;
	vec_push(&p->apps, a);
	return a;
}

static struct progress_slot *progress_slot_of(struct progress *p, struct progress_app *a, int number)
{
	struct progress_slot *s = NULL;
	size_t at = 0;

	VEC_EACH (&a->slots, at, s) {
		if (s->number == number)
			return s;
		if (s->number > number)
			break;
	}
	if (p->slots >= PROGRESS_SLOTS_MAX)
		return NULL;
	p->slots++;
	s = mem_zalloc(1, sizeof(*s));
	s->number = number;
	vec_insert(&a->slots, at, s);
	return s;
}

static int revision_of(const struct event_record *event)
{
	return event->revision > 0 ? event->revision : 0;
}

static void hear_app(struct progress_app *a, const struct event_record *event, int64_t now)
{
	a->is_over = str_eq(event->step, "over");
	set_text(&a->about, event->why);
	if (a->revision != revision_of(event))
		a->begun_at = now - event->elapsed_ms;
	a->revision = revision_of(event);
}

void progress_hear(struct progress *p, const struct event_record *event, int64_t now)
{
	struct progress_app *a = app_of(p, event, now);
	int number = event->instance;
	struct progress_slot *s = NULL;

	if (!a)
		return;
	if (is_rollout(event)) {
		a->done = event->done;
		a->total = event->total;
	}
	if (number < 0) {
		if (is_rollout(event))
			hear_app(a, event, now);
		return;
	}
	s = progress_slot_of(p, a, number);
	if (!s)
		return;
	set_text(&s->state, event->to);
	if (!is_rollout(event))
		return;
	s->is_spare = event->is_spare;
	if (!str_eq(s->step, event->step))
		s->since = now;
	set_text(&s->step, event->step);
	s->is_gone = str_eq(s->step, "gone");
}

bool progress_has_any(const struct progress *p)
{
	return p->apps.len > 0;
}

/* The words of events are a promise to programs; these are for people. */
const char *progress_step_label(const char *step)
{
	static const struct {
		const char *step;
		const char *label;
	} labels[] = {
		{ "waits", "waiting" },
		{ "leaves", "removing from upstream" },
		{ "drains", "draining" },
		{ "stops", "stopping" },
		{ "starts", "starting" },
		{ "proves", "checking" },
	};

	for (size_t i = 0; step && i < sizeof(labels) / sizeof(labels[0]); i++)
		if (str_eq(labels[i].step, step))
			return labels[i].label;
	return step ? step : "";
}

/* --- words --------------------------------------------------------------------------------------------------------------- */

static void add_elapsed(struct buf *out, int64_t ms)
{
	buf_addf(out, "%lld.%lld s", (long long)(ms / 1000), (long long)(ms % 1000 / 100));
}

/* What goes wrong on the way is said too; what goes well is a step. */
static bool is_trouble(const struct event_record *event)
{
	const char *on = event->on;

	return str_eq(event->kind, "note") || str_eq(on, "crash") || str_eq(on, "give-up") ||
		str_eq(on, "limit") || str_eq(on, "unhealthy") || str_eq(event->to, "blocked");
}

static void add_progress_line(struct buf *out, const struct event_record *event)
{
	const char *why = event->why;
	int64_t number = event->instance;

	/* `id` is the request's, in a notification about it. */
	human_safe_text(out, event->app);
	if (number >= 0)
		buf_addf(out, ":%lld", (long long)number);
	if (event->is_spare)
		buf_adds(out, " (a spare)");
	buf_adds(out, ": ");
	/* Below the first line stands what the instance wrote last: that is for the end. */
	if (!is_rollout(event))
		human_safe(out, why ? why : "", why ? strcspn(why, "\n") : 0);
	else if (number >= 0)
		human_safe_text(out, progress_step_label(event->step));
	else
		buf_addf(out, "revision %d: %s", revision_of(event), why ? why : event->phase);
}

void progress_line(const struct event_record *event, struct buf *out)
{
	bool is_over = str_eq(event->step, "over");
	struct buf time = BUF_INIT;

	if (!event->app || is_over || (!is_rollout(event) && !is_trouble(event)) ||
		(!is_rollout(event) && !event->why))
		return;
	if (is_rollout(event))
		add_elapsed(&time, event->elapsed_ms);
	buf_addf(out, "%9s  ", time.ptr);
	add_progress_line(out, event);
	buf_addc(out, '\n');
	buf_release(&time);
}

/* --- the picture ---------------------------------------------------------------------------------------------------------- */

static void add_bar(struct buf *out, const struct progress_app *a, bool colour)
{
	int total = a->total > 0 ? a->total : 1;
	int filled = a->done >= total ? BAR_WIDTH : a->done * BAR_WIDTH / total;

	buf_addc(out, '[');
	human_tint(out, TINT_GREEN, colour);
	for (int k = 0; k < filled; k++)
		buf_addc(out, '#');
	human_untint(out, colour);
	for (int k = filled; k < BAR_WIDTH; k++)
		buf_addc(out, '-');
	buf_addc(out, ']');
}

static void render_head(const struct progress_app *a, int64_t now, struct buf *out, size_t width, bool colour)
{
	struct buf text = BUF_INIT;
	size_t used = 0;

	human_tint(out, TINT_BOLD, colour);
	human_safe_text(out, a->name);
	human_untint(out, colour);
	buf_adds(out, "  ");
	add_bar(out, a, colour);
	buf_addf(&text, " %d of %d, revision %d, ", a->done, a->total, a->revision);
	buf_adds(&text, a->is_over ? "over" : a->about ? a->about : "");
	buf_adds(&text, "  ");
	add_elapsed(&text, now - a->begun_at);
	used = strlen(a->name) + 2 + BAR_WIDTH + 2;
	buf_add(out, text.ptr, width > used ? human_fit(text.ptr, width - used) : text.len);
	buf_addc(out, '\n');
	buf_release(&text);
}

static enum tint step_tint(const char *step)
{
	if (str_eq(step, "done"))
		return TINT_GREEN;
	if (str_eq(step, "failed"))
		return TINT_RED;
	return str_eq(step, "waits") ? TINT_DIM : TINT_YELLOW;
}

static void add_slot_row(
	struct table *t, const struct progress_app *a, const struct progress_slot *s, int64_t now)
{
	struct buf time = BUF_INIT;
	const char *step = s->step ? s->step : "waits";

	if (s->step && !str_eq(step, "waits"))
		add_elapsed(&time, now - s->since);
	else
		buf_addc(&time, '-');
	table_cell(t, TINT_NONE, "  %s:%d%s", a->name, s->number, s->is_spare ? " (a spare)" : "");
	table_cell(t, step_tint(step), "%s", progress_step_label(step));
	table_cell(t, TINT_NONE, "%s", time.ptr);
	table_cell(t, list_tint(s->state ? s->state : ""), "%s", s->state ? s->state : "");
	buf_release(&time);
}

void progress_render(const struct progress *p, int64_t now, struct buf *out, size_t width, bool colour)
{
	static const struct table_column columns[] = {
		{ .title = NULL },
		{ .title = NULL },
		{ .title = NULL, .is_right = true },
		{ .title = NULL, .may_shrink = true },
	};
	const struct progress_app *a = NULL;
	const struct progress_slot *s = NULL;
	size_t i = 0;
	size_t k = 0;

	VEC_EACH (&p->apps, i, a) {
		struct table t;

		render_head(a, now, out, width, colour);
		table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
		VEC_EACH (&a->slots, k, s) {
			if (!s->is_gone)
				add_slot_row(&t, a, s, now);
		}
		table_render(&t, out, width, colour);
		table_release(&t);
	}
}

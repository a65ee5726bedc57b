#include "view/list.h"

#include <string.h>

#include "base/str.h"
#include "base/vec.h"
#include "model/snapshot.h"
#include "view/fold.h"
#include "view/table.h"

/* In the order in which the verdict counts what is not ready. */
static const struct {
	const char *state;
	enum tint tint;
} states[] = {
	{ "running", TINT_GREEN },
	{ "starting", TINT_YELLOW },
	{ "unhealthy", TINT_RED },
	{ "blocked", TINT_MAGENTA },
	{ "backoff", TINT_YELLOW },
	{ "crashed", TINT_RED },
	{ "stopping", TINT_YELLOW },
	{ "stopped", TINT_DIM },
	{ "finished", TINT_BLUE },
};
enum { STATES = sizeof(states) / sizeof(states[0]) };

enum tint list_tint(const char *state)
{
	for (size_t i = 0; i < STATES; i++)
		if (str_eq(states[i].state, state))
			return states[i].tint;
	return TINT_NONE;
}

void list_reason(struct buf *out, const char *reason, int64_t next_restart_ms)
{
	if (reason && *reason)
		buf_adds(out, reason);
	if (next_restart_ms < 0)
		return;
	if (reason && *reason)
		buf_adds(out, "; ");
	buf_adds(out, "next start in ");
	human_duration(out, next_restart_ms);
}

static enum tint health_tint(const char *health)
{
	if (str_eq(health, "healthy"))
		return TINT_GREEN;
	return str_eq(health, "unhealthy") ? TINT_RED : TINT_DIM;
}

/* Whole seconds: a table that is drawn again and again is not to flicker. */
static void add_uptime(struct buf *out, int64_t ms)
{
	if (ms < 60000)
		buf_addf(out, "%llds", (long long)(ms / 1000));
	else
		human_duration(out, ms);
}

/* A cell of what may be unknown: then the buf is empty.  Leaves it empty for the next. */
static void cell_or_dash(struct table *t, struct buf *text)
{
	if (text->len)
		table_cell(t, TINT_NONE, "%s", text->ptr);
	else
		table_cell(t, TINT_DIM, "-");
	buf_clear(text);
}

/* Why is a question for `oxctl why`. */
static void add_dropped(struct buf *out, int64_t bytes)
{
	if (bytes <= 0)
		return;
	buf_adds(out, out->len ? "; " : "");
	human_size(out, bytes);
	buf_adds(out, " of its output dropped");
}

static void add_row_ports(const struct fold_row *row, struct buf *out)
{
	int low = 0;
	int high = 0;

	if (!fold_ports(row, &low, &high))
		return;
	buf_addf(out, "%d", low);
	if (high != low)
		buf_addf(out, "-%d", high);
}

/* "api:0  4102  running", or "api:0-31  -  32 running". */
static void add_names(struct table *t, const struct fold_row *row, const struct instance_status *s)
{
	struct buf text = BUF_INIT;

	fold_numbers(row, &text);
	table_cell(t, TINT_NONE, "%s:%s", s->name, text.ptr);
	buf_clear(&text);
	if (s->pid > 0)
		buf_addf(&text, "%lld", (long long)s->pid);
	cell_or_dash(t, &text);
	if (row->members.len > 1)
		buf_addf(&text, "%zu ", row->members.len);
	table_cell(t, list_tint(s->status), "%s%s", text.ptr, s->status);
	buf_release(&text);
}

static void add_figures(struct table *t, const struct fold_row *row, const struct instance_status *s)
{
	struct buf text = BUF_INIT;

	table_cell(t, health_tint(s->health), "%s", str_eq(s->health, "none") ? "-" : s->health);
	add_row_ports(row, &text);
	cell_or_dash(t, &text);
	if (s->uptime_ms >= 0)
		add_uptime(&text, s->uptime_ms);
	cell_or_dash(t, &text);
	table_cell(t, s->restarts ? TINT_NONE : TINT_DIM, "%lld", (long long)s->restarts);
	if (s->cpu_percent >= 0)
		buf_addf(&text, "%.1f%%", s->cpu_percent);
	cell_or_dash(t, &text);
	if (s->memory_bytes >= 0)
		human_size(&text, s->memory_bytes);
	cell_or_dash(t, &text);
	buf_release(&text);
}

static void add_row(struct table *t, const struct fold_row *row, bool has_reasons)
{
	struct instance_status s;
	struct buf text = BUF_INIT;

	fold_sum(row, &s);
	add_names(t, row, &s);
	add_figures(t, row, &s);
	if (has_reasons) {
		list_reason(&text, s.reason.ptr, s.next_restart_ms);
		add_dropped(&text, s.log_dropped_bytes);
		table_cell(t, TINT_DIM, "%s", text.ptr);
	}
	buf_release(&text);
}

static bool has_reasons(const struct vec *instances)
{
	const struct instance_status *s = NULL;
	size_t i = 0;

	VEC_EACH (instances, i, s)
		if (s->reason.len || s->next_restart_ms >= 0 || s->log_dropped_bytes > 0)
			return true;
	return false;
}

/* At most `room` rows, if equal ones can share some; 0: a row for each. */
static void add_table(
	const struct vec *instances, const struct list_options *how, size_t room, struct buf *out)
{
	/* In which order they give way on a narrow terminal stands in oxctl(1) too. */
	static const struct table_column columns[] = {
		{ .title = "PROCESS", .is_name = true, .may_shrink = true },
		{ .title = "PID", .is_right = true, .gives_way = 2 },
		{ .title = "STATUS", .may_shrink = true },
		{ .title = "HEALTH", .gives_way = 1 },
		{ .title = "PORT", .is_right = true, .gives_way = 5 },
		{ .title = "UPTIME", .is_right = true, .gives_way = 7 },
		{ .title = "RESTARTS", .is_right = true, .gives_way = 3 },
		{ .title = "CPU", .is_right = true, .gives_way = 4 },
		{ .title = "MEM", .is_right = true, .gives_way = 6 },
		{ .title = "REASON", .is_note = true },
	};
	size_t count = sizeof(columns) / sizeof(columns[0]);
	bool reasons = has_reasons(instances);
	struct vec rows = VEC_INIT;
	struct table t;

	fold_instances(instances, room, &rows);
	table_init(&t, columns, reasons ? count : count - 1);
	for (size_t i = 0; i < rows.len; i++)
		add_row(&t, rows.items[i], reasons);
	table_render(&t, out, how->width, how->colour);
	table_release(&t);
	fold_release(&rows);
}

static size_t count_lines(const struct buf *text)
{
	size_t count = 0;

	for (size_t i = 0; i < text->len; i++)
		count += text->ptr[i] == '\n';
	return count;
}

/* The line below belongs to the prompt of the shell, or says which keys there are. */
static void add_fitting_table(
	const struct vec *instances, const struct list_options *how, struct list_text *out)
{
	size_t others = count_lines(&out->verdict) + 1;
	size_t room = how->height > others + 2 ? how->height - others : 2;

	add_table(instances, how, 0, &out->table);
	if (!how->height || count_lines(&out->table) <= room)
		return;
	/* Lines of reasons and titles are no rows: as many as there are now, at most as many as half of the room. */
	others = count_lines(&out->table) - instances->len;
	others = others < room / 2 ? others : room / 2;
	buf_clear(&out->table);
	add_table(instances, how, room - others, &out->table);
}

static void add_verdict(const struct vec *instances, struct buf *out)
{
	size_t counts[STATES] = { 0 };
	const struct instance_status *s = NULL;
	size_t i = 0;

	VEC_EACH (instances, i, s)
		for (size_t k = 0; k < STATES; k++)
			counts[k] += str_eq(states[k].state, s->status);
	buf_addf(out, "%zu of %zu ready", counts[0], instances->len);
	for (size_t k = 1; k < STATES; k++)
		if (counts[k])
			buf_addf(out, ", %zu %s", counts[k], states[k].state);
	buf_addc(out, '\n');
}

/* Nobody may be watching that deploy any more, and it would be forgotten. */
static void add_rollout(const struct app_status *a, struct buf *out)
{
	const struct rollout_status *r = &a->rollout;

	if (!r->phase)
		return;
	human_safe(out, a->name, strlen(a->name));
	buf_addf(out, ": %s ", r->kind);
	if (str_eq(r->phase, "paused"))
		buf_addf(out, "paused after %d of %d instances; 'oxctl deploy --continue %s' or '--abort %s'",
			r->done, r->total, a->name, a->name);
	else if (str_eq(r->phase, "halted"))
		buf_addf(out,
			"failed after %d of %d instances, rollback is off; 'oxctl deploy' again, '--continue %s' or '--abort %s'",
			r->done, r->total, a->name, a->name);
	else if (str_eq(r->phase, "back"))
		buf_addf(out, "failed or aborted, going back to revision %d", r->from);
	else
		buf_addf(
			out, "of revision %d in progress, %d of %d instances done", r->to, r->done, r->total);
	buf_addc(out, '\n');
}

static void add_rollouts(const struct vec *apps, struct buf *out)
{
	const struct app_status *app = NULL;
	size_t i = 0;

	VEC_EACH (apps, i, app)
		add_rollout(app, out);
}

/* Scaled to none, or disabled: no row of the table says that they are known. */
static void add_empty(const struct vec *apps, struct buf *out)
{
	const struct app_status *app = NULL;
	size_t i = 0;

	VEC_EACH (apps, i, app) {
		if (app->instances)
			continue;
		human_safe(out, app->name, strlen(app->name));
		buf_adds(out, ": no instances\n");
	}
}

/* Each line of `text` in lines of the terminal. */
static void wrap_lines(struct buf *out, char *text, size_t width)
{
	const struct wrap w = { .width = width };

	for (char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		bool is_last = !line[len];

		line[len] = '\0';
		wrap_text(out, line, &w);
		line += len + !is_last;
	}
}

void list_render(const struct snapshot *s, const struct list_options *how, struct list_text *out)
{
	struct buf verdict = BUF_INIT;

	if (!s->instances.len && !s->apps.len)
		buf_adds(&verdict, "nothing to show: no app has an instance\n");
	if (s->instances.len)
		add_verdict(&s->instances, &verdict);
	add_empty(&s->apps, &verdict);
	add_rollouts(&s->apps, &verdict);
	wrap_lines(&out->verdict, verdict.ptr, how->width);
	if (s->instances.len)
		add_fitting_table(&s->instances, how, out);
	buf_release(&verdict);
}

void list_release(struct list_text *t)
{
	buf_release(&t->table);
	buf_release(&t->verdict);
}

#include "view/timeline.h"

#include <string.h>

#include "base/str.h"
#include "base/utc.h"
#include "model/event_record.h"
#include "view/human.h"
#include "view/list.h"
#include "view/progress.h"
#include "view/table.h"

enum {
	MS_A_DAY = 86400000,
	DATE_LEN = sizeof("2026-11-20") - 1,
	TIME_LEN = sizeof("12:01:02.123") - 1,
};

static const char gap[] = "  ";

static int64_t day_of(int64_t ms)
{
	return ms / MS_A_DAY - (ms % MS_A_DAY < 0);
}

/* The moment as it is shown; false if it is not known. */
static bool local_ms(const struct timeline *t, int64_t at_ms, int64_t *ms)
{
	*ms = at_ms != EVENT_RECORD_NO_TIME && t->to_local ? t->to_local(at_ms) : at_ms;
	return at_ms != EVENT_RECORD_NO_TIME;
}

static void add_date(struct buf *out, int64_t ms)
{
	struct buf text = BUF_INIT;

	utc_print(&text, ms);
	buf_add(out, text.ptr, DATE_LEN);
	buf_release(&text);
}

static void add_clock(struct buf *out, int64_t ms)
{
	struct buf text = BUF_INIT;

	utc_print(&text, ms);
	buf_add(out, text.ptr + DATE_LEN + 1, TIME_LEN);
	buf_release(&text);
}

void timeline_begin(struct timeline *t, int64_t now_utc_ms)
{
	t->day = day_of(t->to_local ? t->to_local(now_utc_ms) : now_utc_ms);
}

void timeline_time(const struct timeline *t, int64_t at_ms, struct buf *out)
{
	int64_t ms = 0;

	if (!local_ms(t, at_ms, &ms)) {
		buf_adds(out, "?");
		return;
	}
	if (day_of(ms) != t->day) {
		add_date(out, ms);
		buf_addc(out, ' ');
	}
	add_clock(out, ms);
}

/* "12:01:02.123", below its date where that is news. */
static void begin_line(
	struct timeline *t, const struct event_record *event, const char *indent, struct buf *out)
{
	int64_t ms = 0;
	bool is_known = local_ms(t, event->at_ms, &ms);

	if (is_known && day_of(ms) != t->day) {
		t->day = day_of(ms);
		buf_adds(out, indent);
		human_tint(out, TINT_BOLD, t->colour);
		add_date(out, ms);
		human_untint(out, t->colour);
		buf_addc(out, '\n');
	}
	buf_adds(out, indent);
	human_tint(out, TINT_DIM, t->colour);
	if (is_known)
		add_clock(out, ms);
	else
		buf_adds(out, "--:--:--.---");
	human_untint(out, t->colour);
}

static void add_tinted(const struct timeline *t, struct buf *out, enum tint tint, const char *text)
{
	human_tint(out, tint, t->colour && tint != TINT_NONE);
	human_safe_text(out, text);
	human_untint(out, t->colour && tint != TINT_NONE);
}

/* "starting (a spare), revision 3", or "revision 3" for a step of the whole app; the verdict says it all by itself. */
static void add_rollout_step(const struct event_record *event, struct buf *out)
{
	if (event->revision < 0 || str_eq(event->step, "over"))
		return;
	buf_adds(out, gap);
	if (event->step) {
		human_safe_text(out, progress_step_label(event->step));
		buf_adds(out, event->is_spare ? " (a spare), " : ", ");
	}
	buf_addf(out, "revision %d", event->revision);
}

/* "running -> backoff  on crash", or only the kind where no state changed. */
static void add_step_label(const struct timeline *t, const struct event_record *event, struct buf *out)
{
	if (!event->kind || !*event->kind)
		return;
	buf_adds(out, gap);
	if (!str_eq(event->kind, "state") || !event->from || !event->to) {
		add_tinted(t, out, TINT_CYAN, event->kind);
		add_rollout_step(event, out);
		return;
	}
	add_tinted(t, out, list_tint(event->from), event->from);
	buf_adds(out, " -> ");
	add_tinted(t, out, list_tint(event->to), event->to);
	if (!event->on || !*event->on)
		return;
	buf_addf(out, "%son ", gap);
	human_safe_text(out, event->on);
}

static void add_first_line(struct buf *out, const char *words)
{
	human_safe(out, words, strcspn(words, "\n"));
}

static void add_other_lines(const struct timeline *t, const char *words, const char *indent, struct buf *out)
{
	const char *end = strchr(words, '\n');

	while (end && end[1]) {
		const char *line = end + 1;

		end = strchr(line, '\n');
		buf_addf(out, "\n%s", indent);
		buf_fill(out, ' ', TIME_LEN);
		human_tint(out, TINT_DIM, t->colour);
		buf_addf(out, "%s| ", gap);
		human_safe(out, line, end ? (size_t)(end - line) : strlen(line));
		human_untint(out, t->colour);
	}
}

/* Said twice it would read as two delays. */
static void add_restart_delay(const struct event_record *event, const char *why, struct buf *out)
{
	if (event->delay_ms < 0 || (*why && event->names_delay))
		return;
	buf_addf(out, "%srestart in ", *why ? ", " : gap);
	human_duration(out, event->delay_ms);
}

void timeline_event(struct timeline *t, const struct event_record *event, struct buf *out)
{
	const char *why = event->why ? event->why : "";
	const char *whose = event->id ? event->id : event->app;

	begin_line(t, event, "", out);
	buf_adds(out, gap);
	add_tinted(t, out, TINT_BOLD, whose ? whose : "?");
	add_step_label(t, event, out);
	if (*why)
		buf_adds(out, gap);
	add_first_line(out, why);
	add_restart_delay(event, why, out);
	add_other_lines(t, why, "", out);
	buf_addc(out, '\n');
}

/* Is there room for the first line of the words behind its time and step? */
static bool fits_beside(const struct timeline *t, const struct event_record *entry, const char *words)
{
	struct timeline plain = *t;
	struct buf step = BUF_INIT;
	size_t columns = 0;

	plain.colour = false;
	add_step_label(&plain, entry, &step);
	columns = strlen(gap) + TIME_LEN + str_utf8_count(step.ptr, step.len) + strlen(gap) +
		str_utf8_count(words, strcspn(words, "\n"));
	buf_release(&step);
	return !t->width || columns <= t->width;
}

/* On lines of their own, below the step. */
static void add_below(const struct timeline *t, const char *words, struct buf *out)
{
	const struct wrap wrap = { .width = t->width, .indent = strlen(gap) + TIME_LEN + strlen(gap) };
	struct buf line = BUF_INIT;

	add_first_line(&line, words);
	buf_addc(out, '\n');
	wrap_text(out, line.ptr, &wrap);
	/* The next part begins a line. */
	if (out->ptr[out->len - 1] == '\n')
		buf_cut(out, out->len - 1);
	buf_release(&line);
}

void timeline_entry(struct timeline *t, const struct event_record *entry, struct buf *out)
{
	const char *words = entry->why ? entry->why : "";

	begin_line(t, entry, gap, out);
	add_step_label(t, entry, out);
	if (*words && fits_beside(t, entry, words)) {
		buf_adds(out, gap);
		add_first_line(out, words);
	} else if (*words) {
		add_below(t, words, out);
	}
	add_other_lines(t, words, gap, out);
	buf_addc(out, '\n');
}

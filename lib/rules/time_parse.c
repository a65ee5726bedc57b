#include "rules/time_parse.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/utc.h"
#include "model/fields.h"

#define MS_A_DAY INT64_C(86400000)

/* What may follow, as a 0 for each digit: of the longest that fits, what is left out is filled in from `rest`. */
static const char date_form[] = "0000-00-00";
static const char *const clock_forms[] = { "00:00:00.000", "00:00:00", "00:00" };
static const char clock_rest[] = "00:00:00.000";

/* How far the text has that form; 0: it has not. */
static size_t fits(const char *text, const char *form)
{
	size_t len = strlen(form);

	for (size_t i = 0; i < len; i++) {
		bool is_digit = text[i] >= '0' && text[i] <= '9';

		if (form[i] == '0' ? !is_digit : text[i] != form[i])
			return 0;
	}
	return len;
}

static size_t clock_len(const char *text)
{
	size_t len = 0;

	for (size_t i = 0; i < sizeof(clock_forms) / sizeof(clock_forms[0]) && !len; i++)
		len = fits(text, clock_forms[i]);
	return len;
}

/* `date` has its ten characters; `time` has `len` of what clock_rest has. */
static bool moment(const char *date, const char *time, size_t len, int64_t *ms)
{
	struct buf text = BUF_INIT;
	bool is_one = false;

	ASSERT(len < sizeof(clock_rest), "a time of %zu characters", len);
	buf_add(&text, date, strlen(date_form));
	buf_addc(&text, 'T');
	buf_add(&text, time, len);
	buf_addf(&text, "%sZ", clock_rest + len);
	is_one = utc_parse(text.ptr, ms);
	buf_release(&text);
	return is_one;
}

static bool parse_time_alone(const char *text, int64_t local_ms, struct time_point *w)
{
	struct buf today = BUF_INIT;
	size_t len = clock_len(text);
	bool is_one = false;

	utc_print(&today, local_ms);
	is_one = len && !text[len] && moment(today.ptr, text, len, &w->ms);
	w->is_local = true;
	if (is_one && w->ms > local_ms)
		w->ms -= MS_A_DAY;
	buf_release(&today);
	ASSERT(!is_one || w->ms <= local_ms, "the last '%s' is still to come", text);
	return is_one;
}

static bool parse_date(const char *text, struct time_point *w)
{
	size_t date = fits(text, date_form);
	size_t clock = 0;

	if (!date)
		return false;
	if (text[date] == 'T' || text[date] == ' ')
		clock = clock_len(text + date + 1);
	w->is_local = true;
	if (!text[date])
		return moment(text, "", 0, &w->ms);
	if (!clock)
		return false;
	w->is_local = text[date + 1 + clock] != 'Z';
	return !text[date + 1 + clock + !w->is_local] && moment(text, text + date + 1, clock, &w->ms);
}

int time_parse(const char *text, int64_t now_ms, int64_t local_ms, struct time_point *w, struct err *e)
{
	int64_t ago = 0;

	if (duration_parse(text, &ago) && ago >= 0 && ago <= now_ms) {
		*w = (struct time_point){ .ms = now_ms - ago };
		return 0;
	}
	if (parse_time_alone(text, local_ms, w) || parse_date(text, w))
		return 0;
	return err_set(e,
		"'%s' is no time: write how long ago (10m, 2h), 10:30, 2026-11-20 or 2026-11-20T10:30", text);
}

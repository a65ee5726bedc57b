#include "logs/tail.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "os/rights.h"
#include "rules/cut.h"

enum {
	READ_MIN = 16 * 1024,
	READ_MAX = 64 * 1024,
	FILE_COST = 4 *
		1024, /* bytes of the budget that another file costs: there may be thousands of empty ones */
};

void logtail_init(struct logtail *t, const struct log_place *log, size_t *budget)
{
	*t = (struct logtail){ .file = LOGPART_INIT, .number = -1, .in = BUF_INIT, .budget = budget };
	t->log.path = mem_strdup(log->path);
	t->log.rights = rights_clone(log->rights);
}

void logtail_rest(struct logtail *t)
{
	logpart_close(&t->file);
	buf_release(&t->in);
	t->at = 0;
	t->step = 0;
}

void logtail_release(struct logtail *t)
{
	logtail_rest(t);
	mem_free(t->log.path);
	rights_free(t->log.rights);
	t->log = (struct log_place){ .path = NULL };
}

/* --- places ----------------------------------------------------------------------------------------------------------- */

void logtail_at(struct logtail *t, const struct log_id *id, uint64_t offset, bool is_continued)
{
	logtail_rest(t);
	t->id = *id;
	t->number = -1;
	t->start = offset;
	t->is_continued = is_continued;
	t->is_placed = true;
}

/* Also when there is no such file, which then is no place. */
static void place_in(struct logtail *t, int number, uint64_t offset)
{
	struct logpart f = LOGPART_INIT;

	logtail_rest(t);
	t->is_placed = false;
	if (number < 0 || !logpart_open(&f, &t->log, number))
		return;
	logtail_at(t, &f.id, offset, false);
	t->number = number;
	t->file = f;
}

void logtail_at_oldest(struct logtail *t)
{
	place_in(t, logpart_oldest(t->log.path), 0);
}

void logtail_at_end(struct logtail *t)
{
	char last = '\n';
	struct logpart f = LOGPART_INIT;

	logtail_rest(t);
	t->is_placed = false;
	/* Of one that is compressed nothing more comes: what comes is in the next. */
	if (!logpart_newest(&f, &t->log) || f.gz) {
		logpart_close(&f);
		return;
	}
	logtail_at(t, &f.id, logpart_size(&f), false);
	t->file = f;
	if (t->start && logpart_read(&t->file, t->start - 1, &last, 1) == 1)
		t->is_continued = last != '\n';
}

/* Whether an older file may hold something of that time too. */
static bool look_for(struct logtail *t, int number, int64_t wall_ms, bool takes_unknown)
{
	struct logpart f = LOGPART_INIT;
	uint64_t at = MARKLIST_NEVER;
	bool is_all_late = false;

	if (!logpart_open(&f, &t->log, number))
		return true;
	at = marklist_since(&f.marks, wall_ms);
	is_all_late = f.id.has_first && f.id.first_ms >= wall_ms;
	if (at != MARKLIST_NEVER || (number == 0 && !f.id.has_first))
		logtail_at(t, &f.id, at == MARKLIST_NEVER ? 0 : at, false);
	/* Nothing in it is as late: what comes later is behind its end. */
	if (number == 0 && f.id.has_first && at == MARKLIST_NEVER)
		logtail_at(t, &f.id, logpart_size(&f), false);
	if (number == 0 && !f.id.has_first && !takes_unknown)
		t->start = logpart_size(&f);
	logpart_close(&f);
	return is_all_late;
}

void logtail_at_time(struct logtail *t, int64_t wall_ms, bool takes_unknown)
{
	int oldest = logpart_oldest(t->log.path);

	t->is_placed = false;
	for (int number = 0; number <= oldest && look_for(t, number, wall_ms, takes_unknown); number++)
		;
}

void logtail_limit(struct logtail *t)
{
	struct logpart f = LOGPART_INIT;

	t->has_limit = true;
	t->limit = 0;
	if (!logpart_newest(&f, &t->log))
		return;
	t->limit_id = f.id;
	t->limit = logpart_size(&f);
	logpart_close(&f);
}

static bool is_at_limit(const struct logtail *t)
{
	return t->has_limit && log_id_is(&t->id, &t->limit_id);
}

void logtail_pay(struct logtail *t)
{
	*t->budget -= *t->budget < FILE_COST ? *t->budget : FILE_COST;
}

/* --- from file to file -------------------------------------------------------------------------------------------------- */

static bool is_same_source(const struct mark *a, const struct mark *b)
{
	return a->app == b->app && a->instance == b->instance && a->kind == b->kind && a->run == b->run;
}

/* Of the one that it was in, nothing is left to read, or nothing can be read any more. */
static bool enter(struct logtail *t, int number)
{
	struct logpart f = LOGPART_INIT;

	/* A number may be missing after a crash in the middle of a rotation. */
	while (number >= 0 && !logpart_open(&f, &t->log, number))
		number--;
	if (number < 0)
		return false;
	logtail_at(t, &f.id, 0, t->is_continued);
	t->number = number;
	t->file = f;
	logtail_pay(t);
	return true;
}

/* Its file is gone: what is newer than that is the next best. */
static bool enter_after_loss(struct logtail *t)
{
	struct logpart f = LOGPART_INIT;
	int oldest = logpart_oldest(t->log.path);
	int number = 0;

	for (int n = 0; n <= oldest; n++) {
		bool is_newer = logpart_open(&f, &t->log, n) && t->id.has_first && f.id.has_first &&
			f.id.first_ms >= t->id.first_ms;

		logpart_close(&f);
		if (is_newer)
			number = n;
		else if (n)
			break;
	}
	t->has_lost = true;
	t->is_continued = false;
	t->is_placed = false;
	return enter(t, number);
}

static bool open_place(struct logtail *t)
{
	if (t->file.fd >= 0)
		return true;
	if (!t->is_placed)
		return enter(t, 0);
	t->number = logpart_find(&t->file, &t->log, &t->id, t->number);
	if (t->number < 0)
		return enter_after_loss(t);
	t->id = t->file.id;
	return true;
}

/* Does the first line of the next file go on with the last one of this? */
static bool goes_over(const struct mark *last, struct logpart *next)
{
	struct mark first;

	return !last || !marklist_first(&next->marks, &first) || is_same_source(last, &first);
}

/* At the end of a file that was rotated away: on to the one after it. */
static bool go_on(struct logtail *t)
{
	struct logpart f = LOGPART_INIT;
	int number = 0;

	if (t->is_bounded || logpart_is_live(&t->file, t->log.path))
		return false;
	if (is_at_limit(t))
		return false;
	number = logpart_find(&f, &t->log, &t->id, t->number);
	logpart_close(&f);
	if (number == 0)
		return false;
	return number > 0 ? enter(t, number - 1) : enter_after_loss(t);
}

/* --- lines ---------------------------------------------------------------------------------------------------------------- */

static size_t here(const struct logtail *t)
{
	return t->in.len - t->at;
}

/* How much may be read: 0 at the limit. */
static size_t room(const struct logtail *t)
{
	uint64_t at = t->start + here(t);
	size_t want = here(t) ? READ_MAX : READ_MIN;

	if (is_at_limit(t))
		return at >= t->limit ? 0 : t->limit - at < want ? (size_t)(t->limit - at) : want;
	return want;
}

/* Reads more: TAIL_LINE if there was any, else why not. */
static enum tail_got fill(struct logtail *t)
{
	size_t want = room(t);
	ssize_t got = 0;

	if (!want)
		return TAIL_END;
	if (!*t->budget)
		return TAIL_BUSY;
	buf_eat(&t->in, t->at);
	t->at = 0;
	buf_reserve(&t->in, want);
	got = logpart_read(&t->file, t->start + t->in.len, t->in.ptr + t->in.len, want);
	if (got == LOGPART_BUSY) {
		*t->budget = 0;
		return TAIL_BUSY;
	}
	if (got <= 0)
		return TAIL_END;
	t->in.len += (size_t)got;
	t->in.ptr[t->in.len] = '\0';
	*t->budget -= *t->budget < (size_t)got ? *t->budget : (size_t)got;
	logpart_look(&t->file);
	t->id = t->file.id;
	return TAIL_LINE;
}

/* The bytes up to which the same source speaks, of those that are here. */
static size_t reach(struct logtail *t, const struct log_line *line)
{
	size_t len = here(t) < PIECE_MAX + 1 ? here(t) : PIECE_MAX + 1;
	const char *from = t->in.ptr + t->at;
	const char *end = memchr(from, '\n', len);
	const struct mark *then = NULL;

	if (end)
		len = (size_t)(end - from) + 1;
	for (;;) {
		then = marklist_then(&t->file.marks);
		if (!then || then->offset >= t->start + len)
			return here(t);
		if (!line->is_marked || !is_same_source(&line->mark, then))
			return (size_t)(then->offset - t->start);
		(void)marklist_at(&t->file.marks, then->offset);
	}
}

static bool give(struct logtail *t, bool is_all, struct log_line *line)
{
	const struct mark *mark = marklist_at(&t->file.marks, t->start);
	struct cut cut;
	size_t len = 0;

	*line = (struct log_line){ .is_marked = mark != NULL };
	if (mark)
		line->mark = *mark;
	len = reach(t, line);
	if (!cut_line(t->in.ptr + t->at, len, is_all || len < here(t), &cut))
		return false;
	line->bytes = t->in.ptr + t->at;
	line->len = cut.len;
	line->is_continued = t->is_continued;
	line->goes_on = cut.goes_on;
	t->step = cut.step;
	t->step_goes_on = cut.goes_on;
	return true;
}

/* What a file ends with, where its last line has no end. */
static bool give_rest(struct logtail *t, bool takes_rest, struct log_line *line)
{
	struct logpart next = LOGPART_INIT;
	struct logpart now = LOGPART_INIT;
	bool is_live = t->is_bounded || logpart_is_live(&t->file, t->log.path);
	int number = 0;

	if (!here(t) || (is_live && !takes_rest))
		return false;
	if (!give(t, true, line) || is_live || line->goes_on)
		return t->step > 0;
	number = logpart_find(&now, &t->log, &t->id, t->number);
	if (number > 0 && logpart_open(&next, &t->log, number - 1))
		line->goes_on = goes_over(line->is_marked ? &line->mark : NULL, &next);
	t->step_goes_on = line->goes_on;
	logpart_close(&now);
	logpart_close(&next);
	return true;
}

static bool is_truncated(const struct logtail *t)
{
	return !t->file.gz && logpart_size(&t->file) < t->start;
}

/* Also after logtail_take(): what was given last is no more of interest. */
void logtail_take(struct logtail *t)
{
	if (!t->step)
		return;
	t->start += t->step;
	t->is_continued = t->step_goes_on;
	t->at += t->step;
	t->step = 0;
}

enum tail_got logtail_next(struct logtail *t, bool takes_rest, struct log_line *line)
{
	enum tail_got got = TAIL_LINE;

	t->step = 0;
	if (!open_place(t))
		return TAIL_END;
	for (;;) {
		if (here(t) && give(t, false, line))
			return TAIL_LINE;
		got = fill(t);
		if (got == TAIL_BUSY)
			return got;
		if (got == TAIL_LINE)
			continue;
		if (is_truncated(t)) {
			t->is_continued = false;
			place_in(t, 0, 0);
			if (!t->is_placed)
				return TAIL_END;
			continue;
		}
		if (give_rest(t, takes_rest, line))
			return TAIL_LINE;
		if (!go_on(t))
			return TAIL_END;
	}
}

/* --- a place that travels -------------------------------------------------------------------------------------------------- */

struct json *logtail_to_json(const struct logtail *t)
{
	struct json *j = json_new_object();

	json_set_int(j, "inode", (int64_t)t->id.inode);
	json_set_int(j, "offset", (int64_t)t->start);
	if (t->id.has_first) {
		json_set_int(j, "first_ms", t->id.first_ms);
		json_set_int(j, "first_run", t->id.first_run);
	}
	if (t->is_continued)
		json_set_bool(j, "continued", true);
	return j;
}

void logtail_from_json(struct logtail *t, const struct json *j)
{
	struct log_id id = { .inode = 0 };
	int64_t inode = 0;
	int64_t offset = -1;
	int64_t run = 0;

	if (!json_int(json_get(j, "inode"), &inode) || !json_int(json_get(j, "offset"), &offset) ||
		offset < 0)
		return;
	id.inode = (uint64_t)inode;
	id.has_first =
		json_int(json_get(j, "first_ms"), &id.first_ms) && json_int(json_get(j, "first_run"), &run);
	id.first_run = (uint32_t)run;
	logtail_at(t, &id, (uint64_t)offset, json_bool(json_get(j, "continued"), false));
}

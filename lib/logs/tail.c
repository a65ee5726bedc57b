#include "logs/tail.h"

#include <string.h>

#include "base/json.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "os/rights.h"
#include "rules/line_split.h"

enum {
	READ_MIN = 16 * 1024,
	READ_MAX = 64 * 1024,
	FILE_COST = 4 *
		1024, /* bytes of the budget that another file costs: there may be thousands of empty ones */
};

void log_tail_init(struct log_tail *t, const struct log_location *log, size_t *budget)
{
	*t = (struct log_tail){ .file = SEGMENT_INIT, .number = -1, .in = BUF_INIT, .budget = budget };
	t->log.path = mem_strdup(log->path);
	t->log.rights = rights_clone(log->rights);
}

void log_tail_rest(struct log_tail *t)
{
	segment_close(&t->file);
	buf_release(&t->in);
	t->at = 0;
	t->step = 0;
}

void log_tail_release(struct log_tail *t)
{
	log_tail_rest(t);
	mem_free(t->log.path);
	rights_free(t->log.rights);
	t->log = (struct log_location){ .path = NULL };
}

/* --- places ----------------------------------------------------------------------------------------------------------- */

void log_tail_at(struct log_tail *t, const struct log_id *id, uint64_t offset, bool is_continued)
{
	log_tail_rest(t);
	t->id = *id;
	t->number = -1;
	t->start = offset;
	t->is_continued = is_continued;
	t->is_placed = true;
}

/* Also when there is no such file, which then is no place. */
static void place_in(struct log_tail *t, int number, uint64_t offset)
{
	struct segment f = SEGMENT_INIT;

	log_tail_rest(t);
	t->is_placed = false;
	if (number < 0 || !segment_open(&f, &t->log, number))
		return;
	log_tail_at(t, &f.id, offset, false);
	t->number = number;
	t->file = f;
}

void log_tail_at_oldest(struct log_tail *t)
{
	place_in(t, segment_oldest(t->log.path), 0);
}

void log_tail_at_end(struct log_tail *t)
{
	char last = '\n';
	struct segment f = SEGMENT_INIT;

	log_tail_rest(t);
	t->is_placed = false;
	/* Of one that is compressed nothing more comes: what comes is in the next. */
	if (!segment_newest(&f, &t->log) || f.gz) {
		segment_close(&f);
		return;
	}
	log_tail_at(t, &f.id, segment_size(&f), false);
	t->file = f;
	if (t->start && segment_read(&t->file, t->start - 1, &last, 1) == 1)
		t->is_continued = last != '\n';
}

/* Whether an older file may hold something of that time too. */
static bool look_for(struct log_tail *t, int number, int64_t wall_ms, bool takes_unknown)
{
	struct segment f = SEGMENT_INIT;
	uint64_t at = MARKLIST_NEVER;
	bool is_all_late = false;

	if (!segment_open(&f, &t->log, number))
		return true;
	at = index_reader_since(&f.marks, wall_ms);
	is_all_late = f.id.has_first && f.id.first_ms >= wall_ms;
	if (at != MARKLIST_NEVER || (number == 0 && !f.id.has_first))
		log_tail_at(t, &f.id, at == MARKLIST_NEVER ? 0 : at, false);
	/* Nothing in it is as late: what comes later is behind its end. */
	if (number == 0 && f.id.has_first && at == MARKLIST_NEVER)
		log_tail_at(t, &f.id, segment_size(&f), false);
	if (number == 0 && !f.id.has_first && !takes_unknown)
		t->start = segment_size(&f);
	segment_close(&f);
	return is_all_late;
}

void log_tail_at_time(struct log_tail *t, int64_t wall_ms, bool takes_unknown)
{
	int oldest = segment_oldest(t->log.path);

	t->is_placed = false;
	for (int number = 0; number <= oldest && look_for(t, number, wall_ms, takes_unknown); number++)
		;
}

void log_tail_limit(struct log_tail *t)
{
	struct segment f = SEGMENT_INIT;

	t->has_limit = true;
	t->limit = 0;
	if (!segment_newest(&f, &t->log))
		return;
	t->limit_id = f.id;
	t->limit = segment_size(&f);
	segment_close(&f);
}

static bool is_at_limit(const struct log_tail *t)
{
	return t->has_limit && log_id_is(&t->id, &t->limit_id);
}

void log_tail_pay(struct log_tail *t)
{
	*t->budget -= *t->budget < FILE_COST ? *t->budget : FILE_COST;
}

/* --- from file to file -------------------------------------------------------------------------------------------------- */

/* Of the one that it was in, nothing is left to read, or nothing can be read any more. */
static bool enter_file(struct log_tail *t, int number)
{
	struct segment f = SEGMENT_INIT;

	/* A number may be missing after a crash in the middle of a rotation. */
	while (number >= 0 && !segment_open(&f, &t->log, number))
		number--;
	if (number < 0)
		return false;
	log_tail_at(t, &f.id, 0, t->is_continued);
	t->number = number;
	t->file = f;
	log_tail_pay(t);
	return true;
}

/* Its file is gone: what is newer than that is the next best. */
static bool enter_after_loss(struct log_tail *t)
{
	struct segment f = SEGMENT_INIT;
	int oldest = segment_oldest(t->log.path);
	int number = 0;

	for (int n = 0; n <= oldest; n++) {
		bool is_newer = segment_open(&f, &t->log, n) && t->id.has_first && f.id.has_first &&
			f.id.first_ms >= t->id.first_ms;

		segment_close(&f);
		if (is_newer)
			number = n;
		else if (n)
			break;
	}
	t->has_lost = true;
	t->is_continued = false;
	t->is_placed = false;
	return enter_file(t, number);
}

static bool open_at_place(struct log_tail *t)
{
	if (t->file.fd >= 0)
		return true;
	if (!t->is_placed)
		return enter_file(t, 0);
	t->number = segment_find(&t->file, &t->log, &t->id, t->number);
	if (t->number < 0)
		return enter_after_loss(t);
	t->id = t->file.id;
	return true;
}

/* Does the first line of the next file continue the last one of this? */
static bool goes_over(const struct mark *last, struct segment *next)
{
	struct mark first;

	return !last || !index_reader_first(&next->marks, &first) || mark_is_same_source(last, &first);
}

/* At the end of a file that was rotated away: on to the one after it. */
static bool next_file(struct log_tail *t)
{
	struct segment f = SEGMENT_INIT;
	int number = 0;

	if (t->is_bounded || segment_is_live(&t->file, t->log.path))
		return false;
	if (is_at_limit(t))
		return false;
	number = segment_find(&f, &t->log, &t->id, t->number);
	segment_close(&f);
	if (number == 0)
		return false;
	return number > 0 ? enter_file(t, number - 1) : enter_after_loss(t);
}

/* --- lines ---------------------------------------------------------------------------------------------------------------- */

static size_t here(const struct log_tail *t)
{
	return t->in.len - t->at;
}

/* How much may be read: 0 at the limit. */
static size_t room(const struct log_tail *t)
{
	uint64_t at = t->start + here(t);
	size_t want = here(t) ? READ_MAX : READ_MIN;

	if (is_at_limit(t))
		return at >= t->limit ? 0 : t->limit - at < want ? (size_t)(t->limit - at) : want;
	return want;
}

/* Reads more: TAIL_LINE if there was any, else why not. */
static enum tail_got fill_tail(struct log_tail *t)
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
	got = segment_read(&t->file, t->start + t->in.len, t->in.ptr + t->in.len, want);
	if (got == SEGMENT_BUSY) {
		*t->budget = 0;
		return TAIL_BUSY;
	}
	if (got <= 0)
		return TAIL_END;
	t->in.len += (size_t)got;
	t->in.ptr[t->in.len] = '\0';
	*t->budget -= *t->budget < (size_t)got ? *t->budget : (size_t)got;
	segment_look(&t->file);
	t->id = t->file.id;
	return TAIL_LINE;
}

/* The bytes up to which the same source speaks, of those that are here. */
static size_t reach(struct log_tail *t, const struct log_line *line)
{
	size_t len = here(t) < PIECE_MAX + 1 ? here(t) : PIECE_MAX + 1;
	const char *from = t->in.ptr + t->at;
	const char *end = memchr(from, '\n', len);
	const struct mark *then = NULL;

	if (end)
		len = (size_t)(end - from) + 1;
	for (;;) {
		then = index_reader_then(&t->file.marks);
		if (!then || then->offset >= t->start + len)
			return here(t);
		if (!line->is_marked || !mark_is_same_source(&line->mark, then))
			return (size_t)(then->offset - t->start);
		(void)index_reader_at(&t->file.marks, then->offset);
	}
}

static bool give_piece(struct log_tail *t, bool is_all, struct log_line *line)
{
	const struct mark *mark = index_reader_at(&t->file.marks, t->start);
	struct line_part cut;
	size_t len = 0;

	*line = (struct log_line){ .is_marked = mark != NULL };
	if (mark)
		line->mark = *mark;
	len = reach(t, line);
	if (!line_split(t->in.ptr + t->at, len, is_all || len < here(t), &cut))
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
static bool give_rest(struct log_tail *t, bool takes_rest, struct log_line *line)
{
	struct segment next = SEGMENT_INIT;
	struct segment now = SEGMENT_INIT;
	bool is_live = t->is_bounded || segment_is_live(&t->file, t->log.path);
	int number = 0;

	if (!here(t) || (is_live && !takes_rest))
		return false;
	if (!give_piece(t, true, line) || is_live || line->goes_on)
		return t->step > 0;
	number = segment_find(&now, &t->log, &t->id, t->number);
	if (number > 0 && segment_open(&next, &t->log, number - 1))
		line->goes_on = goes_over(line->is_marked ? &line->mark : NULL, &next);
	t->step_goes_on = line->goes_on;
	segment_close(&now);
	segment_close(&next);
	return true;
}

static bool is_truncated(const struct log_tail *t)
{
	return !t->file.gz && segment_size(&t->file) < t->start;
}

/* Also after log_tail_take(): what was given last is no more of interest. */
void log_tail_take(struct log_tail *t)
{
	if (!t->step)
		return;
	t->start += t->step;
	t->is_continued = t->step_goes_on;
	t->at += t->step;
	t->step = 0;
}

enum tail_got log_tail_next(struct log_tail *t, bool takes_rest, struct log_line *line)
{
	enum tail_got got = TAIL_LINE;

	t->step = 0;
	if (!open_at_place(t))
		return TAIL_END;
	for (;;) {
		if (here(t) && give_piece(t, false, line))
			return TAIL_LINE;
		got = fill_tail(t);
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
		if (!next_file(t))
			return TAIL_END;
	}
}

/* --- a place that travels -------------------------------------------------------------------------------------------------- */

void log_tail_write(const struct log_tail *t, struct buf *out)
{
	emit_open(out, NULL, '{');
	emit_int(out, "inode", (int64_t)t->id.inode);
	emit_int(out, "offset", (int64_t)t->start);
	if (t->id.has_first) {
		emit_int(out, "first_ms", t->id.first_ms);
		emit_int(out, "first_run", t->id.first_run);
	}
	if (t->is_continued)
		emit_bool(out, "continued", true);
	emit_close(out, '}');
}

void log_tail_from_json(struct log_tail *t, const struct json *j)
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
	log_tail_at(t, &id, (uint64_t)offset, json_bool(json_get(j, "continued"), false));
}

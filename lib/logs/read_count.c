/*
 * Where the newest lines begin.  Only places are kept, never lines: the stretches that hold them are read once more, forwards.
 */
#include <string.h>

#include "base/mem.h"
#include "logs/read_private.h"

enum {
	STRETCH_MIN = 8 * 1024,
	STRETCH_MAX = 256 * 1024,
	SPOTS_MIN = 64,
	SPOTS_MAX = 128 * 1024, /* over all logs together */
	GAP_MAX = 1,            /* a number that a crash in a rotation left out */
};

void logs_count_begin(struct logs *l, struct log_feed *s)
{
	struct segment f = SEGMENT_INIT;
	struct log_count *c = mem_zalloc(1, sizeof(*c));

	s->count = c;
	log_tail_init(&c->tail, &s->tail.log, &l->budget);
	c->stretch = STRETCH_MIN;
	c->is_over = !segment_newest(&f, &s->tail.log);
	if (!c->is_over) {
		c->id = f.id;
		c->to = segment_size(&f);
		c->is_packed = f.gz != NULL;
		c->has_end = !c->is_packed;
		c->end = (struct log_spot){ .id = f.id, .offset = c->to };
	}
	segment_close(&f);
}

void logs_count_end(struct log_feed *s)
{
	struct log_count *c = s->count;

	if (!c)
		return;
	log_tail_release(&c->tail);
	mem_free(c->spots);
	mem_free(c);
	s->count = NULL;
}

/* How many places of one log are kept at most: as many as are asked for, or the log's part of what there is room for. */
static size_t most_spots(const struct logs *l)
{
	size_t part = SPOTS_MAX / l->sources.len;

	part = part > SPOTS_MIN ? part : SPOTS_MIN;
	return (uint64_t)l->lines < part ? (size_t)l->lines : part;
}

/* Of more than that only the newest are kept: what is dropped is found again when the others are chosen. */
static void push(const struct logs *l, struct log_count *c, const struct log_spot *spot)
{
	size_t most = most_spots(l);

	if (c->len == c->cap && c->cap < most) {
		/* Until it has its full size nothing was dropped, so the oldest stands first. */
		c->cap = c->cap ? c->cap * 2 : SPOTS_MIN;
		c->cap = c->cap < most ? c->cap : most;
		c->spots = mem_resize(c->spots, c->cap, sizeof(*c->spots));
	}
	if (c->len == c->cap) {
		c->first = (c->first + 1) % c->cap;
		c->len--;
		c->has_dropped = true;
	}
	c->spots[(c->first + c->len++) % c->cap] = *spot;
}

static const struct log_spot *newest(const struct log_count *c)
{
	return c->len ? &c->spots[(c->first + c->len - 1) % c->cap] : NULL;
}

/* On to the file before this one; false when there is none. */
static bool go_back_line(struct log_count *c)
{
	struct segment f = SEGMENT_INIT;
	int number = segment_find(&f, &c->tail.log, &c->id, c->number);
	bool is_there = false;

	segment_close(&f);
	log_tail_pay(&c->tail);
	for (int gap = 0; number >= 0 && gap <= GAP_MAX && !is_there; gap++) {
		c->number = number + 1 + gap;
		is_there = segment_open(&f, &c->tail.log, c->number);
	}
	if (!is_there)
		return false;
	c->id = f.id;
	c->to = segment_size(&f);
	c->is_packed = f.gz != NULL;
	segment_close(&f);
	return true;
}

static bool is_line_start(const struct log_count *c, uint64_t offset)
{
	struct segment f = SEGMENT_INIT;
	char before = '\n';

	if (offset && segment_find(&f, &c->tail.log, &c->id, c->number) >= 0)
		(void)segment_read(&f, offset - 1, &before, 1);
	segment_close(&f);
	return before == '\n';
}

enum begun { NONE_LEFT, BEGUN, BUSY };

static enum begun begin_stretch(struct log_count *c)
{
	if (c->is_at_since)
		return NONE_LEFT;
	while (!c->to) {
		if (!*c->tail.budget)
			return BUSY;
		if (!go_back_line(c))
			return NONE_LEFT;
	}
	/* What is compressed can only be read from its beginning. */
	c->from = c->is_packed || c->to <= c->stretch ? 0 : c->to - c->stretch;
	c->stretch = c->stretch * 2 < STRETCH_MAX ? c->stretch * 2 : STRETCH_MAX;
	log_tail_at(&c->tail, &c->id, c->from, !is_line_start(c, c->from));
	c->tail.is_bounded = true;
	c->tail.has_limit = true;
	c->tail.limit = c->to;
	c->tail.limit_id = c->id;
	c->first = c->len = 0;
	c->has_dropped = false;
	c->is_walking = c->is_first = true;
	return BEGUN;
}

static void take_counted(struct logs *l, struct log_feed *s, const struct log_line *line)
{
	struct log_count *c = s->count;
	const char *id = NULL;
	const char *stream = NULL;
	struct log_spot spot = { .id = c->id, .offset = c->tail.start, .when = INT64_MIN };

	/* The end of a line that begins before: it belongs to the next stretch. */
	if (c->is_first && line->is_continued && !line->goes_on) {
		log_tail_take(&c->tail);
		c->from = c->tail.start;
		c->is_first = false;
		return;
	}
	c->is_first = false;
	if (line->is_marked)
		spot.when = line->mark.wall_ms;
	c->is_at_since |= line->is_marked && line->mark.wall_ms < l->since_ms;
	if (!line->is_continued && logs_match(l, s, line, &id, &stream))
		push(l, c, &spot);
	log_tail_take(&c->tail);
}

/* Reads the stretch to its end; false: not in this turn. */
static bool walk_back(struct logs *l, struct log_feed *s)
{
	struct log_count *c = s->count;
	struct log_line line;
	enum tail_got got = TAIL_LINE;

	while ((got = log_tail_next(&c->tail, true, &line)) == TAIL_LINE)
		take_counted(l, s, &line);
	if (got == TAIL_BUSY)
		return false;
	log_tail_rest(&c->tail);
	c->to = c->has_dropped ? c->spots[c->first].offset : c->from;
	c->is_walking = false;
	return true;
}

/* At least one line is known, or there is none; false: not in this turn. */
static bool look_back(struct logs *l, struct log_feed *s)
{
	struct log_count *c = s->count;

	while (!c->is_over && !c->len) {
		enum begun begun = c->is_walking ? BEGUN : begin_stretch(c);

		if (begun == BUSY)
			return false;
		c->is_over = begun == NONE_LEFT;
		if (begun == BEGUN && !walk_back(l, s))
			return false;
	}
	/* The stretch may have been left in its middle. */
	return !c->is_walking || walk_back(l, s);
}

static struct log_count *choose_count(const struct logs *l)
{
	struct log_count *best = NULL;
	const struct log_feed *s = NULL;
	size_t i = 0;

	VEC_EACH (&l->sources, i, s) {
		if (s->count && s->count->len && (!best || newest(s->count)->when >= newest(best)->when))
			best = s->count;
	}
	return best;
}

static void place_feed(struct log_feed *s)
{
	const struct log_count *c = s->count;
	const struct log_spot *spot = c->has_chosen ? &c->chosen : &c->end;

	if (c->has_chosen || c->has_end)
		log_tail_at(
			&s->tail, &spot->id, spot->offset, !c->has_chosen && !is_line_start(c, spot->offset));
	logs_count_end(s);
}

bool logs_count_go(struct logs *l)
{
	struct log_feed *s = NULL;
	size_t i = 0;

	while (l->lines) {
		struct log_count *best = NULL;

		VEC_EACH (&l->sources, i, s) {
			if (s->count && !look_back(l, s))
				return false;
		}
		best = choose_count(l);
		if (!best)
			break;
		best->chosen = *newest(best);
		best->has_chosen = true;
		best->len--;
		l->lines--;
		l->budget -= l->budget < l->sources.len ? l->budget : l->sources.len;
		if (!l->budget)
			return false;
	}
	VEC_EACH (&l->sources, i, s) {
		if (s->count)
			place_feed(s);
	}
	return true;
}

#include "logs/read.h"

#include <string.h>

#include "base/json.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "logs/read_private.h"

static const char lost_words[] =
	"[oxherd: the log was rotated away or removed before all of it was read; lines may be missing here]";

static const char *const stream_words[MARK_KIND_COUNT] = {
	[MARK_OUT] = "out",
	[MARK_ERR] = "err",
	[MARK_NOTE] = "note",
};

/* --- who writes where -------------------------------------------------------------------------------------------------- */

static void member_free(void *item)
{
	struct log_member *m = item;

	mem_free(m->id);
	mem_free(m);
}

static void source_free(void *item)
{
	struct log_feed *s = item;

	logs_count_end(s);
	log_tail_release(&s->tail);
	vec_release_with(&s->members, member_free);
	mem_free(s);
}

static void place_joined(struct logs *l, struct log_feed *s)
{
	const struct json *place = json_get(json_get(l->cursor, "files"), s->tail.log.path);

	log_tail_from_json(&s->tail, place);
	/* All from its place on is new, also what was written in the moment that the earlier reader began. */
	if (s->tail.is_placed)
		return;
	log_tail_at_time(&s->tail, l->from_ms, true);
	s->has_joined = true;
}

static struct log_feed *source_of(struct logs *l, const struct log_location *log)
{
	struct log_feed *s = map_get(&l->paths, log->path);

	if (s)
		return s;
	s = mem_zalloc(1, sizeof(*s));
	log_tail_init(&s->tail, log, &l->budget);
	vec_push(&l->sources, s);
	map_put(&l->paths, log->path, s);
	l->heads = mem_resize(l->heads, l->sources.len, sizeof(*l->heads));
	l->heads[l->sources.len - 1] = (struct merge_head){ .when = INT64_MIN };
	if (l->has_begun)
		place_joined(l, s);
	return s;
}

void logs_add(
	struct logs *l, const struct log_location *log, const char *app, int instance, enum mark_kind kind)
{
	struct log_feed *s = NULL;
	struct log_member *m = NULL;
	uint32_t hash = mark_app(app);
	struct buf id = BUF_INIT;
	size_t i = 0;

	if (!(l->kinds & 1U << kind))
		return;
	s = source_of(l, log);
	VEC_EACH (&s->members, i, m) {
		if (m->app == hash && m->instance == instance) {
			m->kinds |= 1U << kind;
			return;
		}
	}
	m = mem_zalloc(1, sizeof(*m));
	buf_addf(&id, "%s:%d", app, instance);
	*m = (struct log_member){ .id = buf_detach(&id), .app = hash, .instance = (uint16_t)instance };
	m->kinds = 1U << kind;
	vec_push(&s->members, m);
}

static const struct log_member *member_of_mark(const struct log_feed *s, const struct mark *mark)
{
	const struct log_member *m = NULL;
	size_t i = 0;

	VEC_EACH (&s->members, i, m) {
		if (m->app == mark->app && m->instance == mark->instance &&
			(mark->kind == MARK_NOTE || m->kinds & 1U << mark->kind))
			return m;
	}
	return NULL;
}

/* Without marks: by the file alone. */
static bool guess(const struct log_feed *s, const char **id, const char **stream)
{
	const struct log_member *first = s->members.items[0];

	*id = s->members.len == 1 ? first->id : "";
	*stream = stream_words[first->kinds == 1U << MARK_ERR ? MARK_ERR : MARK_OUT];
	return true;
}

static bool is_of_time(const struct logs *l, const struct log_feed *s, const struct log_line *line)
{
	int64_t since = s->has_joined && l->from_ms > l->since_ms ? l->from_ms : l->since_ms;

	/* A log without marks that joins was begun after we were; one that is resumed is at its place. */
	if (!line->is_marked)
		return l->since_ms == INT64_MIN && l->until_ms == INT64_MAX && !l->has_run;
	if (l->has_run && line->mark.run != l->run)
		return false;
	return line->mark.wall_ms >= since && line->mark.wall_ms <= l->until_ms;
}

static bool has_text(const struct logs *l, const struct log_line *line)
{
	return !l->grep || memmem(line->bytes, line->len, l->grep, strlen(l->grep));
}

bool logs_match(struct logs *l, const struct log_feed *s, const struct log_line *line, const char **id,
	const char **stream)
{
	const struct log_member *m = NULL;

	if (!is_of_time(l, s, line))
		return false;
	if (line->is_marked) {
		m = member_of_mark(s, &line->mark);
		if (!m)
			return false;
		*id = m->id;
		*stream = stream_words[line->mark.kind];
	} else if (!guess(s, id, stream)) {
		return false;
	}
	return has_text(l, line);
}

/* --- life ----------------------------------------------------------------------------------------------------------------- */

struct logs *logs_new(const struct logs_query *q)
{
	struct logs *l = mem_zalloc(1, sizeof(*l));

	l->lines = q->lines;
	l->since_ms = q->since_ms;
	l->until_ms = q->until_ms;
	l->kinds = q->kinds;
	l->follows = q->follows;
	l->from_ms = q->now_ms;
	l->has_run = q->run != NULL;
	l->run = q->run ? *q->run : 0;
	l->grep = mem_strdup(q->grep);
	l->cursor = q->cursor ? json_clone(q->cursor) : NULL;
	(void)json_int(json_get(l->cursor, "from_ms"), &l->from_ms);
	return l;
}

void logs_free(struct logs *l)
{
	if (!l)
		return;
	map_release(&l->paths);
	vec_release_with(&l->sources, source_free);
	mem_free(l->grep);
	mem_free(l->heads);
	json_free(l->cursor);
	mem_free(l);
}

bool logs_stir(struct logs *l, const char *path)
{
	struct log_feed *s = map_get(&l->paths, path);

	if (!s)
		return false;
	s->is_dry = false;
	return l->is_waiting;
}

/* --- reading -------------------------------------------------------------------------------------------------------------- */

static void begin_source(struct logs *l, struct log_feed *s)
{
	if (!l->follows)
		log_tail_limit(&s->tail);
	if (l->cursor)
		place_joined(l, s);
	else if (l->lines > 0)
		logs_count_begin(l, s);
	else if (l->lines == 0)
		log_tail_at_end(&s->tail);
	else if (l->since_ms > INT64_MIN)
		log_tail_at_time(&s->tail, l->since_ms, false);
	else
		log_tail_at_oldest(&s->tail);
	log_tail_rest(&s->tail);
}

static void begin_reading(struct logs *l)
{
	struct log_feed *s = NULL;
	size_t i = 0;

	l->has_begun = true;
	l->is_counting = !l->cursor && l->lines > 0;
	VEC_EACH (&l->sources, i, s) {
		begin_source(l, s);
	}
}

static void tell_loss(struct log_feed *s, logs_each each, void *context)
{
	const struct log_member *first = s->members.items[0];
	const struct logs_line note = {
		.id = first->id,
		.stream = stream_words[MARK_NOTE],
		.line = { .bytes = lost_words, .len = sizeof(lost_words) - 1 },
	};

	s->tail.has_lost = false;
	each(context, &note);
}

/* The next line of this log that is asked for, into its head.  False: not in this turn. */
static bool look_for_line(struct logs *l, size_t at)
{
	struct log_feed *s = l->sources.items[at];
	struct merge_head *head = &l->heads[at];
	enum tail_got got = TAIL_LINE;

	while (!head->has_line && !s->is_dry) {
		got = log_tail_next(&s->tail, !l->follows, &s->line);
		if (got == TAIL_BUSY)
			return false;
		if (got == TAIL_END) {
			s->is_dry = true;
			log_tail_rest(&s->tail);
			break;
		}
		head->when = merge_time(head->when, s->line.is_marked, s->line.mark.wall_ms);
		head->has_line = logs_match(l, s, &s->line, &s->id, &s->stream);
		if (!head->has_line)
			log_tail_take(&s->tail);
	}
	return true;
}

static bool look_all(struct logs *l, logs_each each, void *context)
{
	for (size_t i = 0; i < l->sources.len; i++) {
		struct log_feed *s = l->sources.items[i];

		if (!look_for_line(l, i))
			return false;
		if (s->tail.has_lost)
			tell_loss(s, each, context);
	}
	return true;
}

static size_t give_line(struct logs *l, size_t at, logs_each each, void *context)
{
	struct log_feed *s = l->sources.items[at];
	const struct logs_line line = { .id = s->id, .stream = s->stream, .line = s->line };

	each(context, &line);
	l->heads[at].has_line = false;
	log_tail_take(&s->tail);
	return line.line.len + LOGS_LINE_COST;
}

static enum logs_got merge(struct logs *l, size_t most, logs_each each, void *context)
{
	size_t given = 0;
	size_t at = 0;

	if (!look_all(l, each, context))
		return LOGS_MORE;
	while (given < most) {
		at = merge_next(l->heads, l->sources.len);
		if (at == l->sources.len) {
			l->is_waiting = l->follows;
			return l->follows ? LOGS_WAIT : LOGS_END;
		}
		given += give_line(l, at, each, context);
		if (!look_for_line(l, at))
			return LOGS_MORE;
	}
	return LOGS_MORE;
}

enum logs_got logs_read(struct logs *l, size_t most, logs_each each, void *context)
{
	l->budget = l->grep ? LOGS_TURN_SEARCHED : LOGS_TURN_BYTES;
	l->is_waiting = false;
	if (!l->has_begun)
		begin_reading(l);
	if (l->is_counting && !logs_count_go(l))
		return LOGS_MORE;
	l->is_counting = false;
	return merge(l, most, each, context);
}

void logs_cursor(struct logs *l, const char *key, struct buf *out)
{
	struct log_feed *s = NULL;
	size_t i = 0;

	emit_open(out, key, '{');
	emit_open(out, "files", '{');
	VEC_EACH (&l->sources, i, s) {
		const struct log_tail *t = &s->tail;

		if (!t->is_placed || (t->start == s->told_start && log_id_is(&t->id, &s->told_id)))
			continue;
		s->told_start = t->start;
		s->told_id = t->id;
		emit_key(out, t->log.path);
		log_tail_write(t, out);
	}
	emit_close(out, '}');
	emit_int(out, "from_ms", l->from_ms);
	emit_close(out, '}');
}

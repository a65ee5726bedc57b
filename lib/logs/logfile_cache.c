#include "logs/logfile_cache.h"

#include <stdbool.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "logs/compress.h"
#include "logs/logfile.h"
#include "logs/write_journal.h"
#include "loop/watchers.h"

struct logfile_cache {
	struct ev_loop *loop;
	struct logfile_home home;
	struct map files; /* path, which the file has -> struct logfile * */
	ev_timer retry;   /* armed only while something is dropped */
};

static void on_dropped_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	struct logfile_cache *s = w->data;
	const struct map_entry *entry = NULL;
	bool is_over = true;

	(void)loop;
	(void)events;
	MAP_EACH (&s->files, entry) {
		struct logfile *l = entry->value;

		if (logfile_is_failing(l))
			logfile_retry(l);
		is_over = is_over && !logfile_is_failing(l);
	}
	if (is_over)
		ev_timer_stop(s->loop, &s->retry);
}

/* What a killed brain had read and not written; the file's own shape comes later, so it is not rotated now. */
static void finish_what_was_left(struct logfile_cache *s)
{
	struct write_journal_goal goal;
	struct log_source source = { .name = NULL };
	struct logfile *l = NULL;
	size_t len = 0;

	if (!write_journal_left(s->home.journal, &goal)) {
		(void)write_journal_raw(s->home.journal, &len);
		write_journal_skip(s->home.journal, len);
		return;
	}
	source.mark = goal.source;
	l = logfile_new(goal.path, &s->home);
	logfile_set_rights(l, goal.rights);
	logfile_set(l, &(struct logfile_shape){ .format = goal.format[0] ? goal.format : NULL });
	logfile_finish(l);
	(void)logfile_take(l, &source);
	logfile_free(l);
}

struct logfile_cache *logfile_cache_new(struct ev_loop *loop, const char *journal,
	const struct stream_calls *calls, void *context, struct err *e)
{
	struct write_journal *f = write_journal_new(journal, e);
	struct logfile_cache *s = NULL;

	if (!f)
		return NULL;
	s = mem_zalloc(1, sizeof(*s));
	*s = (struct logfile_cache){ .loop = loop, .home = { .journal = f }, .files = MAP_INIT_BORROWED };
	s->home.compressor = compressor_new(loop);
	ev_timer_init(&s->retry, on_dropped_retry, LOGFILE_RETRY_MS / 1000.0, LOGFILE_RETRY_MS / 1000.0);
	s->retry.data = s;
	finish_what_was_left(s);
	/* Only now: the receiver of the call may not be ready while we are made. */
	s->home.calls = calls;
	s->home.context = context;
	return s;
}

static void free_file(void *item)
{
	logfile_free(item);
}

void logfile_cache_free(struct logfile_cache *s)
{
	if (!s)
		return;
	ev_timer_stop(s->loop, &s->retry);
	map_release_with(&s->files, free_file);
	compressor_free(s->home.compressor);
	write_journal_free(s->home.journal);
	mem_free(s);
}

struct write_journal *logfile_cache_journal(const struct logfile_cache *s)
{
	return s->home.journal;
}

struct logfile *logfile_cache_take(struct logfile_cache *s, const char *path, const struct rights *rights)
{
	struct logfile *l = map_get(&s->files, path);

	if (!l) {
		l = logfile_new(path, &s->home);
		map_put(&s->files, logfile_path(l), l);
	}
	logfile_set_rights(l, rights);
	logfile_add_users(l, 1);
	return l;
}

void logfile_cache_put_back(struct logfile_cache *s, struct logfile *l)
{
	if (!l || logfile_add_users(l, -1) > 0)
		return;
	/* The last chance to say what was dropped. */
	logfile_retry(l);
	map_remove(&s->files, logfile_path(l));
	logfile_free(l);
}

void logfile_cache_retry_later(struct logfile_cache *s)
{
	if (!ev_is_active(&s->retry))
		ev_timer_again(s->loop, &s->retry);
}

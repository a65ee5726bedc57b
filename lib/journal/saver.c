#include "journal/saver.h"

#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "journal/store.h"
#include "loop/watchers.h"
#include "os/procfs.h"
#include "rules/pace.h"

struct saver {
	struct ev_loop *loop;
	const struct saver_calls *calls;
	void *context;
	struct store *store;
	ev_timer timer;     /* armed only while something is not saved */
	struct vec forgets; /* of struct ticket * */
	size_t forgets_due; /* so many of them are in the write that is the `write_due`th */
	uint64_t write_due;
	const char *trouble; /* of the last write, as the store keeps it; NULL: none */
	bool has_changed, is_asked;
};

static struct save_pace pace_now(const struct saver *s)
{
	return (struct save_pace){
		.is_failing = saver_trouble(s) != NULL,
		.took_ms = store_took_ms(s->store),
		.forgets = s->forgets.len,
	};
}

static void arm_saver(struct saver *s)
{
	const struct save_pace now = pace_now(s);
	double delay = (double)save_delay(&now) / 1000;

	if (ev_is_active(&s->timer) && ev_timer_remaining(s->loop, &s->timer) <= delay)
		return;
	ev_timer_stop(s->loop, &s->timer);
	/* libev counts from the time at which this turn began, and it may have been a long one. */
	ev_now_update(s->loop);
	ev_timer_set(&s->timer, delay, 0);
	ev_timer_start(s->loop, &s->timer);
}

static void on_save_due(struct ev_loop *loop, ev_timer *w, int events)
{
	struct saver *s = w->data;

	(void)loop;
	(void)events;
	store_save_soon(s->store);
	s->forgets_due = s->forgets.len;
	s->write_due = store_due(s->store);
}

static void forget_saved(struct saver *s)
{
	for (size_t i = 0; i < s->forgets_due; i++) {
		s->calls->forget(s->context, *(struct ticket *)s->forgets.items[i]);
		mem_free(s->forgets.items[i]);
	}
	s->forgets.len -= s->forgets_due;
	if (s->forgets.len)
		memmove(s->forgets.items, s->forgets.items + s->forgets_due, s->forgets.len * sizeof(void *));
	s->forgets_due = 0;
	s->calls->forgot(s->context);
}

static void on_write_ended(void *context)
{
	struct saver *s = context;
	const char *words = NULL;
	struct save_pace now;

	s->trouble = store_is_failing(s->store, &words) ? words : NULL;
	now = pace_now(s);
	if (now.is_failing)
		arm_saver(s);
	if (s->write_due && store_ended(s->store) >= s->write_due && save_lets_forget(&now)) {
		s->write_due = 0;
		forget_saved(s);
	}
	s->calls->ended(s->context);
}

static void on_snapshot(void *context, struct buf *out)
{
	struct saver *s = context;

	s->calls->snapshot(s->context, out);
}

/* --- what happens in a turn ---------------------------------------------------------------------------------------------- */

void saver_changed(struct saver *s)
{
	s->has_changed = true;
}

void saver_is_asked(struct saver *s)
{
	s->is_asked = true;
}

void saver_end_turn(struct saver *s)
{
	if (s->has_changed && s->is_asked)
		store_save_soon(s->store);
	if (s->has_changed || s->forgets.len)
		arm_saver(s);
	s->has_changed = false;
	s->is_asked = false;
}

void saver_forget_later(struct saver *s, struct ticket ticket)
{
	vec_push(&s->forgets, mem_dup(&ticket, sizeof(ticket)));
}

void saver_save_soon(struct saver *s)
{
	store_save_soon(s->store);
}

int saver_save_now(struct saver *s, struct err *e)
{
	return store_save_now(s->store, e);
}

/* --- questions ----------------------------------------------------------------------------------------------------------- */

uint64_t saver_due(const struct saver *s)
{
	return saver_trouble(s) ? store_ended(s->store) : store_due(s->store);
}

uint64_t saver_ended(const struct saver *s)
{
	return store_ended(s->store);
}

const char *saver_trouble(const struct saver *s)
{
	return s->trouble;
}

/* --- life ---------------------------------------------------------------------------------------------------------------- */

struct saver *saver_new(struct ev_loop *loop, const char *path, const struct saver_calls *calls,
	void *context, struct json **state, struct err *e)
{
	struct saver *s = mem_zalloc(1, sizeof(*s));
	struct buf boot = BUF_INIT;
	struct store_found found = { .words = BUF_INIT };
	struct store_options options = {
		.path = path, .snapshot = on_snapshot, .ended = on_write_ended, .context = s
	};

	*s = (struct saver){ .loop = loop, .calls = calls, .context = context };
	ev_timer_init(&s->timer, on_save_due, 0, 0);
	s->timer.data = s;
	procfs_boot_id(&boot);
	options.boot_id = boot.ptr;
	s->store = store_open(loop, &options, &found, e);
	buf_release(&boot);
	if (!s->store) {
		mem_free(s);
		return NULL;
	}
	if (found.words.len)
		log_warn("%s", found.words.ptr);
	*state = found.state;
	found.state = NULL;
	store_found_release(&found);
	return s;
}

void saver_free(struct saver *s)
{
	if (!s)
		return;
	store_free(s->store);
	ev_timer_stop(s->loop, &s->timer);
	vec_release_with(&s->forgets, mem_free);
	mem_free(s);
}

/*
 * When the brain saves what nobody asked for: facts, which wait for others to be saved with, and what the keeper remembers for us until then.
 */
#include <string.h>

#include "base/mem.h"
#include "engine/brain_private.h"

static int64_t save_delay(const struct brain *b)
{
	const char *words = NULL;
	int64_t delay = SAVE_SHARE * store_took_ms(b->store);

	if (store_is_failing(b->store, &words))
		return STORE_RETRY_MS;
	if (delay > SAVE_DELAY_MAX_MS)
		delay = SAVE_DELAY_MAX_MS;
	return delay < SAVE_DELAY_MS || b->forgets.len >= FORGETS_SOON ? SAVE_DELAY_MS : delay;
}

void brain_arm_save(struct brain *b)
{
	double delay = (double)save_delay(b) / 1000;

	if (ev_is_active(&b->save) && ev_timer_remaining(b->loop, &b->save) <= delay)
		return;
	ev_timer_stop(b->loop, &b->save);
	/* libev counts from the time at which this turn began, and it may have been a long one. */
	ev_now_update(b->loop);
	ev_timer_set(&b->save, delay, 0);
	ev_timer_start(b->loop, &b->save);
}

void brain_forget_later(struct brain *b, struct ticket ticket)
{
	vec_push(&b->forgets, mem_dup(&ticket, sizeof(ticket)));
}

void brain_on_save(struct ev_loop *loop, ev_timer *w, int events)
{
	struct brain *b = w->data;

	(void)loop;
	(void)events;
	store_save_soon(b->store);
	b->forgets_due = b->forgets.len;
	b->save_due = store_due(b->store);
}

/* What the keeper remembers for us may go only when the store knows it too; so may the pipes of instances that are gone. */
static void forget(struct brain *b)
{
	for (size_t i = 0; i < b->forgets_due; i++) {
		brain_tell(b, KEEPER_FORGET, *(struct ticket *)b->forgets.items[i]);
		mem_free(b->forgets.items[i]);
	}
	b->forgets.len -= b->forgets_due;
	if (b->forgets.len)
		memmove(b->forgets.items, b->forgets.items + b->forgets_due, b->forgets.len * sizeof(void *));
	b->forgets_due = 0;
	brain_sweep_log_streams(b);
	brain_trim(b);
}

void brain_on_saved(void *context)
{
	struct brain *b = context;
	const char *words = NULL;
	bool is_failing = store_is_failing(b->store, &words);

	if (is_failing)
		brain_arm_save(b);
	/* The keeper's room has its end, also where a disk takes nothing. */
	if (b->save_due && store_ended(b->store) >= b->save_due &&
		(!is_failing || b->forgets.len >= FORGETS_MAX)) {
		b->save_due = 0;
		forget(b);
	}
	if (b->options.saved)
		b->options.saved(b->options.context);
}

/* Nobody waits for a disk that may never take it: status says that it does not. */
uint64_t brain_saves_due(const struct brain *b)
{
	const char *words = NULL;

	return store_is_failing(b->store, &words) ? store_ended(b->store) : store_due(b->store);
}

const char *brain_unsaved(const struct brain *b)
{
	const char *words = NULL;

	return store_is_failing(b->store, &words) ? words : NULL;
}

uint64_t brain_saves_ended(const struct brain *b)
{
	return store_ended(b->store);
}

void brain_save(struct brain *b)
{
	(void)store_save_now(b->store, NULL);
}

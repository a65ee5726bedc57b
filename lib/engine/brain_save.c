/*
 * When the brain saves what nobody asked for: facts, which wait for others to be saved with, and what the keeper remembers for us until then.
 */
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

/* What the keeper remembers for us may go only when the store knows it too; so may the pipes of instances that are gone. */
void brain_on_save(struct ev_loop *loop, ev_timer *w, int events)
{
	struct brain *b = w->data;

	(void)loop;
	(void)events;
	store_save_soon(b->store);
	if (store_save_now(b->store, NULL) < 0) {
		brain_arm_save(b);
		if (b->forgets.len < FORGETS_MAX)
			return;
	}
	for (size_t i = 0; i < b->forgets.len; i++) {
		brain_tell(b, KEEP_FORGET, *(struct ticket *)b->forgets.items[i]);
		mem_free(b->forgets.items[i]);
	}
	b->forgets.len = 0;
	brain_sweep_pump(b);
	brain_trim(b);
}

#include "control/waiting.h"

#include <errno.h>
#include <ev.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "control/handle.h"
#include "engine/brain.h"

struct waiting {
	struct handle *h;
	struct request *r;
	struct json *result;
	ev_timer timeout;
	uint64_t id;
	bool is_going;   /* the herd took it */
	bool is_settled; /* it was over before waiting_go() */
	bool is_ok;
	char *words;
};

static void waiting_free(struct waiting *w)
{
	ev_timer_stop(EV_DEFAULT, &w->timeout);
	request_on_gone(w->r, NULL, NULL);
	mem_free(w->words);
	mem_free(w);
}

static void answer(struct waiting *w, bool is_ok, const char *words)
{
	struct request *r = w->r;
	struct json *result = w->result;
	/* `words` may be these. */
	char *own = w->words;

	w->words = NULL;
	waiting_free(w);
	if (is_ok) {
		request_answer(r, result);
	} else {
		json_free(result);
		request_error(r, RPC_FAILED, NULL, "%s", words);
	}
	mem_free(own);
}

static void on_settled(void *context, bool is_ok, const char *words)
{
	struct waiting *w = context;

	if (w->is_going) {
		answer(w, is_ok, words);
		return;
	}
	w->is_settled = true;
	w->is_ok = is_ok;
	w->words = mem_strdup(words);
}

static void on_timeout(struct ev_loop *loop, ev_timer *t, int events)
{
	struct waiting *w = t->data;
	struct request *r = w->r;

	(void)loop;
	(void)events;
	brain_forget(w->h->brain, w->id);
	json_free(w->result);
	waiting_free(w);
	request_error(r, RPC_TIMED_OUT, NULL, "it is not done yet, and the time is over; it goes on");
}

/* What was asked for goes on; only nobody waits for it any more. */
static void on_client_gone(void *context, struct request *r)
{
	struct waiting *w = context;

	brain_forget(w->h->brain, w->id);
	json_free(w->result);
	ev_timer_stop(EV_DEFAULT, &w->timeout);
	mem_free(w->words);
	mem_free(w);
	request_answer(r, NULL);
}

struct waiting *waiting_new(struct handle *h, struct request *r)
{
	struct waiting *w = mem_zalloc(1, sizeof(*w));

	w->h = h;
	w->r = r;
	ev_timer_init(&w->timeout, on_timeout, 0, 0);
	w->timeout.data = w;
	w->id = brain_expect(h->brain, on_settled, w);
	return w;
}

uint64_t waiting_id(const struct waiting *w)
{
	return w->id;
}

static int64_t timeout_of(const struct request *r)
{
	int64_t value = 0;

	(void)json_int(json_get(request_params(r), "timeout_ms"), &value);
	return value;
}

void waiting_go(struct waiting *w, struct json *result)
{
	int64_t timeout = timeout_of(w->r);

	w->result = result;
	w->is_going = true;
	if (w->is_settled) {
		answer(w, w->is_ok, w->words);
		return;
	}
	if (timeout > 0) {
		ev_timer_set(&w->timeout, (double)timeout / 1000, 0);
		ev_timer_start(EV_DEFAULT, &w->timeout);
	}
	request_on_gone(w->r, on_client_gone, w);
}

void waiting_refused(struct waiting *w, const struct err *e)
{
	struct request *r = w->r;

	brain_forget(w->h->brain, w->id);
	waiting_free(w);
	request_error(r, e->number == ENOENT ? RPC_NO_TARGET : RPC_FAILED, NULL, "%s", e->text.ptr);
}

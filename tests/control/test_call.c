/*
 * The real handlers of a real brain, called without a socket: the test is the transport, and makes the parameters itself.
 */
#include "control/call.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../keeper/stage.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "control/handle.h"
#include "engine/brain.h"
#include "loop/loop.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/dirs.h"
#include "unit.h"

/* A call, and what was said to its client. */
struct direct {
	struct call call;
	int answers;
	int code; /* 0: it was answered well */
	struct buf text;
};

struct house {
	struct stage *stage;
	struct ev_loop *loop;
	struct dirs dirs;
	struct handle handle;
	struct call_router router;
	int ready;
};

static struct house house;

static void on_answer(struct call *c, const struct buf *result)
{
	struct direct *d = (struct direct *)c;

	d->answers++;
	buf_add(&d->text, result->ptr, result->len);
}

static void on_fail(struct call *c, int code, const char *words, const struct buf *data)
{
	struct direct *d = (struct direct *)c;

	(void)data;
	d->answers++;
	d->code = code;
	buf_adds(&d->text, words);
}

static void on_part(struct call *c, const char *name, const struct buf *params)
{
	(void)c;
	(void)name;
	(void)params;
}

static void on_progress(struct call *c, const struct buf *params)
{
	on_part(c, "progress", params);
}

static void want_room(struct call *c)
{
	call_offer_room(c);
}

static int64_t listen_to(struct call *c, bool listens)
{
	(void)c;
	return listens ? 7 : 0;
}

static bool logs_refusal(struct call *c)
{
	(void)c;
	return false;
}

static const struct call_transport transport = {
	.answer = on_answer,
	.fail = on_fail,
	.progress = on_progress,
	.note = on_part,
	.want_room = want_room,
	.listen = listen_to,
	.logs_refusal = logs_refusal,
};

static int on_ready(void *context, struct brain *b, struct err *e)
{
	struct house *h = context;

	(void)e;
	h->handle.brain = b;
	h->ready++;
	return 0;
}

static void publish(void *context, const struct event_item *event)
{
	struct house *h = context;

	handle_published(&h->handle, event);
}

static void ignore_saved(void *context)
{
	(void)context;
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ONE);
}

static void turn_until(struct house *h, const int *value)
{
	int64_t limit = clock_ms() + STAGE_WAIT_MS;
	ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.005, 0.005);
	ev_timer_start(h->loop, &tick);
	while (!*value && clock_ms() < limit)
		ev_run(h->loop, EVRUN_ONCE);
	ev_timer_stop(h->loop, &tick);
	assert_int_equal(*value, 1);
}

static int setup(void **state)
{
	struct house *h = &house;
	struct err e = ERR_INIT;
	struct brain_options options = {
		.dirs = &h->dirs,
		.ready = on_ready,
		.publish = publish,
		.saved = ignore_saved,
		.context = h,
	};

	memset(h, 0, sizeof(*h));
	stage_open(state);
	h->stage = *state;
	h->loop = options.loop = loop_new();
	h->handle.loop = h->loop;
	h->router = (struct call_router){ .handlers = handle_table, .context = &h->handle };
	assert_int_equal(dirs_find(&h->dirs, &e), 0);
	assert_int_equal(dirs_make(&h->dirs, &e), 0);
	options.keeper = fcntl(h->stage->sock, F_DUPFD_CLOEXEC, 0);
	h->handle.brain = brain_new(&options, &e);
	if (!h->handle.brain)
		fail_msg("%s", e.text.ptr);
	turn_until(h, &h->ready);
	*state = h;
	err_release(&e);
	return 0;
}

static int teardown(void **state)
{
	struct house *h = *state;
	void *stage = h->stage;

	brain_free(h->handle.brain);
	handle_release(&h->handle);
	dirs_release(&h->dirs);
	loop_free(h->loop);
	return stage_close(&stage);
}

/* By the owner; parameters are the test's to fill in. */
static void prepare(struct house *h, struct direct *d, enum method method)
{
	memset(d, 0, sizeof(*d));
	buf_init(&d->text);
	d->call.transport = &transport;
	d->call.router = &h->router;
	d->call.params.method = method;
	d->call.caller = (struct caller){ .uid = geteuid(), .pid = getpid(), .is_owner = true };
}

static void call_and_wait(struct house *h, struct direct *d)
{
	call_begin(&d->call);
	turn_until(h, &d->answers);
}

static void assert_says(struct direct *d, int code, const char *words)
{
	if (d->code != code || !strstr(d->text.ptr, words))
		fail_msg("%d: %s", d->code, d->text.ptr);
	buf_release(&d->text);
}

static void start_worker(struct house *h)
{
	const char *argv[] = { "/bin/sleep", "1000", NULL };
	struct direct d;

	prepare(h, &d, METHOD_START);
	d.call.params.start.name = "worker";
	d.call.params.start.argv = (struct param_strings){ .items = argv, .count = 2, .is_given = true };
	call_and_wait(h, &d);
	assert_says(&d, 0, "{\"name\":\"worker\",\"instances\":1,\"started\":1");
}

static void handlers_answer_without_a_socket(void **state)
{
	struct house *h = *state;
	const char *targets[] = { "worker", NULL };
	struct direct d;

	prepare(h, &d, METHOD_PING);
	call_and_wait(h, &d);
	assert_says(&d, 0, "\"pong\"");
	start_worker(h);
	prepare(h, &d, METHOD_STATUS);
	call_and_wait(h, &d);
	assert_says(&d, 0, "\"worker\"");
	/* An answer that comes later. */
	prepare(h, &d, METHOD_STOP);
	d.call.params.stop.targets = (struct param_strings){ .items = targets, .count = 1, .is_given = true };
	call_and_wait(h, &d);
	assert_says(&d, 0, "{\"name\":\"worker\",\"instances\":1}");
	prepare(h, &d, METHOD_SUBSCRIBE);
	call_and_wait(h, &d);
	assert_says(&d, 0, "{\"seq\":7,\"snapshot\":{");
	targets[0] = "nobody";
	prepare(h, &d, METHOD_RESTART);
	d.call.params.restart.targets =
		(struct param_strings){ .items = targets, .count = 1, .is_given = true };
	call_and_wait(h, &d);
	assert_says(&d, RPC_NO_TARGET, "nobody");
}

static void rights_are_checked_whatever_carries_a_call(void **state)
{
	struct house *h = *state;
	bool may[METHOD_COUNT] = { [METHOD_STATUS] = true, [METHOD_START] = true };
	struct direct d;

	h->router.group_may = may;
	h->router.group_name = "ops";
	prepare(h, &d, METHOD_STOP);
	d.call.caller.is_owner = false;
	call_and_wait(h, &d);
	assert_says(&d, RPC_FORBIDDEN, "permission denied: 'stop' needs the right 'control' or 'stop'");
	prepare(h, &d, METHOD_START);
	d.call.params.start.name = "new";
	d.call.caller.is_owner = false;
	call_and_wait(h, &d);
	assert_says(&d, RPC_FORBIDDEN, "permission denied: 'start' of a new app needs the owner");
	prepare(h, &d, METHOD_STATUS);
	d.call.caller.is_owner = false;
	call_and_wait(h, &d);
	assert_says(&d, 0, "\"apps\":[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE_IN(setup, teardown, "handlers take calls and answer them without a socket",
			handlers_answer_without_a_socket),
		PROMISE_IN(setup, teardown, "rights are checked whatever carries a call",
			rights_are_checked_whatever_carries_a_call),
	};

	return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}

/* A client with many requests at once gets a part of them answered each turn, and every other client has its turn too. */
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "control.h"
#include "control/rpc_call.h"
#include "os/clock.h"
#include "unit.h"

enum { FLOOD = 200, DEAR_MS = 10 };

/* The loop can do nothing else meanwhile. */
static void answer_dearly(void *context, struct call *c)
{
	int64_t until = clock_ms() + DEAR_MS;

	(void)context;
	while (clock_ms() < until)
		;
	call_answer_text(c, "\"dear\"");
}

static void ask_dearly(struct fixture *f, int fd)
{
	struct buf all = BUF_INIT;

	for (int i = 0; i < FLOOD; i++)
		buf_adds(&all, ASK("1", "status"));
	assert_true(say(f, fd, all.ptr));
	buf_release(&all);
}

static void a_client_that_asks_much_keeps_nobody_waiting(void **state)
{
	struct fixture *f = *state;
	int64_t begin = 0;
	int flood = -1;
	int other = -1;

	f->handlers[METHOD_STATUS] = answer_dearly;
	fixture_start(f);
	flood = dial(f);
	other = dial(f);
	ask_dearly(f, flood);
	begin = clock_ms();
	assert_true(say(f, other, ASK("2", "ping")));
	assert_heard(f, other, ANSWER("2", "\"pong\""));
	assert_true(clock_ms() - begin < FLOOD * DEAR_MS / 4);
	/* And all that was asked is answered. */
	for (int i = 0; i < FLOOD; i++)
		assert_heard(f, flood, ANSWER("1", "\"dear\""));
	close(flood);
	close(other);
}

static void of_many_that_ask_much_each_has_its_turn(void **state)
{
	struct fixture *f = *state;
	int64_t begin = 0;
	int fds[8];

	f->handlers[METHOD_STATUS] = answer_dearly;
	fixture_start(f);
	for (int i = 0; i < 8; i++)
		fds[i] = dial(f);
	for (int i = 0; i < 8; i++)
		ask_dearly(f, fds[i]);
	begin = clock_ms();
	for (int i = 0; i < 8; i++)
		assert_heard(f, fds[i], ANSWER("1", "\"dear\""));
	assert_true(clock_ms() - begin < FLOOD * DEAR_MS);
	for (int i = 0; i < 8; i++)
		close(fds[i]);
}

int main(void)
{
#define ONE(sentence, function) PROMISE_IN(fixture_setup, fixture_teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		ONE("a client that asks two hundred things at once keeps nobody waiting",
			a_client_that_asks_much_keeps_nobody_waiting),
		ONE("of many clients that ask much at once each has its turn",
			of_many_that_ask_much_each_has_its_turn),
	};

	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}

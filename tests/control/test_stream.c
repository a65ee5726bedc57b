/* Events: in order, without gap or repeat, and never at anybody else's cost. */
#include "control/rpc_server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "control.h"
#include "unit.h"
#include "wire/rpc.h"

static void publish(struct fixture *f, size_t size)
{
	struct buf event = BUF_INIT;

	buf_addf(&event, "{\"seq\":%lld,\"text\":\"", (long long)rpc_server_seq(f->server) + 1);
	buf_fill(&event, 'e', size);
	buf_adds(&event, "\"}");
	rpc_server_publish(f->server, &event);
	buf_release(&event);
}

/* The next message's method and its member `key`. */
static int64_t next_number(struct fixture *f, int fd, const char *method, const char *key)
{
	struct rpc_message message;
	struct buf line = BUF_INIT;
	int64_t value = -1;

	assert_true(hear(f, fd, &line));
	assert_int_equal(rpc_message_parse(&message, line.ptr, line.len, NULL), 0);
	if (method) {
		assert_non_null(message.method);
		assert_string_equal(message.method, method);
		assert_true(json_int(json_get(message.params, key), &value));
	} else {
		assert_true(json_int(json_get(message.result, key), &value));
	}
	rpc_message_release(&message);
	buf_release(&line);
	return value;
}

static void a_snapshot_comes_first_and_then_what_follows_it(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	fixture_start(f);
	for (int i = 0; i < 5; i++)
		publish(f, 1);
	fd = dial(f);
	/* Asked for twice, and events between the question and the answer: none is lost, none comes twice. */
	say(f, fd, ASK("1", "subscribe"));
	publish(f, 1);
	publish(f, 1);
	assert_int_equal(next_number(f, fd, NULL, "seq"), 5);
	assert_int_equal(next_number(f, fd, "event", "seq"), 6);
	assert_int_equal(next_number(f, fd, "event", "seq"), 7);
	say(f, fd, ASK("2", "subscribe"));
	publish(f, 1);
	assert_int_equal(next_number(f, fd, NULL, "snapshot"), 7);
	assert_int_equal(next_number(f, fd, "event", "seq"), 8);
	close(fd);
}

static void a_snapshot_and_the_events_after_it_fit_at_every_moment(void **state)
{
	struct fixture *f = *state;
	int fds[50];

	fixture_start(f);
	for (int i = 0; i < 50; i++) {
		fds[i] = dial(f);
		publish(f, 1);
		assert_true(send(fds[i], ASK("1", "subscribe"), sizeof(ASK("1", "subscribe")) - 1, 0) > 0);
		publish(f, 1);
		if (i % 3 == 0)
			settle(f);
		publish(f, 1);
	}
	settle(f);
	publish(f, 1);
	for (int i = 0; i < 50; i++) {
		int64_t seq = next_number(f, fds[i], NULL, "seq");

		while (seq < rpc_server_seq(f->server)) {
			seq++;
			assert_int_equal(next_number(f, fds[i], "event", "seq"), seq);
		}
		close(fds[i]);
	}
}

static void after_unsubscribe_no_event_follows(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	say(f, fd, ASK("1", "subscribe"));
	assert_int_equal(next_number(f, fd, NULL, "seq"), 0);
	say(f, fd, ASK("2", "unsubscribe"));
	assert_heard(f, fd, ANSWER("2", "{}"));
	publish(f, 1);
	say(f, fd, ASK("3", "ping"));
	assert_heard(f, fd, ANSWER("3", "\"pong\""));
	close(fd);
}

static void a_subscriber_that_never_reads_slows_nobody(void **state)
{
	struct fixture *f = *state;
	int deaf = -1;
	int other = -1;
	int64_t seq = 0;
	int64_t missed = 0;

	fixture_start(f);
	deaf = dial(f);
	say(f, deaf, ASK("1", "subscribe"));
	settle(f);
	for (int i = 0; i < 5000; i++) {
		publish(f, 1000);
		if (i % 100 == 0)
			settle(f);
	}
	/* A small one would fit, but may not overtake what was dropped. */
	publish(f, 1);
	other = dial(f);
	say(f, other, ASK("1", "ping"));
	assert_heard(f, other, ANSWER("1", "\"pong\""));
	assert_true(rpc_server_stats(f->server).events_missed > 3000);
	assert_int_equal(rpc_server_stats(f->server).clients, 2);
	/* Now it reads: what was kept, then how many are missing, then what is new; together they are all. */
	assert_int_equal(next_number(f, deaf, NULL, "seq"), 0);
	while (seq < 5001 - (int64_t)rpc_server_stats(f->server).events_missed)
		assert_int_equal(next_number(f, deaf, "event", "seq"), ++seq);
	missed = next_number(f, deaf, "missed", "missed");
	assert_int_equal(seq + missed, 5001);
	publish(f, 1);
	assert_int_equal(next_number(f, deaf, "event", "seq"), 5002);
	close(deaf);
	close(other);
}

static void answers_reach_a_subscriber_that_missed_events(void **state)
{
	struct fixture *f = *state;
	struct buf line = BUF_INIT;
	int fd = -1;
	bool is_answered = false;

	fixture_start(f);
	fd = dial(f);
	say(f, fd, ASK("1", "subscribe") ASK("2", "stop"));
	turn_until(f, &f->kept_count, 1);
	for (int i = 0; i < 2000; i++)
		publish(f, 1000);
	call_answer_text(f->kept, "\"done\"");
	while (!is_answered) {
		assert_true(hear(f, fd, &line));
		is_answered = !strcmp(line.ptr, ANSWER("2", "\"done\""));
	}
	close(fd);
	buf_release(&line);
}

static void a_subscriber_that_goes_is_forgotten(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	say(f, fd, ASK("1", "subscribe"));
	shutdown(fd, SHUT_WR);
	settle(f);
	publish(f, 1);
	assert_int_equal(next_number(f, fd, NULL, "seq"), 0);
	assert_int_equal(next_number(f, fd, "event", "seq"), 1);
	assert_int_equal(rpc_server_stats(f->server).clients, 1);
	close(fd);
	settle(f);
	assert_int_equal(rpc_server_stats(f->server).clients, 0);
	publish(f, 1);
	settle(f);
}

int main(void)
{
#define ONE(sentence, function) PROMISE_IN(fixture_setup, fixture_teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		ONE("a snapshot comes first, and then the event that follows it",
			a_snapshot_comes_first_and_then_what_follows_it),
		ONE("a snapshot and the events after it fit at every moment",
			a_snapshot_and_the_events_after_it_fit_at_every_moment),
		ONE("after unsubscribe no event follows", after_unsubscribe_no_event_follows),
		ONE("a subscriber that never reads slows nobody, and learns how much it missed",
			a_subscriber_that_never_reads_slows_nobody),
		ONE("answers reach a subscriber that missed events",
			answers_reach_a_subscriber_that_missed_events),
		ONE("a subscriber that goes is forgotten", a_subscriber_that_goes_is_forgotten),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}

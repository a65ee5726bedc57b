/* Places at the control socket: who gets one, and who gives his up. */
#include <unistd.h>

#include "control.h"
#include "control/rpc_server.h"
#include "rules/connections.h"
#include "unit.h"

#define PING_WORDS ANSWER("1", "\"pong\"")

static int share(void)
{
	return (int)connection_share(SERVER_CLIENTS_MAX, geteuid() == 0 ? CONNECTION_ROOT : CONNECTION_USER);
}

static void idle_clients_make_room(void **state)
{
	struct fixture *f = *state;
	int fds[300];
	int first = 300 - share();

	f->answers_when_gone = true;
	fixture_start(f);
	fds[0] = dial(f);
	fds[1] = dial(f);
	say(f, fds[0], ASK("1", "subscribe"));
	say(f, fds[1], ASK("1", "stop"));
	turn_until(f, &f->kept_count, 1);
	for (int i = 2; i < 300; i++)
		fds[i] = dial(f);
	settle(f);
	assert_int_equal(rpc_server_stats(f->server).clients, share());
	assert_int_equal(rpc_server_stats(f->server).turned_away, 0);
	/* The two that wait for something stay, so as many more of the idle ones are closed. */
	for (int i = 2; i < first + 2; i++) {
		assert_heard(
			f, fds[i], ERROR("null", "-32006", "closed: it was idle, and its place is needed"));
		assert_closed(f, fds[i]);
	}
	say(f, fds[first + 2], ASK("1", "ping"));
	assert_heard(f, fds[first + 2], PING_WORDS);
	say(f, fds[0], ASK("2", "ping"));
	for (int i = 0; i < 2; i++)
		close(fds[i]);
	for (int i = first + 2; i < 300; i++)
		close(fds[i]);
	settle(f);
	assert_int_equal(rpc_server_stats(f->server).clients, 0);
}

static void a_client_too_many_is_turned_away(void **state)
{
	struct fixture *f = *state;
	struct buf words = BUF_INIT;
	int fds[300];

	f->answers_when_gone = true;
	fixture_start(f);
	buf_addf(&words,
		ERROR("null", "-32006",
			"%d clients of uid %u are connected already; close one and try again"),
		share(), (unsigned int)geteuid());
	for (int i = 0; i < 300; i++) {
		fds[i] = dial(f);
		say(f, fds[i], ASK("1", "stop"));
	}
	settle(f);
	assert_int_equal(rpc_server_stats(f->server).clients, share());
	assert_int_equal(rpc_server_stats(f->server).turned_away, 300 - share());
	for (int i = share(); i < 300; i++) {
		assert_heard(f, fds[i], words.ptr);
		assert_closed(f, fds[i]);
	}
	say(f, fds[share() - 1], ASK("2", "ping"));
	assert_heard(f, fds[share() - 1], ANSWER("2", "\"pong\""));
	for (int i = 0; i < share(); i++)
		close(fds[i]);
	settle(f);
	assert_int_equal(rpc_server_stats(f->server).clients, 0);
	fds[0] = dial(f);
	say(f, fds[0], ASK("1", "ping"));
	assert_heard(f, fds[0], PING_WORDS);
	close(fds[0]);
	buf_release(&words);
}

int main(void)
{
#define ONE(sentence, function) PROMISE_IN(fixture_setup, fixture_teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		ONE("where all places are taken the longest idle clients make room, those that wait do not",
			idle_clients_make_room),
		ONE("of 300 clients that wait for an answer 256 are served, and the others get an error that says why not",
			a_client_too_many_is_turned_away),
	};

	return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}

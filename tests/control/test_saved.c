/* Who asked for a change hears of it when it is on disk, and nobody else waits for that. */
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "control.h"
#include "unit.h"

static bool has_answer(struct fixture *f, int fd)
{
	char byte = 0;

	settle(f);
	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void an_answer_to_a_change_waits_for_the_disk(void **state)
{
	struct fixture *f = *state;
	int changer = -1;
	int asker = -1;

	fixture_start(f);
	changer = dial(f);
	asker = dial(f);
	f->saves_due = 3;
	f->saves_ended = 1;
	say(f, changer, ASK("1", "stop") ASK("2", "ping"));
	say(f, asker, ASK("1", "ping"));
	turn_until(f, &f->kept_count, 1);
	assert_heard(f, changer, ANSWER("2", "\"pong\""));
	call_answer_text(f->kept, "\"stopped\"");
	assert_heard(f, asker, ANSWER("1", "\"pong\""));
	assert_false(has_answer(f, changer));
	/* One write that was under way has ended, and is not the one. */
	f->saves_ended = 2;
	rpc_server_saved(f->server);
	assert_false(has_answer(f, changer));
	f->saves_ended = 3;
	rpc_server_saved(f->server);
	assert_heard(f, changer, ANSWER("1", "\"stopped\""));
	close(changer);
	close(asker);
}

static void who_leaves_while_its_answer_waits_for_the_disk_is_forgotten(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	fixture_start(f);
	fd = dial(f);
	f->saves_due = 1;
	say(f, fd, ASK("1", "stop"));
	turn_until(f, &f->kept_count, 1);
	call_answer_text(f->kept, "\"stopped\"");
	settle(f);
	close(fd);
	settle(f);
	assert_int_equal(rpc_server_stats(f->server).clients, 0);
	f->saves_ended = 1;
	rpc_server_saved(f->server);
	settle(f);
}

int main(void)
{
#define ONE(sentence, function) PROMISE_IN(fixture_setup, fixture_teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		ONE("an answer that says that something has changed waits until that is on disk, and no other does",
			an_answer_to_a_change_waits_for_the_disk),
		ONE("a client that disconnects while its answer waits for the disk is forgotten",
			who_leaves_while_its_answer_waits_for_the_disk_is_forgotten),
	};

	return cmocka_run_group_tests_name("saved", tests, NULL, NULL);
}

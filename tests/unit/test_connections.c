/* Who gets a place at the control socket. */
#include "rules/connections.h"

#include <string.h>

#include "unit.h"

enum { MAX = 256, DAEMON = 1000 };

struct crowd {
	struct connection all[MAX];
	size_t count;
};

static enum connection_rank rank_of(uint32_t uid)
{
	return uid == 0 ? CONNECTION_ROOT : uid == DAEMON ? CONNECTION_USER : CONNECTION_MEMBER;
}

/* One that comes and, if it may, stays; the place of one that is closed is its own. */
static long come(struct crowd *c, uint32_t uid, bool is_idle)
{
	static uint64_t now;
	long place = connection_place(c->all, c->count, MAX, uid, rank_of(uid));

	if (place != CONNECTION_REFUSE)
		c->all[place < 0 ? (long)c->count++ : place] =
			(struct connection){ uid, rank_of(uid), is_idle, ++now };
	return place;
}

static void each_user_has_a_share(void **state)
{
	struct crowd c = { .count = 0 };

	(void)state;
	for (int i = 0; i < 64; i++)
		assert_int_equal(come(&c, 7, false), CONNECTION_ADMIT);
	assert_int_equal(come(&c, 7, false), CONNECTION_REFUSE);
	assert_int_equal(come(&c, 8, false), CONNECTION_ADMIT);
}

static void many_users_leave_places_for_the_owner(void **state)
{
	struct crowd c = { .count = 0 };

	(void)state;
	for (uint32_t uid = 1; uid < 900; uid++)
		come(&c, uid, false);
	assert_int_equal(c.count, 224);
	for (int i = 0; i < 24; i++)
		assert_int_equal(come(&c, DAEMON, false), CONNECTION_ADMIT);
	assert_int_equal(come(&c, DAEMON, false), CONNECTION_REFUSE);
	for (int i = 0; i < 8; i++)
		assert_int_equal(come(&c, 0, false), CONNECTION_ADMIT);
	assert_int_equal(come(&c, 0, false), CONNECTION_REFUSE);
}

static void the_daemons_own_user_does_not_lock_root_out(void **state)
{
	struct crowd c = { .count = 0 };

	(void)state;
	for (int i = 0; i < 300; i++)
		come(&c, DAEMON, false);
	assert_int_equal(c.count, 224);
	assert_int_equal(come(&c, 0, false), CONNECTION_ADMIT);
}

static void the_longest_idle_one_makes_room(void **state)
{
	struct crowd c = { .count = 0 };

	(void)state;
	assert_int_equal(come(&c, 7, false), CONNECTION_ADMIT);
	for (int i = 1; i < 64; i++)
		assert_int_equal(come(&c, 7, true), CONNECTION_ADMIT);
	/* The first waits for an answer, so the second goes, then the third. */
	assert_int_equal(come(&c, 7, true), 1);
	assert_int_equal(come(&c, 7, false), 2);
	assert_int_equal(come(&c, 7, false), 3);
	assert_int_equal(c.count, 64);
}

static void nobody_makes_room_for_another_user_of_no_more_rights(void **state)
{
	struct crowd c = { .count = 0 };

	(void)state;
	for (uint32_t uid = 1; uid < 225; uid++)
		assert_int_equal(come(&c, uid, true), CONNECTION_ADMIT);
	assert_int_equal(come(&c, 300, true), CONNECTION_REFUSE);
	/* His own he may give up. */
	assert_int_equal(come(&c, 9, true), 8);
}

static void more_rights_get_the_place_of_an_idle_connection(void **state)
{
	struct crowd c = { .count = 0 };

	(void)state;
	for (uint32_t uid = 1; uid < 225; uid++)
		assert_int_equal(come(&c, uid, uid == 5), CONNECTION_ADMIT);
	for (int i = 0; i < 32; i++)
		assert_int_equal(come(&c, 0, false), CONNECTION_ADMIT);
	assert_int_equal(c.count, MAX);
	assert_int_equal(come(&c, DAEMON, false), 4);
	assert_int_equal(come(&c, 0, false), CONNECTION_REFUSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a member of the control group has a quarter of all connections at most",
			each_user_has_a_share),
		PROMISE("however many users connect, places are left for the daemon's user and for root",
			many_users_leave_places_for_the_owner),
		PROMISE("the daemon's own user does not lock root out",
			the_daemons_own_user_does_not_lock_root_out),
		PROMISE("where a share is used up, the longest idle connection of that user is closed",
			the_longest_idle_one_makes_room),
		PROMISE("no connection is closed for another user of no more rights",
			nobody_makes_room_for_another_user_of_no_more_rights),
		PROMISE("an idle connection is closed for a user of more rights",
			more_rights_get_the_place_of_an_idle_connection),
	};

	return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}

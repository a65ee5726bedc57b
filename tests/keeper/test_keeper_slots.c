/* What the keeper knows of its processes is found again, whatever stands beside it, and gone when it is given back. */
#include <string.h>

#include "keeper/groups.h"
#include "keeper/slots.h"
#include "unit.h"

/* Pids that fall into the same bucket. */
enum { A = 5000, B = A + SLOTS_BUCKETS, C = B + SLOTS_BUCKETS, OTHER = 7 };

static struct slots all;

static int begin(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	all.epoll = -1;
	return 0;
}

static int end(void **state)
{
	(void)state;
	while (all.first) {
		if (all.first->is_child)
			slots_reaped(&all, all.first);
		slots_free(&all, all.first);
	}
	assert_int_equal(all.count | all.busy | all.killing | all.walked | all.tree_signals, 0);
	assert_null(all.first_pending);
	assert_null(all.last);
	return 0;
}

static struct slot *make(int64_t slot, uint64_t generation)
{
	struct slot *s = slots_new(&all, (struct keeper_ticket){ slot, generation }, "api:0");

	assert_non_null(s);
	return s;
}

static struct slot *born(uint64_t generation, pid_t pid)
{
	struct slot *s = make(1, generation);

	slots_born(&all, s, pid);
	return s;
}

static void a_ticket_has_two_parts(void **state)
{
	enum { MANY = 3 * SLOTS_BUCKETS };
	struct slot *first = NULL;

	(void)state;
	for (uint64_t i = 1; i <= MANY; i++)
		(void)make((int)i, MANY - i + 1);
	for (uint64_t i = 1; i <= MANY; i++) {
		struct slot *s = slots_find(&all, (struct keeper_ticket){ (int64_t)i, MANY - i + 1 });

		assert_non_null(s);
		assert_int_equal(s->ticket.slot, i);
		assert_null(slots_find(&all, (struct keeper_ticket){ i, MANY + 5 }));
		assert_null(slots_find(&all, (struct keeper_ticket){ MANY + 5, (uint64_t)i }));
	}
	/* Those that share a bucket do not lose each other. */
	for (int i = 1; i <= MANY; i += 2)
		slots_free(&all, slots_find(&all, (struct keeper_ticket){ i, (uint64_t)(MANY - i + 1) }));
	for (int i = 1; i <= MANY; i++)
		assert_int_equal(
			slots_find(&all, (struct keeper_ticket){ i, (uint64_t)(MANY - i + 1) }) != NULL,
			i % 2 == 0);
	first = all.first;
	assert_int_equal(first->ticket.slot, 2);
	assert_int_equal(all.last->ticket.slot, MANY);
	assert_int_equal(all.count, MANY / 2);
}

static void there_are_so_many(void **state)
{
	struct slot *s = NULL;

	(void)state;
	for (int i = 1; i <= KEEPER_SLOTS_MAX; i++)
		s = make(i, 1);
	assert_null(slots_new(&all, (struct keeper_ticket){ KEEPER_SLOTS_MAX + 1, 1 }, "api:0"));
	slots_free(&all, s);
	assert_non_null(slots_new(&all, (struct keeper_ticket){ KEEPER_SLOTS_MAX + 1, 1 }, "api:0"));
}

static void a_child_is_found_until_it_is_reaped(void **state)
{
	struct slot *a = born(1, A);
	struct slot *b = born(2, B);
	struct slot *c = born(3, C);

	(void)state;
	assert_ptr_equal(slots_find_child(&all, A), a);
	assert_ptr_equal(slots_find_child(&all, B), b);
	assert_ptr_equal(slots_find_child(&all, C), c);
	assert_null(slots_find_child(&all, OTHER));
	assert_null(slots_find_child(&all, C + SLOTS_BUCKETS));
	slots_reaped(&all, b);
	assert_null(slots_find_child(&all, B));
	assert_false(b->is_child);
	assert_false(slot_lives(b));
	assert_ptr_equal(slots_find_child(&all, A), a);
	assert_ptr_equal(slots_find_child(&all, C), c);
	/* Its number is another's now. */
	slots_free(&all, b);
	b = born(4, B);
	assert_ptr_equal(slots_find_child(&all, B), b);
}

static void an_adopted_one_is_found_with_its_time(void **state)
{
	struct slot *a = make(1, 1);
	struct slot *b = make(1, 2);

	(void)state;
	a->pid = A;
	a->start_time = 10;
	slots_adopted(&all, a, 1000000);
	b->pid = B;
	b->start_time = 10;
	slots_adopted(&all, b, 1000001);
	assert_true(slot_lives(a));
	assert_ptr_equal(slots_find_adopted(&all, A, 10), a);
	assert_ptr_equal(slots_find_adopted(&all, B, 10), b);
	assert_null(slots_find_adopted(&all, A, 11));
	assert_null(slots_find_adopted(&all, C, 10));
	assert_null(slots_find_child(&all, A));
	assert_false(slots_has_adopted(&all));
	a->was_adopted = true;
	assert_true(slots_has_adopted(&all));
	a->is_gone = true;
	assert_false(slots_has_adopted(&all));
	slots_free(&all, a);
	assert_null(slots_find_adopted(&all, A, 10));
	assert_ptr_equal(slots_find_adopted(&all, B, 10), b);
	slots_reaped(&all, b);
	assert_false(slot_lives(b));
	assert_null(slots_find_adopted(&all, B, 10));
}

static void a_session_is_known_as_long_as_something_may_be_left(void **state)
{
	struct slot *a = born(1, A);
	struct slot *b = born(2, B);
	struct slot *next = NULL;

	(void)state;
	slots_reaped(&all, a);
	slots_reaped(&all, b);
	assert_ptr_equal(slots_find_session(&all, A), a);
	assert_ptr_equal(slots_find_session(&all, B), b);
	/* Known twice is known. */
	slots_know_session(&all, b);
	slots_know_session(&all, a);
	slots_know_session(&all, a);
	assert_ptr_equal(slots_find_session(&all, A), a);
	assert_ptr_equal(slots_find_session(&all, B), b);
	assert_null(slots_find_session(&all, C));
	/* The newest one with that pid. */
	next = born(3, A);
	assert_ptr_equal(slots_find_session(&all, A), next);
	next->is_gone = true;
	assert_ptr_equal(slots_find_session(&all, A), a);
	slots_free(&all, a);
	assert_null(slots_find_session(&all, A));
	assert_ptr_equal(slots_find_session(&all, B), b);
	slots_free(&all, b);
	assert_null(slots_find_session(&all, B));
}

static void what_the_brain_runs_is_no_services(void **state)
{
	struct slot brain = { .report_fd = -1, .pidfd = -1 };

	(void)state;
	assert_true(slot_is_brain(&brain));
	slots_born(&all, &brain, A);
	assert_ptr_equal(slots_find_child(&all, A), &brain);
	assert_null(slots_find_session(&all, A));
	slots_reaped(&all, &brain);
	assert_null(slots_find_child(&all, A));
}

static void a_watch_is_found_until_it_is_taken_away(void **state)
{
	struct slot *a = make(1, 1);
	struct slot *b = make(1, 2);
	struct slot *c = make(1, 3);

	(void)state;
	assert_null(slots_find_watch(&all, -1));
	slots_set_watch(&all, a, 3);
	slots_set_watch(&all, b, 3 + SLOTS_BUCKETS);
	slots_set_watch(&all, c, 0);
	slots_set_watch(&all, a, 3);
	assert_ptr_equal(slots_find_watch(&all, 3), a);
	assert_ptr_equal(slots_find_watch(&all, 3 + SLOTS_BUCKETS), b);
	assert_ptr_equal(slots_find_watch(&all, 0), c);
	assert_null(slots_find_watch(&all, 3 + 2 * SLOTS_BUCKETS));
	slots_set_watch(&all, a, 4);
	assert_null(slots_find_watch(&all, 3));
	assert_ptr_equal(slots_find_watch(&all, 4), a);
	slots_set_watch(&all, c, -1);
	assert_null(slots_find_watch(&all, 0));
	assert_null(slots_find_watch(&all, -1));
	slots_free(&all, a);
	assert_null(slots_find_watch(&all, 4));
	assert_ptr_equal(slots_find_watch(&all, 3 + SLOTS_BUCKETS), b);
}

static void busy_ones_are_counted(void **state)
{
	struct slot *a = make(1, 1);
	struct slot *b = make(1, 2);

	(void)state;
	slots_set_busy(&all, a, true, false);
	assert_int_equal(all.busy, 1);
	assert_int_equal(all.killing, 0);
	assert_int_equal(all.walked, 1);
	assert_true(a->is_walked && a->is_ending && !a->is_killing);
	slots_set_busy(&all, a, true, true);
	slots_set_busy(&all, b, false, true);
	assert_int_equal(all.busy, 2);
	assert_int_equal(all.killing, 2);
	assert_int_equal(all.walked, 2);
	slots_set_busy(&all, a, false, false);
	slots_set_busy(&all, a, false, false);
	assert_int_equal(all.busy, 1);
	assert_int_equal(all.killing, 1);
	assert_int_equal(all.walked, 1);
	b->tree_signal = 10;
	all.tree_signals = 1;
	slots_free(&all, b);
	assert_int_equal(all.busy, 0);
	assert_int_equal(all.killing, 0);
	assert_int_equal(all.walked, 0);
	assert_int_equal(all.tree_signals, 0);
}

static void one_with_a_cgroup_is_not_walked_for(void **state)
{
	struct groups groups = { .dir = -1, .notify = -1, .can_kill = true };
	struct slot *a = make(1, 1);

	(void)state;
	all.groups = &groups;
	a->has_group = true;
	slots_set_busy(&all, a, true, false);
	assert_false(a->is_walked);
	assert_int_equal(all.walked, 0);
	assert_int_equal(all.busy, 1);
	/* As it was begun. */
	groups.can_kill = false;
	slots_set_busy(&all, a, true, true);
	assert_false(a->is_walked);
	slots_set_busy(&all, a, false, false);
	slots_set_busy(&all, a, true, false);
	assert_true(a->is_walked);
	a->has_group = false;
	slots_set_busy(&all, a, false, false);
}

static void assert_owing(const char *wanted)
{
	char seen[16];
	size_t len = 0;

	for (const struct slot *s = all.first_pending; s && len < sizeof(seen) - 1; s = s->next_pending)
		seen[len++] = (char)('0' + s->ticket.generation);
	seen[len] = '\0';
	assert_string_equal(seen, wanted);
	assert_int_equal(all.first_pending != NULL, all.last_pending != NULL);
	if (len && all.last_pending)
		assert_int_equal(all.last_pending->ticket.generation, seen[len - 1] - '0');
}

static void what_is_owed_stands_in_one_queue(void **state)
{
	struct slot *s[5];

	(void)state;
	for (uint64_t i = 1; i <= 4; i++)
		s[i] = make(1, i);
	slots_set_pending(&all, s[1], 0);
	assert_owing("");
	slots_set_pending(&all, s[2], PENDING_SPAWNED);
	slots_set_pending(&all, s[1], PENDING_EXITED);
	slots_set_pending(&all, s[3], PENDING_GONE);
	slots_set_pending(&all, s[2], PENDING_EXITED);
	assert_owing("213");
	assert_int_equal(s[2]->pending, PENDING_SPAWNED | PENDING_EXITED);
	slots_clear_pending(&all, s[4]);
	slots_clear_pending(&all, s[1]);
	assert_owing("23");
	assert_int_equal(s[1]->pending, 0);
	slots_clear_pending(&all, s[3]);
	assert_owing("2");
	slots_set_pending(&all, s[4], PENDING_SLOT);
	assert_owing("24");
	slots_clear_pending(&all, s[2]);
	assert_owing("4");
	slots_free(&all, s[4]);
	assert_owing("");
	slots_set_pending(&all, s[3], PENDING_SLOT);
	assert_owing("3");
}

static void a_new_brain_is_owed_everything(void **state)
{
	struct slot *s[7];

	(void)state;
	for (uint64_t i = 1; i <= 6; i++) {
		s[i] = make(1, i);
		s[i]->state = KEEPER_STATE_EXITED;
	}
	s[1]->state = KEEPER_STATE_RUNNING;
	s[1]->is_stopping = true;
	s[2]->state = KEEPER_STATE_FAILED;
	s[2]->is_gone = true;
	s[3]->state = KEEPER_STATE_FAILED;
	s[3]->is_taken = true;
	s[5]->is_taken = true;
	s[6]->is_gone = true;
	slots_set_pending(&all, s[6], PENDING_SPAWNED);
	slots_set_all_pending(&all);
	assert_owing("123456");
	assert_int_equal(s[1]->pending, PENDING_SLOT | PENDING_ASKED);
	assert_int_equal(s[2]->pending, PENDING_SLOT | PENDING_FAILED);
	assert_int_equal(s[3]->pending, PENDING_SLOT);
	assert_int_equal(s[4]->pending, PENDING_SLOT | PENDING_EXITED);
	assert_int_equal(s[5]->pending, PENDING_SLOT);
	assert_int_equal(s[6]->pending, PENDING_SLOT | PENDING_EXITED | PENDING_GONE);
}

int main(void)
{
#define IN_TABLE(sentence, function) PROMISE_IN(begin, end, sentence, function)
	const struct CMUnitTest tests[] = {
		IN_TABLE("a slot is found by both parts of its ticket", a_ticket_has_two_parts),
		IN_TABLE("there is room for so many slots, and for another when one is given back",
			there_are_so_many),
		IN_TABLE("a child is found by its pid until it is reaped",
			a_child_is_found_until_it_is_reaped),
		IN_TABLE("an adopted process is found by its pid and when it began",
			an_adopted_one_is_found_with_its_time),
		IN_TABLE("a session is known as long as something of it may be left",
			a_session_is_known_as_long_as_something_may_be_left),
		IN_TABLE("the brain's session is no service's", what_the_brain_runs_is_no_services),
		IN_TABLE("a watch is found until it is taken away", a_watch_is_found_until_it_is_taken_away),
		IN_TABLE("trees that are waited for are counted", busy_ones_are_counted),
		IN_TABLE("a tree with a cgroup needs no walk", one_with_a_cgroup_is_not_walked_for),
		IN_TABLE("what is owed to the brain stands in one queue, each slot once",
			what_is_owed_stands_in_one_queue),
		IN_TABLE("a new brain is owed everything, the oldest first", a_new_brain_is_owed_everything),
	};

	return cmocka_run_group_tests_name("keeper: slots", tests, NULL, NULL);
}

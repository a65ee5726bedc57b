/* How long an instance keeps away from the starts of others. */
#include "rules/pace.h"

#include "unit.h"

static void nobody_waits_before_the_first_start(void **state)
{
	struct stagger s = { .last = { 0 } };

	(void)state;
	assert_int_equal(stagger_wait(&s, 1, 500, 0), 0);
	assert_int_equal(stagger_before(&s, 1).slot, 0);
}

static void others_wait_for_the_last_start(void **state)
{
	struct stagger s = { .last = { 0 } };

	(void)state;
	stagger_note(&s, 1, 1000);
	assert_int_equal(stagger_wait(&s, 2, 500, 1000), 500);
	assert_int_equal(stagger_wait(&s, 2, 500, 1499), 1);
	assert_int_equal(stagger_wait(&s, 2, 500, 1500), 0);
	assert_int_equal(stagger_wait(&s, 2, 0, 1000), 0);
	assert_int_equal(stagger_before(&s, 2).slot, 1);
	stagger_note(&s, 2, 1500);
	assert_int_equal(stagger_wait(&s, 3, 500, 1600), 400);
	assert_int_equal(stagger_wait(&s, 1, 500, 1600), 400);
}

static void nobody_waits_for_its_own_start(void **state)
{
	struct stagger s = { .last = { 0 } };

	(void)state;
	stagger_note(&s, 1, 1000);
	assert_int_equal(stagger_wait(&s, 1, 500, 1001), 0);
	stagger_note(&s, 2, 1600);
	/* However often it starts, it is the other one that it keeps away from. */
	stagger_note(&s, 2, 1700);
	stagger_note(&s, 2, 1800);
	assert_int_equal(stagger_wait(&s, 2, 1000, 1800), 200);
	assert_int_equal(stagger_before(&s, 2).slot, 1);
	assert_int_equal(stagger_wait(&s, 3, 1000, 1800), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("nobody waits before the first start", nobody_waits_before_the_first_start),
		PROMISE("the others wait for the last start", others_wait_for_the_last_start),
		PROMISE("nobody waits for its own start", nobody_waits_for_its_own_start),
	};

	return cmocka_run_group_tests_name("stagger", tests, NULL, NULL);
}

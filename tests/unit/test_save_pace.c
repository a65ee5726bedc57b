/* When the state is saved. */
#include "rules/pace.h"

#include "unit.h"

static int64_t delay(int64_t took_ms, size_t forgets)
{
	return save_delay(&(struct save_pace){ .took_ms = took_ms, .forgets = forgets });
}

static void a_quick_disk_is_used_soon(void **state)
{
	(void)state;
	assert_int_equal(delay(0, 0), SAVE_DELAY_MS);
	assert_int_equal(delay(SAVE_DELAY_MS / SAVE_SHARE, 0), SAVE_DELAY_MS);
}

static void a_slow_disk_is_left_alone(void **state)
{
	(void)state;
	assert_int_equal(delay(100, 0), 100 * SAVE_SHARE);
	assert_int_equal(delay(1000000, 0), SAVE_DELAY_MAX_MS);
}

static void many_ends_are_not_put_off(void **state)
{
	(void)state;
	assert_int_equal(delay(1000000, SAVE_FORGETS_SOON), SAVE_DELAY_MS);
	assert_true(delay(1000000, SAVE_FORGETS_SOON - 1) > SAVE_DELAY_MS);
}

static void a_disk_that_refuses(void **state)
{
	struct save_pace p = { .is_failing = true };

	(void)state;
	assert_int_equal(save_delay(&p), SAVE_RETRY_MS);
	assert_false(save_lets_forget(&p));
	/* The keeper would have no room for new ends. */
	p.forgets = SAVE_FORGETS_MAX;
	assert_true(save_lets_forget(&p));
	p = (struct save_pace){ .is_failing = false };
	assert_true(save_lets_forget(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what happens is saved within a fifth of a second", a_quick_disk_is_used_soon),
		PROMISE("a slow disk is written to a tenth of the time", a_slow_disk_is_left_alone),
		PROMISE("many ends are saved soon, however slow the disk is", many_ends_are_not_put_off),
		PROMISE("the keeper forgets what is saved, and what it has no more room for",
			a_disk_that_refuses),
	};

	return cmocka_run_group_tests_name("save_pace", tests, NULL, NULL);
}

#include "herd/timers.h"

#include "herd/budget.h"
#include "unit.h"

static void they_come_in_order(void **state)
{
	struct timers t = { .heap = NULL };
	struct timer timers[200] = { { .at = 0 } };
	int64_t last = -1;
	uint64_t random = 7;

	(void)state;
	assert_null(timers_next(&t));
	for (int k = 0; k < 200; k++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		timer_arm(&t, &timers[k], (int64_t)(random >> 40) % 50);
	}
	for (int k = 0; k < 200; k += 3)
		timer_disarm(&t, &timers[k]);
	for (int k = 1; k < 200; k += 5)
		timer_arm(&t, &timers[k], 60);
	assert_null(timers_take(&t, -1));
	for (struct timer *timer = timers_take(&t, 100); timer; timer = timers_take(&t, 100)) {
		assert_true(timer->at >= last);
		assert_false(timer_is_armed(timer));
		last = timer->at;
	}
	assert_int_equal(last, 60);
	assert_int_equal(t.len, 0);
	timers_release(&t);
}

static void equal_ones_keep_their_order(void **state)
{
	struct timers t = { .heap = NULL };
	struct timer timers[20] = { { .at = 0 } };

	(void)state;
	for (int k = 0; k < 20; k++)
		timer_arm(&t, &timers[k], 5);
	for (int k = 0; k < 20; k++)
		assert_ptr_equal(timers_take(&t, 5), &timers[k]);
	timers_release(&t);
}

static void arming_again_moves(void **state)
{
	struct timers t = { .heap = NULL };
	struct timer one = { .at = 0 };

	(void)state;
	timer_arm(&t, &one, 10);
	timer_arm(&t, &one, 30);
	assert_int_equal(t.len, 1);
	assert_null(timers_take(&t, 29));
	assert_ptr_equal(timers_take(&t, 30), &one);
	timer_disarm(&t, &one);
	assert_null(timers_take(&t, 1000));
	timers_release(&t);
}

static void a_budget_is_never_overdrawn(void **state)
{
	struct budget b = BUDGET_INIT(2);

	(void)state;
	assert_true(budget_ask(&b, 1));
	assert_true(budget_ask(&b, 2));
	assert_false(budget_ask(&b, 3));
	assert_false(budget_ask(&b, 4));
	assert_true(budget_ask(&b, 1));
	assert_false(budget_ask(&b, 3));
	assert_int_equal(budget_give(&b, 4), 0);
	assert_int_equal(budget_give(&b, 1), 3);
	assert_true(budget_ask(&b, 3));
	assert_int_equal(budget_give(&b, 2), 0);
	assert_int_equal(budget_give(&b, 9), 0);
	assert_true(budget_ask(&b, 5));
	assert_false(budget_ask(&b, 6));
	budget_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("timers come in the order of their time, whatever was armed, moved or taken out",
			they_come_in_order),
		PROMISE("of two that are due at once the first armed comes first",
			equal_ones_keep_their_order),
		PROMISE("arming an armed timer moves it", arming_again_moves),
		PROMISE("a budget gives at most so many at once, and then in the order of asking",
			a_budget_is_never_overdrawn),
	};

	return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}

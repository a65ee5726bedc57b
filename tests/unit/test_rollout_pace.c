#include "unit.h"

#include "rules/rollout.h"

/* One slot is on trial, well since 1000; three others serve. */
static struct rollout_decision on_trial(
	enum rollout_phase phase, enum rollout_seat seat, int64_t pace_ms, int64_t now)
{
	const struct rollout_slot slots[] = {
		{ .seat = seat,
			.is_target = true,
			.is_wanted = true,
			.is_up = true,
			.is_well = true,
			.well_since = 1000 },
		{ .seat = SEAT_REAL, .is_wanted = true, .serves = true, .is_up = true, .is_well = true },
		{ .seat = SEAT_REAL, .is_wanted = true, .serves = true, .is_up = true, .is_well = true },
		{ .seat = SEAT_REAL, .is_wanted = true, .serves = true, .is_up = true, .is_well = true },
	};
	const struct rollout_picture p = {
		.phase = phase,
		.rules = { .surge = 1,
			.at_once = 1,
			.min_healthy_ms = 2000,
			.stall_ms = 1000000,
			.pace_ms = pace_ms },
		.slots = slots,
		.len = 4,
		.now = now,
	};

	return rollout_decide(&p);
}

static void a_slot_waits_for_the_pace(void **state)
{
	struct rollout_decision d = on_trial(ROLLOUT_REPLACE, SEAT_REAL, 3666, 4665);

	(void)state;
	assert_int_equal(d.verb, ROLLOUT_DO_WAIT);
	assert_int_equal(d.at, 4666);
	d = on_trial(ROLLOUT_REPLACE, SEAT_REAL, 3666, 4666);
	assert_int_equal(d.verb, ROLLOUT_DO_PROVE);
	assert_int_equal(d.slot, 0);
}

static void a_pace_is_never_shorter_than_the_trial(void **state)
{
	(void)state;
	assert_int_equal(on_trial(ROLLOUT_REPLACE, SEAT_REAL, 500, 2999).at, 3000);
	assert_int_equal(on_trial(ROLLOUT_REPLACE, SEAT_REAL, 500, 3000).verb, ROLLOUT_DO_PROVE);
}

static void a_spare_keeps_no_pace(void **state)
{
	(void)state;
	assert_int_equal(on_trial(ROLLOUT_PROOF, SEAT_SPARE, 3666, 3000).verb, ROLLOUT_DO_PROVE);
}

static void going_back_keeps_no_pace(void **state)
{
	(void)state;
	assert_int_equal(on_trial(ROLLOUT_BACK, SEAT_REAL, 3666, 1000).verb, ROLLOUT_DO_PROVE);
}

/* The first must be believed in again before the last goes, whatever the number. */
static void the_pace_covers_the_time_that_a_proxy_stays_away(void **state)
{
	(void)state;
	assert_int_equal(rollout_pace(4, 1, 10000), 3666);
	assert_int_equal(rollout_pace(2, 1, 10000), 11000);
	assert_int_equal(rollout_pace(12, 1, 10000), 1000);
	assert_int_equal(rollout_pace(4, 2, 10000), 11000);
	assert_int_equal(rollout_pace(5, 2, 10000), 5500);
	/* Nobody else is there, or all go at once, or nobody stays away. */
	assert_int_equal(rollout_pace(1, 1, 10000), 0);
	assert_int_equal(rollout_pace(4, 4, 10000), 0);
	assert_int_equal(rollout_pace(4, 1, 0), 0);
	assert_int_equal(rollout_pace(0, 0, 10000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a replaced slot waits for the pace before the next is taken",
			a_slot_waits_for_the_pace),
		PROMISE("the pace is never shorter than the trial", a_pace_is_never_shorter_than_the_trial),
		PROMISE("a spare keeps no pace: no proxy knows it", a_spare_keeps_no_pace),
		PROMISE("going back keeps no pace: capacity comes first", going_back_keeps_no_pace),
		PROMISE("the pace covers the time for which a proxy stays away from a server",
			the_pace_covers_the_time_that_a_proxy_stays_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* When an upstream is written, tried again, and taken for true. */
#include "rules/proxy_round.h"

#include "unit.h"

static void changes_are_gathered(void **state)
{
	struct proxy_site s = { .serial = 0 };

	(void)state;
	proxy_site_change(&s, 1, 1000);
	assert_false(proxy_site_is_due(&s, 1000 + UPSTREAM_COALESCE_MS - 1));
	/* A second one puts the first not off. */
	proxy_site_change(&s, 2, 1030);
	assert_true(proxy_site_is_due(&s, 1000 + UPSTREAM_COALESCE_MS));
	proxy_site_begin(&s);
	assert_int_equal(s.round_serial, 2);
	assert_false(proxy_site_is_due(&s, 100000));
	proxy_site_succeed(&s);
	assert_int_equal(s.reported, 2);
	assert_int_equal(s.reported_outcome, UPSTREAM_IN_EFFECT);
}

static void retries_grow_and_are_told_once(void **state)
{
	struct proxy_site s = { .serial = 0 };
	int64_t now = 1000;
	int64_t pause = UPSTREAM_RETRY_MS;

	(void)state;
	proxy_site_change(&s, 1, now);
	for (int k = 0; k < 20; k++) {
		now = s.due_at;
		proxy_site_begin(&s);
		assert_int_equal(proxy_site_fail(&s, UPSTREAM_TAKEN_BACK, now), k == 0);
		assert_int_equal(s.due_at - now, pause);
		pause = pause * 2 < UPSTREAM_RETRY_MAX_MS ? pause * 2 : UPSTREAM_RETRY_MAX_MS;
	}
	/* Another outcome is news, and so is a success. */
	proxy_site_begin(&s);
	assert_true(proxy_site_fail(&s, UPSTREAM_UNSURE, now));
	proxy_site_begin(&s);
	proxy_site_succeed(&s);
	assert_int_equal(s.reported_outcome, UPSTREAM_IN_EFFECT);
	proxy_site_change(&s, 2, now);
	proxy_site_begin(&s);
	assert_true(proxy_site_fail(&s, UPSTREAM_TAKEN_BACK, now));
	assert_int_equal(s.due_at - now, UPSTREAM_RETRY_MS);
}

static void what_is_new_does_not_wait(void **state)
{
	struct proxy_site s = { .serial = 0 };

	(void)state;
	proxy_site_change(&s, 1, 1000);
	proxy_site_begin(&s);
	/* While the round is under way. */
	proxy_site_change(&s, 2, 2000);
	assert_true(proxy_site_fail(&s, UPSTREAM_TAKEN_BACK, 2010));
	assert_int_equal(s.reported, 1);
	assert_int_equal(s.due_at, 2000 + UPSTREAM_COALESCE_MS);
	/* While a retry is far away. */
	proxy_site_begin(&s);
	(void)proxy_site_fail(&s, UPSTREAM_TAKEN_BACK, 3000);
	proxy_site_change(&s, 3, 3010);
	assert_int_equal(s.due_at, 3010 + UPSTREAM_COALESCE_MS);
}

static void refused_together_tried_alone(void **state)
{
	struct proxy_site a = { .serial = 0 };
	struct proxy_site b = { .serial = 0 };

	(void)state;
	proxy_site_change(&a, 1, 1000);
	assert_false(proxy_site_goes_with(&a, &b));
	proxy_site_change(&b, 1, 1000);
	assert_true(proxy_site_goes_with(&a, &b));
	proxy_site_begin(&a);
	proxy_site_begin(&b);
	proxy_site_set_apart(&a, 1100);
	proxy_site_set_apart(&b, 1100);
	assert_true(proxy_site_is_due(&a, 1100) && proxy_site_is_due(&b, 1100));
	assert_false(proxy_site_goes_with(&a, &b));
	/* The good one goes with others again, the bad one stays by itself. */
	proxy_site_begin(&a);
	proxy_site_succeed(&a);
	proxy_site_begin(&b);
	(void)proxy_site_fail(&b, UPSTREAM_TAKEN_BACK, 1200);
	proxy_site_change(&a, 2, 1300);
	assert_false(proxy_site_goes_with(&a, &b));
	proxy_site_begin(&b);
	proxy_site_succeed(&b);
	proxy_site_change(&b, 2, 1300);
	assert_true(proxy_site_goes_with(&a, &b));
	proxy_site_drop(&b);
	assert_false(proxy_site_is_due(&b, INT64_MAX));
}

static void a_reload_is_seen_or_was_none(void **state)
{
	struct proxy_look l;
	int64_t now = 1000;
	int looks = 0;

	(void)state;
	proxy_look_begin(&l, now);
	assert_int_equal(proxy_look_judge(&l, NGINX_NOBODY, false, now), PROXY_IN_EFFECT);
	while (proxy_look_judge(&l, NGINX_SAME, false, now) == PROXY_LOOK_AGAIN) {
		assert_true(l.pause_ms > 0 && l.pause_ms <= UPSTREAM_LOOK_MAX_MS);
		now += l.pause_ms;
		looks++;
	}
	assert_in_range(now, 1000 + UPSTREAM_CONFIRM_MS, 1000 + UPSTREAM_CONFIRM_MS + UPSTREAM_LOOK_MAX_MS);
	assert_true(looks < 70);
	assert_int_equal(proxy_look_judge(&l, NGINX_SAME, false, now), PROXY_NOT_TAKEN);
	/* Late, but it has. */
	assert_int_equal(proxy_look_judge(&l, NGINX_TURNED, false, now), PROXY_IN_EFFECT);
}

static void old_workers_are_waited_for(void **state)
{
	struct proxy_look l;
	int64_t now = 1000;

	(void)state;
	proxy_look_begin(&l, now);
	assert_false(l.is_lingering);
	assert_int_equal(proxy_look_judge(&l, NGINX_TURNED, true, now), PROXY_LOOK_AGAIN);
	assert_true(l.is_lingering);
	assert_int_equal(
		proxy_look_judge(&l, NGINX_TURNED, true, now + UPSTREAM_OLD_MS - 1), PROXY_LOOK_AGAIN);
	assert_int_equal(proxy_look_judge(&l, NGINX_TURNED, true, now + UPSTREAM_OLD_MS), PROXY_IN_EFFECT);
	assert_int_equal(proxy_look_judge(&l, NGINX_TURNED, false, now + 1), PROXY_IN_EFFECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("changes within a moment are written once, and none puts the first off",
			changes_are_gathered),
		PROMISE("a failure is tried again less and less often, and told once",
			retries_grow_and_are_told_once),
		PROMISE("what is new does not wait for a retry", what_is_new_does_not_wait),
		PROMISE("files that are refused together are tried one by one", refused_together_tried_alone),
		PROMISE("a reload that changes nothing is no success", a_reload_is_seen_or_was_none),
		PROMISE("old workers are waited for, but not for ever", old_workers_are_waited_for),
	};

	return cmocka_run_group_tests_name("proxy_round", tests, NULL, NULL);
}

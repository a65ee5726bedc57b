/* stagger_ms: the instances of one app start one after the other. */
#include <string.h>

#include "base/mem.h"
#include "fake_effects.h"
#include "unit.h"

static struct spec *begin(struct fake *f, int instances)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", instances);
	s->stagger_ms = 500;
	return s;
}

static void assert_reason(const struct fake *f, const char *name, const char *words)
{
	struct instance_status s = fake_status(f, name);

	assert_string_equal(s.reason.ptr, words);
	instance_status_release(&s);
}

static void instances_start_that_far_apart(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 4);
	fake_apply(&f);
	fake_request(&f, HERD_START, "api", 7, true);
	fake_pass(&f, 0);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_string_equal(fake_state(&f, "api:3"), "starting");
	assert_reason(&f, "api:1", "waits for its turn after api:0 (stagger_ms = 500)");
	assert_reason(&f, "api:3", "waits for its turn after api:2 (stagger_ms = 500)");
	fake_pass(&f, 499);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "spawn api:1"), 1);
	fake_pass(&f, 999);
	assert_int_equal(fake_count(&f, "spawn"), 3);
	assert_int_equal(fake_count(&f, "settled 7"), 0);
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "spawn api:3"), 1);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(herd_counts(f.h).timers, 0);
	fake_release(&f);
}

static void the_start_delay_comes_first(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2)->start_delay_ms = 2000;
	fake_apply(&f);
	fake_pass(&f, 1999);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	assert_reason(&f, "api:1", "waits for start_delay to be over");
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	assert_reason(&f, "api:1", "waits for its turn after api:0 (stagger_ms = 500)");
	fake_pass(&f, 500);
	assert_int_equal(fake_count(&f, "spawn"), 2);
	fake_release(&f);
}

static void one_crash_is_delayed_by_nobody_and_many_come_back_one_by_one(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 3);
	fake_apply(&f);
	fake_pass(&f, 5000);
	fake_forget(&f);
	fake_exit(&f, "api:1", 1, 0);
	fake_pass(&f, 110);
	assert_int_equal(fake_count(&f, "spawn api:1"), 1);
	fake_pass(&f, 5000);
	fake_forget(&f);
	for (int k = 0; k < 3; k++) {
		static const char *const names[] = { "api:0", "api:1", "api:2" };

		fake_exit(&f, names[k], 1, 0);
	}
	/* Two in a row: the longest delay is 200 ms and a tenth. */
	fake_pass(&f, 220);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	fake_pass(&f, 500);
	assert_int_equal(fake_count(&f, "spawn"), 2);
	fake_pass(&f, 500);
	assert_int_equal(fake_count(&f, "spawn"), 3);
	fake_release(&f);
}

/* Each of its starts would be a reason to wait once more. */
static void one_that_crashes_without_end_does_not_hold_up_the_others(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3);

	(void)state;
	s->restart_delay_ms = 0;
	fake_apply(&f);
	for (int k = 0; k < 60; k++) {
		if (strcmp(fake_state(&f, "api:0"), "running") == 0)
			fake_exit(&f, "api:0", 1, 0);
		fake_pass(&f, 50);
	}
	assert_string_equal(fake_state(&f, "api:1"), "running");
	assert_string_equal(fake_state(&f, "api:2"), "running");
	assert_true(fake_count(&f, "spawn api:0") > 10);
	fake_release(&f);
}

static void who_is_not_wanted_any_more_holds_up_nobody(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 10);
	fake_apply(&f);
	fake_pass(&f, 600);
	assert_int_equal(fake_count(&f, "spawn"), 2);
	fake_scale(&f, "api", 3);
	fake_pass(&f, 0);
	assert_reason(&f, "api:2", "waits for its turn after api:1 (stagger_ms = 500)");
	fake_scale(&f, "api", 5);
	fake_pass(&f, 400);
	assert_int_equal(fake_count(&f, "spawn"), 3);
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_live(&f, 0);
	assert_string_equal(fake_state(&f, "api:4"), "stopped");
	fake_forget(&f);
	fake_request(&f, HERD_START, "api", 0, false);
	fake_pass(&f, 500);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	fake_pass(&f, 2000);
	assert_int_equal(fake_count(&f, "spawn"), 5);
	fake_release(&f);
}

static void a_change_counts_for_those_that_wait(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 4);

	(void)state;
	s->stagger_ms = 60000;
	fake_apply(&f);
	fake_pass(&f, 1000);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	s->stagger_ms = 2000;
	fake_apply(&f);
	fake_pass(&f, 999);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "spawn"), 2);
	s->stagger_ms = 0;
	fake_apply(&f);
	fake_pass(&f, 0);
	assert_int_equal(fake_count(&f, "spawn"), 4);
	assert_int_equal(fake_count(&f, "signal"), 0);
	fake_release(&f);
}

static void the_next_brain_continues(void **state)
{
	struct fake f;
	struct buf text = BUF_INIT;
	struct herd_live live = { .name = "api:0", .pid = 4242 };

	(void)state;
	begin(&f, 3);
	fake_apply(&f);
	fake_pass(&f, 100);
	live.ticket = fake_ticket(&f, "api:0");
	/* An earlier build takes it for a delay of its own, which ends when its turn would be. */
	herd_write(f.h, &text);
	assert_non_null(strstr(text.ptr, "\"phase\":\"delayed\",\"is_staggered\":true"));
	assert_non_null(strstr(text.ptr, "\"life\":{\"kind\":\"delay\",\"ms\":500}"));
	assert_non_null(strstr(text.ptr, "\"life\":{\"kind\":\"delay\",\"ms\":1000}"));
	buf_release(&text);
	fake_forget(&f);
	fake_rebirth(&f);
	assert_true(herd_adopt(f.h, &live, f.now));
	herd_resume(f.h, f.now);
	fake_pass(&f, 0);
	assert_reason(&f, "api:1", "waits for its turn after api:0 (stagger_ms = 500)");
	assert_int_equal(fake_count(&f, "spawn"), 0);
	fake_pass(&f, 399);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "spawn api:1"), 1);
	fake_pass(&f, 500);
	assert_int_equal(fake_count(&f, "spawn api:2"), 1);
	fake_release(&f);
}

static void what_it_depends_on_is_looked_at_once_more(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	fake_app(&f, "db", 1);
	fake_needs(f.specs.items[0], "db");
	fake_apply(&f);
	fake_pass(&f, 100);
	assert_int_equal(fake_count(&f, "spawn api"), 1);
	fake_exit(&f, "db:0", 1, 0);
	f.is_never_ready = true;
	fake_pass(&f, 500);
	assert_int_equal(fake_count(&f, "spawn api"), 1);
	assert_string_equal(fake_state(&f, "api:1"), "blocked");
	fake_release(&f);
}

/* A port that was taken may be free in the very moment in which another one starts. */
static void one_whose_port_was_taken_keeps_away_too(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3);

	(void)state;
	s->port = 3000;
	f.is_manual = true;
	fake_apply(&f);
	herd_port_taken(f.h, fake_ticket(&f, "api:0"), 812, "node", f.now);
	f.now += 500;
	herd_timer(f.h, f.now);
	assert_int_equal(fake_count(&f, "check api:1"), 1);
	herd_port_free(f.h, fake_ticket(&f, "api:1"), f.now);
	assert_int_equal(fake_count(&f, "spawn api:1"), 1);
	f.now += 100;
	herd_port_free(f.h, fake_ticket(&f, "api:0"), f.now);
	assert_int_equal(fake_count(&f, "spawn api:0"), 0);
	assert_reason(&f, "api:0", "waits for its turn after api:2 (stagger_ms = 500)");
	f.checks_len = 0;
	f.is_manual = false;
	fake_pass(&f, 399);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "spawn api:2"), 1);
	fake_pass(&f, 500);
	assert_int_equal(fake_count(&f, "spawn api:0"), 1);
	fake_release(&f);
}

/* Better than to take one down that has to wait for its turn to start again. */
static void a_deploy_keeps_the_pace(void **state)
{
	struct fake f;
	struct spec *s = NULL;
	int64_t first = 0;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 2);
	s->stagger_ms = 3000;
	s->deploy.min_healthy_ms = 100;
	s->deploy.surge = 0;
	fake_apply(&f);
	fake_live(&f, 10000);
	fake_forget(&f);
	command_from_line(&s->command, "serve --better", NULL);
	fake_apply(&f);
	for (int k = 0; k < 1000 && !fake_count(&f, "spawn api"); k++)
		fake_live(&f, 10);
	first = f.now;
	for (int k = 0; k < 1000 && fake_count(&f, "signal api") < 2; k++)
		fake_live(&f, 10);
	assert_in_range(f.now - first, 2900, 3500);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("instances start stagger_ms apart, and a wait ends with the last",
			instances_start_that_far_apart),
		PROMISE("the start delay comes first", the_start_delay_comes_first),
		PROMISE("a deploy takes nobody down that would have to wait for its turn",
			a_deploy_keeps_the_pace),
		PROMISE("one crash is delayed by nobody, and many come back one by one",
			one_crash_is_delayed_by_nobody_and_many_come_back_one_by_one),
		PROMISE("one that crashes without end does not hold up the others",
			one_that_crashes_without_end_does_not_hold_up_the_others),
		PROMISE("who is not wanted any more holds up nobody",
			who_is_not_wanted_any_more_holds_up_nobody),
		PROMISE("a change of stagger_ms counts for those that wait",
			a_change_counts_for_those_that_wait),
		PROMISE("the next brain continues where the last one was", the_next_brain_continues),
		PROMISE("what it depends on is looked at once more when its turn has come",
			what_it_depends_on_is_looked_at_once_more),
		PROMISE("one whose port was taken keeps away from the starts of others too",
			one_whose_port_was_taken_keeps_away_too),
	};

	return cmocka_run_group_tests_name("herd: stagger", tests, NULL, NULL);
}

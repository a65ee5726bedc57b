/*
 * What the herd makes of what instances say of themselves.
 */
#include <string.h>

#include "fake_effects.h"
#include "unit.h"
#include "wire/notice.h"

static void say(struct fake *f, const char *name, const char *text)
{
	struct notice n;

	assert_true(notice_read(&n, text, strlen(text)));
	herd_notified(f->h, fake_ticket(f, name), &n, f->now);
	fake_answer(f);
}

static struct spec *begin(struct fake *f)
{
	struct spec *s = NULL;

	fake_init(f);
	f->is_never_ready = true;
	s = fake_app(f, "api", 1);
	s->ready_timeout_ms = 5000;
	s->stop_timeout_ms = 3000;
	return s;
}

static void assert_reason(const struct fake *f, const char *words)
{
	struct instance_status s = fake_status(f, "api:0");

	assert_non_null(strstr(s.reason.ptr, words));
	instance_status_release(&s);
}

static void ready_makes_ready(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_apply(&f);
	say(&f, "api:0", "STATUS=loads 3 of 7");
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	assert_reason(&f, "waits for READY=1 from it; it says: loads 3 of 7");
	say(&f, "api:0", "READY=1\nSTATUS=");
	assert_string_equal(fake_state(&f, "api:0"), "running");
	fake_release(&f);
}

static void ready_counts_where_it_is_asked_for(void **state)
{
	struct fake f;

	(void)state;
	begin(&f)->ready = READY_LISTEN;
	fake_apply(&f);
	say(&f, "api:0", "READY=1");
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	fake_release(&f);
}

static void words_of_the_dead(void **state)
{
	struct fake f;
	struct ticket t;
	struct notice n = { .is_ready = true };

	(void)state;
	begin(&f)->restart_delay_ms = 0;
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 10);
	assert_true(fake_ticket(&f, "api:0").generation != t.generation);
	herd_notified(f.h, t, &n, f.now);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	fake_release(&f);
}

static void more_time_to_start(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_apply(&f);
	fake_pass(&f, 4000);
	/* Never less than it had. */
	say(&f, "api:0", "EXTEND_TIMEOUT_USEC=1000");
	fake_pass(&f, 900);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	say(&f, "api:0", "EXTEND_TIMEOUT_USEC=2000000");
	fake_pass(&f, 1900);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	fake_pass(&f, 200);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	fake_release(&f);
}

static void more_time_to_stop(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_apply(&f);
	say(&f, "api:0", "READY=1");
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_pass(&f, 2900);
	say(&f, "api:0", "STOPPING=1\nEXTEND_TIMEOUT_USEC=2000000");
	fake_forget(&f);
	fake_pass(&f, 1900);
	assert_int_equal(fake_count(&f, "kill api:0"), 0);
	fake_pass(&f, 200);
	assert_int_equal(fake_count(&f, "kill api:0"), 1);
	fake_release(&f);
}

static void silence_is_an_illness(void **state)
{
	struct fake f;

	(void)state;
	begin(&f)->watchdog_ms = 1000;
	fake_apply(&f);
	fake_pass(&f, 3000);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	say(&f, "api:0", "READY=1");
	fake_pass(&f, 900);
	say(&f, "api:0", "WATCHDOG=1");
	fake_pass(&f, 900);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	fake_forget(&f);
	fake_pass(&f, 200);
	assert_int_equal(
		fake_count(&f, "event api:0 state unhealthy (it has not said WATCHDOG=1 for 1 s)"), 1);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	assert_int_equal(fake_count(&f, "signal api:0 SIGTERM"), 1);
	fake_exit(&f, "api:0", 0, 0);
	assert_int_equal(fake_crashes(&f, "api:0"), 1);
	fake_release(&f);
}

static void it_may_say_when_it_is_ill(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_apply(&f);
	say(&f, "api:0", "WATCHDOG=trigger");
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	say(&f, "api:0", "READY=1");
	fake_forget(&f);
	say(&f, "api:0", "WATCHDOG=trigger");
	assert_int_equal(fake_count(&f, "event api:0 state unhealthy (it said WATCHDOG=trigger)"), 1);
	assert_int_equal(fake_count(&f, "signal api:0 SIGTERM"), 1);
	fake_exit(&f, "api:0", 0, 0);
	assert_int_equal(fake_crashes(&f, "api:0"), 1);
	fake_release(&f);
}

static void it_may_set_its_watchdog(void **state)
{
	struct fake f;

	(void)state;
	begin(&f)->watchdog_ms = 1000;
	fake_apply(&f);
	say(&f, "api:0", "READY=1\nWATCHDOG_USEC=3000000");
	fake_pass(&f, 2900);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	fake_pass(&f, 200);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	fake_release(&f);
}

static void stopping_is_told(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_apply(&f);
	say(&f, "api:0", "READY=1");
	fake_forget(&f);
	say(&f, "api:0", "STOPPING=1");
	say(&f, "api:0", "STOPPING=1");
	assert_int_equal(fake_count(&f, "event api:0"), 1);
	assert_non_null(strstr(f.log.ptr, "(says that it stops)"));
	/* Whoever was told to stop says nothing new by it. */
	fake_request(&f, HERD_RESTART, "api", 0, false);
	fake_exit(&f, "api:0", 0, 0);
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_forget(&f);
	say(&f, "api:0", "STOPPING=1");
	assert_null(strstr(f.log.ptr, "(says that it stops)"));
	fake_release(&f);
}

static void one_silent_at_a_time(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	s->instances.value = 3;
	s->watchdog_ms = 1000;
	s->deploy.max_unavailable = 1;
	fake_apply(&f);
	say(&f, "api:0", "READY=1");
	say(&f, "api:1", "READY=1");
	say(&f, "api:2", "READY=1");
	fake_pass(&f, 1500);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	assert_string_equal(fake_state(&f, "api:1"), "unhealthy");
	assert_string_equal(fake_state(&f, "api:2"), "unhealthy");
	/* Back before its turn came. */
	say(&f, "api:1", "WATCHDOG=1");
	assert_string_equal(fake_state(&f, "api:1"), "running");
	fake_exit(&f, "api:0", 0, 0);
	fake_pass(&f, 200);
	say(&f, "api:0", "READY=1");
	assert_string_equal(fake_state(&f, "api:2"), "stopping");
	fake_release(&f);
}

static void the_message_in_place_of_the_signal(void **state)
{
	struct fake f;

	(void)state;
	begin(&f)->shutdown_with_message = true;
	fake_apply(&f);
	say(&f, "api:0", "READY=1");
	fake_forget(&f);
	fake_request(&f, HERD_STOP, "api", 0, false);
	assert_int_equal(fake_count(&f, "message api:0 or SIGTERM"), 1);
	assert_int_equal(fake_count(&f, "signal"), 0);
	fake_pass(&f, 3000);
	assert_int_equal(fake_count(&f, "kill api:0"), 1);
	fake_release(&f);
}

static void reloading_is_told(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_apply(&f);
	say(&f, "api:0", "READY=1");
	fake_forget(&f);
	say(&f, "api:0", "RELOADING=1");
	say(&f, "api:0", "RELOADING=1");
	say(&f, "api:0", "READY=1");
	assert_int_equal(fake_count(&f, "event api:0"), 2);
	assert_non_null(strstr(f.log.ptr, "(says that it reloads)"));
	assert_non_null(strstr(f.log.ptr, "(says that it has reloaded)"));
	assert_string_equal(fake_state(&f, "api:0"), "running");
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("READY=1 makes an instance ready, and STATUS is shown", ready_makes_ready),
		PROMISE("READY=1 counts only where it is asked for", ready_counts_where_it_is_asked_for),
		PROMISE("what an earlier process said changes nothing for the next one", words_of_the_dead),
		PROMISE("EXTEND_TIMEOUT_USEC gives more time to start, and never less", more_time_to_start),
		PROMISE("EXTEND_TIMEOUT_USEC gives more time to stop", more_time_to_stop),
		PROMISE("who says WATCHDOG=1 too late is unhealthy, and restarted as after a crash",
			silence_is_an_illness),
		PROMISE("WATCHDOG=trigger is an illness that an instance tells itself",
			it_may_say_when_it_is_ill),
		PROMISE("WATCHDOG_USEC sets the time for WATCHDOG=1", it_may_set_its_watchdog),
		PROMISE("STOPPING=1 is told once, and not of one that was asked to stop", stopping_is_told),
		PROMISE("of those that fall silent together only max_unavailable are down at once, and who "
			"speaks again is left alone",
			one_silent_at_a_time),
		PROMISE("with shutdown_with_message the message is tried in place of the signal, and SIGKILL "
			"comes in time",
			the_message_in_place_of_the_signal),
		PROMISE("a reload is told when it begins and when it is over, and changes no state",
			reloading_is_told),
	};

	return cmocka_run_group_tests_name("herd told", tests, NULL, NULL);
}

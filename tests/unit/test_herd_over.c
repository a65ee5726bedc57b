/*
 * What the herd does about instances that use more than they may.
 */
#include <string.h>

#include "fake_hands.h"
#include "unit.h"

static void over(struct fake *f, const char *name)
{
	herd_over_limit(
		f->h, fake_ticket(f, name), "uses 150 MB of memory, and may use 100 MB (memory_mb)", f->now);
	fake_answer(f);
}

static void gently_and_no_crash(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	fake_pass(&f, 2000);
	fake_forget(&f);
	over(&f, "api:0");
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	assert_int_equal(fake_count(&f, "signal api:0 SIGTERM"), 1);
	assert_int_equal(fake_count(&f, "kill"), 0);
	fake_exit(&f, "api:0", 0, 15);
	fake_pass(&f, 10);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_int_equal(fake_crashes(&f, "api:0"), 0);
	assert_non_null(strstr(f.log.ptr, "(uses 150 MB of memory, and may use 100 MB (memory_mb))"));
	fake_release(&f);
}

static void one_after_the_other(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 3);
	s->deploy.max_unavailable = 1;
	fake_apply(&f);
	fake_pass(&f, 2000);
	over(&f, "api:0");
	over(&f, "api:1");
	over(&f, "api:2");
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	assert_string_equal(fake_state(&f, "api:1"), "running");
	assert_string_equal(fake_state(&f, "api:2"), "running");
	/* Its place is free only when it is well again, not when it is down. */
	f.is_never_ready = true;
	fake_exit(&f, "api:0", 0, 15);
	over(&f, "api:1");
	assert_string_equal(fake_state(&f, "api:1"), "running");
	fake_ready(&f, "api:0");
	over(&f, "api:1");
	assert_string_equal(fake_state(&f, "api:1"), "stopping");
	fake_release(&f);
}

static void the_kernel_killed_it(void **state)
{
	struct herd_exit end = { .signal = 9, .is_oom = true };
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	fake_pass(&f, 2000);
	fake_forget(&f);
	herd_exited(f.h, fake_ticket(&f, "api:0"), &end, f.now);
	assert_non_null(strstr(f.log.ptr, "the kernel was out of memory; killed by SIGKILL"));
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what uses more than it may is restarted gently, and that is no crash",
			gently_and_no_crash),
		PROMISE("of those that pass a limit together only max_unavailable are down at once",
			one_after_the_other),
		PROMISE("who was killed for want of memory is said to be", the_kernel_killed_it),
	};

	return cmocka_run_group_tests_name("herd over", tests, NULL, NULL);
}

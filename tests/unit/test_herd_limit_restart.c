/*
 * What the herd does about instances that use more than they may.
 */
#include <string.h>

#include "base/mem.h"
#include "fake_effects.h"
#include "in_words.h"
#include "unit.h"

static const char words[] = "memory limit exceeded: 150 MB > 100 MB (limits.memory_mb)";

static void over(struct fake *f, const char *name)
{
	herd_over_limit(f->h, fake_ticket(f, name), SAID(words), f->now);
	fake_answer(f);
}

static int64_t restarts(const struct fake *f, const char *name, int64_t *delay_ms)
{
	struct instance_status status = fake_status(f, name);
	int64_t count = status.restarts;

	if (delay_ms)
		*delay_ms = status.next_restart_ms;
	instance_status_release(&status);
	return count;
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
	fake_pass(&f, 200);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_int_equal(fake_crashes(&f, "api:0"), 0);
	assert_int_equal(restarts(&f, "api:0", NULL), 1);
	assert_non_null(strstr(f.log.ptr, "(memory limit exceeded: 150 MB > 100 MB (limits.memory_mb))"));
	fake_release(&f);
}

/* It passes its limit as soon as it is ready. */
static void pass_again(struct fake *f)
{
	over(f, "api:0");
	fake_exit(f, "api:0", 0, 15);
}

static void counted_and_delayed(void **state)
{
	struct fake f;
	int64_t delay = 0;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1)->max_restarts = 2;
	fake_apply(&f);
	fake_pass(&f, 2000);
	for (int k = 1; k <= 4; k++) {
		pass_again(&f);
		assert_string_equal(fake_state(&f, "api:0"), "backoff");
		assert_int_equal(restarts(&f, "api:0", &delay), k);
		assert_true(delay >= 100 << (k - 1));
		fake_pass(&f, 1000);
		assert_string_equal(fake_state(&f, "api:0"), "running");
		assert_int_equal(fake_crashes(&f, "api:0"), 0);
	}
	/* After a quiet life the first one is as if it were the first ever. */
	fake_pass(&f, 61000);
	pass_again(&f);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_int_equal(restarts(&f, "api:0", NULL), 5);
	fake_release(&f);
}

static void too_often(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1)->crash_restart_limit = 3;
	fake_apply(&f);
	fake_pass(&f, 2000);
	for (int k = 0; k < 4; k++) {
		assert_string_equal(fake_state(&f, "api:0"), "running");
		pass_again(&f);
		fake_pass(&f, 1000);
	}
	assert_string_equal(fake_state(&f, "api:0"), "crashed");
	assert_int_equal(restarts(&f, "api:0", NULL), 3);
	assert_non_null(strstr(f.log.ptr,
		"(limits.memory_mb); after 3 restarts in five minutes: crash_restart_limit is reached"));
	fake_release(&f);
}

static void asked_for_meanwhile(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	fake_pass(&f, 2000);
	over(&f, "api:0");
	fake_request(&f, HERD_RESTART, "api:0", 7, true);
	fake_exit(&f, "api:0", 0, 15);
	fake_answer(&f);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_int_equal(restarts(&f, "api:0", NULL), 0);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	fake_release(&f);
}

/* While its place in the upstream is given up it is stopped, and then started again: that is no restart for the limit any more. */
static void stopped_before_it_began(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 2);
	s->port = 3000;
	s->nginx.output = mem_strdup("/etc/nginx/api.conf");
	fake_apply(&f);
	fake_pass(&f, 2000);
	f.is_manual = true;
	herd_over_limit(f.h, fake_ticket(&f, "api:0"), SAID(words), f.now);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	fake_request(&f, HERD_STOP, "api:0", 7, false);
	f.is_manual = false;
	fake_pass(&f, 20000);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	fake_request(&f, HERD_START, "api:0", 8, false);
	fake_exit(&f, "api:0", 0, 15);
	fake_answer(&f);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_int_equal(restarts(&f, "api:0", NULL), 0);
	fake_release(&f);
}

static void over_a_death(void **state)
{
	const struct herd_exit end = { .signal = 15 };
	struct fake f;
	struct herd_live live = { .name = "api:0", .pid = 1, .is_stopping = true };

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	fake_pass(&f, 2000);
	over(&f, "api:0");
	live.ticket = fake_ticket(&f, "api:0");
	live.pid = instance_pid(herd_find(f.h, "api:0"));
	fake_rebirth(&f);
	assert_true(herd_adopt(f.h, &live, f.now));
	herd_resume(f.h, f.now);
	herd_exited(f.h, live.ticket, &end, f.now);
	herd_tree_gone(f.h, live.ticket, f.now);
	fake_answer(&f);
	assert_string_equal(fake_state(&f, "api:0"), "backoff");
	assert_int_equal(restarts(&f, "api:0", NULL), 1);
	assert_int_equal(fake_crashes(&f, "api:0"), 0);
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
	fake_pass(&f, 200);
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
		PROMISE("restarts for a limit are counted and wait longer each time, and max_restarts ignores them",
			counted_and_delayed),
		PROMISE("crash_restart_limit counts restarts for a limit too", too_often),
		PROMISE("a restart asked for while it stops for a limit is that restart",
			asked_for_meanwhile),
		PROMISE("one that is stopped before it begins to end for its limit starts again without a delay",
			stopped_before_it_began),
		PROMISE("a restart for a limit is counted over the brain's death too", over_a_death),
		PROMISE("of those that pass a limit together only max_unavailable are down at once",
			one_after_the_other),
		PROMISE("who was killed for want of memory is said to be", the_kernel_killed_it),
	};

	return cmocka_run_group_tests_name("herd over", tests, NULL, NULL);
}

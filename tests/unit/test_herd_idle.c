/*
 * Rollouts of what no proxy asks: workers that listen nowhere, and jobs that are done.
 */
#include "unit.h"

#include "fake_effects.h"

static void change(struct spec *s)
{
	command_from_line(&s->command, "serve --better", NULL);
}

static void deploy(struct fake *f, const char *const *only, size_t count)
{
	const struct herd_apply a = {
		.id = 7,
		.oxfile = "/srv/oxfile.toml",
		.specs = &f->specs,
		.only = only,
		.only_count = count,
		.changes = true,
		.starts_new = true,
		.waits_ready = true,
	};

	assert_int_equal(herd_apply(f->h, &a, f->now, NULL), 0);
}

/* How long a deploy of three takes whose ports no oxfile says. */
static int64_t duration(bool is_listened)
{
	struct fake f;
	struct spec *s = NULL;
	int64_t began = 0;

	fake_init(&f);
	s = fake_app(&f, "api", 3);
	s->deploy.fail_timeout_ms = 29000;
	fake_apply(&f);
	f.listened = is_listened ? 3001 : 0;
	change(s);
	began = f.now;
	deploy(&f, NULL, 0);
	while (!fake_count(&f, "settled 7") && f.now - began < 100000)
		fake_live(&f, 100);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	began = f.now - began;
	fake_release(&f);
	return began;
}

static void who_listens_nowhere_keeps_no_pace(void **state)
{
	(void)state;
	assert_in_range(duration(true), 45000, 60000);
	assert_in_range(duration(false), 1, 15000);
}

static void a_job_that_is_done_starts_by_the_new_revision(void **state)
{
	struct fake f;
	struct spec *s = NULL;
	const char *const only[] = { "job" };

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "job", 1);
	s->restart = RESTART_NEVER;
	command_from_line(&s->deploy.pre, "migrate", NULL);
	fake_apply(&f);
	fake_exit(&f, "job:0", 0, 0);
	assert_string_equal(fake_state(&f, "job:0"), "finished");
	fake_forget(&f);
	change(s);
	f.is_manual = true;
	deploy(&f, only, 1);
	fake_pass(&f, 5000);
	assert_int_equal(fake_count(&f, "spawn job"), 0);
	herd_hooked(f.h, "job", 1, true, "", f.now);
	f.is_manual = false;
	fake_live(&f, 5000);
	assert_int_equal(fake_count(&f, "spawn job:0"), 1);
	assert_int_equal(fake_revision(&f, "job:0"), 2);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("instances whose ports nobody listens on keep no pace",
			who_listens_nowhere_keeps_no_pace),
		PROMISE("a job that is done runs by the new revision alone, after the pre hook",
			a_job_that_is_done_starts_by_the_new_revision),
	};

	return cmocka_run_group_tests_name("herd: rollouts of what nobody asks", tests, NULL, NULL);
}

/* The state cannot be read, and services run. */
#include "fake_effects.h"
#include "in_words.h"
#include "unit.h"

static void forget_all(struct fake *f)
{
	struct herd_options options = fake_options(f);

	herd_free(f->h);
	f->asked_len = 0;
	f->h = herd_blank(&options);
}

static void adopt(struct fake *f, const char *name, struct ticket t, bool is_stopping)
{
	struct herd_live live = { .ticket = t, .name = name, .pid = 4242, .is_stopping = is_stopping };

	(void)herd_adopt(f->h, &live, f->now);
}

static void what_runs_is_kept(void **state)
{
	struct fake f;
	struct ticket t[2];
	struct instance_status s;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 2);
	fake_apply(&f);
	t[0] = fake_ticket(&f, "api:0");
	t[1] = fake_ticket(&f, "api:1");
	fake_forget(&f);
	forget_all(&f);
	adopt(&f, "api:1", t[1], false);
	adopt(&f, "api:0", t[0], false);
	herd_resume(f.h, f.now);
	fake_pass(&f, 100000);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	assert_int_equal(fake_count(&f, "stop"), 0);
	assert_int_equal(fake_count(&f, "kill"), 0);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	s = fake_status(&f, "api:1");
	assert_string_equal(s.status, "running");
	assert_int_equal(s.pid, 4242);
	assert_string_equal(
		in_words(s.why), "its definition was lost; 'oxctl deploy' in its folder gives it back");
	instance_status_release(&s);
	fake_release(&f);
}

static void what_ends_then_stays_down(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	fake_forget(&f);
	forget_all(&f);
	adopt(&f, "api:0", t, false);
	herd_resume(f.h, f.now);
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 100000);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	assert_string_equal(fake_state(&f, "api:0"), "stopped");
	fake_release(&f);
}

static void what_was_to_stop_stops(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	fake_forget(&f);
	forget_all(&f);
	adopt(&f, "api:0", t, true);
	herd_resume(f.h, f.now);
	fake_exit(&f, "api:0", 0, 15);
	fake_pass(&f, 1000);
	assert_int_equal(herd_app_count(f.h), 0);
	fake_release(&f);
}

static void a_number_that_nobody_has_is_stopped(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 3);
	fake_apply(&f);
	t = fake_ticket(&f, "api:2");
	fake_forget(&f);
	forget_all(&f);
	adopt(&f, "api:2", t, false);
	herd_resume(f.h, f.now);
	fake_pass(&f, 100000);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	assert_string_equal(fake_state(&f, "api:0"), "stopped");
	assert_string_equal(fake_state(&f, "api:2"), "running");
	fake_release(&f);
}

/* Also after another death of the brain. */
static void a_deploy_gives_the_definition_back(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	fake_forget(&f);
	forget_all(&f);
	adopt(&f, "api:0", t, false);
	herd_resume(f.h, f.now);
	fake_rebirth(&f);
	adopt(&f, "api:0", t, false);
	herd_resume(f.h, f.now);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	fake_apply(&f);
	for (int k = 0; k < 400; k++)
		fake_live(&f, 50);
	assert_int_equal(fake_count(&f, "refused"), 0);
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("when the state is lost, running instances are kept, and their reason says so",
			what_runs_is_kept),
		PROMISE("an instance that ends while its definition is lost is not started again",
			what_ends_then_stays_down),
		PROMISE("an instance that was stopping when the state was lost stops, and its app is removed",
			what_was_to_stop_stops),
		PROMISE("an instance without a process when the state is lost is shown as stopped",
			a_number_that_nobody_has_is_stopped),
		PROMISE("a deploy gives an app its lost definition back, also after another death of the brain",
			a_deploy_gives_the_definition_back),
	};

	return cmocka_run_group_tests_name("herd: state lost", tests, NULL, NULL);
}

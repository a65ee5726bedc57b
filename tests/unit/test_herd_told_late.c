#include "base/mem.h"
#include "fake_effects.h"
#include "model/reason.h"
#include "unit.h"

static bool adopt(struct fake *f, const char *name, struct ticket t)
{
	struct herd_live live = { .ticket = t, .name = name, .pid = 4242 };

	return herd_adopt(f->h, &live, f->now);
}

/* It was spawned after the last save: the delay that the store knows of is over, and its time to become ready runs. */
static void what_was_spawned_after_its_delay_has_its_time_to_be_ready(void **state)
{
	struct fake f;
	struct spec *s = NULL;
	struct ticket t;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 1);
	s->start_delay_ms = 2000;
	s->ready_timeout_ms = 30000;
	f.is_never_ready = true;
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	fake_rebirth(&f);
	assert_true(adopt(&f, "api:0", t));
	herd_resume(f.h, f.now);
	assert_int_equal(herd_next_deadline(f.h), f.now + 30000);
	fake_release(&f);
}

/* That slot is another one's in the store, which is older than it should be. */
static void what_is_refused_leaves_no_app_behind(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	fake_rebirth(&f);
	assert_false(adopt(&f, "ghost:0", (struct ticket){ .slot = t.slot, .generation = t.generation + 1 }));
	herd_resume(f.h, f.now);
	assert_int_equal(herd_app_count(f.h), 1);
	fake_release(&f);
}

/* The old brain asked for it, and died before it heard how that went: the next one hears it with the rest, or right after. */
static void a_spawn_that_fails_after_the_brains_death_is_tried_again(void **state)
{
	(void)state;
	for (int is_late = 0; is_late < 2; is_late++) {
		struct fake f;
		struct ticket t;

		fake_init(&f);
		fake_app(&f, "api", 1);
		f.is_never_ready = true;
		fake_apply(&f);
		t = fake_ticket(&f, "api:0");
		fake_forget(&f);
		fake_rebirth(&f);
		f.is_never_ready = false;
		assert_true(adopt(&f, "api:0", t));
		if (is_late)
			herd_resume(f.h, f.now);
		herd_spawn_failed(
			f.h, t, &REASON_OF(LAUNCH_FAILED, .text = "out of memory", .number = 12), f.now);
		if (!is_late)
			herd_resume(f.h, f.now);
		fake_answer(&f);
		assert_string_equal(fake_state(&f, "api:0"), "backoff");
		fake_pass(&f, 500);
		assert_int_equal(fake_count(&f, "spawn"), 1);
		assert_string_equal(fake_state(&f, "api:0"), "running");
		fake_release(&f);
	}
}

/* Its check was begun with it, and asked of nobody once it is known that nothing runs; the next attempt is checked as any. */
static void the_check_of_a_spawn_that_failed_ends_with_it(void **state)
{
	struct fake f;
	struct spec *s = NULL;
	struct ticket t;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 1);
	s->ready = READY_AUTO;
	s->port = 3000;
	s->health.endpoint = mem_strdup("http://localhost:3000/health");
	s->health.interval_ms = 1000;
	f.is_never_ready = true;
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	fake_forget(&f);
	fake_rebirth(&f);
	assert_true(adopt(&f, "api:0", t));
	herd_resume(f.h, f.now);
	herd_spawn_failed(f.h, t, &REASON_OF(LAUNCH_FAILED, .text = "out of memory", .number = 12), f.now);
	assert_int_equal(herd_counts(f.h).checks, 0);
	assert_string_equal(fake_state(&f, "api:0"), "backoff");
	fake_pass(&f, 5000);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	fake_release(&f);
}

/* Spawned after the last save: known by its name. */
static void what_the_store_does_not_know_is_kept_if_wanted_and_stopped_if_not(void **state)
{
	struct fake f;
	struct ticket newer;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 2);
	f.is_never_ready = true;
	fake_apply(&f);
	newer = fake_ticket(&f, "api:1");
	fake_forget(&f);
	fake_rebirth(&f);
	f.is_never_ready = false;
	assert_true(adopt(&f, "api:0", fake_ticket(&f, "api:0")));
	assert_true(adopt(
		&f, "api:1", (struct ticket){ .slot = newer.slot, .generation = newer.generation + 10 }));
	assert_true(adopt(&f, "api:5", (struct ticket){ .slot = 77, .generation = newer.generation + 11 }));
	assert_true(adopt(&f, "ghost:0", (struct ticket){ .slot = 78, .generation = newer.generation + 12 }));
	herd_resume(f.h, f.now);
	fake_answer(&f);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	assert_string_equal(fake_state(&f, "api:1"), "running");
	assert_int_equal(fake_ticket(&f, "api:1").generation, newer.generation + 10);
	assert_int_equal(fake_count(&f, "signal api:5 SIGTERM"), 1);
	assert_int_equal(fake_count(&f, "signal ghost:0 SIGTERM"), 1);
	fake_exit(&f, "api:5", 0, 0);
	fake_exit(&f, "ghost:0", 0, 0);
	assert_string_equal(fake_state(&f, "api:5"), "none");
	assert_int_equal(herd_app_count(f.h), 1);
	/* No generation is ever given twice. */
	fake_scale(&f, "api", 3);
	assert_true(fake_ticket(&f, "api:2").generation > newer.generation + 12);
	assert_true(fake_ticket(&f, "api:2").slot > 78);
	fake_release(&f);
}

static bool is_rolled_out(const struct fake *f)
{
	struct app_status app;

	herd_app_status(f->h, 0, &app);
	return !app.rollout.phase;
}

/* It was proven, and then started again after the last save: that run is to be tested as any. */
static void a_newer_run_is_proven_anew(void **state)
{
	struct herd_live live = { .name = "api:0", .pid = 2 };
	struct fake f;
	struct ticket t;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 2);
	s->deploy.min_healthy_ms = 5000;
	fake_apply(&f);
	command_from_line(&s->command, "serve --better", NULL);
	fake_apply(&f);
	for (int k = 0; k < 2000 && fake_revision(&f, "api:1") != 2; k++)
		fake_live(&f, 50);
	assert_int_equal(fake_revision(&f, "api:1"), 2);
	live.ticket = fake_ticket(&f, "api:0");
	live.ticket.generation += 100;
	f.is_never_ready = true;
	t = fake_ticket(&f, "api:1");
	fake_rebirth(&f);
	assert_true(adopt(&f, "api:1", t));
	assert_true(herd_adopt(f.h, &live, f.now));
	herd_resume(f.h, f.now);
	fake_answer(&f);
	fake_ready(&f, "api:1");
	for (int k = 0; k < 400; k++)
		fake_live(&f, 50);
	assert_false(is_rolled_out(&f));
	fake_ready(&f, "api:0");
	for (int k = 0; k < 400; k++)
		fake_live(&f, 50);
	assert_true(is_rolled_out(&f));
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what was spawned after its start delay, and after the last save, has its time to become ready",
			what_was_spawned_after_its_delay_has_its_time_to_be_ready),
		PROMISE("a process that is refused leaves no app behind",
			what_is_refused_leaves_no_app_behind),
		PROMISE("a spawn that fails after the brain's death is known to the next one, and tried again",
			a_spawn_that_fails_after_the_brains_death_is_tried_again),
		PROMISE("the check of a spawn that failed ends with it, and the next attempt is checked again",
			the_check_of_a_spawn_that_failed_ends_with_it),
		PROMISE("a process that the store does not know is kept where it is wanted and stopped where not",
			what_the_store_does_not_know_is_kept_if_wanted_and_stopped_if_not),
		PROMISE("a run that was begun after the last save is proven anew, though the one before it was",
			a_newer_run_is_proven_anew),
	};

	return cmocka_run_group_tests_name("herd: told late", tests, NULL, NULL);
}

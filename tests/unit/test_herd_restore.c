#include <malloc.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "fake_effects.h"
#include "in_words.h"
#include "unit.h"

static bool adopt(struct fake *f, const char *name, struct ticket t)
{
	struct herd_live live = { .ticket = t, .name = name, .pid = 4242 };

	return herd_adopt(f->h, &live, f->now);
}

static void what_runs_is_adopted_and_nothing_starts_twice(void **state)
{
	struct fake f;
	struct ticket t[2];
	struct instance_status s;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 2);
	fake_apply(&f);
	fake_exit(&f, "api:1", 1, 0);
	fake_pass(&f, 500);
	t[0] = fake_ticket(&f, "api:0");
	t[1] = fake_ticket(&f, "api:1");
	fake_forget(&f);
	fake_rebirth(&f);
	assert_true(adopt(&f, "api:0", t[0]));
	assert_true(adopt(&f, "api:1", t[1]));
	herd_resume(f.h, f.now);
	fake_answer(&f);
	fake_pass(&f, 5000);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	s = fake_status(&f, "api:1");
	assert_string_equal(s.status, "running");
	assert_int_equal(s.pid, 4242);
	assert_int_equal(s.port, 3001);
	assert_int_equal(s.restarts, 1);
	assert_int_equal(s.crashes, 1);
	assert_int_equal(s.last_exit.code, 1);
	instance_status_release(&s);
	fake_release(&f);
}

static void exits_in_between_are_counted(void **state)
{
	struct fake f;
	struct ticket t;
	struct instance_status s;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	fake_rebirth(&f);
	adopt(&f, "api:0", t);
	fake_exit(&f, "api:0", 7, 0);
	herd_resume(f.h, f.now);
	s = fake_status(&f, "api:0");
	assert_string_equal(s.status, "backoff");
	assert_int_equal(s.last_exit.code, 7);
	assert_int_equal(s.crashes, 1);
	instance_status_release(&s);
	fake_pass(&f, 200);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	/* The keeper was not told that we took it, and says it once more. */
	fake_rebirth(&f);
	assert_false(adopt(&f, "gone:0", (struct ticket){ .slot = t.slot, .generation = t.generation }));
	assert_false(adopt(&f, "api:0", t));
	fake_release(&f);
}

/* The keeper has one that has ended; `is_told`: an earlier brain told so. */
static void adopt_ended(struct fake *f, struct ticket t, bool is_told)
{
	const struct herd_live live = {
		.ticket = t, .name = "api:0", .pid = 4242, .has_ended = true, .is_end_published = is_told
	};

	fake_forget(f);
	fake_rebirth(f);
	assert_true(herd_adopt(f->h, &live, f->now));
	fake_exit(f, "api:0", 7, 0);
	herd_resume(f->h, f->now);
}

static void an_end_is_told_once_whichever_brain_tells_it(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	adopt_ended(&f, t, false);
	assert_int_equal(fake_count(&f, "event api:0 state backoff (exit code 7"), 1);
	assert_int_equal(fake_count(&f, "event api:0 adopted"), 0);
	fake_pass(&f, 1000);
	t = fake_ticket(&f, "api:0");
	adopt_ended(&f, t, true);
	assert_int_equal(fake_count(&f, "event api:0"), 0);
	assert_string_equal(fake_state(&f, "api:0"), "backoff");
	assert_int_equal(fake_crashes(&f, "api:0"), 2);
	/* The next end is news again. */
	fake_pass(&f, 1000);
	fake_forget(&f);
	fake_exit(&f, "api:0", 7, 0);
	assert_int_equal(fake_count(&f, "event api:0 state backoff (exit code 7"), 1);
	fake_release(&f);
}

/* Restarted, scaled down or replaced: what the store does not know of was not answered, so it is wanted as before. */
static void who_was_asked_to_end_is_started_again(void **state)
{
	for (int is_over = 0; is_over < 2; is_over++) {
		struct fake f;
		struct herd_live live = {
			.name = "api:0", .pid = 4242, .is_stopping = true, .has_ended = is_over
		};

		(void)state;
		fake_init(&f);
		fake_app(&f, "api", 1)->stop_timeout_ms = 7000;
		fake_apply(&f);
		live.ticket = fake_ticket(&f, "api:0");
		fake_forget(&f);
		fake_rebirth(&f);
		assert_true(herd_adopt(f.h, &live, f.now));
		if (is_over)
			fake_exit(&f, "api:0", 0, 0);
		herd_resume(f.h, f.now);
		if (!is_over) {
			assert_string_equal(fake_state(&f, "api:0"), "stopping");
			assert_int_equal(fake_count(&f, "signal api:0 SIGTERM"), 1);
			fake_pass(&f, 6900);
			assert_int_equal(fake_count(&f, "kill"), 0);
			fake_exit(&f, "api:0", 0, 0);
		}
		fake_answer(&f);
		assert_int_equal(fake_count(&f, "spawn api:0"), 1);
		assert_string_equal(fake_state(&f, "api:0"), "running");
		assert_int_equal(fake_crashes(&f, "api:0"), 0);
		assert_int_equal(fake_count(&f, "event api:0 state finished"), 0);
		fake_release(&f);
	}
}

static void who_is_told_to_stop_is_known_as_such_first(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_app(&f, "web", 1)->shutdown_with_message = true;
	fake_apply(&f);
	assert_int_equal(fake_request(&f, HERD_STOP, NULL, 1, false), 0);
	assert_true(fake_is_before(&f, "asked api:0", "signal api:0"));
	assert_true(fake_is_before(&f, "asked web:0", "message web:0"));
	fake_release(&f);
}

static void an_end_that_nobody_saw_is_no_crash(void **state)
{
	struct fake f;
	struct instance_status s;
	struct ticket t;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_app(&f, "once", 1)->restart = RESTART_NEVER;
	fake_apply(&f);
	fake_forget(&f);
	t = fake_ticket(&f, "api:0");
	fake_rebirth(&f);
	adopt(&f, "api:0", t);
	fake_exit(&f, "api:0", LAST_EXIT_UNSEEN, 0);
	adopt(&f, "once:0", fake_ticket(&f, "once:0"));
	fake_exit(&f, "once:0", LAST_EXIT_UNSEEN, 0);
	herd_resume(f.h, f.now);
	fake_answer(&f);
	fake_pass(&f, 10);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	assert_string_equal(fake_state(&f, "once:0"), "stopped");
	s = fake_status(&f, "api:0");
	assert_int_equal(s.crashes, 0);
	assert_int_equal(s.restarts, 1);
	assert_int_equal(s.last_exit.code, LAST_EXIT_UNSEEN);
	instance_status_release(&s);
	fake_release(&f);
}

static void what_nobody_has_is_lost_and_started_again(void **state)
{
	struct fake f;
	struct instance_status s;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	fake_forget(&f);
	fake_rebirth(&f);
	herd_resume(f.h, f.now);
	fake_answer(&f);
	assert_int_equal(fake_count(&f, "event api:0 lost"), 1);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	s = fake_status(&f, "api:0");
	assert_int_equal(s.crashes, 0);
	instance_status_release(&s);
	fake_release(&f);
}

/* Not ready in time and told to stop, and then nobody has it any more: its stop has no deadline. */
static void what_is_lost_on_its_way_out_starts_again_at_once(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	f.is_never_ready = true;
	fake_app(&f, "api", 1)->ready_timeout_ms = 1000;
	((struct spec *)f.specs.items[0])->restart_delay_ms = 0;
	fake_apply(&f);
	fake_pass(&f, 1000);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	fake_forget(&f);
	fake_rebirth(&f);
	herd_resume(f.h, f.now);
	fake_answer(&f);
	assert_int_equal(fake_count(&f, "event api:0 state backoff"), 1);
	assert_int_equal(fake_count(&f, "spawn api:0"), 1);
	fake_pass(&f, 900);
	assert_int_equal(fake_count(&f, "kill"), 0);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	fake_release(&f);
}

/* The keeper may take a while to tell what it has. */
static void time_counts_from_when_all_was_told(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1)->ready_timeout_ms = 30000;
	f.is_manual = true;
	fake_apply(&f);
	f.is_manual = false;
	f.is_never_ready = true;
	fake_answer(&f);
	t = fake_ticket(&f, "api:0");
	fake_rebirth(&f);
	adopt(&f, "api:0", (struct ticket){ .slot = t.slot, .generation = t.generation + 1 });
	f.now += 7000;
	herd_resume(f.h, f.now);
	assert_int_equal(herd_next_deadline(f.h), f.now + 30000);
	fake_release(&f);
}

static void a_restart_delay_goes_on(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1)->restart_delay_ms = 10000;
	fake_apply(&f);
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 6000);
	fake_forget(&f);
	fake_rebirth(&f);
	herd_resume(f.h, f.now);
	fake_pass(&f, 3900);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	fake_pass(&f, 1200);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	fake_release(&f);
}

static void a_stop_goes_on_with_what_is_left_of_its_grace(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_pass(&f, 4000);
	fake_forget(&f);
	fake_rebirth(&f);
	adopt(&f, "api:0", t);
	herd_resume(f.h, f.now);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	assert_int_equal(fake_count(&f, "signal api:0 SIGTERM"), 1);
	fake_pass(&f, 5999);
	assert_int_equal(fake_count(&f, "kill"), 0);
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "kill"), 1);
	fake_release(&f);
}

static void ports_and_counts_survive(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 2);
	fake_app(&f, "web", 2);
	fake_apply(&f);
	fake_scale(&f, "api", 4);
	fake_scale(&f, "api", 3);
	fake_exit(&f, "api:3", 0, 0);
	fake_rebirth(&f);
	herd_resume(f.h, f.now);
	fake_answer(&f);
	assert_string_equal(fake_state(&f, "api:2"), "running");
	assert_string_equal(fake_state(&f, "api:3"), "none");
	fake_scale(&f, "api", 4);
	assert_int_equal(fake_port(&f, "api:2"), 3004);
	assert_int_equal(fake_port(&f, "api:3"), 3005);
	/* The same definition again does not undo what scale asked for. */
	fake_apply(&f);
	assert_string_equal(fake_state(&f, "api:3"), "running");
	fake_release(&f);
}

static void a_damaged_store_is_an_error(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"version\":2,\"apps\":[]}",
		"{\"version\":1,\"apps\":[{}]}",
		"{\"version\":1,\"apps\":[{\"app\":{\"name\":\"a\",\"spec\":{}},\"count\":-1}]}",
		"{\"version\":1,\"apps\":[{\"app\":{\"name\":\"a\",\"spec\":{}},\"count\":1,\"ports\":[70000]}]}",
		"{\"version\":1,\"apps\":[{\"app\":{\"name\":\"a\",\"spec\":{}},\"count\":1,\"instances\":[{\"number\":0}]}]}",
		"{\"version\":1,\"apps\":[{\"app\":{\"name\":\"a\",\"spec\":{\"depends_on\":[\"a\"]}},\"count\":0}]}",
		("{\"version\":1,\"apps\":[{\"app\":{\"name\":\"a\",\"spec\":{}},\"count\":1,"
		 "\"instances\":[{\"number\":0,\"slot\":1,\"state\":\"dancing\",\"phase\":\"up\"}]}]}"),
	};
	struct fake f;
	struct herd_options options = { .effects = &fake_effects, .context = &f };

	(void)state;
	for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
		struct err e = ERR_INIT;
		struct json *j = json_parse(texts[k], strlen(texts[k]), 100000, NULL);

		assert_non_null(j);
		assert_null(herd_from_json(j, &options, 0, &e));
		assert_true(e.text.len > 0);
		err_release(&e);
		json_free(j);
	}
}

static void a_thousand_instances_cost_less_than_two_kilobytes_each(void **state)
{
	struct fake f;
	size_t before = 0;
	size_t after = 0;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1000);
	before = mallinfo2().uordblks;
	fake_apply(&f);
	fake_forget(&f);
	buf_release(&f.log);
	after = mallinfo2().uordblks;
	assert_string_equal(fake_state(&f, "api:999"), "running");
	assert_true(after - before < 2048UL * 1000);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("an end that nobody saw is no crash: started again at once, or left down by restart = never",
			an_end_that_nobody_saw_is_no_crash),
		PROMISE("after the brain's death what runs is adopted, with its counters, and nothing starts twice",
			what_runs_is_adopted_and_nothing_starts_twice),
		PROMISE("exits in between are counted with their codes, once", exits_in_between_are_counted),
		PROMISE("the end of a run is told once, also where the brain that told it was killed at once",
			an_end_is_told_once_whichever_brain_tells_it),
		PROMISE("who was told to end by a brain that died before it noted that is started again, however it ends",
			who_was_asked_to_end_is_started_again),
		PROMISE("the keeper knows of a stop before the signal or the message that asks for it",
			who_is_told_to_stop_is_known_as_such_first),
		PROMISE("what nobody has any more is lost, no crash, and started again",
			what_nobody_has_is_lost_and_started_again),
		PROMISE("an instance that was told to stop and is gone after the brain's death starts again at once",
			what_is_lost_on_its_way_out_starts_again_at_once),
		PROMISE("who starts when the keeper is asked has all of ready_timeout_secs from then on",
			time_counts_from_when_all_was_told),
		PROMISE("a restart delay goes on where it was", a_restart_delay_goes_on),
		PROMISE("a stop goes on with what is left of its grace",
			a_stop_goes_on_with_what_is_left_of_its_grace),
		PROMISE("ports and scale survive, and the same definition does not undo them",
			ports_and_counts_survive),
		PROMISE("a store that makes no sense is an error with words", a_damaged_store_is_an_error),
		PROMISE("a thousand instances cost less than two kilobytes each",
			a_thousand_instances_cost_less_than_two_kilobytes_each),
	};

	return cmocka_run_group_tests_name("herd_restore", tests, NULL, NULL);
}

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fake_effects.h"
#include "in_words.h"
#include "model/notes.h"
#include "model/plan.h"
#include "unit.h"

/* web -> api -> db */
static void chain(struct fake *f)
{
	fake_init(f);
	fake_needs(fake_app(f, "web", 1), "api");
	fake_needs(fake_app(f, "api", 2), "db");
	fake_app(f, "db", 1);
}

static void dependents_wait_until_it_is_ready(void **state)
{
	struct fake f;
	struct instance_status s;

	(void)state;
	chain(&f);
	f.is_never_ready = true;
	fake_apply(&f);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	s = fake_status(&f, "api:1");
	assert_string_equal(s.status, "blocked");
	assert_string_equal(s.reason.ptr, "waits for db (0 of 1 ready)");
	instance_status_release(&s);
	fake_ready(&f, "db:0");
	assert_int_equal(fake_count(&f, "spawn api"), 2);
	fake_ready(&f, "api:0");
	assert_int_equal(fake_count(&f, "spawn web"), 0);
	fake_ready(&f, "api:1");
	assert_int_equal(fake_count(&f, "spawn web"), 1);
	fake_release(&f);
}

static void readiness_is_now_not_once(void **state)
{
	struct fake f;

	(void)state;
	chain(&f);
	fake_apply(&f);
	f.is_never_ready = true;
	fake_request(&f, HERD_RESTART, "db", 0, false);
	fake_exit(&f, "db:0", 0, 0);
	assert_string_equal(fake_state(&f, "db:0"), "starting");
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 200);
	assert_string_equal(fake_state(&f, "api:0"), "blocked");
	assert_string_equal(fake_state(&f, "api:1"), "running");
	fake_ready(&f, "db:0");
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	fake_release(&f);
}

static void shutdown_goes_level_by_level_and_forgets_no_wish(void **state)
{
	struct fake f;

	(void)state;
	chain(&f);
	fake_app(&f, "side", 1);
	fake_apply(&f);
	fake_forget(&f);
	herd_shutdown(f.h, 9, 0, f.now);
	assert_int_equal(fake_count(&f, "signal"), 2);
	assert_int_equal(fake_count(&f, "signal side:0"), 1);
	assert_int_equal(fake_count(&f, "signal web:0"), 1);
	fake_exit(&f, "web:0", 0, 0);
	assert_int_equal(fake_count(&f, "signal api"), 2);
	fake_exit(&f, "api:1", 0, 0);
	assert_int_equal(fake_count(&f, "signal db"), 0);
	/* A second one changes nothing. */
	herd_shutdown(f.h, 10, 0, f.now);
	assert_int_equal(fake_count(&f, "signal"), 4);
	assert_int_equal(fake_request(&f, HERD_START, "web", 0, false), -1);
	assert_int_equal(fake_apply(&f), -1);
	fake_exit(&f, "api:0", 0, 0);
	fake_exit(&f, "db:0", 0, 0);
	assert_int_equal(fake_count(&f, "settled"), 0);
	fake_exit(&f, "side:0", 0, 0);
	assert_int_equal(fake_count(&f, "settled 9 ok"), 1);
	assert_int_equal(fake_count(&f, "settled 10 ok"), 1);
	fake_rebirth(&f);
	herd_resume(f.h, f.now);
	fake_answer(&f);
	assert_string_equal(fake_state(&f, "web:0"), "running");
	assert_string_equal(fake_state(&f, "side:0"), "running");
	fake_release(&f);
}

static void the_deadline_of_a_shutdown_kills_what_is_left(void **state)
{
	struct fake f;

	(void)state;
	chain(&f);
	fake_apply(&f);
	herd_shutdown(f.h, 9, 3000, f.now);
	fake_pass(&f, 2999);
	assert_int_equal(fake_count(&f, "kill"), 0);
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "kill"), 4);
	fake_release(&f);
}

static void restart_stops_dependents_first_and_starts_them_last(void **state)
{
	struct fake f;

	(void)state;
	chain(&f);
	fake_apply(&f);
	fake_forget(&f);
	fake_request(&f, HERD_RESTART, "all", 4, true);
	assert_int_equal(fake_count(&f, "signal"), 1);
	fake_exit(&f, "web:0", 0, 0);
	fake_exit(&f, "api:0", 0, 0);
	fake_exit(&f, "api:1", 0, 0);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	assert_int_equal(fake_count(&f, "settled"), 0);
	fake_exit(&f, "db:0", 0, 0);
	assert_true(fake_is_before(&f, "spawn db:0", "spawn api:0"));
	assert_true(fake_is_before(&f, "spawn api:1", "spawn web:0"));
	assert_int_equal(fake_count(&f, "spawn"), 4);
	assert_int_equal(fake_count(&f, "settled 4 ok"), 1);
	fake_release(&f);
}

static void a_hundred_restarts_end_with_one_process_a_slot(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 2);
	fake_apply(&f);
	fake_forget(&f);
	for (uint64_t id = 1; id <= 100; id++)
		fake_request(&f, HERD_RESTART, "api", id, false);
	assert_int_equal(fake_count(&f, "signal"), 2);
	fake_exit(&f, "api:0", 0, 0);
	fake_exit(&f, "api:1", 0, 0);
	assert_int_equal(fake_count(&f, "spawn"), 2);
	assert_int_equal(fake_count(&f, "settled"), 100);
	assert_int_equal(herd_counts(f.h).requests, 0);
	fake_release(&f);
}

static void start_brings_what_it_needs(void **state)
{
	struct fake f;

	(void)state;
	chain(&f);
	fake_apply(&f);
	fake_request(&f, HERD_STOP, NULL, 0, false);
	fake_exit(&f, "web:0", 0, 0);
	fake_exit(&f, "api:0", 0, 0);
	fake_exit(&f, "api:1", 0, 0);
	fake_exit(&f, "db:0", 0, 0);
	fake_request(&f, HERD_START, "api:1", 3, true);
	assert_string_equal(fake_state(&f, "db:0"), "running");
	assert_string_equal(fake_state(&f, "api:1"), "running");
	assert_string_equal(fake_state(&f, "api:0"), "stopped");
	assert_string_equal(fake_state(&f, "web:0"), "stopped");
	assert_int_equal(fake_count(&f, "settled 3 ok"), 1);
	fake_release(&f);
}

static void waiting_requests_hear_of_failure(void **state)
{
	struct fake f;

	(void)state;
	chain(&f);
	((struct spec *)f.specs.items[2])->max_restarts = 1;
	fake_apply(&f);
	fake_request(&f, HERD_STOP, NULL, 0, false);
	fake_exit(&f, "web:0", 0, 0);
	fake_exit(&f, "api:0", 0, 0);
	fake_exit(&f, "api:1", 0, 0);
	fake_exit(&f, "db:0", 0, 0);
	f.is_never_ready = true;
	fake_request(&f, HERD_START, "web", 3, true);
	fake_request(&f, HERD_START, "api", 4, true);
	fake_request(&f, HERD_STOP, "api", 5, false);
	assert_int_equal(fake_count(&f, "settled 4 failed: api:0 was stopped"), 1);
	assert_int_equal(fake_count(&f, "settled 5 ok"), 1);
	fake_exit(&f, "db:0", 1, 0);
	assert_int_equal(fake_count(&f, "settled 3 failed"), 1);
	fake_request(&f, HERD_START, "web", 0, false);
	fake_request(&f, HERD_STOP, "db", 6, false);
	herd_forget_request(f.h, 6);
	fake_exit(&f, "db:0", 0, 0);
	assert_int_equal(fake_count(&f, "settled 6"), 0);
	fake_release(&f);
}

static void unknown_targets_are_told_with_a_guess(void **state)
{
	struct fake f;

	(void)state;
	chain(&f);
	((struct spec *)f.specs.items[2])->namespace = mem_strdup("backend");
	fake_apply(&f);
	fake_forget(&f);
	assert_int_equal(fake_request(&f, HERD_STOP, "apu", 1, false), -1);
	assert_non_null(
		strstr(f.log.ptr, "there is no app, instance or namespace 'apu'; did you mean 'api'? (2)"));
	assert_int_equal(fake_request(&f, HERD_STOP, "api:7", 1, false), -1);
	assert_non_null(strstr(f.log.ptr, "'api' has instances 0 to 1; there is no 'api:7' (2)"));
	assert_int_equal(fake_request(&f, HERD_STOP, "zzzzzz:0", 1, false), -1);
	assert_int_equal(fake_request(&f, HERD_DELETE, "api:1", 1, false), -1);
	assert_int_equal(fake_count(&f, "signal"), 0);
	assert_int_equal(fake_request(&f, HERD_STOP, "backend", 1, false), 0);
	assert_int_equal(fake_count(&f, "signal db:0"), 1);
	assert_int_equal(fake_request(&f, HERD_SIGNAL, "api:1", 2, false), 0);
	assert_int_equal(fake_count(&f, "signal api:1 SIGHUP main"), 1);
	assert_int_equal(fake_count(&f, "settled 2 ok"), 1);
	fake_release(&f);
}

static void a_circle_is_refused_and_nothing_changes(void **state)
{
	struct fake f;
	struct herd_counts before;

	(void)state;
	chain(&f);
	fake_apply(&f);
	before = herd_counts(f.h);
	fake_forget(&f);
	fake_needs(f.specs.items[2], "web");
	fake_app(&f, "new", 1);
	assert_int_equal(fake_apply(&f), -1);
	assert_non_null(strstr(f.log.ptr, "dependencies go round in a circle: db -> web -> api -> db")
			? strstr(f.log.ptr, "circle")
			: strstr(f.log.ptr, "circle: "));
	assert_int_equal(herd_counts(f.h).events, before.events);
	assert_string_equal(fake_state(&f, "new:0"), "none");
	assert_string_equal(fake_state(&f, "web:0"), "running");
	fake_release(&f);
}

static void an_unknown_dependency_is_refused(void **state)
{
	struct fake f;

	(void)state;
	chain(&f);
	fake_needs(fake_app(&f, "job", 1), "dbb");
	assert_int_equal(fake_apply(&f), -1);
	assert_non_null(
		strstr(f.log.ptr, "'job' depends on 'dbb', which is not defined; did you mean 'db'?"));
	assert_null(herd_first(f.h));
	fake_release(&f);
	/* Nothing is suggested where nothing is alike. */
	chain(&f);
	fake_needs(fake_app(&f, "job", 1), "elasticsearch");
	assert_int_equal(fake_apply(&f), -1);
	assert_non_null(strstr(f.log.ptr, "'job' depends on 'elasticsearch', which is not defined\n"));
	fake_release(&f);
}

static void only_what_changed_is_touched(void **state)
{
	struct fake f;
	struct ticket web;
	struct ticket db;
	struct spec *api = NULL;

	(void)state;
	chain(&f);
	fake_apply(&f);
	web = fake_ticket(&f, "web:0");
	db = fake_ticket(&f, "db:0");
	api = f.specs.items[1];
	api->stop_timeout_ms = 1234;
	fake_forget(&f);
	fake_apply(&f);
	assert_int_equal(fake_count(&f, "signal"), 0);
	command_from_line(&api->command, "serve --better", NULL);
	fake_apply(&f);
	fake_live(&f, 20000);
	/* Both, and the spare that came first. */
	assert_int_equal(fake_count(&f, "signal api"), 3);
	assert_int_equal(fake_count(&f, "spawn api"), 3);
	assert_int_equal(fake_count(&f, "spawn"), 3);
	assert_int_equal(fake_ticket(&f, "web:0").generation, web.generation);
	assert_int_equal(fake_ticket(&f, "db:0").generation, db.generation);
	fake_release(&f);
}

static void deleting_waits_and_forgets(void **state)
{
	struct fake f;

	(void)state;
	chain(&f);
	fake_apply(&f);
	fake_request(&f, HERD_DELETE, "web", 1, false);
	fake_request(&f, HERD_DELETE, "api", 2, false);
	assert_int_equal(fake_count(&f, "signal api"), 0);
	fake_exit(&f, "web:0", 0, 0);
	assert_int_equal(fake_count(&f, "settled 1 ok"), 1);
	assert_string_equal(fake_state(&f, "web:0"), "none");
	fake_exit(&f, "api:0", 0, 0);
	assert_int_equal(fake_count(&f, "settled 2"), 0);
	/* It comes back while the other one is still on its way down. */
	fake_apply(&f);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_string_equal(fake_state(&f, "api:1"), "stopping");
	fake_exit(&f, "api:1", 0, 0);
	assert_int_equal(fake_count(&f, "settled 2 ok"), 1);
	assert_string_equal(fake_state(&f, "api:1"), "running");
	assert_string_equal(fake_state(&f, "web:0"), "running");
	fake_release(&f);
}

static void a_stop_waits_for_all_that_runs(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 2);
	fake_apply(&f);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	fake_request(&f, HERD_STOP, "api", 5, false);
	fake_exit(&f, "api:0", 0, 0);
	fake_gone(&f, "api:0");
	assert_int_equal(fake_count(&f, "settled 5"), 0);
	fake_exit(&f, "api:1", 0, 0);
	fake_gone(&f, "api:1");
	assert_int_equal(fake_count(&f, "settled 5 ok"), 1);
	fake_release(&f);
}

static void a_plan_is_what_apply_does(void **state)
{
	struct fake f;
	struct plan plan = PLAN_INIT;
	struct notes notes = NOTES_INIT;
	struct herd_apply a = { .oxfile = "/srv/oxfile.toml", .specs = &f.specs, .prunes = true };

	(void)state;
	chain(&f);
	fake_apply(&f);
	fake_forget(&f);
	command_from_line(&((struct spec *)f.specs.items[1])->command, "serve --better", NULL);
	a.notes = &notes;
	assert_int_equal(herd_apply(f.h, &a, f.now, NULL), 0);
	assert_string_equal(notes_words(&notes),
		"api: its oxfile was edited and is not applied; 'oxctl deploy' does that\n");
	assert_int_equal(fake_count(&f, "signal"), 0);
	a.changes = true;
	spec_free(vec_remove(&f.specs, 0));
	fake_app(&f, "new", 1);
	assert_int_equal(herd_plan(f.h, &a, &plan, NULL), 0);
	assert_int_equal(plan.counts[PLAN_REPLACE], 2);
	assert_int_equal(plan.counts[PLAN_REMOVE], 1);
	assert_int_equal(plan.counts[PLAN_START], 1);
	assert_int_equal(plan.counts[PLAN_KEEP], 1);
	assert_int_equal(fake_count(&f, "signal"), 0);
	a.id = 8;
	assert_int_equal(herd_apply(f.h, &a, f.now, NULL), 0);
	assert_int_equal(fake_count(&f, "signal web:0"), 1);
	fake_exit(&f, "web:0", 0, 0);
	assert_int_equal(fake_count(&f, "settled 8"), 0);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "settled 8 ok"), 1);
	assert_string_equal(fake_state(&f, "web:0"), "none");
	assert_string_equal(fake_state(&f, "new:0"), "stopped");
	plan_release(&plan);
	notes_release(&notes);
	fake_release(&f);
}

static void two_oxfiles_cannot_claim_one_name(void **state)
{
	struct fake f;
	struct err e = ERR_INIT;
	struct herd_apply a = { .oxfile = "/home/oxfile.toml", .specs = &f.specs, .changes = true };
	const char *only[] = { "apy" };

	(void)state;
	chain(&f);
	fake_apply(&f);
	assert_int_equal(herd_apply(f.h, &a, f.now, &e), -1);
	assert_non_null(strstr(e.text.ptr, "belongs to /srv/oxfile.toml; rename it in /home/oxfile.toml"));
	a.only = only;
	a.only_count = 1;
	assert_int_equal(herd_apply(f.h, &a, f.now, &e), -1);
	assert_non_null(strstr(e.text.ptr, "the oxfile has no app or namespace 'apy'; did you mean 'api'?"));
	assert_int_equal(e.number, ENOENT);
	err_release(&e);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("an instance starts when everything its app depends on is ready",
			dependents_wait_until_it_is_ready),
		PROMISE("after the restart of a dependency its new readiness counts, not the old",
			readiness_is_now_not_once),
		PROMISE("shutdown stops in reverse order, each level after the other, and the next herd starts it all again",
			shutdown_goes_level_by_level_and_forgets_no_wish),
		PROMISE("the deadline of a shutdown kills what is left, whatever its grace",
			the_deadline_of_a_shutdown_kills_what_is_left),
		PROMISE("restart stops dependents first and starts them last",
			restart_stops_dependents_first_and_starts_them_last),
		PROMISE("a hundred restarts at once end with exactly one new process a slot, and a hundred answers",
			a_hundred_restarts_end_with_one_process_a_slot),
		PROMISE("start brings up what is needed, and nothing else", start_brings_what_it_needs),
		PROMISE("who waits hears of crashes and of what a later request undid",
			waiting_requests_hear_of_failure),
		PROMISE("an unknown target is an error with a guess, and nothing happens",
			unknown_targets_are_told_with_a_guess),
		PROMISE("dependencies in a circle are refused, and nothing changes at all",
			a_circle_is_refused_and_nothing_changes),
		PROMISE("an unknown dependency is refused with a guess", an_unknown_dependency_is_refused),
		PROMISE("applying a change replaces only the processes that need it",
			only_what_changed_is_touched),
		PROMISE("a plan is what apply does; without changes it says what it left, with prunes it removes",
			a_plan_is_what_apply_does),
		PROMISE("a stop waits for all that runs, also for what was scaled away a moment before",
			a_stop_waits_for_all_that_runs),
		PROMISE("two oxfiles cannot claim one name", two_oxfiles_cannot_claim_one_name),
		PROMISE("delete waits for dependents and for the end, and an app may come back meanwhile",
			deleting_waits_and_forgets),
	};

	return cmocka_run_group_tests_name("herd_order", tests, NULL, NULL);
}

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "fake_effects.h"
#include "in_words.h"
#include "unit.h"

static void an_app_comes_up(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 2)->port = 3000;
	assert_int_equal(fake_apply(&f), 0);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_string_equal(fake_state(&f, "api:1"), "running");
	assert_int_equal(fake_count(&f, "spawn api:0 3000"), 1);
	assert_int_equal(fake_count(&f, "spawn api:1 3001"), 1);
	assert_true(fake_is_before(&f, "check api:0 3000", "spawn api:0"));
	assert_true(fake_is_before(&f, "changed", "spawn api:0"));
	assert_int_equal(fake_apply(&f), 0);
	assert_int_equal(fake_count(&f, "spawn"), 2);
	fake_release(&f);
}

static void catch_line(void *context, enum log_level level, const char *line, size_t len)
{
	(void)level;
	buf_add(context, line, len);
	buf_addc(context, '\n');
}

static void changes_are_logged_in_one_grammar(void **state)
{
	struct fake f;
	struct buf lines = BUF_INIT;

	(void)state;
	fake_init(&f);
	log_to(catch_line, &lines, LOG_INFO);
	fake_app(&f, "api", 1);
	f.is_never_ready = true;
	fake_apply(&f);
	fake_pass(&f, 1240);
	fake_ready(&f, "api:0");
	fake_exit(&f, "api:0", 0, 9);
	log_to(NULL, NULL, LOG_ERROR);
	assert_non_null(strstr(lines.ptr, "api:0: stopped -> starting on start\n"));
	assert_non_null(strstr(lines.ptr, "api:0: starting -> running on ready (1.24 s)\n"));
	assert_non_null(strstr(lines.ptr,
		"api:0: running -> backoff on crash (killed by SIGKILL, crash 1, starts again after "));
	buf_release(&lines);
	fake_release(&f);
}

static void the_delay_doubles_up_to_its_limit(void **state)
{
	static const int64_t delays[] = { 100, 200, 400, 800, 1600, 3200, 3200, 3200 };
	struct fake f;

	(void)state;
	fake_init(&f);
	f.is_never_ready = true;
	fake_app(&f, "api", 1)->restart_delay_max_ms = 3200;
	fake_apply(&f);
	for (size_t k = 0; k < sizeof(delays) / sizeof(delays[0]); k++) {
		struct instance_status s;

		fake_exit(&f, "api:0", 1, 0);
		s = fake_status(&f, "api:0");
		assert_string_equal(s.status, "backoff");
		assert_in_range(s.next_restart_ms, delays[k], delays[k] + delays[k] / 10);
		assert_true(s.next_restart_ms <= 3200);
		assert_int_equal(s.crashes, k + 1);
		assert_int_equal(s.restarts, k + 1);
		instance_status_release(&s);
		fake_pass(&f, delays[k] - 1);
		assert_string_equal(fake_state(&f, "api:0"), "backoff");
		fake_pass(&f, delays[k] / 10 + 1);
		assert_string_equal(fake_state(&f, "api:0"), "starting");
	}
	fake_release(&f);
}

static void max_restarts_ends_it(void **state)
{
	struct fake f;
	struct instance_status s;

	(void)state;
	fake_init(&f);
	f.is_never_ready = true;
	fake_app(&f, "api", 1)->max_restarts = 3;
	fake_apply(&f);
	for (int k = 0; k < 3; k++) {
		fake_exit(&f, "api:0", 2, 0);
		fake_pass(&f, 5000);
	}
	s = fake_status(&f, "api:0");
	assert_string_equal(s.status, "crashed");
	assert_non_null(strstr(s.reason.ptr, "max_restarts = 3 is reached"));
	assert_int_equal(s.last_exit.code, 2);
	assert_int_equal(s.last_exit.at_ms, 1700000000123);
	instance_status_release(&s);
	assert_int_equal(fake_count(&f, "spawn"), 3);
	assert_int_equal(fake_count(&f, "event api:0 state running"), 0);
	assert_int_equal(herd_next_deadline(f.h), -1);
	fake_request(&f, HERD_RESET, "api", 0, false);
	assert_int_equal(fake_count(&f, "spawn"), 4);
	fake_release(&f);
}

/* After a healthy life the limit still works; only being ready forgets. */
static void only_ready_time_forgets_crashes(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 1);
	s->max_restarts = 3;
	s->ready_timeout_ms = 600000;
	fake_apply(&f);
	fake_pass(&f, 100000);
	fake_exit(&f, "api:0", 1, 0);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	f.is_never_ready = true;
	fake_exit(&f, "api:0", 1, 0);
	/* Twice the window, but never ready. */
	fake_pass(&f, 120000);
	fake_exit(&f, "api:0", 1, 0);
	assert_string_equal(fake_state(&f, "api:0"), "crashed");
	fake_release(&f);
}

static void nothing_but_crashes_counts(void **state)
{
	struct fake f;
	struct instance_status s;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1)->max_restarts = 2;
	fake_apply(&f);
	for (int k = 0; k < 11; k++) {
		fake_request(&f, HERD_RESTART, "api", 0, false);
		fake_exit(&f, "api:0", 1, 0);
		fake_scale(&f, "api", 2 + k % 2);
	}
	s = fake_status(&f, "api:0");
	assert_string_equal(s.status, "running");
	assert_int_equal(s.restarts, 0);
	assert_int_equal(s.crashes, 0);
	instance_status_release(&s);
	fake_exit(&f, "api:0", 1, 0);
	assert_string_equal(fake_state(&f, "api:0"), "backoff");
	fake_pass(&f, 200);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	fake_release(&f);
}

static void a_spawn_that_fails_is_tried_again(void **state)
{
	struct fake f;
	struct instance_status s;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	f.is_manual = true;
	fake_apply(&f);
	for (int k = 0; k < 5; k++) {
		assert_int_equal(fake_count(&f, "spawn"), k + 1);
		herd_spawn_failed(f.h, fake_ticket(&f, "api:0"),
			&REASON_OF(LAUNCH_FAILED, .text = "cannot enter working_dir '/gone'", .number = 2),
			f.now);
		assert_string_equal(fake_state(&f, "api:0"), "backoff");
		s = fake_status(&f, "api:0");
		assert_ptr_equal(
			strstr(s.reason.ptr, "cannot enter working_dir '/gone', crash "), s.reason.ptr);
		instance_status_release(&s);
		fake_pass(&f, 5000);
	}
	f.asked_len = 0;
	herd_spawned(f.h, fake_ticket(&f, "api:0"), 7, f.now);
	fake_ready(&f, "api:0");
	assert_string_equal(fake_state(&f, "api:0"), "running");
	fake_release(&f);
}

static void the_kill_timer_of_one_stop_never_hits_the_next_process(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1)->stop_timeout_ms = 1000;
	fake_apply(&f);
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_pass(&f, 900);
	fake_exit(&f, "api:0", 0, 0);
	fake_request(&f, HERD_START, "api", 0, false);
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_forget(&f);
	fake_pass(&f, 999);
	assert_int_equal(fake_count(&f, "kill"), 0);
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "kill api:0"), 1);
	fake_exit(&f, "api:0", 0, 9);
	assert_string_equal(fake_state(&f, "api:0"), "stopped");
	fake_release(&f);
}

static void the_ready_timer_is_each_attempts_own(void **state)
{
	struct fake f;
	struct ticket first;

	(void)state;
	fake_init(&f);
	f.is_never_ready = true;
	fake_app(&f, "api", 1)->ready_timeout_ms = 1000;
	fake_apply(&f);
	first = fake_ticket(&f, "api:0");
	fake_pass(&f, 700);
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 200);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	herd_ready(f.h, first, f.now);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	assert_int_equal(herd_counts(f.h).stale_facts, 1);
	fake_pass(&f, 800);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	fake_pass(&f, 200);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	assert_int_equal(fake_count(&f, "signal api:0 SIGTERM main"), 1);
	fake_exit(&f, "api:0", 0, 0);
	assert_string_equal(fake_state(&f, "api:0"), "backoff");
	assert_int_equal(fake_count(&f, "event api:0 state running"), 0);
	fake_release(&f);
}

static void alive_means_up_for_a_second(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	f.is_never_ready = true;
	fake_app(&f, "api", 1)->ready = READY_ALIVE;
	fake_apply(&f);
	fake_pass(&f, ALIVE_MS - 1);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	fake_pass(&f, 1);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	fake_pass(&f, 600000);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	fake_release(&f);
}

static void the_word_of_a_dead_process_means_nothing(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	f.is_never_ready = true;
	fake_app(&f, "api", 1);
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	fake_exit(&f, "api:0", 1, 0);
	herd_ready(f.h, t, f.now);
	herd_exited(f.h, t, &(struct herd_exit){ .code = 1 }, f.now);
	herd_tree_gone(f.h, t, f.now);
	herd_spawned(f.h, t, 9, f.now);
	assert_string_equal(fake_state(&f, "api:0"), "backoff");
	assert_int_equal(herd_counts(f.h).unexpected_facts, 4);
	fake_pass(&f, 200);
	assert_int_equal(fake_count(&f, "spawn"), 2);
	fake_release(&f);
}

/* And the slot is not used before. */
static void leftovers_are_ended_and_waited_for(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	f.is_manual = true;
	fake_exit(&f, "api:0", 1, 0);
	assert_int_equal(fake_count(&f, "end api:0 SIGTERM"), 1);
	fake_pass(&f, 5000);
	assert_string_equal(fake_state(&f, "api:0"), "backoff");
	assert_int_equal(fake_count(&f, "spawn"), 1);
	f.is_manual = false;
	fake_gone(&f, "api:0");
	assert_int_equal(fake_count(&f, "spawn"), 2);
	fake_release(&f);
}

static void what_cannot_be_killed_is_said_and_its_slot_not_used(void **state)
{
	struct fake f;
	struct instance_status s;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	fake_request(&f, HERD_RESTART, "api", 5, false);
	fake_request(&f, HERD_STOP, "api", 6, false);
	fake_pass(&f, 10000 + UNKILLABLE_MS);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	s = fake_status(&f, "api:0");
	assert_non_null(strstr(s.reason.ptr, "unkillable"));
	instance_status_release(&s);
	assert_int_equal(fake_count(&f, "settled 6 failed: api:0 does not die after SIGKILL"), 1);
	fake_request(&f, HERD_START, "api", 0, false);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	fake_exit(&f, "api:0", 0, 9);
	assert_int_equal(fake_count(&f, "spawn"), 2);
	fake_release(&f);
}

static void a_one_shot_finishes(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	fake_app(&f, "migrate", 1);
	s = fake_app(&f, "odd", 1);
	s->stop_exit_codes.items = mem_dup((int64_t[]){ 3 }, sizeof(int64_t));
	s->stop_exit_codes.len = 1;
	s->restart = RESTART_ALWAYS;
	fake_app(&f, "once", 1)->restart = RESTART_NEVER;
	fake_apply(&f);
	fake_exit(&f, "migrate:0", 0, 0);
	fake_exit(&f, "odd:0", 3, 0);
	fake_exit(&f, "once:0", 1, 0);
	fake_pass(&f, 600000);
	assert_string_equal(fake_state(&f, "migrate:0"), "finished");
	assert_string_equal(fake_state(&f, "odd:0"), "finished");
	assert_string_equal(fake_state(&f, "once:0"), "stopped");
	assert_int_equal(fake_count(&f, "spawn"), 3);
	fake_request(&f, HERD_START, "all", 0, false);
	assert_int_equal(fake_count(&f, "spawn"), 6);
	fake_release(&f);
}

static void the_start_delay_is_for_starts_not_for_crashes(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1)->start_delay_ms = 2000;
	fake_apply(&f);
	fake_pass(&f, 1999);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 110);
	assert_int_equal(fake_count(&f, "spawn"), 2);
	fake_release(&f);
}

static void a_shells_tree_gets_the_stop_signal(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "piped", 1);
	command_from_line(&s->command, "a | b", NULL);
	mem_free(s->stop_signal);
	s->stop_signal = mem_strdup("SIGINT");
	fake_apply(&f);
	fake_request(&f, HERD_STOP, "piped", 0, false);
	assert_int_equal(fake_count(&f, "signal piped:0 SIGINT tree"), 1);
	fake_release(&f);
}

/* Only differences of the monotonic clock count, and one that goes back is not believed. */
static void time_going_back_changes_nothing(void **state)
{
	struct fake f;
	int64_t due = 0;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	fake_exit(&f, "api:0", 1, 0);
	due = herd_next_deadline(f.h);
	herd_timer(f.h, f.now - 500000);
	assert_int_equal(herd_next_deadline(f.h), due);
	assert_string_equal(fake_state(&f, "api:0"), "backoff");
	herd_timer(f.h, due);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("an app comes up, port by port, and applying it again changes nothing",
			an_app_comes_up),
		PROMISE("every change of state is logged in one grammar", changes_are_logged_in_one_grammar),
		PROMISE("the delay before a restart is 100, 200, 400 … ms up to its limit",
			the_delay_doubles_up_to_its_limit),
		PROMISE("after max_restarts crashes it is crashed, never shown as running, and reset starts it",
			max_restarts_ends_it),
		PROMISE("only time of being ready forgets crashes, and the limit works at any age",
			only_ready_time_forgets_crashes),
		PROMISE("restarts and scaling are no crashes, and the one crash after them is restarted",
			nothing_but_crashes_counts),
		PROMISE("a spawn that fails keeps being tried and says why",
			a_spawn_that_fails_is_tried_again),
		PROMISE("stop, start, stop within the grace time kills the second process after its own grace only",
			the_kill_timer_of_one_stop_never_hits_the_next_process),
		PROMISE("each attempt has its own time to become ready, restarts too",
			the_ready_timer_is_each_attempts_own),
		PROMISE("alive means up for one second, and has no timer afterwards",
			alive_means_up_for_a_second),
		PROMISE("what is heard of a dead process restarts nothing twice",
			the_word_of_a_dead_process_means_nothing),
		PROMISE("a crash leaves nothing behind, and its slot waits for that",
			leftovers_are_ended_and_waited_for),
		PROMISE("an unkillable process is called so, its stop fails, its slot is not used",
			what_cannot_be_killed_is_said_and_its_slot_not_used),
		PROMISE("what ended as it should stays down until somebody says start", a_one_shot_finishes),
		PROMISE("start_delay holds a start back, and no restart after a crash",
			the_start_delay_is_for_starts_not_for_crashes),
		PROMISE("behind a shell the whole tree gets the stop signal",
			a_shells_tree_gets_the_stop_signal),
		PROMISE("a clock that goes back changes no timer and no state",
			time_going_back_changes_nothing),
	};

	return cmocka_run_group_tests_name("herd_life", tests, NULL, NULL);
}

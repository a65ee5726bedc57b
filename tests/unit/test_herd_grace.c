/*
 * What a main process leaves behind has the rest of the grace that the stop gave, and after an end that nobody asked for all of it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_effects.h"
#include "unit.h"

/* One instance of "api" that has 8 s to stop; nothing is answered by itself from here on. */
static struct spec *begin(struct fake *f)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", 1);
	s->stop_timeout_ms = 8000;
	return s;
}

static void up(struct fake *f)
{
	fake_apply(f);
	fake_forget(f);
	f->is_manual = true;
}

static void the_rest_of_the_grace(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	up(&f);
	fake_request(&f, HERD_STOP, "api", 7, false);
	assert_int_equal(fake_count(&f, "signal api:0 SIGTERM main"), 1);
	fake_pass(&f, 3000);
	fake_exit(&f, "api:0", 0, 15);
	assert_int_equal(fake_count(&f, "end api:0 SIGTERM"), 1);
	fake_pass(&f, 4999);
	assert_int_equal(fake_count(&f, "kill"), 0);
	assert_int_equal(fake_count(&f, "settled 7"), 0);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "kill api:0"), 1);
	fake_gone(&f, "api:0");
	assert_string_equal(fake_state(&f, "api:0"), "stopped");
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(fake_count(&f, "signal"), 1);
	fake_release(&f);
}

static void it_ends_in_time(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	up(&f);
	fake_request(&f, HERD_STOP, "api", 7, false);
	fake_pass(&f, 20);
	fake_exit(&f, "api:0", 0, 15);
	fake_pass(&f, 1000);
	fake_gone(&f, "api:0");
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	fake_pass(&f, 60000);
	assert_int_equal(fake_count(&f, "kill"), 0);
	fake_release(&f);
}

static void after_a_crash(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	mem_free(s->stop_signal);
	s->stop_signal = mem_strdup("SIGQUIT");
	up(&f);
	fake_exit(&f, "api:0", 1, 0);
	assert_int_equal(fake_count(&f, "end api:0 SIGQUIT"), 1);
	fake_pass(&f, 7999);
	assert_int_equal(fake_count(&f, "kill"), 0);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "kill api:0"), 1);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	fake_gone(&f, "api:0");
	assert_int_equal(fake_count(&f, "spawn"), 1);
	fake_release(&f);
}

/* It was killed itself, as it did not stop: there is no time left for anybody. */
static void nothing_is_left_of_it(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	up(&f);
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_pass(&f, 8000);
	assert_int_equal(fake_count(&f, "kill api:0"), 1);
	fake_exit(&f, "api:0", 0, 9);
	assert_int_equal(fake_count(&f, "kill api:0"), 2);
	assert_int_equal(fake_count(&f, "end api:0"), 0);
	fake_release(&f);
}

static void a_stop_within_the_grace_of_a_crash(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	up(&f);
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 2000);
	fake_request(&f, HERD_STOP, "api", 7, false);
	assert_string_equal(fake_state(&f, "api:0"), "stopped");
	assert_int_equal(fake_count(&f, "settled 7"), 0);
	fake_pass(&f, 5999);
	assert_int_equal(fake_count(&f, "kill"), 0);
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "kill api:0"), 1);
	fake_gone(&f, "api:0");
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	fake_release(&f);
}

/* The brain is killed 2 s after the main process ended, and back 1 s later; of an end that it had not saved it hears again. */
static void the_next_brain_continues(void **state)
{
	for (int was_saved = 0; was_saved < 2; was_saved++) {
		struct fake f;
		struct herd_live live = {
			.name = "api:0", .pid = 4242, .is_stopping = true, .has_ended = true
		};
		struct herd_exit end = { .signal = 15 };

		(void)state;
		begin(&f);
		up(&f);
		live.ticket = fake_ticket(&f, "api:0");
		fake_request(&f, HERD_STOP, "api", 0, false);
		fake_pass(&f, 1000);
		if (was_saved) {
			fake_exit(&f, "api:0", 0, 15);
			fake_pass(&f, 2000);
		}
		fake_rebirth(&f);
		fake_forget(&f);
		f.now += 1000;
		assert_true(herd_adopt(f.h, &live, f.now));
		herd_exited(f.h, live.ticket, &end, f.now);
		herd_resume(f.h, f.now);
		assert_true(fake_count(&f, "end api:0 SIGTERM") >= 1);
		assert_int_equal(fake_count(&f, "kill"), 0);
		fake_pass(&f, was_saved ? 3999 : 5999);
		assert_int_equal(fake_count(&f, "kill"), 0);
		fake_pass(&f, 1);
		assert_int_equal(fake_count(&f, "kill api:0"), 1);
		fake_gone(&f, "api:0");
		assert_string_equal(fake_state(&f, "api:0"), "stopped");
		fake_release(&f);
	}
}

static void killed_stays_killed(void **state)
{
	struct fake f;
	struct herd_live live = { .name = "api:0", .pid = 4242, .is_stopping = true, .has_ended = true };

	(void)state;
	begin(&f);
	up(&f);
	live.ticket = fake_ticket(&f, "api:0");
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 8000);
	assert_int_equal(fake_count(&f, "kill api:0"), 1);
	fake_forget(&f);
	fake_rebirth(&f);
	assert_true(herd_adopt(f.h, &live, f.now));
	herd_resume(f.h, f.now);
	assert_int_equal(fake_count(&f, "kill api:0"), 1);
	assert_int_equal(fake_count(&f, "end api:0"), 0);
	fake_release(&f);
}

static void the_whole_tree(void **state)
{
	struct fake f;

	(void)state;
	begin(&f)->stop_signal_to = STOP_TO_TREE;
	up(&f);
	fake_request(&f, HERD_STOP, "api", 0, false);
	assert_int_equal(fake_count(&f, "signal api:0 SIGTERM tree"), 1);
	fake_release(&f);
}

/* What a shell does that we put before a command: it ends of most signals, and holds back those of the keyboard. */
static void a_shell_of_ours(void **state)
{
	static const struct {
		const char *signal, *sent;
	} rows[] = {
		{ "SIGTERM", "signal api:0 SIGTERM main" },
		{ "SIGHUP", "signal api:0 SIGHUP main" },
		{ "SIGINT", "signal api:0 SIGINT tree" },
		{ "SIGQUIT", "signal api:0 SIGQUIT tree" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct fake f;
		struct spec *s = begin(&f);

		command_from_line(&s->command, "a | b", NULL);
		mem_free(s->stop_signal);
		s->stop_signal = mem_strdup(rows[k].signal);
		up(&f);
		fake_request(&f, HERD_STOP, "api", 0, false);
		assert_int_equal(fake_count(&f, rows[k].sent), 1);
		fake_release(&f);
	}
}

static void after_a_message(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	s->shutdown_with_message = true;
	s->stop_signal_to = STOP_TO_TREE;
	up(&f);
	fake_request(&f, HERD_STOP, "api", 0, false);
	assert_int_equal(fake_count(&f, "message api:0 or SIGTERM"), 1);
	assert_int_equal(fake_count(&f, "signal"), 0);
	fake_exit(&f, "api:0", 0, 0);
	assert_int_equal(fake_count(&f, "end api:0 SIGTERM"), 1);
	assert_int_equal(fake_count(&f, "kill"), 0);
	fake_release(&f);
}

static void the_deadline_of_the_daemon(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	up(&f);
	herd_shutdown(f.h, 9, 2000, f.now);
	fake_pass(&f, 100);
	fake_exit(&f, "api:0", 0, 15);
	fake_pass(&f, 1899);
	assert_int_equal(fake_count(&f, "kill"), 0);
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "kill api:0"), 1);
	fake_gone(&f, "api:0");
	assert_int_equal(fake_count(&f, "settled 9 ok"), 1);
	fake_release(&f);
}

static void status_tells(void **state)
{
	struct fake f;
	struct instance_status s;

	(void)state;
	begin(&f);
	up(&f);
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_exit(&f, "api:0", 0, 15);
	s = fake_status(&f, "api:0");
	assert_string_equal(s.reason.ptr, "waiting for remaining processes to exit (SIGTERM sent)");
	instance_status_release(&s);
	fake_pass(&f, 8000);
	s = fake_status(&f, "api:0");
	assert_string_equal(s.reason.ptr, "waiting for remaining processes to exit (SIGKILL sent)");
	instance_status_release(&s);
	fake_release(&f);
}

/* The keeper ends a tree without asking: so it has to know by which definition. */
static void the_keeper_knows_the_grace(void **state)
{
	struct fake f;
	struct spec *s = NULL;
	struct herd_live live = { .name = "api:0", .pid = 4242 };

	(void)state;
	s = begin(&f);
	up(&f);
	f.notes_graces = true;
	s->stop_timeout_ms = 9000;
	fake_apply(&f);
	assert_int_equal(fake_count(&f, "grace api:0 SIGTERM 9000"), 1);
	assert_int_equal(fake_count(&f, "signal"), 0);
	live.ticket = fake_ticket(&f, "api:0");
	fake_rebirth(&f);
	fake_forget(&f);
	assert_true(herd_adopt(f.h, &live, f.now));
	herd_resume(f.h, f.now);
	assert_int_equal(fake_count(&f, "grace api:0 SIGTERM 9000"), 1);
	/* What has ended is not told so. */
	fake_exit(&f, "api:0", 3, 0);
	fake_forget(&f);
	s->stop_timeout_ms = 7000;
	fake_apply(&f);
	assert_int_equal(fake_count(&f, "grace"), 0);
	fake_gone(&f, "api:0");
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what the main process leaves gets the stop signal and the rest of stop_timeout_ms, then SIGKILL",
			the_rest_of_the_grace),
		PROMISE("a tree that ends within the grace is never killed", it_ends_in_time),
		PROMISE("after a crash what is left has all of stop_timeout_ms, and the next start waits for it",
			after_a_crash),
		PROMISE("what did not stop in time is killed with all of its tree", nothing_is_left_of_it),
		PROMISE("a stop within the grace after a crash waits for its end, and does not begin it anew",
			a_stop_within_the_grace_of_a_crash),
		PROMISE("the next brain continues the grace, and gives no more time",
			the_next_brain_continues),
		PROMISE("what was killed stays so for the next brain", killed_stays_killed),
		PROMISE("with stop_signal_to = \"tree\" all get the signal at once", the_whole_tree),
		PROMISE("SIGINT and SIGQUIT pass a shell that we put before the command, other signals end it",
			a_shell_of_ours),
		PROMISE("after a message the rest of the tree gets the stop signal", after_a_message),
		PROMISE("the deadline of a shutdown ends every grace", the_deadline_of_the_daemon),
		PROMISE("the keeper gets the grace of a changed definition, and the next brain repeats it",
			the_keeper_knows_the_grace),
		PROMISE("status tells what is waited for, and which signal was sent", status_tells),
	};

	return cmocka_run_group_tests_name("herd grace", tests, NULL, NULL);
}

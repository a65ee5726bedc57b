/*
 * How things end: what a crash leaves to read, what a delete waits for, what is written down, and what an abort says.
 */
#include "in_words.h"
#include "unit.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fake_effects.h"
#include "herd/deploy.h"
#include "view/wait_text.h"

static struct spec *begin(struct fake *f, int instances)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", instances);
	s->port = 3000;
	fake_apply(f);
	fake_forget(f);
	return s;
}

static void deploy(struct fake *f, uint64_t id, struct spec *s)
{
	const struct herd_apply a = {
		.id = id,
		.oxfile = "/srv/oxfile.toml",
		.specs = &f->specs,
		.changes = true,
		.starts_new = true,
		.waits_ready = true,
	};

	if (s)
		command_from_line(&s->command, "serve --better", NULL);
	assert_int_equal(herd_apply(f->h, &a, f->now, NULL), 0);
	fake_answer(f);
}

/* --- crashes --- */

static void last_lines_stand_below_a_crash_alone(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.last_lines = "no database";
	fake_exit(&f, "api:0", 3, 0);
	assert_non_null(strstr(f.log.ptr, "event api:0 state backoff (exit code 3"));
	assert_non_null(strstr(f.log.ptr, "\nno database of api:0)\n"));
	fake_request(&f, HERD_STOP, "api:1", 0, false);
	fake_exit(&f, "api:1", 0, 15);
	assert_int_equal(fake_count(&f, "event api:1 state stopped"), 1);
	assert_null(strstr(f.log.ptr, "no database of api:1"));
	fake_release(&f);
}

/* The disk was full while its port became free, it started and it crashed; then the brain died too. */
static void a_crash_that_the_store_knows_no_start_of(void **state)
{
	struct fake f;
	struct herd_live live = { .name = "api:0", .pid = 4242, .has_ended = true };

	(void)state;
	fake_init(&f);
	f.is_manual = true;
	fake_app(&f, "api", 1)->port = 3000;
	fake_apply(&f);
	live.ticket = fake_ticket(&f, "api:0");
	herd_port_taken(f.h, live.ticket, 9, "other", f.now);
	assert_string_equal(fake_state(&f, "api:0"), "blocked");
	fake_rebirth(&f);
	assert_true(herd_adopt(f.h, &live, f.now));
	fake_exit(&f, "api:0", 1, 0);
	herd_resume(f.h, f.now);
	herd_tree_gone(f.h, live.ticket, f.now);
	assert_string_equal(fake_state(&f, "api:0"), "backoff");
	assert_int_equal(fake_crashes(&f, "api:0"), 1);
	fake_release(&f);
}

/* --- deletes --- */

static void a_delete_waits_for_each(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	fake_request(&f, HERD_DELETE, "api", 7, false);
	fake_exit(&f, "api:1", 0, 15);
	assert_string_equal(fake_state(&f, "api:1"), "none");
	assert_int_equal(fake_count(&f, "settled 7"), 0);
	fake_exit(&f, "api:0", 0, 15);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	fake_release(&f);
}

static void a_removal_beside_a_start_is_written_down(void **state)
{
	struct fake f;
	struct spec *jobs = NULL;
	struct spec *web = NULL;
	const char *line = NULL;

	(void)state;
	fake_init(&f);
	jobs = fake_app(&f, "jobs", 1);
	/* Its ports are not its own, so that nobody has to look whether they are free. */
	env_put(&jobs->env, "PORT", "4000");
	web = fake_app(&f, "web", 2);
	fake_apply(&f);
	fake_request(&f, HERD_STOP, "web", 0, false);
	fake_live(&f, 100);
	fake_forget(&f);
	f.is_manual = true;
	/* In one deploy jobs:1 starts, and after that web:1 is no more. */
	jobs->instances.value = 2;
	web->instances.value = 1;
	deploy(&f, 0, NULL);
	assert_string_equal(fake_state(&f, "web:1"), "none");
	line = strstr(f.log.ptr, "spawn jobs:1 ");
	assert_non_null(line);
	assert_non_null(strstr(line, "\nchanged\n"));
	fake_release(&f);
}

/* --- deploys --- */

/* With rollback = false: the first instance of the new revision crashes, and is not ready yet when it has started again. */
static void stand_still(struct fake *f)
{
	struct spec *s = begin(f, 2);

	s->deploy.rollback = false;
	deploy(f, 7, s);
	for (int k = 0; k < 600 && !fake_count(f, "spawn api:1"); k++)
		fake_live(f, 50);
	f->is_never_ready = true;
	fake_exit(f, "api:1", 1, 0);
	fake_live(f, 100);
}

static void assert_failure(const struct rollout_status *r, const char *words)
{
	struct buf text = BUF_INIT;

	failure_text(r->why, r->lines, &text);
	assert_string_equal(text.ptr, words);
	buf_release(&text);
}

static void an_abort_after_a_failure_is_told_as_an_abort(void **state)
{
	struct fake f;
	struct rollout_status now;

	(void)state;
	stand_still(&f);
	rollout_status(app_find(f.h, "api"), &now);
	assert_string_equal(now.phase, "halted");
	assert_failure(&now, "api:1: ended with exit code 1");
	f.is_manual = true;
	assert_int_equal(herd_steer(f.h, 8, HERD_ABORT, "api", f.now, NULL), 0);
	rollout_status(app_find(f.h, "api"), &now);
	assert_failure(&now, "aborted");
	fake_release(&f);
}

static void a_continued_deploy_tries_again(void **state)
{
	struct fake f;

	(void)state;
	stand_still(&f);
	assert_int_equal(fake_count(&f, "settled 7 failed"), 1);
	assert_int_equal(herd_steer(f.h, 8, HERD_CONTINUE, "api", f.now, NULL), 0);
	assert_int_equal(fake_count(&f, "settled 8"), 0);
	f.is_never_ready = false;
	for (int left = 60000; left > 0 && !fake_count(&f, "settled 8"); left -= 50)
		fake_live(&f, 50);
	assert_int_equal(fake_count(&f, "settled 8 okapi: revision 2 runs in 2 of 2 instances"), 1);
	fake_release(&f);
}

static void what_keeps_the_proxys_list_waits_for_no_proxy(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 2);
	s->port = 3000;
	s->nginx.output = mem_strdup("/etc/nginx/api.conf");
	s->deploy.min_healthy_ms = 0;
	s->deploy.fail_timeout_ms = 10000;
	fake_apply(&f);
	f.listened = 3000;
	deploy(&f, 7, s);
	/* Whoever is told to stop does so at once, and no time passes. */
	for (int k = 0; k < 10; k++)
		fake_live(&f, 0);
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	assert_int_equal(fake_revision(&f, "api:1"), 2);
	assert_int_equal(fake_count(&f, "settled 7 okapi: revision 2 runs in 2 of 2 instances (0.0 s)"), 1);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the last lines of an instance stand below its crash, and below no stop",
			last_lines_stand_below_a_crash_alone),
		PROMISE("a crash counts, also when nothing was saved since the instance waited for its port",
			a_crash_that_the_store_knows_no_start_of),
		PROMISE("a delete is over when every instance is down", a_delete_waits_for_each),
		PROMISE("the removal of an instance is saved, also when another one starts in the same moment",
			a_removal_beside_a_start_is_written_down),
		PROMISE("a deploy that failed and is aborted has the status aborted, not the old failure",
			an_abort_after_a_failure_is_told_as_an_abort),
		PROMISE("a failed deploy that is continued gives the instance that failed another try",
			a_continued_deploy_tries_again),
		PROMISE("a deploy waits for no proxy where the daemon writes the proxy's list of servers",
			what_keeps_the_proxys_list_waits_for_no_proxy),
	};

	return cmocka_run_group_tests_name("herd: ends", tests, NULL, NULL);
}

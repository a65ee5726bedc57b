/* What a rollout comes to: who hears of it, in which words, and what it leaves alone. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fake_effects.h"
#include "in_words.h"
#include "unit.h"

static void deploy(struct fake *f, uint64_t id)
{
	const struct herd_apply a = {
		.id = id,
		.oxfile = "/srv/oxfile.toml",
		.specs = &f->specs,
		.changes = true,
		.starts_new = true,
		.waits_ready = true,
	};

	assert_int_equal(herd_apply(f->h, &a, f->now, NULL), 0);
	fake_answer(f);
}

static void await(struct fake *f, uint64_t id)
{
	const char *const names[] = { "api" };

	assert_int_equal(herd_await_rollouts(f->h, id, names, 1, f->now, NULL), 0);
}

static void change(struct spec *s)
{
	command_from_line(&s->command, "serve --better", NULL);
}

static void assert_told(const struct fake *f, const char *words)
{
	if (!strstr(f->log.ptr, words))
		print_error("not told: %s\n%s", words, f->log.ptr);
	assert_non_null(strstr(f->log.ptr, words));
}

static struct spec *begin(struct fake *f, int instances)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", instances);
	s->deploy.min_healthy_ms = 1000;
	return s;
}

static void start(struct fake *f)
{
	fake_apply(f);
	fake_live(f, 1000);
	fake_forget(f);
}

static void a_wait_for_a_deploy_fails_with_it(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	start(&f);
	change(s);
	deploy(&f, 7);
	await(&f, 8);
	fake_exit(&f, "api:2", 3, 0);
	fake_live(&f, 10000);
	assert_told(&f, "settled 7 failed: api: revision 2 is not deployed");
	assert_told(&f, "settled 8 failed: api: revision 2 is not deployed");
	fake_release(&f);
}

/* Its port is new, and a stranger's, who stays. */
static void what_holds_a_deploy_up_is_named(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 1);

	(void)state;
	s->deploy.surge = 0;
	s->port = 3000;
	start(&f);
	s->port = 4000;
	deploy(&f, 7);
	f.is_manual = true;
	fake_exit(&f, "api:0", 0, 0);
	fake_gone(&f, "api:0");
	herd_port_taken(f.h, fake_ticket(&f, "api:0"), 9, "other", f.now);
	assert_string_equal(fake_state(&f, "api:0"), "blocked");
	fake_forget(&f);
	fake_pass(&f, 3600000);
	assert_told(&f, "it makes no progress: api:0 is blocked, port 4000 is held by pid 9 'other'");
	fake_release(&f);
}

static void what_waits_for_a_port_takes_its_new_one(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 1);

	(void)state;
	s->deploy.surge = 0;
	s->port = 3000;
	f.is_manual = true;
	fake_apply(&f);
	herd_port_taken(f.h, fake_ticket(&f, "api:0"), 9, "other", f.now);
	assert_string_equal(fake_state(&f, "api:0"), "blocked");
	s->port = 4000;
	deploy(&f, 7);
	assert_int_equal(fake_count(&f, "check api:0 4000"), 1);
	f.is_manual = false;
	fake_live(&f, 5000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(fake_count(&f, "spawn api:0 4000"), 1);
	fake_release(&f);
}

/* The brain dies while the hook runs, and what the next one says of the deploy ends with `words`. */
static void cut_off(struct fake *f, const char *hook, const char *words)
{
	struct herd_live live = { .ticket = fake_ticket(f, "api:0"), .name = "api:0", .pid = 101 };

	assert_int_equal(fake_count(f, hook), 1);
	fake_rebirth(f);
	assert_true(herd_adopt(f->h, &live, f->now));
	herd_resume(f->h, f->now);
	fake_live(f, 1000);
	await(f, 9);
	assert_told(f, "settled 9 failed: api: revision 2 ");
	assert_told(f, words);
	fake_release(f);
}

static void the_hook_that_was_cut_off_is_named(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 1);

	(void)state;
	command_from_line(&s->deploy.pre, "migrate", NULL);
	start(&f);
	change(s);
	deploy(&f, 7);
	cut_off(&f, "hook api pre", "the pre hook was cut off by the end of the daemon's brain");
	s = begin(&f, 1);
	command_from_line(&s->deploy.post, "tell everybody", NULL);
	s->deploy.surge = 0;
	start(&f);
	change(s);
	deploy(&f, 7);
	fake_live(&f, 10000);
	cut_off(&f, "hook api post", "the post hook was cut off by the end of the daemon's brain");
}

/* A job and a server side by side. */
static void a_job_that_is_done_holds_up_no_deploy(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	start(&f);
	fake_exit(&f, "api:1", 0, 0);
	assert_string_equal(fake_state(&f, "api:1"), "finished");
	change(s);
	deploy(&f, 7);
	for (int k = 0; k < 400 && !fake_count(&f, "settled 7"); k++) {
		fake_live(&f, 50);
		if (fake_revision(&f, "api:1") == 2 && !strcmp(fake_state(&f, "api:1"), "running"))
			fake_exit(&f, "api:1", 0, 0);
	}
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_string_equal(fake_state(&f, "api:1"), "finished");
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a wait for a deploy fails when the deploy fails", a_wait_for_a_deploy_fails_with_it),
		PROMISE("a deploy that makes no progress names the instance that holds it up, and why",
			what_holds_a_deploy_up_is_named),
		PROMISE("an instance that waits for its port takes the one that a deploy gives it",
			what_waits_for_a_port_takes_its_new_one),
		PROMISE("a hook that the death of the brain cut off is named in the deploy's verdict",
			the_hook_that_was_cut_off_is_named),
		PROMISE("an instance whose job is done holds up no deploy",
			a_job_that_is_done_holds_up_no_deploy),
	};

	return cmocka_run_group_tests_name("herd verdicts", tests, NULL, NULL);
}

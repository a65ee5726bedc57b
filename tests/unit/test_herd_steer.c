/* What --abort, rollback, deploy and start answer in the middle of a rollout. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fake_effects.h"
#include "in_words.h"
#include "unit.h"

static struct spec *begin(struct fake *f, int instances, int canary)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", instances);
	s->port = 3000;
	s->deploy.canary = canary;
	fake_apply(f);
	return s;
}

static void apply(struct fake *f, uint64_t id, bool changes)
{
	const struct herd_apply a = {
		.id = id,
		.oxfile = "/srv/oxfile.toml",
		.specs = &f->specs,
		.changes = changes,
		.starts = !changes,
		.starts_new = changes,
		.waits_ready = true,
	};

	assert_int_equal(herd_apply(f->h, &a, f->now, NULL), 0);
	fake_answer(f);
}

static void deploy(struct fake *f, uint64_t id, struct spec *s, const char *line)
{
	command_from_line(&s->command, line, NULL);
	apply(f, id, true);
}

static void steer(struct fake *f, enum herd_steering steering, uint64_t id)
{
	fake_forget(f);
	assert_int_equal(herd_steer(f->h, id, steering, "api", f->now, NULL), 0);
	fake_answer(f);
}

static void assert_told(const struct fake *f, const char *words)
{
	if (!strstr(f->log.ptr, words))
		print_error("not told: %s\n%s", words, f->log.ptr);
	assert_non_null(strstr(f->log.ptr, words));
}

static void an_abort_has_an_answer(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2, 0);

	(void)state;
	/* Nothing was replaced yet: it is over at once. */
	deploy(&f, 7, s, "serve --better");
	steer(&f, HERD_ABORT, 8);
	assert_told(&f,
		"settled 8 okapi: aborted: revision 2 is not deployed; nothing was touched, 2 of 2 instances run "
		"revision 1");
	fake_live(&f, 1000);
	deploy(&f, 9, s, "serve --best");
	steer(&f, HERD_ROLLBACK, 10);
	assert_told(&f, "settled 10 okapi: aborted: revision 3 is not deployed; nothing was touched");
	fake_release(&f);
}

static void rollback_of_a_deploy_is_its_abort(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3, 1);

	(void)state;
	deploy(&f, 7, s, "serve --better");
	fake_live(&f, 20000);
	steer(&f, HERD_ROLLBACK, 8);
	fake_live(&f, 20000);
	assert_told(&f, "settled 8 okapi: aborted: revision 2 is not deployed");
	fake_release(&f);
}

static void a_rollback_of_what_is_down_has_an_answer(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2, 0);

	(void)state;
	deploy(&f, 7, s, "serve --better");
	fake_live(&f, 60000);
	fake_request(&f, HERD_STOP, "api", 8, false);
	fake_live(&f, 1000);
	steer(&f, HERD_ROLLBACK, 9);
	assert_told(&f, "settled 9 okapi: does not run; revision 1 is used at the next start");
	fake_release(&f);
}

static void a_paused_deploy_is_not_unchanged(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3, 1);

	(void)state;
	deploy(&f, 7, s, "serve --better");
	fake_live(&f, 20000);
	fake_forget(&f);
	apply(&f, 8, true);
	assert_told(&f,
		"settled 8 okapi: deploy paused: 1 of 3 instances run revision 2; 'oxctl deploy --continue api'");
	/* As it is now, not as it was when it paused. */
	fake_request(&f, HERD_RESTART, "api", 0, false);
	fake_scale(&f, "api", 4);
	fake_live(&f, 20000);
	fake_forget(&f);
	apply(&f, 9, true);
	assert_told(&f, "of 4 instances run revision 2");
	fake_release(&f);
}

static void a_start_waits_in_a_rollout_too(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3, 1);

	(void)state;
	deploy(&f, 7, s, "serve --better");
	fake_live(&f, 20000);
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_live(&f, 1000);
	f.is_never_ready = true;
	apply(&f, 8, false);
	assert_int_equal(fake_count(&f, "settled 8"), 0);
	fake_ready(&f, "api:0");
	fake_ready(&f, "api:1");
	assert_int_equal(fake_count(&f, "settled 8"), 0);
	fake_ready(&f, "api:2");
	assert_int_equal(fake_count(&f, "settled 8 ok"), 1);
	fake_release(&f);
}

static void a_renamed_app_waits_for_its_own_port(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 1, 0);
	struct ticket old;
	struct herd_apply a = {
		.id = 7,
		.oxfile = "/srv/oxfile.toml",
		.specs = &f.specs,
		.changes = true,
		.prunes = true,
		.starts_new = true,
		.waits_ready = true,
	};

	(void)state;
	f.is_manual = true;
	mem_free(s->name);
	s->name = mem_strdup("web");
	assert_int_equal(herd_apply(f.h, &a, f.now, NULL), 0);
	herd_port_taken(f.h, fake_ticket(&f, "web:0"), 101, "serve", f.now);
	assert_string_equal(fake_state(&f, "web:0"), "blocked");
	/* What has the port is the old app's, which is on its way down. */
	assert_int_equal(fake_count(&f, "settled 7"), 0);
	old = fake_ticket(&f, "api:0");
	fake_exit(&f, "api:0", 0, 0);
	herd_tree_gone(f.h, old, f.now);
	/* A stranger was quicker: that is an answer. */
	herd_port_taken(f.h, fake_ticket(&f, "web:0"), 9, "other", f.now);
	assert_int_equal(fake_count(&f, "settled 7 failed: web:0 is blocked"), 1);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("an abort before anything was replaced says that it aborted, and what runs",
			an_abort_has_an_answer),
		PROMISE("a rollback in the middle of a deploy is its abort: it goes well, and says so",
			rollback_of_a_deploy_is_its_abort),
		PROMISE("a rollback of what does not run says which revision the next start uses",
			a_rollback_of_what_is_down_has_an_answer),
		PROMISE("a deploy of what is paused says that it is paused and how to continue, not that nothing changed",
			a_paused_deploy_is_not_unchanged),
		PROMISE("what finds its port with an instance that is being removed waits for it, and fails for a stranger",
			a_renamed_app_waits_for_its_own_port),
		PROMISE("a start that waits waits for every instance, also where a deploy is paused",
			a_start_waits_in_a_rollout_too),
	};

	return cmocka_run_group_tests_name("herd_steer", tests, NULL, NULL);
}

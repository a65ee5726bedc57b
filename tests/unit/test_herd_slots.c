/* Promises about slots of a deploy that hardly ever show: an end for good after the proof, a port with a step. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fake_effects.h"

static struct spec *begin(struct fake *f)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", 2);
	s->port = 3000;
	s->port_step = 10;
	s->deploy.min_healthy_ms = 1000;
	fake_apply(f);
	fake_forget(f);
	command_from_line(&s->command, "serve --better", NULL);
	return s;
}

static void a_spare_keeps_the_step(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_apply(&f);
	assert_int_equal(fake_count(&f, "spawn api:2 3020"), 1);
	fake_release(&f);
}

/* Until both old instances are replaced but the last one is not proven yet. */
static void replace_the_first(struct fake *f)
{
	fake_apply(f);
	for (int k = 0; k < 200 && fake_revision(f, "api:0") != 2; k++)
		fake_live(f, 50);
	fake_live(f, 1100);
	assert_int_equal(fake_revision(f, "api:0"), 2);
}

static void an_end_for_good_after_the_proof_fails_the_deploy(void **state)
{
	struct fake f;

	(void)state;
	begin(&f)->max_restarts = 1;
	replace_the_first(&f);
	fake_exit(&f, "api:0", 1, 0);
	fake_live(&f, 10000);
	assert_int_equal(fake_revision(&f, "api:0"), 1);
	assert_int_equal(fake_revision(&f, "api:1"), 1);
	fake_release(&f);
}

static void an_accident_after_the_proof_is_proven_again(void **state)
{
	struct fake f;

	(void)state;
	begin(&f)->max_restarts = 5;
	replace_the_first(&f);
	fake_exit(&f, "api:0", 1, 0);
	fake_live(&f, 10000);
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	assert_int_equal(fake_revision(&f, "api:1"), 2);
	fake_release(&f);
}

/* A change that needs a new process, without starting what is down. */
static void deploy(struct fake *f, int64_t caller)
{
	struct herd_apply a = {
		.id = 7,
		.oxfile = "/srv/oxfile.toml",
		.specs = &f->specs,
		.changes = true,
		.starts_new = true,
		.waits_ready = true,
		.caller = caller,
	};

	assert_int_equal(herd_apply(f->h, &a, f->now, NULL), 0);
	fake_answer(f);
}

static void what_is_down_is_replaced_at_once(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	s->deploy.surge = 0;
	s->deploy.max_unavailable = 1;
	fake_exit(&f, "api:0", 1, 0);
	fake_exit(&f, "api:1", 1, 0);
	assert_string_equal(fake_state(&f, "api:0"), "backoff");
	assert_string_equal(fake_state(&f, "api:1"), "backoff");
	deploy(&f, 0);
	assert_int_equal(fake_count(&f, "spawn api:0"), 1);
	assert_int_equal(fake_count(&f, "spawn api:1"), 1);
	assert_int_equal(fake_revision(&f, "api:1"), 2);
	fake_release(&f);
}

static void progress_is_counted_from_the_last_step(void **state)
{
	enum { MANY = 20, SLOW_MS = 25000 };
	struct fake f;
	struct spec *s = begin(&f);
	char name[16];

	(void)state;
	s->deploy.surge = 0;
	fake_scale(&f, "api", MANY);
	f.is_never_ready = true;
	fake_forget(&f);
	deploy(&f, 0);
	/* Eight minutes in all: no step of it takes long. */
	for (int k = 0; k < MANY; k++) {
		(void)snprintf(name, sizeof(name), "api:%d", k);
		fake_live(&f, SLOW_MS);
		assert_int_equal(fake_revision(&f, name), 2);
		fake_ready(&f, name);
		fake_live(&f, 1100);
	}
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	fake_release(&f);
}

static void who_has_proven_itself_serves_at_once(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 3);
	s->port = 3000;
	s->nginx.output = mem_strdup("/etc/nginx/api.conf");
	s->deploy.surge = 0;
	s->deploy.max_unavailable = 2;
	s->deploy.min_healthy_ms = 1000;
	fake_apply(&f);
	command_from_line(&s->command, "serve --better", NULL);
	f.is_never_ready = true;
	deploy(&f, 0);
	fake_live(&f, 10000);
	assert_int_equal(fake_revision(&f, "api:1"), 2);
	fake_forget(&f);
	fake_exit(&f, "api:2", 1, 0);
	fake_live(&f, 10000);
	fake_forget(&f);
	fake_ready(&f, "api:0");
	fake_live(&f, 1100);
	/* The others are not ready yet. */
	assert_int_equal(fake_count(&f, "upstream api 3000 3001-down"), 1);
	fake_release(&f);
}

static void what_is_amended_in_between_is_deployed(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	deploy(&f, 0);
	fake_live(&f, 100);
	s->stop_timeout_ms += 1000;
	deploy(&f, 0);
	fake_live(&f, 30000);
	assert_int_equal(fake_count(&f, "settled 7 okapi: revision 3 "), 2);
	assert_int_equal(fake_revision(&f, "api:0"), 3);
	fake_scale(&f, "api", 3);
	assert_int_equal(fake_revision(&f, "api:2"), 3);
	fake_release(&f);
}

static void an_environment_lives_as_long_as_who_has_it(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	s->deploy.surge = 1;
	f.is_never_ready = true;
	deploy(&f, 5);
	assert_string_equal(fake_state(&f, "api:2"), "starting");
	command_from_line(&s->command, "serve --best", NULL);
	deploy(&f, 6);
	/* The spare of the revision that was overtaken is on its way out. */
	assert_true(herd_uses_caller(f.h, 5));
	assert_true(herd_uses_caller(f.h, 6));
	assert_false(herd_uses_caller(f.h, 4));
	fake_live(&f, 1000);
	assert_false(herd_uses_caller(f.h, 5));
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a spare's port keeps the port_step of its app", a_spare_keeps_the_step),
		PROMISE("a replaced instance that ends for good fails the deploy, also after its proof",
			an_end_for_good_after_the_proof_fails_the_deploy),
		PROMISE("one that crashes once after its proof has to prove itself again, and the deploy continues",
			an_accident_after_the_proof_is_proven_again),
		PROMISE("instances that are down are replaced all at once", what_is_down_is_replaced_at_once),
		PROMISE("a deploy of many slow instances is not taken for one that does not get on",
			progress_is_counted_from_the_last_step),
		PROMISE("an instance that has proven itself serves, also while others have not",
			who_has_proven_itself_serves_at_once),
		PROMISE("a definition that is changed in place during a deploy is what is deployed",
			what_is_amended_in_between_is_deployed),
		PROMISE("the environment of whoever asked is kept until the last process that has it is gone",
			an_environment_lives_as_long_as_who_has_it),
	};

	return cmocka_run_group_tests_name("herd: slots of a deploy", tests, NULL, NULL);
}

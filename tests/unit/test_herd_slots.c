/* Promises about slots of a deploy that hardly ever show: an end for good after the proof, a port with a step. */
#include "unit.h"

#include <string.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a spare's port keeps the port_step of its app", a_spare_keeps_the_step),
		PROMISE("a replaced instance that ends for good fails the deploy, also after its proof",
			an_end_for_good_after_the_proof_fails_the_deploy),
		PROMISE("one that crashes once after its proof has to prove itself again, and the deploy continues",
			an_accident_after_the_proof_is_proven_again),
	};

	return cmocka_run_group_tests_name("herd: slots of a deploy", tests, NULL, NULL);
}

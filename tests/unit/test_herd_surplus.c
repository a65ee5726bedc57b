/*
 * An instance that a rollout will take away, and that has to start once more before that.
 */
#include "unit.h"

#include "base/mem.h"
#include "fake_effects.h"
#include "herd/herd_private.h"

static void deploy(struct fake *f)
{
	struct herd_apply a = {
		.oxfile = "/srv/oxfile.toml",
		.specs = &f->specs,
		.changes = true,
		.prunes = true,
		.starts_new = true,
	};

	assert_int_equal(herd_apply(f->h, &a, f->now, NULL), 0);
	fake_answer(f);
}

/* It was on its way out, for longer than one rollout took, and comes back in the middle of the next. */
static void it_starts_by_what_the_app_has(void **state)
{
	struct fake f;
	struct spec *s = NULL;
	struct instance *i = NULL;
	struct revision *first = NULL;
	struct instance_status status;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 3);
	s->port = 3000;
	fake_apply(&f);
	i = app_instance(app_find(f.h, "api"), 2);
	first = revision_ref(i->revision);
	command_from_line(&s->command, "serve --better", NULL);
	deploy(&f);
	fake_live(&f, 300 * 1000);
	assert_int_equal(i->revision->number, 2);
	assert_null(i->app->rollout);
	command_from_line(&s->deploy.pre, "migrate", NULL);
	command_from_line(&s->command, "serve --best", NULL);
	s->instances.value = 2;
	f.is_manual = true;
	deploy(&f);
	assert_non_null(i->app->rollout);
	revision_set(&i->revision, first);
	f.is_manual = false;
	fake_exit(&f, "api:2", 1, 0);
	fake_pass(&f, 1000);
	status = fake_status(&f, "api:2");
	assert_string_equal(status.status, "running");
	assert_int_equal(status.revision, 2);
	instance_status_release(&status);
	revision_drop(first);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("an instance that a deploy will take away starts by the revision that the app has",
			it_starts_by_what_the_app_has),
	};

	return cmocka_run_group_tests_name("herd: what is too many", tests, NULL, NULL);
}

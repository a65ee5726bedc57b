/* What a start without an oxfile means for an app that is there already, and what it is told. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fake_effects.h"
#include "unit.h"

/* As `oxctl start NAME -- COMMAND` asks it: NULL, or why it was refused. */
static char *start(struct fake *f)
{
	struct herd_apply a = { .specs = &f->specs, .starts = true };
	struct err e = ERR_INIT;
	char *words = herd_apply(f->h, &a, f->now, &e) < 0 ? mem_strdup(e.text.ptr) : NULL;

	err_release(&e);
	fake_answer(f);
	return words;
}

static struct spec *begin(struct fake *f)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", 2);
	mem_free(s->oxfile);
	s->oxfile = NULL;
	assert_null(start(f));
	return s;
}

static void refused(struct fake *f, const char *why)
{
	char *words = start(f);

	if (!words)
		fail_msg("not refused: %s", why);
	assert_string_equal(words, why);
	mem_free(words);
}

static void the_same_is_started(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_exit(&f, "api:0", 0, 15);
	fake_exit(&f, "api:1", 0, 15);
	assert_null(start(&f));
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_string_equal(fake_state(&f, "api:1"), "running");
	fake_release(&f);
}

static void what_differs_is_named(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	s->instances.value = 3;
	refused(&f,
		"api already exists with other settings (instances); use 'oxctl scale api 3' or 'oxctl delete api' first");
	s->max_restarts = 7;
	refused(&f,
		"api already exists with other settings (instances, max_restarts); use 'oxctl delete api' first");
	s->instances.value = 2;
	refused(&f, "api already exists with other settings (max_restarts); use 'oxctl delete api' first");
	mem_free(s->folder);
	s->folder = mem_strdup("/srv/other");
	refused(&f,
		"api already exists with other settings (folder, max_restarts); use 'oxctl delete api' first");
	s->max_restarts = 0;
	refused(&f, "api already exists with other settings (folder); use 'oxctl delete api' first");
	/* Nothing of that touched what runs. */
	assert_string_equal(fake_state(&f, "api:1"), "running");
	assert_int_equal(fake_revision(&f, "api:0"), 1);
	fake_release(&f);
}

static void what_only_changes_on_paper_is_saved(void **state)
{
	(void)state;
	for (int instances = 0; instances < 2; instances++) {
		struct fake f;
		struct spec *s = NULL;
		struct herd_apply a = { .oxfile = "/srv/oxfile.toml", .specs = &f.specs, .changes = true };

		fake_init(&f);
		s = fake_app(&f, "api", instances);
		fake_apply(&f);
		fake_forget(&f);
		s->stop_timeout_ms += 1000;
		assert_int_equal(herd_apply(f.h, &a, f.now, NULL), 0);
		fake_answer(&f);
		assert_true(fake_count(&f, "changed") > 0);
		assert_int_equal(fake_count(&f, "signal"), 0);
		fake_release(&f);
	}
}

static void only_apps_are_scaled(void **state)
{
	static const char *const names[] = { "api:0", "front", "nobody", "all" };
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 2);
	s->namespace = mem_strdup("front");
	fake_apply(&f);
	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		assert_int_equal(fake_scale(&f, names[k], 3), -1);
		assert_int_equal(fake_count(&f, "refused "), (int)k + 1);
	}
	assert_string_equal(fake_state(&f, "api:2"), "none");
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("only apps are scaled, and what is none is refused", only_apps_are_scaled),
		PROMISE("a start of the same as before starts what is down", the_same_is_started),
		PROMISE("a start with other settings is refused, and says which are others and what to type",
			what_differs_is_named),
		PROMISE("a change of the definition is saved, also when no process has to be replaced",
			what_only_changes_on_paper_is_saved),
	};

	return cmocka_run_group_tests_name("herd_apply", tests, NULL, NULL);
}

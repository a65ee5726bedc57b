/* Where nothing runs nothing is asked, nothing is waited for, and nothing is told that did not happen. */
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "fake_effects.h"
#include "in_words.h"
#include "model/build.h"
#include "model/notes.h"
#include "unit.h"

static struct spec *begin(struct fake *f)
{
	fake_init(f);
	return fake_app(f, "api", 1);
}

static void a_stop_ends_the_wait_for_a_restart(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_apply(&f);
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 1000);
	fake_exit(&f, "api:0", 1, 0);
	assert_string_equal(fake_state(&f, "api:0"), "backoff");
	assert_true(herd_next_deadline(f.h) > 0);
	fake_request(&f, HERD_STOP, "api", 0, false);
	assert_string_equal(fake_state(&f, "api:0"), "stopped");
	assert_int_equal(herd_next_deadline(f.h), -1);
	assert_int_equal(herd_counts(f.h).timers, 0);
	fake_release(&f);
}

static void a_check_that_is_added_waits_for_a_process(void **state)
{
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	s->ready = READY_LISTEN;
	fake_apply(&f);
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_live(&f, 1000);
	assert_string_equal(fake_state(&f, "api:0"), "stopped");
	s->health.endpoint = mem_strdup("http://localhost/");
	assert_int_equal(herd_apply(f.h,
				 &(struct herd_apply){
					 .oxfile = "/srv/oxfile.toml", .specs = &f.specs, .changes = true },
				 f.now, NULL),
		0);
	fake_pass(&f, 60000);
	assert_int_equal(herd_counts(f.h).checks, 0);
	assert_int_equal(fake_count(&f, "probe"), 0);
	fake_request(&f, HERD_START, "api", 0, false);
	fake_pass(&f, 1);
	assert_int_equal(fake_count(&f, "probe api:0"), 1);
	fake_release(&f);
}

/* The link leads nowhere. */
static struct build *nowhere(const struct fake *f, const struct build_query *effect)
{
	(void)f;
	(void)effect;
	return build_new("/srv/current");
}

static struct build *somewhere(const struct fake *f, const struct build_query *effect)
{
	struct build *b = build_new("/srv/current");

	(void)f;
	b->folder = mem_strdup(effect->own ? effect->own->folder : "/srv/rel/1");
	return b;
}

static void reload(struct fake *f, struct notes *notes)
{
	const struct herd_apply a = { .oxfile = "/srv/oxfile.toml",
		.specs = &f->specs,
		.changes = true,
		.is_reload = true,
		.notes = notes };

	assert_int_equal(herd_apply(f->h, &a, f->now, NULL), 0);
	fake_live(f, 5000);
}

static void only_what_was_rolled_back_is_said_to_be(void **state)
{
	struct notes notes = NOTES_INIT;
	struct fake f;

	(void)state;
	begin(&f);
	f.look = somewhere;
	fake_apply(&f);
	fake_live(&f, 1000);
	f.look = nowhere;
	reload(&f, &notes);
	assert_string_equal(notes_words(&notes), "");
	notes_release(&notes);
	fake_release(&f);
}

/* As a brain does that cannot look. */
static void what_was_rolled_back_stays_where_nobody_looks(void **state)
{
	struct notes notes = NOTES_INIT;
	struct fake f;
	struct spec *s = begin(&f);

	(void)state;
	s->deploy.min_healthy_ms = 100;
	f.look = somewhere;
	fake_apply(&f);
	fake_live(&f, 1000);
	command_from_line(&s->command, "serve --better", NULL);
	fake_apply(&f);
	fake_live(&f, 5000);
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	assert_int_equal(herd_steer(f.h, 0, HERD_ROLLBACK, "api", f.now, NULL), 0);
	fake_live(&f, 5000);
	assert_int_equal(fake_revision(&f, "api:0"), 1);
	f.look = NULL;
	reload(&f, &notes);
	assert_string_equal(notes_words(&notes), "");
	assert_string_equal(fake_state(&f, "api:0"), "running");
	notes_release(&notes);
	fake_release(&f);
}

/* A store that names the newest start only where it is. */
static void a_start_is_told_from_those_in_the_store(void **state)
{
	static const char store[] =
		"{\"version\":1,\"apps\":[{\"app\":{\"name\":\"api\",\"spec\":{}},\"count\":1,\"wants_up\":true,"
		"\"instances\":[{\"number\":0,\"slot\":1,\"generation\":7,\"state\":\"stopped\",\"phase\":\"none\"}]}]}";
	struct json *j = json_parse(store, strlen(store), 1000, NULL);
	struct fake f;
	struct herd_options options = fake_options(&f);

	(void)state;
	fake_init(&f);
	herd_free(f.h);
	f.h = herd_from_json(j, &options, f.now, NULL);
	assert_non_null(f.h);
	herd_resume(f.h, f.now);
	fake_request(&f, HERD_START, "api", 0, false);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_true(fake_ticket(&f, "api:0").generation > 7);
	json_free(j);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a stop while a restart is waited for leaves no timer behind",
			a_stop_ends_the_wait_for_a_restart),
		PROMISE("a check that is added to a stopped app begins when the app runs",
			a_check_that_is_added_waits_for_a_process),
		PROMISE("a reload says that a folder was rolled back to only where it was",
			only_what_was_rolled_back_is_said_to_be),
		PROMISE("a reload of what was rolled back goes well where no folder can be looked at",
			what_was_rolled_back_stays_where_nobody_looks),
		PROMISE("a start has a number that no start in the store has",
			a_start_is_told_from_those_in_the_store),
	};

	return cmocka_run_group_tests_name("herd quiet", tests, NULL, NULL);
}

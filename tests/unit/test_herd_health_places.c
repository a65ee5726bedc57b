/* Who may be restarted for its health, and in which order. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "fake_effects.h"
#include "unit.h"

static const char *ill = "";

/* Those whose number is among the ill ones. */
static const char *some_fail(const struct fake *f, const char *name)
{
	(void)f;
	return strchr(ill, name[strlen(name) - 1]) ? "HTTP status 500" : NULL;
}

static void begin(struct fake *f, int instances)
{
	struct spec *s = NULL;

	ill = "";
	fake_init(f);
	f->probe = some_fail;
	s = fake_app(f, "api", instances);
	s->ready = READY_AUTO;
	s->port = 3000;
	s->restart_delay_ms = 60000;
	s->is_delay_written = true;
	s->health.endpoint = mem_strdup("http://localhost:3000/health");
	s->health.interval_ms = 1000;
	s->deploy.max_unavailable = 1;
	fake_apply(f);
	fake_pass(f, 5000);
	fake_forget(f);
}

static void who_goes_down_by_itself_leaves_its_place(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 4);
	/* One is restarted for it, and two wait. */
	ill = "0";
	fake_pass(&f, 6000);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	ill = "012";
	fake_pass(&f, 6000);
	assert_string_equal(fake_state(&f, "api:1"), "unhealthy");
	assert_string_equal(fake_state(&f, "api:2"), "unhealthy");
	/* The first of those crashes, and is down for a minute. */
	fake_exit(&f, "api:1", 1, 0);
	assert_string_equal(fake_state(&f, "api:1"), "backoff");
	ill = "2";
	fake_exit(&f, "api:0", 0, 15);
	fake_request(&f, HERD_RESTART, "api:0", 0, false);
	fake_pass(&f, 10000);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_string_equal(fake_state(&f, "api:1"), "backoff");
	assert_string_equal(fake_state(&f, "api:2"), "stopping");
	fake_release(&f);
}

/* It was deleted and made anew after the last save: the place that the store knows of is not its own. */
static void a_place_does_not_stay_with_a_slot_that_is_gone(void **state)
{
	struct fake f;
	struct herd_live live = { .name = "api:1", .pid = 2 };

	(void)state;
	begin(&f, 2);
	ill = "0";
	fake_pass(&f, 6000);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	live.ticket = fake_ticket(&f, "api:1");
	fake_rebirth(&f);
	assert_true(herd_adopt(f.h, &live, f.now));
	live = (struct herd_live){ .name = "api:0", .pid = 3 };
	live.ticket = (struct ticket){ .slot = 77, .generation = 99 };
	assert_true(herd_adopt(f.h, &live, f.now));
	f.is_never_ready = true;
	herd_resume(f.h, f.now);
	fake_answer(&f);
	ill = "01";
	fake_pass(&f, 12000);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	assert_string_equal(fake_state(&f, "api:1"), "stopping");
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("who waits to be restarted for its health, and goes down by itself, leaves its place to the next",
			who_goes_down_by_itself_leaves_its_place),
		PROMISE("a place among those that are down for their health does not stay with a slot that is gone",
			a_place_does_not_stay_with_a_slot_that_is_gone),
	};

	return cmocka_run_group_tests_name("herd: places for health", tests, NULL, NULL);
}

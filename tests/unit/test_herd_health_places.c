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

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("who waits to be restarted for its health, and goes down by itself, leaves its place to the next",
			who_goes_down_by_itself_leaves_its_place),
	};

	return cmocka_run_group_tests_name("herd: places for health", tests, NULL, NULL);
}

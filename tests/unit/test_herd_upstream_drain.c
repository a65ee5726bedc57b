/*
 * Out of service and into it: upstreams follow who is ready, and who stops gently has left before it is told so.
 */
#include "unit.h"

#include "base/mem.h"
#include "base/str.h"
#include "fake_effects.h"

static void begin(struct fake *f, int instances)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", instances);
	s->port = 3000;
	s->nginx.output = mem_strdup("/etc/nginx/api.conf");
	fake_apply(f);
	fake_forget(f);
}

static void the_upstream_names_who_is_ready(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	f.is_never_ready = true;
	fake_app(&f, "api", 2)->nginx.output = mem_strdup("/etc/nginx/api.conf");
	fake_apply(&f);
	assert_int_equal(fake_count(&f, "upstream api\n"), 0);
	f.is_never_ready = false;
	fake_answer(&f);
	assert_int_equal(fake_count(&f, "upstream api 3000 3001\n"), 1);
	fake_exit(&f, "api:0", 1, 0);
	assert_int_equal(fake_count(&f, "upstream api 3001\n"), 1);
	fake_pass(&f, 1000);
	assert_int_equal(fake_count(&f, "upstream api 3000 3001\n"), 2);
	fake_release(&f);
}

static struct upstream_status upstream_of(const struct fake *f)
{
	struct upstream_status u = { .app = NULL };

	assert_true(herd_upstream_status(f->h, 0, &u));
	return u;
}

static void what_the_proxy_has_is_told(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	assert_string_equal(upstream_of(&f).output, "/etc/nginx/api.conf");
	assert_int_equal(upstream_of(&f).count, 2);
	assert_int_equal(upstream_of(&f).servers[1].at.port, 3001);
	assert_true(upstream_of(&f).is_in_effect && !upstream_of(&f).is_pending);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	assert_int_equal(upstream_of(&f).count, 1);
	assert_true(!upstream_of(&f).is_in_effect && upstream_of(&f).is_pending);
	herd_upstream_set(f.h, "api", f.serial, UPSTREAM_TAKEN_BACK, "nginx -t failed", f.now);
	assert_true(!upstream_of(&f).is_in_effect && !upstream_of(&f).is_pending);
	fake_release(&f);
}

static void an_app_without_an_upstream_has_none(void **state)
{
	struct upstream_status u;
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	assert_false(herd_upstream_status(f.h, 0, &u));
	fake_release(&f);
}

static void who_is_scaled_away_leaves_first(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	assert_int_equal(fake_count(&f, "upstream api 3000\n"), 1);
	assert_int_equal(fake_count(&f, "drain"), 0);
	herd_upstream_set(f.h, "api", f.serial, UPSTREAM_IN_EFFECT, "", f.now);
	assert_int_equal(fake_count(&f, "drain api:1 3001 30000\n"), 1);
	assert_int_equal(fake_count(&f, "signal"), 0);
	herd_drained(f.h, fake_ticket(&f, "api:1"), 0, f.now);
	assert_int_equal(fake_count(&f, "signal api:1 SIGTERM"), 1);
	f.is_manual = false;
	fake_live(&f, 1000);
	assert_string_equal(fake_state(&f, "api:1"), "none");
	/* Its end changes nothing for anybody. */
	assert_int_equal(fake_count(&f, "upstream api"), 1);
	fake_release(&f);
}

static const char *second_fails(const struct fake *f, const char *name)
{
	(void)f;
	return str_eq(name, "api:1") ? "connection refused" : NULL;
}

/* It is marked down as soon as it is unhealthy: that is all that has to be confirmed. */
static void who_is_restarted_for_its_health_leaves_first(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 2);
	s->ready = READY_AUTO;
	s->port = 3000;
	s->health.endpoint = mem_strdup("http://localhost:3000/health");
	s->health.interval_ms = 1000;
	s->health.unhealthy_threshold = 3;
	s->nginx.output = mem_strdup("/etc/nginx/api.conf");
	fake_apply(&f);
	fake_pass(&f, 5000);
	f.probe = second_fails;
	fake_forget(&f);
	fake_pass(&f, 4500);
	assert_int_equal(fake_count(&f, "event api:1 state unhealthy"), 1);
	assert_int_equal(fake_count(&f, "upstream api 3000 3001-down\n"), 1);
	assert_int_equal(fake_count(&f, "drain api:1 3001 30000\n"), 1);
	assert_int_equal(fake_count(&f, "signal api:1 SIGTERM"), 1);
	fake_release(&f);
}

static void what_is_left_open_is_told(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	herd_upstream_set(f.h, "api", f.serial, UPSTREAM_IN_EFFECT, "", f.now);
	herd_drained(f.h, fake_ticket(&f, "api:1"), 3, f.now);
	assert_int_equal(
		fake_count(&f, "event api:1 note running (3 connections are still open after drain_secs)"),
		1);
	assert_int_equal(fake_count(&f, "signal api:1 SIGTERM"), 1);
	fake_release(&f);
}

static void a_drain_that_nobody_answers_ends(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	f.is_manual = true;
	fake_pass(&f, 60000);
	assert_int_equal(fake_count(&f, "drain api:1"), 1);
	fake_pass(&f, 36000);
	assert_int_equal(fake_count(&f, "signal api:1 SIGTERM"), 1);
	fake_release(&f);
}

static void the_last_ones_stop_at_once(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_request(&f, HERD_STOP, "api", 0, false);
	assert_int_equal(fake_count(&f, "signal api:0 SIGTERM"), 1);
	assert_int_equal(fake_count(&f, "signal api:1 SIGTERM"), 1);
	assert_int_equal(fake_count(&f, "drain"), 0);
	fake_release(&f);
}

static void who_is_wanted_again_comes_back(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	fake_scale(&f, "api", 2);
	assert_int_equal(fake_count(&f, "upstream api 3000 3001\n"), 1);
	assert_string_equal(fake_state(&f, "api:1"), "running");
	fake_pass(&f, 120000);
	assert_int_equal(fake_count(&f, "signal"), 0);
	fake_release(&f);
}

/* The failure of its upstream ends the deploy, and the effect that follows is without what was new. */
static void a_deploy_that_fails_takes_nobody_along(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	begin(&f, 2);
	s = f.specs.items[0];
	f.is_never_ready = true;
	command_from_line(&s->command, "serve --better", NULL);
	fake_apply(&f);
	f.is_manual = true;
	fake_forget(&f);
	fake_request(&f, HERD_STOP, "api:1", 0, false);
	assert_int_equal(fake_count(&f, "upstream api 3000\n"), 1);
	herd_upstream_set(f.h, "api", f.serial, UPSTREAM_UNSURE, "nginx is not reloaded", f.now);
	assert_int_equal(fake_count(&f, "event api:-1 rollout"), 1);
	assert_int_equal(fake_count(&f, "upstream api 3000\n"), 2);
	assert_int_equal(fake_count(&f, "drain api:1"), 0);
	herd_upstream_set(f.h, "api", f.serial, UPSTREAM_IN_EFFECT, "", f.now);
	assert_int_equal(fake_count(&f, "drain api:1"), 1);
	fake_release(&f);
}

static void a_drain_goes_on_after_the_brains_death(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	herd_upstream_set(f.h, "api", f.serial, UPSTREAM_IN_EFFECT, "", f.now);
	fake_rebirth(&f);
	for (int n = 0; n < 2; n++) {
		struct herd_live live = {
			.ticket = fake_ticket(&f, n ? "api:1" : "api:0"),
			.name = n ? "api:1" : "api:0",
			.pid = 200 + n,
		};

		herd_adopt(f.h, &live, f.now);
	}
	fake_forget(&f);
	f.now += 10000;
	herd_resume(f.h, f.now);
	assert_int_equal(fake_count(&f, "upstream api 3000\n"), 1);
	/* Nobody knows whether the proxy still leaves it out. */
	assert_int_equal(fake_count(&f, "drain"), 0);
	herd_upstream_set(f.h, "api", f.serial, UPSTREAM_IN_EFFECT, "", f.now);
	assert_int_equal(fake_count(&f, "drain api:1 3001 30000\n"), 1);
	fake_release(&f);
}

static void who_leaves_is_stopped_although_the_proxy_refuses(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	herd_upstream_set(f.h, "api", f.serial, UPSTREAM_TAKEN_BACK, "nginx -t failed", f.now);
	assert_int_equal(fake_count(&f, "drain api:1 3001 30000\n"), 1);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the status of an upstream lists its servers and says whether the proxy uses them",
			what_the_proxy_has_is_told),
		PROMISE("an app without an upstream has no upstream status",
			an_app_without_an_upstream_has_none),
		PROMISE("an upstream names who is ready, and only a change is an effect",
			the_upstream_names_who_is_ready),
		PROMISE("who is scaled away is out of the upstream and drained before it is told to stop",
			who_is_scaled_away_leaves_first),
		PROMISE("an instance whose checks fail leaves first, and is restarted as soon as its connections have ended",
			who_is_restarted_for_its_health_leaves_first),
		PROMISE("connections that outlast drain_secs are told, and hold up nobody",
			what_is_left_open_is_told),
		PROMISE("an upstream or a drain that nobody answers holds nobody up for ever",
			a_drain_that_nobody_answers_ends),
		PROMISE("where nobody else serves, nobody waits for connections to end",
			the_last_ones_stop_at_once),
		PROMISE("who leaves and is wanted again is back in the upstream at once",
			who_is_wanted_again_comes_back),
		PROMISE("a deploy that fails for its upstream leaves an instance that is to stop to the next upstream",
			a_deploy_that_fails_takes_nobody_along),
		PROMISE("after the brain died a drain begins anew, once the upstream is known to leave it out",
			a_drain_goes_on_after_the_brains_death),
		PROMISE("an instance that leaves does not wait for a proxy that refuses its upstream",
			who_leaves_is_stopped_although_the_proxy_refuses),
	};

	return cmocka_run_group_tests_name("herd: leaving", tests, NULL, NULL);
}

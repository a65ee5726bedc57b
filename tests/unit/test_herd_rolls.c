/*
 * Rollouts that meet something else: illness, other apps, hooks, a stop, a brain that dies.
 */
#include "unit.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fake_effects.h"

static struct spec *begin(struct fake *f, int instances)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", instances);
	s->port = 3000;
	s->nginx.output = mem_strdup("/etc/nginx/api.conf");
	return s;
}

static void start(struct fake *f)
{
	fake_apply(f);
	fake_forget(f);
}

static void deploy(struct fake *f, uint64_t id)
{
	struct herd_apply a = {
		.id = id,
		.oxfile = "/srv/oxfile.toml",
		.specs = &f->specs,
		.changes = true,
		.prunes = true,
		.starts_new = true,
		.waits_ready = true,
	};
	struct err e = ERR_INIT;

	assert_int_equal(herd_apply(f->h, &a, f->now, &e), 0);
	err_release(&e);
	fake_answer(f);
}

static int steer(struct fake *f, enum herd_steering steering, uint64_t id)
{
	struct err e = ERR_INIT;
	int rc = herd_steer(f->h, id, steering, "api", f->now, &e);

	err_release(&e);
	fake_answer(f);
	return rc;
}

static void change(struct spec *s)
{
	command_from_line(&s->command, "serve --better", NULL);
}

static int running(const struct fake *f)
{
	int count = 0;

	for (const struct instance *i = herd_first(f->h); i; i = herd_next(f->h, i))
		count += instance_state(i) == STATE_RUNNING;
	return count;
}

/* Until this was written, or half a minute is over. */
static void live_until(struct fake *f, const char *line)
{
	for (int k = 0; k < 600 && !fake_count(f, line); k++)
		fake_live(f, 50);
	assert_true(fake_count(f, line) > 0);
}

static const char *fails(const struct fake *f, const char *name)
{
	(void)f;
	return strcmp(name, "api:2") == 0 ? "HTTP status 500" : NULL;
}

static void a_flap_begins_the_trial_anew(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	s->ready = READY_AUTO;
	s->health.endpoint = mem_strdup("http://localhost:3000/health");
	s->health.interval_ms = 100;
	s->health.unhealthy_threshold = 3;
	s->deploy.min_healthy_ms = 3000;
	start(&f);
	fake_live(&f, 1000);
	change(s);
	deploy(&f, 7);
	fake_live(&f, 2000);
	assert_string_equal(fake_state(&f, "api:2"), "running");
	/* Ill for less than it takes to be restarted: it waits its turn behind the one that is down. */
	f.probe = fails;
	for (int k = 0; k < 20 && !fake_count(&f, "event api:2 state unhealthy"); k++)
		fake_pass(&f, 50);
	assert_int_equal(fake_count(&f, "event api:2 state unhealthy"), 1);
	f.probe = NULL;
	fake_forget(&f);
	/* Its two seconds of before do not count: nobody is taken out for another three. */
	for (int k = 0; k < 58; k++)
		fake_live(&f, 50);
	assert_int_equal(fake_count(&f, "signal api:0"), 0);
	fake_release(&f);
}

static void without_surge_there_is_no_spare(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3);

	(void)state;
	s->deploy.surge = 0;
	start(&f);
	change(s);
	deploy(&f, 7);
	for (int k = 0; k < 600 && !fake_count(&f, "settled 7 ok"); k++) {
		fake_live(&f, 50);
		assert_true(running(&f) >= 2);
	}
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(fake_count(&f, "spawn"), 3);
	assert_int_equal(fake_count(&f, "spawn api:3"), 0);
	fake_release(&f);
}

static void without_rollback_it_stands_still(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	s->deploy.rollback = false;
	start(&f);
	change(s);
	deploy(&f, 7);
	live_until(&f, "spawn api:1");
	fake_exit(&f, "api:1", 1, 0);
	fake_live(&f, 100);
	assert_int_equal(
		fake_count(&f,
			"settled 7 failed: api: revision 2 is not deployed: api:1: ended with exit code 1; rollback is off"),
		1);
	fake_live(&f, 20000);
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	/* Told to, it goes back all the same. */
	assert_int_equal(steer(&f, HERD_ABORT, 8), 0);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "settled 8 ok"), 1);
	assert_int_equal(fake_revision(&f, "api:0"), 1);
	assert_int_equal(fake_revision(&f, "api:1"), 1);
	assert_int_equal(running(&f), 2);
	fake_release(&f);
}

static void going_back_gives_the_old_count_too(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	start(&f);
	change(s);
	s->instances.value = 4;
	deploy(&f, 7);
	live_until(&f, "spawn api:0");
	fake_exit(&f, "api:0", 1, 0);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "settled 7 failed"), 1);
	assert_int_equal(running(&f), 2);
	assert_string_equal(fake_state(&f, "api:2"), "none");
	fake_release(&f);
}

static void hooks_answer_for_their_own_rollout(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 1);

	(void)state;
	command_from_line(&s->deploy.pre, "migrate", NULL);
	command_from_line(&s->deploy.post, "announce", NULL);
	start(&f);
	change(s);
	deploy(&f, 7);
	herd_hooked(f.h, "api", 1, false, "exit code 1", f.now);
	deploy(&f, 8);
	/* Of the rollout before; and of an app that is not there. */
	herd_hooked(f.h, "api", 1, true, "", f.now);
	herd_hooked(f.h, "apy", 2, true, "", f.now);
	fake_live(&f, 1000);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	herd_hooked(f.h, "api", 2, true, "", f.now);
	live_until(&f, "hook api post");
	herd_hooked(f.h, "api", 2, false, "exit code 3", f.now);
	assert_int_equal(fake_count(&f, "settled 8 failed: api: revision 3 runs in 1 of 1 instance"), 1);
	assert_non_null(strstr(f.log.ptr, ", but the post hook failed: exit code 3"));
	assert_int_equal(running(&f), 1);
	fake_release(&f);
}

static void adopt(struct fake *f, const char *name, int64_t pid)
{
	const struct herd_live live = { .ticket = fake_ticket(f, name), .name = name, .pid = pid };

	assert_true(herd_adopt(f->h, &live, f->now));
}

static void a_hook_that_was_cut_off_is_not_run_again(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 1);

	(void)state;
	command_from_line(&s->deploy.pre, "migrate", NULL);
	start(&f);
	change(s);
	deploy(&f, 7);
	fake_forget(&f);
	fake_rebirth(&f);
	adopt(&f, "api:0", 101);
	herd_resume(f.h, f.now);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "hook"), 0);
	assert_int_equal(fake_revision(&f, "api:0"), 1);
	fake_release(&f);
}

static void another_brain_goes_on(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	start(&f);
	change(s);
	deploy(&f, 7);
	fake_live(&f, 500);
	fake_rebirth(&f);
	adopt(&f, "api:0", 101);
	adopt(&f, "api:1", 102);
	adopt(&f, "api:2", 103);
	herd_resume(f.h, f.now);
	fake_answer(&f);
	assert_int_equal(fake_count(&f, "spawn api:2"), 1);
	fake_live(&f, 20000);
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	assert_int_equal(fake_revision(&f, "api:1"), 2);
	assert_int_equal(running(&f), 2);
	fake_release(&f);
}

static void an_upstream_that_cannot_be_changed_ends_it(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	start(&f);
	change(s);
	deploy(&f, 7);
	fake_live(&f, 1900);
	f.is_manual = true;
	fake_pass(&f, 200);
	assert_int_equal(fake_count(&f, "upstream api 3000-down"), 1);
	herd_upstream_set(f.h, "api", f.serial, UPSTREAM_UNSURE, "nginx -t: no such file", f.now);
	f.is_manual = false;
	fake_live(&f, 20000);
	assert_int_equal(
		fake_count(&f,
			"settled 7 failed: api: revision 2 is not deployed: its upstream could not be changed: nginx -t: no such file"),
		1);
	assert_int_equal(fake_count(&f, "signal api:0"), 0);
	assert_int_equal(fake_count(&f, "signal api:1"), 0);
	fake_release(&f);
}

/* Until its spare is to be in the upstream; then that and the next effect, which takes it out again, are answered. */
static void fail_with_upstream(struct fake *f, enum upstream_outcome outcome)
{
	struct spec *s = begin(f, 2);

	start(f);
	change(s);
	deploy(f, 7);
	fake_live(f, 1900);
	f->is_manual = true;
	fake_pass(f, 200);
	assert_int_equal(fake_count(f, "upstream api 3000-down 3001 3002\n"), 1);
	herd_upstream_set(f->h, "api", f->serial, outcome, "nginx works with what it had", f->now);
	assert_int_equal(fake_count(f, "drain api:2"), 0);
	herd_upstream_set(f->h, "api", f->serial, UPSTREAM_TAKEN_BACK, "nginx -t: no such file", f->now);
}

static void a_spare_that_no_proxy_knew_is_not_kept(void **state)
{
	struct fake f;

	(void)state;
	fail_with_upstream(&f, UPSTREAM_TAKEN_BACK);
	assert_int_equal(fake_count(&f, "drain api:2 3002"), 1);
	herd_drained(f.h, fake_ticket(&f, "api:2"), 0, f.now);
	assert_int_equal(fake_count(&f, "signal api:2 SIGTERM"), 1);
	fake_release(&f);
}

static void a_spare_that_a_proxy_may_know_is_kept(void **state)
{
	struct fake f;

	(void)state;
	fail_with_upstream(&f, UPSTREAM_UNSURE);
	assert_int_equal(fake_count(&f, "drain api:2"), 0);
	fake_pass(&f, 59000);
	assert_int_equal(fake_count(&f, "signal api:2"), 0);
	fake_pass(&f, 2000);
	assert_int_equal(fake_count(&f, "drain api:2"), 1);
	fake_release(&f);
}

static void who_is_stopped_meanwhile_was_not_deployed(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	start(&f);
	change(s);
	deploy(&f, 7);
	fake_live(&f, 500);
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "settled 7 failed: api: was stopped while it was deployed"), 1);
	assert_int_equal(running(&f), 0);
	fake_request(&f, HERD_START, "api", 0, false);
	fake_live(&f, 1000);
	assert_int_equal(running(&f), 2);
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	fake_release(&f);
}

/* Two apps, of which one needs the other. */
static struct spec *begin_pair(struct fake *f)
{
	struct spec *api = begin(f, 1);
	struct spec *web = fake_app(f, "web", 1);

	web->port = 4000;
	fake_needs(web, "api");
	start(f);
	change(api);
	change(web);
	return api;
}

static void dependents_are_deployed_after(void **state)
{
	struct fake f;

	(void)state;
	begin_pair(&f);
	deploy(&f, 7);
	/* That it waits is said, and once. */
	assert_int_equal(fake_count(&f, "event web:-1 rollout"), 1);
	live_until(&f, "event api:0 rollout");
	assert_int_equal(fake_count(&f, "event web:-1 rollout"), 1);
	live_until(&f, "spawn web");
	assert_string_equal(fake_state(&f, "api:1"), "none");
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(fake_revision(&f, "web:0"), 2);
	fake_release(&f);
}

static void dependents_of_what_failed_are_not_deployed(void **state)
{
	struct fake f;

	(void)state;
	begin_pair(&f);
	deploy(&f, 7);
	fake_exit(&f, "api:1", 1, 0);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "spawn web"), 0);
	assert_non_null(strstr(
		f.log.ptr, "web: revision 2 is not deployed: api, which it depends on, was not deployed"));
	assert_int_equal(fake_revision(&f, "web:0"), 1);
	fake_release(&f);
}

static void a_spare_takes_nobodys_port(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	fake_app(&f, "next", 1)->port = 3002;
	start(&f);
	change(s);
	deploy(&f, 7);
	assert_int_equal(fake_count(&f, "spawn api:2 3003"), 1);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	fake_release(&f);
}

static void a_crash_before_the_proof_starts_what_was(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 2);

	(void)state;
	start(&f);
	change(s);
	deploy(&f, 7);
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 500);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_int_equal(fake_revision(&f, "api:0"), 1);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(fake_revision(&f, "api:0"), 2);
	fake_release(&f);
}

static void rollback_waits_for_no_canary(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, 3);

	(void)state;
	s->deploy.canary = 1;
	start(&f);
	change(s);
	deploy(&f, 7);
	live_until(&f, "settled 7 ok");
	assert_int_equal(steer(&f, HERD_CONTINUE, 8), 0);
	live_until(&f, "settled 8 ok");
	assert_int_equal(steer(&f, HERD_ROLLBACK, 9), 0);
	live_until(&f, "settled 9");
	assert_int_equal(fake_revision(&f, "api:0"), 1);
	assert_int_equal(fake_revision(&f, "api:1"), 1);
	assert_int_equal(fake_revision(&f, "api:2"), 1);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a rollback waits for no canary", rollback_waits_for_no_canary),
		PROMISE("a flap begins the trial of a spare anew", a_flap_begins_the_trial_anew),
		PROMISE("with surge = 0 there is no spare, and max_unavailable fewer run meanwhile",
			without_surge_there_is_no_spare),
		PROMISE("with rollback = false a failed deploy stands still, and goes back when told to",
			without_rollback_it_stands_still),
		PROMISE("what goes back has as many instances as before", going_back_gives_the_old_count_too),
		PROMISE("a hook answers for its own rollout only, and a failing one behind is told",
			hooks_answer_for_their_own_rollout),
		PROMISE("a hook that the death of the brain cut off is not run again, and nothing is rolled",
			a_hook_that_was_cut_off_is_not_run_again),
		PROMISE("another brain goes on with a rollout", another_brain_goes_on),
		PROMISE("an upstream that cannot be changed ends a rollout before anything is stopped",
			an_upstream_that_cannot_be_changed_ends_it),
		PROMISE("a spare that no proxy ever knew is not kept when its upstream is refused",
			a_spare_that_no_proxy_knew_is_not_kept),
		PROMISE("a spare that a proxy may know of is kept for a minute, and then goes all the same",
			a_spare_that_a_proxy_may_know_is_kept),
		PROMISE("what is stopped in the middle was not deployed, and starts by the new revision",
			who_is_stopped_meanwhile_was_not_deployed),
		PROMISE("an app is deployed when what it depends on has been", dependents_are_deployed_after),
		PROMISE("what depends on an app whose deploy failed is not deployed",
			dependents_of_what_failed_are_not_deployed),
		PROMISE("a spare takes no port of another app", a_spare_takes_nobodys_port),
		PROMISE("an old instance that crashes before the proof starts by what it had",
			a_crash_before_the_proof_starts_what_was),
	};

	return cmocka_run_group_tests_name("herd: rolls", tests, NULL, NULL);
}

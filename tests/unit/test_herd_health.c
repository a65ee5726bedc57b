/*
 * What the herd does about health.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "fake_effects.h"
#include "herd/herd_private.h"
#include "in_words.h"
#include "unit.h"

static struct spec *healthy_app(struct fake *f, const char *name, int instances)
{
	struct spec *s = fake_app(f, name, instances);

	s->ready = READY_AUTO;
	s->port = 3000;
	s->health.endpoint = mem_strdup("http://localhost:3000/health");
	s->health.interval_ms = 1000;
	return s;
}

static const char *fails(const struct fake *f, const char *name)
{
	(void)f;
	(void)name;
	return "HTTP status 500";
}

static const char *second_fails(const struct fake *f, const char *name)
{
	(void)f;
	return str_eq(name, "api:1") ? "connection refused" : NULL;
}

static const char *stranger_answers(const struct fake *f, const char *name)
{
	(void)f;
	(void)name;
	return "#port 3000 is answered by pid 812 'node old.js', which is not api:0's";
}

static const char *unknown(const struct fake *f, const char *name)
{
	(void)f;
	(void)name;
	return "?";
}

static void assert_status(const struct fake *f, const char *name, const char *status, const char *health)
{
	struct instance_status s = fake_status(f, name);

	assert_string_equal(s.status, status);
	assert_string_equal(s.health, health);
	instance_status_release(&s);
}

static void assert_reason(const struct fake *f, const char *name, const char *words)
{
	struct instance_status s = fake_status(f, name);

	if (!strstr(s.reason.ptr, words))
		fail_msg("the reason is '%s'", s.reason.ptr);
	instance_status_release(&s);
}

static void a_check_makes_it_ready(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 2);
	f.probe = fails;
	fake_apply(&f);
	fake_pass(&f, 0);
	assert_int_equal(fake_count(&f, "probe api:0 3000 "), 1);
	assert_int_equal(fake_count(&f, "probe api:1 3001 "), 1);
	assert_status(&f, "api:0", "starting", "unknown");
	assert_reason(&f, "api:0", "waits for its health check: HTTP status 500");
	fake_pass(&f, 5000);
	assert_status(&f, "api:0", "starting", "unknown");
	f.probe = NULL;
	fake_pass(&f, 1000);
	assert_status(&f, "api:0", "running", "healthy");
	assert_true(instance_is_well(herd_find(f.h, "api:0")));
	assert_int_equal(fake_count(&f, "watch"), 0);
	fake_release(&f);
}

static void never_healthy_is_a_failed_start(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 1)->ready_timeout_ms = 3000;
	f.probe = fails;
	fake_apply(&f);
	fake_pass(&f, 3000);
	assert_int_equal(fake_count(&f, "signal api:0 SIGTERM"), 1);
	fake_exit(&f, "api:0", 0, 15);
	assert_status(&f, "api:0", "backoff", "unknown");
	fake_pass(&f, 200);
	assert_status(&f, "api:0", "starting", "unknown");
	assert_int_equal(fake_count(&f, "event api:0 state unhealthy"), 0);
	/* The second attempt has its own time. */
	fake_pass(&f, 3000);
	assert_int_equal(fake_count(&f, "signal api:0 SIGTERM"), 2);
	fake_release(&f);
}

static void an_unhealthy_one_is_restarted(void **state)
{
	struct fake f;
	struct instance_status s;

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 2)->health.unhealthy_threshold = 3;
	fake_apply(&f);
	fake_pass(&f, 5000);
	f.probe = second_fails;
	fake_forget(&f);
	fake_pass(&f, 1900);
	assert_status(&f, "api:1", "running", "healthy");
	assert_reason(&f, "api:1", "a check failed: connection refused");
	fake_pass(&f, 1600);
	assert_status(&f, "api:0", "running", "healthy");
	assert_int_equal(
		fake_count(&f, "event api:1 state unhealthy (3 checks in a row failed: connection refused)"),
		1);
	assert_status(&f, "api:1", "stopping", "unknown");
	assert_int_equal(fake_count(&f, "signal api:1 SIGTERM"), 1);
	fake_exit(&f, "api:1", 0, 15);
	s = fake_status(&f, "api:1");
	assert_int_equal(s.crashes, 1);
	assert_non_null(strstr(s.reason.ptr, "connection refused"));
	instance_status_release(&s);
	f.probe = NULL;
	fake_pass(&f, 1000);
	assert_status(&f, "api:1", "running", "healthy");
	fake_release(&f);
}

static void one_that_recovers_while_it_waits_stays(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 3);
	fake_apply(&f);
	fake_pass(&f, 5000);
	f.probe = fails;
	fake_pass(&f, 5000);
	/* One is down for it, whatever they all say. */
	assert_int_equal(fake_count(&f, "signal"), 1);
	assert_int_equal(fake_count(&f, "event api:0 state unhealthy") +
			fake_count(&f, "event api:1 state unhealthy") +
			fake_count(&f, "event api:2 state unhealthy"),
		3);
	f.probe = NULL;
	fake_pass(&f, 1500);
	assert_int_equal(fake_count(&f, "signal"), 1);
	for (int n = 0; n < 3; n++)
		if (instance_state(f.h->slots.items[n]) == STATE_STOPPING)
			fake_exit(&f, n == 0 ? "api:0" : n == 1 ? "api:1" : "api:2", 0, 15);
	fake_pass(&f, 1500);
	for (int n = 0; n < 3; n++)
		assert_true(instance_is_well(f.h->slots.items[n]));
	assert_int_equal(fake_count(&f, "spawn"), 4);
	fake_release(&f);
}

static void a_shared_cause_takes_one_down(void **state)
{
	struct fake f;
	int down = 0;
	char waits[8] = "";

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 10)->deploy.max_unavailable = 2;
	fake_apply(&f);
	fake_pass(&f, 5000);
	f.probe = fails;
	for (int k = 0; k < 120; k++) {
		down = 0;
		fake_pass(&f, 500);
		for (int n = 0; n < 10; n++) {
			char name[8] = { 'a', 'p', 'i', ':', (char)('0' + n), '\0' };
			enum state is = instance_state(herd_find(f.h, name));

			if (is == STATE_STOPPING)
				fake_exit(&f, name, 0, 15);
			if (is == STATE_UNHEALTHY)
				memcpy(waits, name, sizeof(waits));
			down += is != STATE_RUNNING && is != STATE_UNHEALTHY;
		}
		assert_in_range(down, 0, 2);
	}
	assert_int_equal(down, 2);
	assert_reason(&f, waits, "restarted once fewer than 2 of api are down for their health");
	f.probe = NULL;
	fake_pass(&f, 60000);
	for (int n = 0; n < 10; n++)
		assert_true(instance_is_well(f.h->slots.items[n]));
	fake_release(&f);
}

/* It died by itself while its checks failed. */
static void dying_of_itself_is_one_crash(void **state)
{
	struct fake f;
	struct instance_status s;

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 1);
	fake_apply(&f);
	fake_pass(&f, 3000);
	f.probe = fails;
	fake_pass(&f, 2200);
	f.is_manual = true;
	fake_pass(&f, 1000);
	/* The last check is under way. */
	fake_forget(&f);
	fake_exit(&f, "api:0", 1, 0);
	assert_int_equal(f.probed_len, 0);
	s = fake_status(&f, "api:0");
	assert_string_equal(s.status, "backoff");
	assert_int_equal(s.crashes, 1);
	instance_status_release(&s);
	assert_int_equal(fake_count(&f, "signal"), 0);
	fake_release(&f);
}

static void a_late_answer_is_for_nobody(void **state)
{
	struct fake f;
	struct ticket old;

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 1)->restart_delay_ms = 0;
	fake_apply(&f);
	fake_pass(&f, 3000);
	old = fake_ticket(&f, "api:0");
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 200);
	for (int k = 0; k < 10; k++)
		herd_probed(f.h, old, PROBE_FAILED, SAID("late"), f.now);
	assert_int_equal(herd_counts(f.h).stale_facts, 10);
	assert_status(&f, "api:0", "running", "healthy");
	/* Nor is one that nobody asked for. */
	herd_probed(f.h, fake_ticket(&f, "api:0"), PROBE_FAILED, SAID("unasked"), f.now);
	assert_int_equal(herd_counts(f.h).unexpected_facts, 1);
	fake_release(&f);
}

static void a_stranger_is_told_once(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 1);
	f.probe = stranger_answers;
	fake_apply(&f);
	fake_pass(&f, 10000);
	assert_status(&f, "api:0", "starting", "unknown");
	assert_reason(&f, "api:0", "pid 812 'node old.js'");
	assert_int_equal(fake_count(&f, "event api:0 note starting (port 3000 is answered by pid 812"), 1);
	fake_release(&f);
}

static void standing_still_makes_nothing_unhealthy(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 50)->health.unhealthy_threshold = 1;
	fake_apply(&f);
	fake_pass(&f, 5000);
	/* An hour in which nothing was done; all is due at once then. */
	f.now += 3600000;
	fake_forget(&f);
	herd_timer(f.h, f.now);
	assert_int_equal(f.probed_len, 0);
	f.probe = unknown;
	fake_pass(&f, 3000);
	assert_true(fake_count(&f, "probe") >= 50);
	for (int n = 0; n < 50; n++) {
		char event[80];

		assert_true(instance_is_well(f.h->slots.items[n]));
		(void)snprintf(event, sizeof(event),
			"event api:%d note running (its health check cannot be made just now", n);
		assert_int_equal(fake_count(&f, event), 1);
	}
	fake_release(&f);
}

static void another_brain_goes_on(void **state)
{
	struct fake f;
	struct herd_live live = { .name = "api:0", .pid = 101 };
	const struct instance *i = NULL;
	int64_t since = 0;

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 1);
	fake_apply(&f);
	fake_pass(&f, 5000);
	since = ((const struct instance *)f.h->slots.items[0])->well_since;
	live.ticket = fake_ticket(&f, "api:0");
	fake_rebirth(&f);
	assert_true(herd_adopt(f.h, &live, f.now));
	herd_resume(f.h, f.now);
	assert_status(&f, "api:0", "running", "healthy");
	i = f.h->slots.items[0];
	assert_int_equal(i->well_since, since);
	fake_forget(&f);
	fake_pass(&f, 1000);
	assert_int_equal(fake_count(&f, "probe api:0 3000 101"), 1);
	assert_int_equal(fake_count(&f, "event"), 0);
	/* One bad answer is not enough for it either. */
	f.probe = fails;
	fake_pass(&f, 1000);
	assert_status(&f, "api:0", "running", "healthy");
	fake_pass(&f, 2000);
	assert_status(&f, "api:0", "stopping", "unknown");
	fake_release(&f);
}

static void the_budget_outlives_the_brain(void **state)
{
	struct fake f;
	struct herd_live live = { .pid = 0 };
	char name[] = "api:0";

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 4);
	fake_apply(&f);
	fake_pass(&f, 5000);
	f.probe = fails;
	fake_pass(&f, 6000);
	assert_int_equal(fake_count(&f, "signal"), 1);
	for (int turn = 0; turn < 3; turn++) {
		struct ticket tickets[4];

		for (int n = 0; n < 4; n++) {
			name[4] = (char)('0' + n);
			tickets[n] = fake_ticket(&f, name);
		}
		fake_rebirth(&f);
		fake_forget(&f);
		for (int n = 0; n < 4; n++) {
			name[4] = (char)('0' + n);
			live.name = name;
			live.ticket = tickets[n];
			live.pid = 101 + n;
			assert_true(herd_adopt(f.h, &live, f.now));
		}
		herd_resume(f.h, f.now);
		fake_pass(&f, 2500);
		/* The signal that may not have been sent is sent again, to the same one. */
		assert_int_equal(fake_count(&f, "signal"), 1);
	}
	fake_release(&f);
}

static void a_check_that_goes_away_is_forgotten(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = healthy_app(&f, "api", 1);
	s->ready = READY_LISTEN;
	fake_apply(&f);
	fake_ready(&f, "api:0");
	fake_pass(&f, 3000);
	assert_status(&f, "api:0", "running", "healthy");
	mem_free(s->health.endpoint);
	s->health.endpoint = NULL;
	fake_apply(&f);
	fake_forget(&f);
	fake_pass(&f, 10000);
	assert_status(&f, "api:0", "running", "none");
	assert_int_equal(fake_count(&f, "probe"), 0);
	assert_int_equal(fake_count(&f, "signal"), 0);
	s->health.endpoint = mem_strdup("http://localhost/");
	fake_apply(&f);
	assert_false(instance_is_well(f.h->slots.items[0]));
	fake_pass(&f, 1);
	assert_status(&f, "api:0", "running", "healthy");
	fake_release(&f);
}

static void ready_by_listening_and_checked_after(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 1)->ready = READY_LISTEN;
	f.is_never_ready = true;
	fake_apply(&f);
	fake_pass(&f, 5000);
	assert_int_equal(fake_count(&f, "probe"), 0);
	f.probe = fails;
	fake_ready(&f, "api:0");
	fake_pass(&f, 0);
	assert_int_equal(fake_count(&f, "probe"), 1);
	assert_status(&f, "api:0", "running", "unknown");
	assert_false(instance_is_well(f.h->slots.items[0]));
	f.probe = NULL;
	fake_pass(&f, 1600);
	assert_status(&f, "api:0", "running", "healthy");
	assert_true(instance_is_well(f.h->slots.items[0]));
	fake_release(&f);
}

static void a_stop_ends_the_checks(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	healthy_app(&f, "api", 1);
	fake_apply(&f);
	fake_pass(&f, 3000);
	f.is_manual = true;
	fake_pass(&f, 1000);
	assert_int_equal(f.probed_len, 1);
	fake_request(&f, HERD_STOP, "api", 0, false);
	assert_int_equal(f.probed_len, 0);
	assert_int_equal(herd_counts(f.h).checks, 0);
	fake_exit(&f, "api:0", 0, 15);
	fake_gone(&f, "api:0");
	assert_int_equal(herd_next_deadline(f.h), -1);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the first check is right after the start, and a passed one makes it ready",
			a_check_makes_it_ready),
		PROMISE("one whose check never passes is a failed start, each time anew",
			never_healthy_is_a_failed_start),
		PROMISE("an instance whose checks fail is stopped gracefully and started again, as a crash",
			an_unhealthy_one_is_restarted),
		PROMISE("one that waits to be restarted for its health, and recovers, is left alone",
			one_that_recovers_while_it_waits_stays),
		PROMISE("a shared cause takes down no more than max_unavailable instances of an app",
			a_shared_cause_takes_one_down),
		PROMISE("an instance that dies while its check fails is one crash, not two",
			dying_of_itself_is_one_crash),
		PROMISE("an answer about an earlier process, or that nobody asked for, changes nothing",
			a_late_answer_is_for_nobody),
		PROMISE("a stranger that answers is told once, and not believed", a_stranger_is_told_once),
		PROMISE("after the machine slept nothing is unhealthy, what cannot be checked is told once, and no checks come in a burst",
			standing_still_makes_nothing_unhealthy),
		PROMISE("another brain keeps the verdict, and checks again soon", another_brain_goes_on),
		PROMISE("another brain takes down no second instance for the same cause",
			the_budget_outlives_the_brain),
		PROMISE("a check that is removed from the oxfile ends, and one that is added begins",
			a_check_that_goes_away_is_forgotten),
		PROMISE("an instance that is ready by listening is well once its check passes",
			ready_by_listening_and_checked_after),
		PROMISE("a stop ends the checks", a_stop_ends_the_checks),
	};

	return cmocka_run_group_tests_name("herd health", tests, NULL, NULL);
}

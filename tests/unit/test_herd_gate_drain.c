/*
 * Out of a port that is shared: who stops gently leaves its gate first, and its signal waits until nobody waits at its sockets any more.  And deploys there:
 * the spare has the same port, and as many serve as before.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "fake_effects.h"
#include "in_words.h"

static struct spec *add(struct fake *f, int instances)
{
	struct spec *s = fake_app(f, "api", instances);

	s->port = 3000;
	s->port_mode = PORT_SHARED;
	return s;
}

static struct spec *begin(struct fake *f, int instances)
{
	struct spec *s = NULL;

	fake_init(f);
	s = add(f, instances);
	fake_apply(f);
	fake_forget(f);
	return s;
}

static void who_is_scaled_away_leaves_the_gate_first(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	assert_int_equal(fake_count(&f, "gate 1 3000: api:0 places 0\n"), 1);
	assert_int_equal(fake_count(&f, "drain api:1 3000 30000\n"), 1);
	assert_true(fake_is_before(&f, "gate 1 3000: api:0 places 0", "drain api:1"));
	assert_int_equal(fake_count(&f, "signal"), 0);
	herd_drained(f.h, fake_ticket(&f, "api:1"), 0, f.now);
	assert_int_equal(fake_count(&f, "signal api:1 SIGTERM"), 1);
	f.is_manual = false;
	fake_live(&f, 1000);
	assert_string_equal(fake_state(&f, "api:1"), "none");
	assert_int_equal(fake_count(&f, "gate "), 1);
	fake_release(&f);
}

static void who_is_restarted_leaves_and_comes_back_to_its_place(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_request(&f, HERD_RESTART, "api:1", 0, false);
	assert_int_equal(fake_count(&f, "gate 1 3000: api:0 places 0 1\n"), 1);
	assert_int_equal(fake_count(&f, "drain api:1"), 1);
	assert_int_equal(fake_count(&f, "signal"), 0);
	f.is_manual = false;
	fake_live(&f, 5000);
	assert_int_equal(fake_count(&f, "spawn api:1 3000 gate 1 place 1\n"), 1);
	assert_int_equal(fake_count(&f, "gate 1 3000: api:0 api:1 places 0 1\n"), 1);
	fake_release(&f);
}

static void who_passes_a_limit_leaves_first(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	herd_over_limit(
		f.h, fake_ticket(&f, "api:0"), &REASON_OF(MEMORY_LIMIT, .used = 85, .most = 60), f.now);
	assert_true(fake_is_before(&f, "gate 1 3000: api:1 places 0 1", "drain api:0"));
	assert_int_equal(fake_count(&f, "signal"), 0);
	herd_drained(f.h, fake_ticket(&f, "api:0"), 0, f.now);
	assert_int_equal(fake_count(&f, "signal api:0 SIGTERM"), 1);
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
	assert_int_equal(fake_count(&f, "gate 1 3000: places\n"), 1);
	fake_release(&f);
}

static void where_nobody_else_is_chosen_nothing_is_waited_for(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 1);
	f.is_manual = true;
	fake_request(&f, HERD_RESTART, "api", 0, false);
	assert_int_equal(fake_count(&f, "signal api:0 SIGTERM"), 1);
	assert_int_equal(fake_count(&f, "drain"), 0);
	assert_int_equal(fake_count(&f, "gate 1 3000: places 0\n"), 1);
	fake_release(&f);
}

static void who_is_wanted_again_is_chosen_again(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	fake_scale(&f, "api", 2);
	assert_int_equal(fake_count(&f, "gate 1 3000: api:0 api:1 places 0 1\n"), 1);
	assert_string_equal(fake_state(&f, "api:1"), "running");
	fake_pass(&f, 120000);
	assert_int_equal(fake_count(&f, "signal"), 0);
	fake_release(&f);
}

/* What comes back waits for nobody; what does not come back leaves its connections there. */
static void connections_wait_at_one_that_comes_back(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_request(&f, HERD_RESTART, "api:0", 0, false);
	assert_int_equal(fake_count(&f, "gate 1 3000: api:1 places 0 1\n"), 1);
	fake_scale(&f, "api", 1);
	assert_int_equal(fake_count(&f, "gate 1 3000: api:0 places 0\n"), 1);
	assert_int_equal(fake_count(&f, "drain api:1 3000"), 1);
	assert_int_equal(fake_count(&f, "signal api:1"), 0);
	fake_release(&f);
}

static void without_a_drain_the_signal_follows_the_gate(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = add(&f, 2);
	s->deploy.drain_ms = 0;
	fake_apply(&f);
	fake_forget(&f);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	assert_true(fake_is_before(&f, "gate 1 3000: api:0 places 0", "signal api:1 SIGTERM"));
	assert_int_equal(fake_count(&f, "drain"), 0);
	fake_release(&f);
}

static void a_drain_is_begun_again_after_the_brains_death(void **state)
{
	struct herd_live live[2] = { { .name = "api:0", .pid = 101 }, { .name = "api:1", .pid = 102 } };
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	live[0].ticket = fake_ticket(&f, "api:0");
	live[1].ticket = fake_ticket(&f, "api:1");
	fake_rebirth(&f);
	fake_forget(&f);
	for (int k = 0; k < 2; k++) {
		assert_true(herd_adopt(f.h, &live[k], f.now));
		herd_listens(f.h, live[k].ticket, NULL, f.now);
	}
	herd_resume(f.h, f.now);
	assert_true(fake_is_before(&f, "gate 1 3000: api:0 places 0", "drain api:1 3000 30000"));
	assert_int_equal(fake_count(&f, "signal"), 0);
	fake_release(&f);
}

/* --- the proxy in front --- */

static void an_upstream_has_one_server_that_stays(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = add(&f, 2);
	s->nginx.output = mem_strdup("/etc/nginx/api.conf");
	fake_apply(&f);
	assert_int_equal(fake_count(&f, "upstream api 3000\n"), 1);
	fake_forget(&f);
	fake_scale(&f, "api", 4);
	fake_live(&f, 1000);
	fake_exit(&f, "api:0", 1, 0);
	fake_live(&f, 5000);
	fake_scale(&f, "api", 1);
	fake_live(&f, 5000);
	fake_request(&f, HERD_RESTART, "api", 0, false);
	fake_live(&f, 5000);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_int_equal(fake_count(&f, "upstream"), 0);
	fake_release(&f);
}

static void who_leaves_a_gate_does_not_wait_for_the_proxy(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = add(&f, 2);
	s->nginx.output = mem_strdup("/etc/nginx/api.conf");
	fake_apply(&f);
	fake_forget(&f);
	f.is_manual = true;
	fake_scale(&f, "api", 1);
	assert_int_equal(fake_count(&f, "drain api:1 3000 30000\n"), 1);
	fake_release(&f);
}

static void the_last_one_on_a_port_leaves_the_proxy_too(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = add(&f, 1);
	s->nginx.output = mem_strdup("/etc/nginx/api.conf");
	fake_apply(&f);
	fake_forget(&f);
	s->port = 3100;
	fake_apply(&f);
	for (int k = 0; k < 1000 && !fake_count(&f, "drain api:0 3000"); k++)
		fake_pass(&f, 50);
	assert_true(fake_is_before(&f, "upstream api 3100\n", "drain api:0 3000"));
	fake_live(&f, 60000);
	assert_int_equal(fake_port(&f, "api:0"), 3100);
	assert_int_equal(fake_count(&f, "upstream api 3100"), 1);
	fake_release(&f);
}

/* --- deploys --- */

/* How many the gate chose in each of its effects, the fewest. */
static int fewest_chosen(const struct fake *f)
{
	int fewest = 100;

	for (const char *at = strstr(f->log.ptr, "gate 1 "); at; at = strstr(at + 1, "\ngate 1 ")) {
		const char *end = strstr(at, " places");
		int count = 0;

		for (const char *c = strchr(at, ':') + 1; c < end; c++)
			count += *c == ':';
		fewest = count < fewest ? count : fewest;
	}
	return fewest;
}

static void roll(struct fake *f, struct spec *s, int instances)
{
	command_from_line(&s->command, "serve --better", NULL);
	s->deploy.min_healthy_ms = 100;
	fake_apply(f);
	fake_live(f, 60000);
	for (int k = 0; k < instances; k++) {
		char name[24];

		snprintf(name, sizeof(name), "api:%d", k);
		assert_int_equal(fake_revision(f, name), 2);
		assert_string_equal(fake_state(f, name), "running");
	}
}

static void a_spare_shares_the_port_and_as_many_serve_as_before(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	s = begin(&f, 3);
	f.listened = 3000;
	s->deploy.fail_timeout_ms = 10000;
	roll(&f, s, 3);
	assert_int_equal(fake_count(&f, "spawn api:3 3000 gate 1 place 3\n"), 1);
	assert_int_equal(fewest_chosen(&f), 3);
	assert_string_equal(fake_state(&f, "api:3"), "none");
	fake_release(&f);
}

static void the_only_instance_is_replaced_behind_a_spare(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	s = begin(&f, 1);
	roll(&f, s, 1);
	assert_int_equal(fake_count(&f, "spawn api:1 3000 gate 1 place 1\n"), 1);
	assert_int_equal(fewest_chosen(&f), 1);
	assert_true(fake_is_before(&f, "gate 1 3000: api:1 places 0 1", "drain api:0 3000"));
	assert_true(fake_is_before(&f, "drain api:0 3000", "signal api:0 SIGTERM"));
	assert_true(fake_is_before(&f, "drain api:1 3000", "signal api:1 SIGTERM"));
	fake_release(&f);
}

static void a_new_revision_gets_nothing_before_it_is_proven(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	s = begin(&f, 1);
	command_from_line(&s->command, "serve --better", NULL);
	s->deploy.min_healthy_ms = 5000;
	fake_apply(&f);
	fake_live(&f, 4000);
	assert_string_equal(fake_state(&f, "api:1"), "running");
	assert_int_equal(fake_count(&f, "gate 1 3000: api:0 places 0 1\n"), 1);
	assert_int_equal(fake_count(&f, "gate"), 1);
	fake_live(&f, 2000);
	assert_int_equal(fake_count(&f, "gate 1 3000: api:1 places 0 1\n"), 1);
	fake_release(&f);
}

/* The first process that is to share the port. */
static const char *first_shared(const struct fake *f)
{
	return strstr(f->log.ptr, " 3000 gate ");
}

static bool is_ended(const struct fake *f, const char *name, const char *before)
{
	char line[40];
	const char *at = NULL;

	snprintf(line, sizeof(line), "end %s SIGTERM", name);
	at = strstr(f->log.ptr, line);
	return at && before && at < before;
}

/* Whole deploys from one way of having ports to the other, on the same port. */
static void ports_can_be_shared_and_split_by_a_deploy(void **state)
{
	for (int mode = PORT_EACH; mode <= PORT_SHARED; mode++) {
		struct fake f;
		struct spec *s = NULL;

		(void)state;
		fake_init(&f);
		s = add(&f, 3);
		s->port_mode = mode;
		fake_apply(&f);
		s->port_mode = mode == PORT_EACH ? PORT_SHARED : PORT_EACH;
		fake_forget(&f);
		fake_apply(&f);
		fake_live(&f, 120000);
		for (int k = 0; k < 3; k++) {
			char name[24];

			snprintf(name, sizeof(name), "api:%d", k);
			assert_int_equal(fake_revision(&f, name), 2);
			assert_int_equal(fake_port(&f, name), 3000 + (mode == PORT_EACH ? 0 : k));
		}
		/* Who has the port alone, and who shares it, are never there together. */
		if (mode == PORT_EACH)
			assert_true(first_shared(&f) && is_ended(&f, "api:0", first_shared(&f)));
		else
			assert_true(is_ended(&f, "api:0", strstr(f.log.ptr, "spawn api:0 3000\n")) &&
				is_ended(&f, "api:1", strstr(f.log.ptr, "spawn api:0 3000\n")) &&
				is_ended(&f, "api:2", strstr(f.log.ptr, "spawn api:0 3000\n")));
		fake_release(&f);
	}
}

static void one_that_is_added_in_a_deploy_shares_the_port_too(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	s = begin(&f, 2);
	s->port_mode = PORT_EACH;
	s->port = 3100;
	command_from_line(&s->deploy.pre, "migrate", NULL);
	fake_apply(&f);
	fake_scale(&f, "api", 3);
	fake_live(&f, 1000);
	assert_int_equal(fake_count(&f, "spawn api:2 3000 gate 1 place 2\n"), 1);
	fake_release(&f);
}

static void an_upstream_of_many_servers_becomes_one(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 3);
	s->port = 3000;
	s->nginx.output = mem_strdup("/etc/nginx/api.conf");
	fake_apply(&f);
	fake_request(&f, HERD_STOP, "api", 0, false);
	fake_live(&f, 1000);
	fake_forget(&f);
	s->port_mode = PORT_SHARED;
	fake_apply(&f);
	fake_live(&f, 1000);
	assert_int_equal(fake_count(&f, "upstream api 3000\n"), 1);
	fake_forget(&f);
	for (int k = 0; k < 3; k++)
		fake_exit(&f, k == 0 ? "api:0" : k == 1 ? "api:1" : "api:2", 1, 0);
	fake_live(&f, 5000);
	assert_int_equal(fake_count(&f, "upstream"), 0);
	fake_release(&f);
}

static void a_place_that_is_shared_no_more_is_not_kept(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	s = begin(&f, 2);
	s->port_mode = PORT_EACH;
	s->port = 3100;
	fake_apply(&f);
	for (int k = 0; k < 1000 && !fake_count(&f, "signal api:0"); k++)
		fake_pass(&f, 50);
	assert_int_equal(fake_count(&f, "gate 1 0: api:1 places 1\n"), 1);
	fake_live(&f, 60000);
	assert_int_equal(fake_count(&f, "gate 1 0: places\n"), 1);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("an instance that is scaled away leaves its gate, drains and stops",
			who_is_scaled_away_leaves_the_gate_first),
		PROMISE("an instance that is restarted leaves its gate, and comes back to its place",
			who_is_restarted_leaves_and_comes_back_to_its_place),
		PROMISE("an instance that passes a limit leaves its gate first",
			who_passes_a_limit_leaves_first),
		PROMISE("an app that stops waits for no connection", the_last_ones_stop_at_once),
		PROMISE("an instance that nobody makes up for stops at once, and its place is kept",
			where_nobody_else_is_chosen_nothing_is_waited_for),
		PROMISE("an instance that is wanted again is chosen again",
			who_is_wanted_again_is_chosen_again),
		PROMISE("where nobody else is proven, connections wait at an instance that comes back",
			connections_wait_at_one_that_comes_back),
		PROMISE("with drain_secs = 0 the stop signal follows the gate",
			without_a_drain_the_signal_follows_the_gate),
		PROMISE("a drain is begun again after the brain's death",
			a_drain_is_begun_again_after_the_brains_death),
		PROMISE("the upstream of a shared port has one server, whichever instances are there",
			an_upstream_has_one_server_that_stays),
		PROMISE("an instance that leaves its gate does not wait for the proxy",
			who_leaves_a_gate_does_not_wait_for_the_proxy),
		PROMISE("the last instance on a port leaves the proxy before its drain",
			the_last_one_on_a_port_leaves_the_proxy_too),
		PROMISE("a spare shares the port, and as many are chosen as before",
			a_spare_shares_the_port_and_as_many_serve_as_before),
		PROMISE("the only instance is replaced while a spare serves",
			the_only_instance_is_replaced_behind_a_spare),
		PROMISE("an instance of a new revision gets no connection before it is proven",
			a_new_revision_gets_nothing_before_it_is_proven),
		PROMISE("an instance that is added in the middle of a deploy shares the port too",
			one_that_is_added_in_a_deploy_shares_the_port_too),
		PROMISE("an upstream of many servers becomes one, which stays while all restart",
			an_upstream_of_many_servers_becomes_one),
		PROMISE("a place that is shared no more is not kept",
			a_place_that_is_shared_no_more_is_not_kept),
		PROMISE("a deploy turns a shared port into one each, and back",
			ports_can_be_shared_and_split_by_a_deploy),
	};

	return cmocka_run_group_tests_name("herd: out of a gate", tests, NULL, NULL);
}

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "fake_effects.h"
#include "herd/deploy.h"
#include "herd/herd_private.h"
#include "in_words.h"
#include "unit.h"

static void a_taken_port_blocks_and_burns_no_restart(void **state)
{
	struct fake f;
	struct instance_status s;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 2)->port = 3000;
	f.is_manual = true;
	fake_apply(&f);
	herd_port_taken(f.h, fake_ticket(&f, "api:0"), 812, "node old.js", f.now);
	herd_port_free(f.h, fake_ticket(&f, "api:1"), f.now);
	s = fake_status(&f, "api:0");
	assert_string_equal(s.status, "blocked");
	assert_string_equal(s.reason.ptr, "port 3000 is held by pid 812 'node old.js'");
	assert_int_equal(s.restarts, 0);
	instance_status_release(&s);
	assert_int_equal(fake_count(&f, "spawn"), 1);
	fake_pass(&f, 3600000);
	herd_port_taken(f.h, fake_ticket(&f, "api:0"), 0, NULL, f.now);
	assert_string_equal(fake_state(&f, "api:0"), "blocked");
	herd_port_free(f.h, fake_ticket(&f, "api:0"), f.now);
	assert_int_equal(fake_count(&f, "spawn api:0 3000"), 1);
	assert_int_equal(fake_count(&f, "check api:0"), 1);
	fake_release(&f);
}

static void a_blocked_instance_can_be_stopped(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1)->port = 3000;
	f.is_manual = true;
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	fake_request(&f, HERD_START, "api", 7, true);
	assert_int_equal(fake_count(&f, "settled 7"), 0);
	herd_port_taken(f.h, t, 812, "node old.js", f.now);
	assert_int_equal(
		fake_count(&f,
			"settled 7 failed: api:0 is blocked, and starts once that is over: port 3000 is held by pid 812"),
		1);
	fake_request(&f, HERD_STOP, "api", 1, false);
	assert_int_equal(fake_count(&f, "settled 1 ok"), 1);
	assert_int_equal(f.checks_len, 0);
	herd_port_free(f.h, t, f.now);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	fake_request(&f, HERD_START, "api", 0, false);
	herd_port_free(f.h, t, f.now);
	assert_int_equal(fake_count(&f, "spawn"), 0);
	assert_int_equal(herd_counts(f.h).stale_facts, 1);
	fake_release(&f);
}

/* Three of four are to be left: should that fail there are four again. */
static void the_way_back_keeps_its_ports(void **state)
{
	struct fake f;
	struct spec *s = NULL;
	struct app *a = NULL;
	struct herd_apply change = {
		.oxfile = "/srv/oxfile.toml", .specs = &f.specs, .changes = true, .starts_new = true
	};

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 4);
	s->port = 3000;
	fake_apply(&f);
	command_from_line(&s->command, "serve --better", NULL);
	command_from_line(&s->deploy.pre, "migrate", NULL);
	s->instances.value = 3;
	f.is_manual = true;
	assert_int_equal(herd_apply(f.h, &change, f.now, NULL), 0);
	a = app_find(f.h, "api");
	assert_non_null(a->rollout);
	assert_int_equal(a->rollout->back_count, 4);
	/* As when those that are too many have gone already. */
	a->count = 3;
	command_from_line(&s->command, "serve --best", NULL);
	fake_app(&f, "cron", 2);
	assert_int_equal(herd_apply(f.h, &change, f.now, NULL), 0);
	assert_int_equal(app_find(f.h, "cron")->target->ports[0], 3004);
	a->count = 4;
	fake_release(&f);
}

static void scaling_down_and_up_gives_the_same_ports(void **state)
{
	struct fake f;
	struct ticket survivor;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 4);
	fake_apply(&f);
	survivor = fake_ticket(&f, "api:0");
	fake_scale(&f, "api", 2);
	fake_app(&f, "other", 3);
	fake_apply(&f);
	assert_int_equal(fake_port(&f, "other:0"), 3004);
	fake_forget(&f);
	fake_scale(&f, "api", 4);
	/* The old ones still hold theirs. */
	assert_int_equal(fake_count(&f, "spawn"), 0);
	fake_exit(&f, "api:2", 0, 0);
	assert_int_equal(fake_count(&f, "spawn api:2 3002"), 1);
	fake_exit(&f, "api:3", 0, 0);
	assert_int_equal(fake_count(&f, "spawn api:3 3003"), 1);
	assert_int_equal(fake_ticket(&f, "api:0").generation, survivor.generation);
	fake_release(&f);
}

static void a_block_that_cannot_grow_gets_ports_elsewhere_for_the_new_ones(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 2);
	fake_app(&f, "web", 2);
	fake_apply(&f);
	assert_int_equal(fake_port(&f, "web:1"), 3003);
	fake_scale(&f, "api", 3);
	fake_scale(&f, "web", 4);
	fake_scale(&f, "api", 5);
	assert_int_equal(fake_port(&f, "api:0"), 3000);
	assert_int_equal(fake_port(&f, "api:1"), 3001);
	assert_int_equal(fake_port(&f, "api:2"), 3004);
	assert_int_equal(fake_port(&f, "web:2"), 3005);
	assert_int_equal(fake_port(&f, "web:3"), 3006);
	assert_int_equal(fake_port(&f, "api:3"), 3007);
	assert_int_equal(fake_port(&f, "api:4"), 3008);
	assert_int_equal(fake_count(&f, "signal"), 0);
	fake_release(&f);
}

/* Else the deploy might wait for that app, and that app for the spare. */
static void nobody_grows_into_the_port_of_a_spare(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 2);
	fake_app(&f, "web", 2);
	fake_apply(&f);
	f.is_never_ready = true;
	command_from_line(&s->command, "serve --better", NULL);
	fake_apply(&f);
	assert_int_equal(fake_port(&f, "api:2"), 3004);
	fake_scale(&f, "web", 3);
	assert_int_equal(fake_port(&f, "web:1"), 3003);
	assert_int_equal(fake_port(&f, "web:2"), 3005);
	/* Its own app has the port that goes with its number. */
	fake_scale(&f, "api", 3);
	assert_int_equal(fake_count(&f, "signal web"), 0);
	fake_release(&f);
}

static void nobody_grows_into_what_a_deploy_may_go_back_to(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	fake_app(&f, "web", 2);
	s = fake_app(&f, "api", 2);
	fake_apply(&f);
	assert_int_equal(fake_port(&f, "api:0"), 3002);
	f.is_never_ready = true;
	s->port_step = 2;
	fake_apply(&f);
	fake_scale(&f, "web", 3);
	assert_int_equal(fake_port(&f, "web:1"), 3001);
	assert_in_range(fake_port(&f, "web:2"), 3005, 3010);
	fake_release(&f);
}

/* It was deleted, and comes back before it is gone; its ports may be another's meanwhile. */
static void what_was_deleted_has_nothing_to_go_back_to(void **state)
{
	struct fake f;
	struct spec *s = NULL;
	struct err e = ERR_INIT;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 2);
	fake_apply(&f);
	command_from_line(&s->command, "serve --better", NULL);
	fake_apply(&f);
	fake_live(&f, 60000);
	assert_int_equal(fake_revision(&f, "api:1"), 2);
	fake_request(&f, HERD_DELETE, "api", 0, false);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	fake_apply(&f);
	assert_int_equal(herd_steer(f.h, 0, HERD_ROLLBACK, "api", f.now, &e), -1);
	assert_string_equal(e.text.ptr, "'api' has no earlier revision to go back to");
	err_release(&e);
	fake_release(&f);
}

static void overlapping_ports_are_refused_and_nothing_changes(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 2)->port = 3000;
	fake_app(&f, "web", 2)->port = 3002;
	fake_app(&f, "high", 2)->port = 65534;
	fake_app(&f, "auto", 2);
	fake_apply(&f);
	assert_int_equal(fake_port(&f, "auto:0"), 3004);
	fake_forget(&f);
	assert_int_equal(fake_scale(&f, "api", 3), -1);
	assert_non_null(strstr(f.log.ptr, "'api' and 'web' both want port 3002"));
	assert_int_equal(fake_scale(&f, "high", 3), -1);
	assert_non_null(strstr(f.log.ptr, "the ports of 'high' end at 65536, beyond 65535"));
	fake_app(&f, "late", 1)->port = 3005;
	assert_int_equal(fake_apply(&f), -1);
	assert_non_null(strstr(f.log.ptr, "'late' wants a port that 'auto' has (from 3004 on)"));
	assert_int_equal(fake_count(&f, "spawn"), 0);
	assert_string_equal(fake_state(&f, "api:2"), "none");
	fake_release(&f);
}

static void env_ports_are_passed_on_and_not_checked(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	env_put(&fake_app(&f, "worker", 2)->env, "PORT", "4000");
	fake_app(&f, "single", 1);
	fake_apply(&f);
	assert_int_equal(fake_count(&f, "check"), 0);
	assert_int_equal(fake_count(&f, "spawn worker:1 4001"), 1);
	assert_int_equal(fake_count(&f, "spawn single:0 0"), 1);
	fake_release(&f);
}

static void survivors_keep_their_process_when_scaling(void **state)
{
	struct fake f;
	struct ticket first;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	first = fake_ticket(&f, "api:0");
	fake_scale(&f, "api", 3);
	assert_int_equal(fake_count(&f, "spawn"), 3);
	fake_scale(&f, "api", 1);
	fake_exit(&f, "api:1", 0, 0);
	fake_exit(&f, "api:2", 0, 0);
	assert_string_equal(fake_state(&f, "api:1"), "none");
	assert_int_equal(fake_ticket(&f, "api:0").generation, first.generation);
	fake_scale(&f, "api", 0);
	fake_exit(&f, "api:0", 0, 0);
	assert_null(herd_first(f.h));
	assert_int_equal(herd_app_count(f.h), 1);
	assert_int_equal(fake_scale(&f, "apy", 1), -1);
	fake_release(&f);
}

static void a_changed_port_moves_the_process(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 2);
	s->port = 3000;
	fake_apply(&f);
	s->port = 3500;
	fake_forget(&f);
	fake_apply(&f);
	fake_live(&f, 20000);
	assert_int_equal(fake_count(&f, "spawn api:0 3500"), 1);
	assert_int_equal(fake_count(&f, "spawn api:1 3501"), 1);
	/* The spare, which is gone again. */
	assert_int_equal(fake_count(&f, "spawn api:2 3502"), 1);
	assert_string_equal(fake_state(&f, "api:2"), "none");
	fake_release(&f);
}

static void what_is_no_port_is_not_taken_for_one(void **state)
{
	static const char *const values[] = { "0", "-5", "65536", "70000", "web", "", "3000x" };

	(void)state;
	for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
		struct fake f;

		fake_init(&f);
		env_put(&fake_app(&f, "api", 2)->env, "PORT", values[k]);
		assert_int_equal(fake_apply(&f), 0);
		assert_int_equal(fake_port(&f, "api:0"), 3000);
		assert_int_equal(fake_port(&f, "api:1"), 3001);
		env_put(&fake_app(&f, "web", 1)->env, "PORT", "65535");
		assert_int_equal(fake_apply(&f), 0);
		assert_int_equal(fake_port(&f, "web:0"), 65535);
		fake_release(&f);
	}
}

static void a_shared_port_is_one(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = fake_app(&f, "api", 2);
	s->port = 3000;
	s->port_mode = PORT_SHARED;
	fake_app(&f, "web", 1)->port = 3001;
	assert_int_equal(fake_apply(&f), 0);
	assert_int_equal(fake_port(&f, "api:0"), 3000);
	assert_int_equal(fake_port(&f, "api:1"), 3000);
	assert_int_equal(fake_port(&f, "web:0"), 3001);
	fake_release(&f);
}

static void many_apps_have_blocks_of_their_own(void **state)
{
	enum { MANY = 500 };
	struct fake f;
	char name[24];

	(void)state;
	fake_init(&f);
	for (int k = 0; k < MANY; k++) {
		(void)snprintf(name, sizeof(name), "app%d", k);
		fake_app(&f, name, 2);
	}
	assert_int_equal(fake_apply(&f), 0);
	for (int k = 0; k < MANY; k++) {
		(void)snprintf(name, sizeof(name), "app%d:1", k);
		assert_int_equal(fake_port(&f, name), 3000 + 2 * k + 1);
	}
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a new block leaves the ports that a deploy may go back to",
			the_way_back_keeps_its_ports),
		PROMISE("a port that a stranger holds blocks, is told with its holder, burns no restart, and starts when free",
			a_taken_port_blocks_and_burns_no_restart),
		PROMISE("nobody waits for a blocked instance, it stops at once, and an old answer about its port is ignored",
			a_blocked_instance_can_be_stopped),
		PROMISE("scaling down and up gives the same ports, never while the old process lives",
			scaling_down_and_up_gives_the_same_ports),
		PROMISE("a block that cannot grow gets further ports elsewhere, and nobody moves",
			a_block_that_cannot_grow_gets_ports_elsewhere_for_the_new_ones),
		PROMISE("no app grows into the port of another app's spare",
			nobody_grows_into_the_port_of_a_spare),
		PROMISE("no app grows into ports that another app's deploy may go back to",
			nobody_grows_into_what_a_deploy_may_go_back_to),
		PROMISE("an app that was deleted and comes back has no revision to go back to",
			what_was_deleted_has_nothing_to_go_back_to),
		PROMISE("ports that overlap or end too high are refused by name, and nothing changes",
			overlapping_ports_are_refused_and_nothing_changes),
		PROMISE("a port from env is passed on and not owned",
			env_ports_are_passed_on_and_not_checked),
		PROMISE("survivors of scaling keep their process", survivors_keep_their_process_when_scaling),
		PROMISE("an app whose port was changed gets new processes there",
			a_changed_port_moves_the_process),
		PROMISE("a PORT in the environment that is no port is not taken for one",
			what_is_no_port_is_not_taken_for_one),
		PROMISE("instances that share a port take one port and no more", a_shared_port_is_one),
		PROMISE("five hundred apps have blocks of their own", many_apps_have_blocks_of_their_own),
	};

	return cmocka_run_group_tests_name("herd_ports", tests, NULL, NULL);
}

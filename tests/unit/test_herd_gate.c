/*
 * The gate of an app whose instances share a port: who gets new connections there, and at which places connections wait for the next process.
 */
#include "unit.h"

#include <errno.h>
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
	return s;
}

/* The last line that begins with "gate", without the gate's number. */
static const char *last_gate(const struct fake *f)
{
	static char line[160];
	const char *last = NULL;

	for (const char *at = strstr(f->log.ptr, "gate "); at; at = strstr(at + 1, "\ngate "))
		last = *at == '\n' ? at + 1 : at;
	line[0] = '\0';
	if (last && sscanf(last, "gate %*d %159[^\n]", line) < 1)
		line[0] = '\0';
	return line;
}

static void each_instance_has_its_place_behind_one_gate(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "web", 1);
	add(&f, 2);
	fake_apply(&f);
	assert_int_equal(fake_count(&f, "spawn api:0 3000 gate 1 place 0\n"), 1);
	assert_int_equal(fake_count(&f, "spawn api:1 3000 gate 1 place 1\n"), 1);
	assert_int_equal(fake_count(&f, "spawn web:0 0\n"), 1);
	assert_int_equal(fake_count(&f, "gate 1 "), fake_count(&f, "gate "));
	fake_release(&f);
}

static void a_gate_keeps_its_number_over_the_brains_death(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 1);
	fake_rebirth(&f);
	fake_forget(&f);
	herd_resume(f.h, f.now);
	fake_live(&f, 2000);
	assert_int_equal(fake_count(&f, "spawn api:0 3000 gate 1 place 0\n"), 1);
	fake_release(&f);
}

static void no_two_apps_have_one_gate(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	begin(&f, 1);
	fake_rebirth(&f);
	herd_resume(f.h, f.now);
	s = fake_app(&f, "web", 1);
	s->port = 3100;
	s->port_mode = PORT_SHARED;
	fake_forget(&f);
	fake_apply(&f);
	fake_live(&f, 2000);
	assert_int_equal(fake_count(&f, "spawn web:0 3100 gate 1 "), 0);
	assert_int_equal(fake_count(&f, "spawn web:0 3100 gate "), 1);
	fake_release(&f);
}

static void nobody_is_chosen_before_it_is_ready(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	f.is_never_ready = true;
	add(&f, 2);
	fake_apply(&f);
	assert_string_equal(last_gate(&f), "3000: places 0 1");
	fake_ready(&f, "api:1");
	assert_string_equal(last_gate(&f), "3000: api:1 places 0 1");
	fake_ready(&f, "api:0");
	assert_string_equal(last_gate(&f), "3000: api:0 api:1 places 0 1");
	fake_release(&f);
}

static void what_a_gate_has_already_is_not_said_again(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	fake_forget(&f);
	fake_apply(&f);
	fake_request(&f, HERD_SIGNAL, "api", 0, false);
	fake_live(&f, 5000);
	assert_int_equal(fake_count(&f, "gate "), 0);
	fake_release(&f);
}

static void a_crash_is_out_at_once_and_its_place_is_kept(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	f.is_manual = true;
	fake_exit(&f, "api:0", 1, 0);
	assert_string_equal(last_gate(&f), "3000: api:1 places 0 1");
	f.is_manual = false;
	fake_gone(&f, "api:0");
	fake_live(&f, 5000);
	assert_string_equal(last_gate(&f), "3000: api:0 api:1 places 0 1");
	fake_release(&f);
}

static const char *first_fails(const struct fake *f, const char *name)
{
	(void)f;
	return str_eq(name, "api:0") ? "connection refused" : NULL;
}

static void what_is_unhealthy_gets_nothing_new_while_another_serves(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = add(&f, 2);
	s->health.tcp = true;
	s->health.interval_ms = 1000;
	fake_apply(&f);
	fake_live(&f, 3000);
	fake_forget(&f);
	f.probe = first_fails;
	while (!fake_count(&f, "event api:0 state unhealthy"))
		fake_pass(&f, 100);
	assert_int_equal(fake_count(&f, "gate 1 3000: api:1 places 0 1\n"), 1);
	assert_true(fake_is_before(&f, "gate 1 3000: api:1", "drain api:0"));
	assert_true(fake_is_before(&f, "drain api:0", "signal api:0 SIGTERM"));
	fake_release(&f);
}

static void what_does_not_come_back_has_no_place(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = add(&f, 4);
	s->max_restarts = 1;
	s->restart_delay_ms = 10;
	fake_apply(&f);
	fake_request(&f, HERD_STOP, "api:1", 0, false);
	assert_string_equal(last_gate(&f), "3000: api:0 api:2 api:3 places 0 2 3");
	fake_live(&f, 1000);
	fake_scale(&f, "api", 3);
	fake_live(&f, 1000);
	assert_string_equal(last_gate(&f), "3000: api:0 api:2 places 0 2");
	for (int k = 0; k < 4 && strcmp(fake_state(&f, "api:0"), "crashed") != 0; k++) {
		fake_exit(&f, "api:0", 1, 0);
		fake_live(&f, 1000);
	}
	assert_string_equal(fake_state(&f, "api:0"), "crashed");
	assert_string_equal(last_gate(&f), "3000: api:2 places 2");
	fake_release(&f);
}

static void the_gate_of_a_deleted_app_keeps_nothing(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 2);
	fake_exit(&f, "api:0", 1, 0);
	fake_forget(&f);
	fake_request(&f, HERD_DELETE, "api", 0, false);
	assert_string_equal(last_gate(&f), "3000: places");
	fake_live(&f, 5000);
	assert_string_equal(last_gate(&f), "3000: places");
	assert_int_equal(fake_count(&f, "gate "), 1);
	fake_release(&f);
}

static void an_app_that_ends_at_once_closes_its_gate(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 1);
	fake_exit(&f, "api:0", 1, 0);
	assert_string_equal(last_gate(&f), "3000: places 0");
	f.is_manual = true;
	fake_request(&f, HERD_DELETE, "api", 0, false);
	assert_int_equal(herd_app_count(f.h), 0);
	assert_int_equal(fake_count(&f, "gate 1 0: places\n"), 1);
	fake_release(&f);
}

static void after_the_brains_death_each_gate_is_told_once(void **state)
{
	struct herd_live live = { .name = "api:0", .pid = 101 };
	struct fake f;

	(void)state;
	begin(&f, 1);
	live.ticket = fake_ticket(&f, "api:0");
	fake_rebirth(&f);
	fake_forget(&f);
	assert_true(herd_adopt(f.h, &live, f.now));
	herd_listens(f.h, live.ticket, NULL, f.now);
	assert_int_equal(fake_count(&f, "gate "), 0);
	herd_resume(f.h, f.now);
	fake_live(&f, 5000);
	assert_int_equal(fake_count(&f, "gate 1 3000: api:0 places 0\n"), 1);
	assert_int_equal(fake_count(&f, "gate "), 1);
	fake_release(&f);
}

static void a_gate_that_the_store_does_not_know_is_kept(void **state)
{
	static const int gates[] = { 9, 1 };

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		const struct herd_live live = { .ticket = { .slot = 2, .generation = 1 },
			.name = "api:0",
			.pid = 101,
			.gate = gates[k] };
		struct fake f;
		struct herd_options options;
		char line[64];

		fake_init(&f);
		options = fake_options(&f);
		herd_free(f.h);
		f.h = herd_blank(&options);
		assert_true(herd_adopt(f.h, &live, f.now));
		herd_resume(f.h, f.now);
		snprintf(line, sizeof(line), "gate %d 0: places\n", gates[k]);
		assert_int_equal(fake_count(&f, line), 1);
		add(&f, 1);
		fake_apply(&f);
		fake_live(&f, 20000);
		snprintf(line, sizeof(line), "spawn api:0 3000 gate %d place 0\n", gates[k]);
		assert_int_equal(fake_count(&f, line), 1);
		fake_release(&f);
	}
}

static void what_shares_its_port_no_more_leaves_the_gate(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	s = begin(&f, 1);
	s->port_mode = PORT_EACH;
	s->port = 3100;
	fake_apply(&f);
	fake_live(&f, 60000);
	assert_int_equal(fake_count(&f, "spawn api:0 3100\n"), 1);
	assert_string_equal(last_gate(&f), "0: places");
	fake_forget(&f);
	fake_request(&f, HERD_RESTART, "api", 0, false);
	fake_live(&f, 5000);
	assert_int_equal(fake_count(&f, "gate "), 0);
	fake_release(&f);
}

static void a_port_of_its_environment_is_shared_too(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	s = add(&f, 2);
	s->port = 0;
	env_put(&s->env, "PORT", "3200");
	fake_apply(&f);
	assert_int_equal(fake_count(&f, "check api:1 3200"), 1);
	assert_string_equal(last_gate(&f), "3200: api:0 api:1 places 0 1");
	fake_release(&f);
}

static void without_a_port_there_is_nothing_to_share(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	add(&f, 2)->port = 0;
	assert_int_equal(fake_apply(&f), -1);
	assert_int_equal(fake_count(&f,
				 "refused 'api' has port_mode = \"shared\" and no port; add 'port = 3000' to "
				 "it, or PORT to its env\n"),
		1);
	fake_release(&f);
}

/* --- what the gate cannot hold --- */

static void a_program_that_is_not_caught_fails_its_start(void **state)
{
	struct fake f;
	struct spec *s = NULL;

	(void)state;
	fake_init(&f);
	f.is_unseen = true;
	s = add(&f, 1);
	s->ready = READY_LISTEN;
	fake_apply(&f);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	assert_int_equal(fake_count(&f, "event api:0 state stopping (it cannot share port 3000: "), 1);
	assert_non_null(strstr(f.log.ptr, "; set port_mode = \"each\" in its oxfile)"));
	fake_live(&f, 50);
	assert_int_equal(fake_crashes(&f, "api:0"), 1);
	assert_int_equal(fake_count(&f, "gate 1 3000: api:0"), 0);
	fake_release(&f);
}

static void why_a_socket_cannot_be_held_is_said(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	f.is_unseen = f.is_never_ready = true;
	add(&f, 1);
	fake_apply(&f);
	herd_listens(
		f.h, fake_ticket(&f, "api:0"), &REASON_OF(NOT_HELD, .port = 3000, .number = EBUSY), f.now);
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	fake_ready(&f, "api:0");
	assert_int_equal(
		fake_count(&f,
			"event api:0 state stopping (it cannot share port 3000: its socket on port "
			"3000 cannot be held by the gate: the program reads the notifications of its own "
			"seccomp filter; set port_mode = \"each\" in its oxfile)"),
		1);
	fake_release(&f);
}

static void one_socket_that_is_held_is_enough(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	f.is_never_ready = true;
	add(&f, 1);
	fake_apply(&f);
	herd_listens(
		f.h, fake_ticket(&f, "api:0"), &REASON_OF(NOT_HELD, .port = 3000, .number = EMFILE), f.now);
	herd_listens(f.h, fake_ticket(&f, "api:0"), NULL, f.now);
	fake_ready(&f, "api:0");
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_int_equal(
		fake_count(&f, "event api:0 note starting (its socket on port 3000 cannot be held"), 1);
	fake_release(&f);
}

static void what_is_ready_before_it_listens_waits_for_its_socket(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	f.is_unseen = true;
	add(&f, 2);
	fake_apply(&f);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	assert_string_equal(last_gate(&f), "3000: places 0 1");
	herd_listens(f.h, fake_ticket(&f, "api:1"), NULL, f.now);
	assert_string_equal(last_gate(&f), "3000: api:1 places 0 1");
	fake_release(&f);
}

static void what_listens_unseen_fails_however_it_is_ready(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	f.is_unseen = true;
	f.listened = 3000;
	add(&f, 1);
	fake_apply(&f);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	fake_release(&f);
}

static void a_socket_of_an_earlier_run_says_nothing(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	add(&f, 1)->ready = READY_LISTEN;
	fake_apply(&f);
	f.is_unseen = true;
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 5000);
	assert_string_equal(fake_state(&f, "api:0"), "stopping");
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("each instance of an app that shares its port has a place behind one gate",
			each_instance_has_its_place_behind_one_gate),
		PROMISE("a gate keeps its number over the brain's death",
			a_gate_keeps_its_number_over_the_brains_death),
		PROMISE("no two apps have one gate", no_two_apps_have_one_gate),
		PROMISE("an instance gets connections from its gate once it is ready",
			nobody_is_chosen_before_it_is_ready),
		PROMISE("what a gate has already is not said again",
			what_a_gate_has_already_is_not_said_again),
		PROMISE("an instance that crashed is out of its gate at once, and its place is kept",
			a_crash_is_out_at_once_and_its_place_is_kept),
		PROMISE("an unhealthy instance gets no new connections, and leaves before its restart",
			what_is_unhealthy_gets_nothing_new_while_another_serves),
		PROMISE("stopped, scaled away and failed instances have no place at their gate",
			what_does_not_come_back_has_no_place),
		PROMISE("the gate of a deleted app keeps nothing, and nothing is said of it after that",
			the_gate_of_a_deleted_app_keeps_nothing),
		PROMISE("an app that ends at once closes its gate", an_app_that_ends_at_once_closes_its_gate),
		PROMISE("after the brain's death the keeper gets the choice of each gate once",
			after_the_brains_death_each_gate_is_told_once),
		PROMISE("a gate that the store does not know stays its app's",
			a_gate_that_the_store_does_not_know_is_kept),
		PROMISE("an app that shares its port no more leaves its gate",
			what_shares_its_port_no_more_leaves_the_gate),
		PROMISE("PORT of the environment can be shared, and is checked first",
			a_port_of_its_environment_is_shared_too),
		PROMISE("port_mode = \"shared\" without a port is refused",
			without_a_port_there_is_nothing_to_share),
		PROMISE("a program whose socket the gate does not hold fails its start",
			a_program_that_is_not_caught_fails_its_start),
		PROMISE("a start that fails for its gate says why the socket cannot be held",
			why_a_socket_cannot_be_held_is_said),
		PROMISE("one socket that the gate holds is enough", one_socket_that_is_held_is_enough),
		PROMISE("an instance that is ready before it listens gets connections once it does",
			what_is_ready_before_it_listens_waits_for_its_socket),
		PROMISE("what listens unseen fails its start, whatever it is ready by",
			what_listens_unseen_fails_however_it_is_ready),
		PROMISE("a socket of an earlier run says nothing about the next",
			a_socket_of_an_earlier_run_says_nothing),
	};

	return cmocka_run_group_tests_name("herd: the gate", tests, NULL, NULL);
}

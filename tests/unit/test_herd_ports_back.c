/*
 * The ports of a revision that a rollout goes back to, for instances that were added while it was under way.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "fake_effects.h"

/* How an app has its ports. */
struct way {
	int instances, port;
	enum port_mode mode;
	enum gate_hook gate;
	const char *env;
	int step;
};

static void set(struct spec *s, const struct way *w)
{
	s->instances.value = w->instances;
	s->port = w->port;
	s->port_mode = w->mode;
	s->gate = w->gate;
	s->port_step = w->step ? w->step : 1;
	if (w->env)
		env_put(&s->env, "PORT", w->env);
}

static void begin(struct fake *f, const struct way *from, const struct way *to)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", from->instances);
	set(s, from);
	assert_int_equal(fake_apply(f), 0);
	set(s, to);
	command_from_line(&s->command, "serve --better", NULL);
	f->is_never_ready = true;
	assert_int_equal(fake_apply(f), 0);
	fake_live(f, 1000);
}

static void abort_it(struct fake *f)
{
	assert_int_equal(herd_steer(f->h, 0, HERD_ABORT, "api", f->now, NULL), 0);
	f->is_never_ready = false;
	fake_answer(f);
	fake_live(f, 300000);
}

/* `ports` are those of the old revision, one for each instance that there is now. */
static void assert_back(struct fake *f, const int *ports, int count)
{
	char name[24];

	for (int k = 0; k < count; k++) {
		snprintf(name, sizeof(name), "api:%d", k);
		assert_string_equal(fake_state(f, name), "running");
		assert_int_equal(fake_revision(f, name), 1);
		assert_int_equal(fake_port(f, name), ports[k]);
	}
}

static void goes_back(const struct way *from, const struct way *to, const int *ports, int count)
{
	struct fake f;

	begin(&f, from, to);
	assert_int_equal(fake_scale(&f, "api", count), 0);
	fake_live(&f, 1000);
	abort_it(&f);
	assert_back(&f, ports, count);
	fake_release(&f);
}

static void from_a_shared_port(void **state)
{
	const struct way from = { .instances = 3, .port = 3200 };
	const struct way to = { .instances = 3, .port = 3200, .mode = PORT_SHARED };

	(void)state;
	goes_back(&from, &to, (const int[]){ 3200, 3201, 3202, 3203, 3204 }, 5);
}

static void from_a_shared_port_with_one_instance(void **state)
{
	const struct way from = { .instances = 1, .port = 3200 };
	const struct way to = { .instances = 1, .port = 3200, .mode = PORT_SHARED };

	(void)state;
	goes_back(&from, &to, (const int[]){ 3200, 3201, 3202 }, 3);
}

static void from_other_ports(void **state)
{
	const struct way from = { .instances = 2, .port = 3200 };
	const struct way to = { .instances = 2, .port = 4000 };
	const struct way near = { .instances = 2, .port = 3201 };

	(void)state;
	goes_back(&from, &to, (const int[]){ 3200, 3201, 3202, 3203 }, 4);
	goes_back(&from, &near, (const int[]){ 3200, 3201, 3202, 3203 }, 4);
}

static void from_another_step(void **state)
{
	const struct way from = { .instances = 1, .port = 3200 };
	const struct way to = { .instances = 1, .port = 3200, .step = 10 };

	(void)state;
	goes_back(&from, &to, (const int[]){ 3200, 3201, 3202 }, 3);
}

static void from_an_environment(void **state)
{
	const struct way from = { .instances = 2, .env = "3200" };
	const struct way to = { .instances = 2, .env = "3200", .mode = PORT_SHARED };

	(void)state;
	goes_back(&from, &to, (const int[]){ 3200, 3201, 3202, 3203 }, 4);
}

static void to_a_block(void **state)
{
	const struct way from = { .instances = 2 };
	const struct way shared = { .instances = 2, .port = 3200, .mode = PORT_SHARED };
	const struct way written = { .instances = 2, .port = 3200 };
	const struct way wider = { .instances = 2, .step = 10 };
	const int ports[] = { 3000, 3001, 3002, 3003 };

	(void)state;
	goes_back(&from, &shared, ports, 4);
	goes_back(&from, &written, ports, 4);
	/* The new block is at 3003 and 3013, so that the old one can grow by one only. */
	goes_back(&from, &wider, (const int[]){ 3000, 3001, 3003, 3004 }, 4);
}

static void one_more_of_a_block(void **state)
{
	const struct way from = { .instances = 2 };
	const struct way to = { .instances = 2, .port = 3200, .mode = PORT_SHARED };

	(void)state;
	goes_back(&from, &to, (const int[]){ 3000, 3001, 3002 }, 3);
}

static void to_no_port(void **state)
{
	const struct way from = { .instances = 1 };
	const struct way to = { .instances = 1, .port = 3200, .mode = PORT_SHARED };

	(void)state;
	/* The first one was not replaced yet, and keeps its process. */
	goes_back(&from, &to, (const int[]){ 0, 3001, 3002 }, 3);
}

static void to_the_same_block(void **state)
{
	const struct way one = { .instances = 1 };
	const struct way two = { .instances = 2 };
	struct fake f;

	(void)state;
	goes_back(&two, &two, (const int[]){ 3000, 3001, 3002, 3003 }, 4);
	goes_back(&one, &one, (const int[]){ 3000, 3001, 3002 }, 3);
	begin(&f, &one, &one);
	assert_int_equal(fake_scale(&f, "api", 3), 0);
	fake_app(&f, "other", 2);
	assert_int_equal(fake_apply(&f), 0);
	/* There is one block, whichever way the deploy goes. */
	assert_int_equal(fake_port(&f, "other:0"), 3003);
	fake_release(&f);
}

static void to_a_port_that_is_shared_without_a_gate(void **state)
{
	const struct way from = { .instances = 2, .port = 3200, .mode = PORT_SHARED, .gate = GATE_OFF };
	const struct way to = { .instances = 2, .port = 3200 };

	(void)state;
	goes_back(&from, &to, (const int[]){ 3200, 3200, 3200 }, 3);
}

static void what_goes_back_to_its_old_count_needs_no_more(void **state)
{
	const struct way from = { .instances = 2, .port = 3200 };
	const struct way to = { .instances = 5, .port = 3200, .mode = PORT_SHARED };
	struct fake f;

	(void)state;
	begin(&f, &from, &to);
	/* It is to have five by its definition alone, so it goes back to two. */
	fake_app(&f, "other", 1)->port = 3203;
	assert_int_equal(fake_apply(&f), 0);
	abort_it(&f);
	assert_back(&f, (const int[]){ 3200, 3201 }, 2);
	assert_string_equal(fake_state(&f, "api:2"), "none");
	fake_release(&f);
}

static void a_port_of_another_app_is_refused(void **state)
{
	const struct way from = { .instances = 2, .port = 3200 };
	const struct way to = { .instances = 2, .port = 4000, .mode = PORT_SHARED };
	struct fake f;

	(void)state;
	begin(&f, &from, &to);
	fake_app(&f, "other", 1)->port = 3203;
	assert_int_equal(fake_apply(&f), 0);
	assert_int_equal(fake_scale(&f, "api", 3), 0);
	assert_int_equal(fake_scale(&f, "api", 4), -1);
	assert_non_null(strstr(f.log.ptr, "both want port 3203"));
	abort_it(&f);
	assert_back(&f, (const int[]){ 3200, 3201, 3202 }, 3);
	fake_release(&f);
}

static void no_block_takes_them(void **state)
{
	const struct way from = { .instances = 2, .port = 3000 };
	const struct way to = { .instances = 2, .port = 3200, .mode = PORT_SHARED };
	struct fake f;

	(void)state;
	begin(&f, &from, &to);
	assert_int_equal(fake_scale(&f, "api", 4), 0);
	fake_app(&f, "other", 2);
	assert_int_equal(fake_apply(&f), 0);
	assert_int_equal(fake_port(&f, "other:0"), 3004);
	fake_release(&f);
}

static void the_next_brain_has_them(void **state)
{
	const struct way from = { .instances = 2, .port = 3200 };
	const struct way to = { .instances = 2, .port = 3200, .mode = PORT_SHARED };
	struct fake f;

	(void)state;
	begin(&f, &from, &to);
	assert_int_equal(fake_scale(&f, "api", 4), 0);
	fake_rebirth(&f);
	herd_resume(f.h, f.now);
	fake_live(&f, 1000);
	abort_it(&f);
	assert_back(&f, (const int[]){ 3200, 3201, 3202, 3203 }, 4);
	fake_release(&f);
}

/* The old one of that number is there still, at the port that all share. */
static void a_spare_leaves_the_ports_between(void **state)
{
	const struct way from = { .instances = 4, .port = 3200, .mode = PORT_SHARED };
	const struct way to = { .instances = 3, .port = 3200 };
	struct fake f;

	(void)state;
	begin(&f, &from, &to);
	assert_int_equal(fake_port(&f, "api:4"), 3204);
	f.is_never_ready = false;
	fake_forget(&f);
	assert_int_equal(fake_scale(&f, "api", 4), 0);
	fake_answer(&f);
	assert_int_equal(fake_count(&f, "signal api:4"), 0);
	fake_release(&f);
}

static void a_spare_at_the_shared_port_goes_first(void **state)
{
	const struct way from = { .instances = 4, .port = 3200 };
	const struct way to = { .instances = 4, .port = 3200, .mode = PORT_SHARED };
	struct fake f;

	(void)state;
	begin(&f, &from, &to);
	f.is_never_ready = false;
	while (!fake_count(&f, "spawn api:4 3200")) {
		fake_answer(&f);
		fake_live(&f, 1000);
	}
	f.is_never_ready = true;
	while (!fake_count(&f, "spawn api:1 3200"))
		fake_live(&f, 1000);
	f.is_never_ready = false;
	fake_forget(&f);
	fake_exit(&f, "api:1", 1, 0);
	fake_live(&f, 300000);
	assert_true(fake_is_before(&f, "signal api:4", "signal api:0"));
	assert_back(&f, (const int[]){ 3200, 3201, 3202, 3203 }, 4);
	assert_string_equal(fake_state(&f, "api:4"), "none");
	fake_release(&f);
}

/* The store is older than what the keeper has: api:1 was to be replaced then, which has failed meanwhile. */
static void what_is_behind_a_gate_was_started_so(void **state)
{
	const struct way from = { .instances = 2, .port = 3200, .mode = PORT_SHARED };
	const struct way to = { .instances = 2, .port = 3200 };
	struct herd_live live = { .name = "api:1", .pid = 4711, .gate = 1 };
	struct fake f;

	(void)state;
	begin(&f, &from, &to);
	f.is_never_ready = false;
	fake_answer(&f);
	fake_ready(&f, "api:2");
	while (!fake_count(&f, "signal api:1")) {
		fake_answer(&f);
		fake_pass(&f, 100);
	}
	assert_int_equal(fake_revision(&f, "api:1"), 1);
	live.ticket = fake_ticket(&f, "api:1");
	live.ticket.generation += 100;
	fake_rebirth(&f);
	assert_true(herd_adopt(f.h, &live, f.now));
	herd_resume(f.h, f.now);
	assert_int_equal(fake_revision(&f, "api:1"), 1);
	assert_int_equal(fake_port(&f, "api:1"), 3200);
	fake_release(&f);
}

/* It was deleted and is there again, with another gate, since the store was written. */
static void the_newest_gate_counts(void **state)
{
	const struct way shared = { .instances = 1, .port = 3200, .mode = PORT_SHARED };
	struct herd_live live = { .name = "api:0", .pid = 4711, .gate = 90 };
	struct fake f;

	(void)state;
	fake_init(&f);
	set(fake_app(&f, "api", 1), &shared);
	assert_int_equal(fake_apply(&f), 0);
	live.ticket = fake_ticket(&f, "api:0");
	live.ticket.generation += 100;
	fake_rebirth(&f);
	assert_true(herd_adopt(f.h, &live, f.now));
	fake_forget(&f);
	herd_resume(f.h, f.now);
	assert_int_equal(fake_count(&f, "gate 90 3200: places 0"), 1);
	assert_int_equal(fake_count(&f, "gate"), 1);
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("instances added while a deploy makes all share a port have ports of their own when it goes back",
			from_a_shared_port),
		PROMISE("the same where there was one instance, whose port is the one to be shared",
			from_a_shared_port_with_one_instance),
		PROMISE("instances added while a deploy moves the ports have old ones when it goes back",
			from_other_ports),
		PROMISE("the same where only the step between the ports changes", from_another_step),
		PROMISE("the same where the ports are passed on", from_an_environment),
		PROMISE("a block that a deploy leaves grows with what is added meanwhile", to_a_block),
		PROMISE("the same by a single port", one_more_of_a_block),
		PROMISE("a single instance without a port gets a block to go back to when more are added",
			to_no_port),
		PROMISE("a block that the deploy keeps is gone back to", to_the_same_block),
		PROMISE("instances added while a deploy splits a port without a gate share it when it goes back",
			to_a_port_that_is_shared_without_a_gate),
		PROMISE("a deploy that goes back to its old count needs no more ports than that",
			what_goes_back_to_its_old_count_needs_no_more),
		PROMISE("a scale that would go back to a port of another app is refused by name",
			a_port_of_another_app_is_refused),
		PROMISE("a new block leaves the ports that added instances may go back to",
			no_block_takes_them),
		PROMISE("a spare beyond an old instance leaves the port that goes with the number between",
			a_spare_leaves_the_ports_between),
		PROMISE("on the way back to a port each the spare that shares one goes before the instance that gets it",
			a_spare_at_the_shared_port_goes_first),
		PROMISE("the next brain takes what is behind a gate for started by the revision that has one",
			what_is_behind_a_gate_was_started_so),
		PROMISE("of two gates of an app the next brain keeps the newest", the_newest_gate_counts),
		PROMISE("the next brain goes back to the same ports", the_next_brain_has_them),
	};

	return cmocka_run_group_tests_name("herd_ports_back", tests, NULL, NULL);
}

#include "herd/facts.h"

#include <errno.h>

#include "fake_effects.h"
#include "model/reason.h"
#include "unit.h"

static void what_an_effect_knows_at_once_is_heard_after_the_step(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	f.is_manual = true;
	fake_app(&f, "api", 1);
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	herd_fact_later(f.h,
		&(struct herd_fact){ .kind = FACT_SPAWN_FAILED,
			.ticket = t,
			.why = &REASON_OF(LAUNCH_FAILED, .text = "no such file", .number = ENOENT) });
	assert_string_equal(fake_state(&f, "api:0"), "starting");
	herd_facts_hear(f.h, f.now);
	assert_string_not_equal(fake_state(&f, "api:0"), "starting");
	/* It is heard once. */
	herd_facts_hear(f.h, f.now);
	assert_int_equal(herd_counts(f.h).stale_facts + herd_counts(f.h).unexpected_facts, 0);
	fake_release(&f);
}

static void a_fact_about_an_earlier_process_changes_nothing(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	t = fake_ticket(&f, "api:0");
	fake_exit(&f, "api:0", 1, 0);
	fake_pass(&f, 60000);
	herd_fact_later(f.h,
		&(struct herd_fact){ .kind = FACT_PORT_TAKEN,
			.ticket = t,
			.why = &REASON_OF(PORT_TAKEN, .port = 3000, .pid = 7, .command = "node") });
	herd_facts_hear(f.h, f.now);
	assert_int_equal(herd_counts(f.h).stale_facts, 1);
	fake_release(&f);
}

static void what_is_not_heard_goes_with_the_herd(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_apply(&f);
	herd_fact_later(f.h,
		&(struct herd_fact){ .kind = FACT_NOTE,
			.ticket = fake_ticket(&f, "api:0"),
			.why = &REASON_OF(OTHER, .text = "the disk is full") });
	fake_release(&f);
}

static void a_start_is_found_by_its_generation(void **state)
{
	struct fake f;
	struct ticket t;

	(void)state;
	fake_init(&f);
	f.is_never_ready = true;
	fake_app(&f, "api", 2);
	fake_apply(&f);
	t = fake_ticket(&f, "api:1");
	assert_null(herd_starting(f.h, t.generation + 1000));
	assert_ptr_equal(herd_starting(f.h, t.generation), herd_find(f.h, "api:1"));
	fake_ready(&f, "api:1");
	assert_null(herd_starting(f.h, t.generation));
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what an effect knows at once is heard once, after the step",
			what_an_effect_knows_at_once_is_heard_after_the_step),
		PROMISE("a fact about an earlier process is counted and changes nothing",
			a_fact_about_an_earlier_process_changes_nothing),
		PROMISE("facts that are not heard yet are freed with the herd",
			what_is_not_heard_goes_with_the_herd),
		PROMISE("what is starting is found by its generation alone",
			a_start_is_found_by_its_generation),
	};

	return cmocka_run_group_tests_name("herd_facts", tests, NULL, NULL);
}

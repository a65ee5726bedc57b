/*
 * What a rollout does next: pictures in, one decision out.
 */
#include "unit.h"

#include "rules/rollout.h"

enum { SLOTS_MAX = 8 };

struct scene {
	struct rollout_slot slots[SLOTS_MAX];
	struct rollout_picture p;
};

/* Three old instances that serve; one spare is asked for, one may be missing at a time. */
static struct scene *scene(enum rollout_phase phase)
{
	static struct scene s;

	s = (struct scene){
		.p = {
			.phase = phase,
			.rules = { .surge = 1, .at_once = 1, .min_healthy_ms = 2000, .stall_ms = 60000 },
			.slots = s.slots,
			.len = 3,
			.now = 100000,
			.progress_at = 100000,
		},
	};
	for (int k = 0; k < 3; k++)
		s.slots[k] = (struct rollout_slot){
			.is_wanted = true, .serves = true, .is_up = true, .is_well = true, .well_since = 1
		};
	return &s;
}

static struct rollout_slot *add_spare(struct scene *s)
{
	struct rollout_slot *spare = &s->slots[s->p.len++];

	*spare = (struct rollout_slot){ .seat = SEAT_SPARE, .is_target = true, .is_wanted = true };
	return spare;
}

static void make_well(struct scene *s, struct rollout_slot *slot, int64_t for_ms)
{
	slot->is_up = slot->is_well = true;
	slot->well_since = s->p.now - for_ms;
}

static void make_proven(struct rollout_slot *slot)
{
	slot->is_target = slot->is_wanted = slot->is_proven = slot->serves = slot->is_up = slot->is_well =
		true;
	slot->well_since = 1;
}

static void assert_verb(const struct scene *s, enum rollout_verb verb, size_t slot)
{
	struct rollout_decision d = rollout_decide(&s->p);

	assert_int_equal(d.verb, verb);
	assert_int_equal(d.slot, slot);
}

static void the_spare_comes_first(void **state)
{
	struct scene *s = scene(ROLLOUT_PROOF);
	struct rollout_slot *spare = NULL;

	(void)state;
	assert_verb(s, ROLLOUT_DO_ADD_SPARE, ROLLOUT_NO_SLOT);
	spare = add_spare(s);
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	make_well(s, spare, 500);
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	assert_int_equal(rollout_decide(&s->p).at, s->p.now + 1500);
	make_well(s, spare, 2000);
	assert_verb(s, ROLLOUT_DO_PROVE, 3);
	make_proven(spare);
	assert_verb(s, ROLLOUT_DO_OPEN, ROLLOUT_NO_SLOT);
}

static void a_failed_spare_ends_it(void **state)
{
	struct scene *s = scene(ROLLOUT_PROOF);

	(void)state;
	add_spare(s)->has_failed = true;
	assert_verb(s, ROLLOUT_DO_FAIL, 3);
}

static void an_overtaken_spare_is_no_use(void **state)
{
	static const enum rollout_phase phases[] = { ROLLOUT_WAITING, ROLLOUT_PRE };

	(void)state;
	for (size_t k = 0; k < sizeof(phases) / sizeof(phases[0]); k++) {
		struct scene *s = scene(phases[k]);
		struct rollout_slot *spare = NULL;

		assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
		spare = add_spare(s);
		make_proven(spare);
		spare->is_target = spare->is_proven = false;
		assert_verb(s, ROLLOUT_DO_DROP_SPARE, 3);
		/* Unless it makes up for one that is missing. */
		s->slots[0].serves = false;
		assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
		spare->serves = false;
		assert_verb(s, ROLLOUT_DO_DROP_SPARE, 3);
		spare->is_retired = true;
		assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	}
}

/* As when its app is scaled to one that may exist only once. */
static void a_spare_that_may_not_be_goes(void **state)
{
	static const enum rollout_phase phases[] = { ROLLOUT_PROOF, ROLLOUT_REPLACE, ROLLOUT_BACK };

	(void)state;
	for (size_t k = 0; k < sizeof(phases) / sizeof(phases[0]); k++) {
		struct scene *s = scene(phases[k]);

		add_spare(s);
		s->p.rules.surge = 0;
		assert_verb(s, ROLLOUT_DO_DROP_SPARE, 3);
	}
}

static void who_is_down_for_a_moment_is_protected(void **state)
{
	struct scene *s = scene(ROLLOUT_PROOF);

	(void)state;
	for (int k = 0; k < 3; k++)
		s->slots[k].serves = s->slots[k].is_up = s->slots[k].is_well = false;
	assert_verb(s, ROLLOUT_DO_ADD_SPARE, ROLLOUT_NO_SLOT);
	for (int k = 0; k < 3; k++)
		s->slots[k].has_ended = true;
	assert_verb(s, ROLLOUT_DO_OPEN, ROLLOUT_NO_SLOT);
}

static void one_at_a_time(void **state)
{
	struct scene *s = scene(ROLLOUT_REPLACE);

	(void)state;
	make_proven(add_spare(s));
	assert_verb(s, ROLLOUT_DO_REPLACE, 0);
	s->slots[0].is_target = true;
	s->slots[0].serves = s->slots[0].is_well = false;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	make_proven(&s->slots[0]);
	assert_verb(s, ROLLOUT_DO_REPLACE, 1);
}

static void never_fewer_than_wanted(void **state)
{
	struct scene *s = scene(ROLLOUT_REPLACE);

	(void)state;
	make_proven(add_spare(s));
	/* One crashed by itself: it is replaced first, as that costs nothing, and no other is. */
	s->slots[2].serves = s->slots[2].is_up = s->slots[2].is_well = false;
	assert_verb(s, ROLLOUT_DO_REPLACE, 2);
	s->slots[2].is_target = true;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	s->p.rules.at_once = 2;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	s->p.rules.surge = 0;
	assert_verb(s, ROLLOUT_DO_REPLACE, 0);
}

static void the_sick_are_not_replaced_all_at_once(void **state)
{
	struct scene *s = scene(ROLLOUT_REPLACE);

	(void)state;
	make_proven(add_spare(s));
	for (int k = 0; k < 3; k++)
		s->slots[k].serves = s->slots[k].is_well = false;
	assert_verb(s, ROLLOUT_DO_REPLACE, 0);
	s->slots[0].is_target = true;
	s->slots[0].is_up = false;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
}

static void who_finds_its_port_free_goes_first(void **state)
{
	struct scene *s = scene(ROLLOUT_REPLACE);

	(void)state;
	make_proven(add_spare(s));
	/* As from 3000-3002 to 3001-3003. */
	s->slots[0].is_held = s->slots[1].is_held = true;
	s->slots[0].holder = 1;
	s->slots[1].holder = 2;
	assert_verb(s, ROLLOUT_DO_REPLACE, 2);
	make_proven(&s->slots[2]);
	s->slots[1].is_held = false;
	assert_verb(s, ROLLOUT_DO_REPLACE, 1);
}

static void who_waits_for_a_port_keeps_nobody_waiting(void **state)
{
	struct scene *s = scene(ROLLOUT_REPLACE);

	(void)state;
	make_proven(add_spare(s));
	/* The last is new, and is to have the port of the first. */
	s->slots[2] = (struct rollout_slot){ .is_target = true, .is_wanted = true, .is_held = true };
	assert_verb(s, ROLLOUT_DO_REPLACE, 0);
	s->slots[2].is_held = false;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
}

static void surplus_makes_way(void **state)
{
	struct scene *s = scene(ROLLOUT_REPLACE);

	(void)state;
	make_proven(add_spare(s));
	/* As from 3000-3002 to 3001-3002. */
	s->slots[2].seat = SEAT_SURPLUS;
	s->slots[0].is_held = s->slots[1].is_held = true;
	s->slots[0].holder = 1;
	s->slots[1].holder = 2;
	assert_verb(s, ROLLOUT_DO_DROP_SPARE, 2);
	s->slots[2].is_retired = true;
	s->slots[2].serves = s->slots[1].is_held = false;
	assert_verb(s, ROLLOUT_DO_REPLACE, 1);
}

static void canaries_pause(void **state)
{
	struct scene *s = scene(ROLLOUT_REPLACE);

	(void)state;
	s->p.rules.canary = 1;
	make_proven(add_spare(s));
	make_proven(&s->slots[0]);
	assert_verb(s, ROLLOUT_DO_PAUSE, ROLLOUT_NO_SLOT);
	s->p.phase = ROLLOUT_PAUSED;
	assert_verb(s, ROLLOUT_DO_DROP_SPARE, 3);
	s->slots[3].is_retired = true;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
}

static void the_end_is_tidy(void **state)
{
	struct scene *s = scene(ROLLOUT_REPLACE);

	(void)state;
	add_spare(s);
	for (int k = 0; k < 4; k++)
		make_proven(&s->slots[k]);
	assert_verb(s, ROLLOUT_DO_DROP_SPARE, 3);
	s->slots[3].is_retired = true;
	s->slots[3].serves = false;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	s->p.len = 3;
	assert_verb(s, ROLLOUT_DO_END, ROLLOUT_NO_SLOT);
}

static void back_needs_no_trial_and_fails_nobody(void **state)
{
	struct scene *s = scene(ROLLOUT_BACK);

	(void)state;
	for (int k = 0; k < 3; k++)
		s->slots[k].is_target = s->slots[k].is_proven = true;
	s->slots[1] = (struct rollout_slot){ .is_wanted = true, .is_target = true, .has_failed = true };
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	make_well(s, &s->slots[1], 0);
	assert_verb(s, ROLLOUT_DO_PROVE, 1);
}

static void no_spare_is_added_before_its_time(void **state)
{
	struct scene *s = scene(ROLLOUT_BACK);

	(void)state;
	s->p.spare_at = s->p.now + 5000;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	assert_int_equal(rollout_decide(&s->p).at, s->p.now + 5000);
	s->p.now += 5000;
	assert_verb(s, ROLLOUT_DO_ADD_SPARE, ROLLOUT_NO_SLOT);
}

static void what_does_not_get_on_is_over(void **state)
{
	struct scene *s = scene(ROLLOUT_PROOF);

	(void)state;
	add_spare(s);
	s->p.now += 60000;
	assert_verb(s, ROLLOUT_DO_FAIL, ROLLOUT_NO_SLOT);
	s->p.phase = ROLLOUT_BACK;
	s->slots[0].is_up = s->slots[0].serves = s->slots[0].is_well = false;
	s->slots[0].is_target = true;
	assert_verb(s, ROLLOUT_DO_FAIL, ROLLOUT_NO_SLOT);
	s->p.is_stall_reported = true;
	assert_int_not_equal(rollout_decide(&s->p).verb, ROLLOUT_DO_FAIL);
}

static void what_cannot_be_stopped_fails_it(void **state)
{
	struct scene *s = scene(ROLLOUT_REPLACE);

	(void)state;
	make_proven(add_spare(s));
	s->slots[1].is_target = s->slots[1].is_stuck = true;
	s->slots[1].serves = s->slots[1].is_up = s->slots[1].is_well = false;
	assert_verb(s, ROLLOUT_DO_FAIL, 1);
	s->p.phase = ROLLOUT_BACK;
	assert_int_not_equal(rollout_decide(&s->p).verb, ROLLOUT_DO_FAIL);
}

static void who_serves_nobody_is_replaced_first(void **state)
{
	struct scene *s = scene(ROLLOUT_REPLACE);

	(void)state;
	make_proven(add_spare(s));
	s->slots[1].serves = s->slots[1].is_well = false;
	assert_verb(s, ROLLOUT_DO_REPLACE, 1);
	/* One whose process is gone before one that is only ill. */
	s->slots[2] = s->slots[1];
	s->slots[2].is_up = false;
	assert_verb(s, ROLLOUT_DO_REPLACE, 2);
}

static void words_are_read_back(void **state)
{
	enum rollout_phase phase = ROLLOUT_WAITING;
	enum rollout_step step = ROLLOUT_STEP_WAITS;

	(void)state;
	for (int k = 0; k < ROLLOUT_PHASE_COUNT; k++) {
		assert_true(rollout_phase_parse(rollout_phase_word((enum rollout_phase)k), &phase));
		assert_int_equal(phase, k);
		assert_non_null(rollout_phase_about(phase));
	}
	assert_false(rollout_phase_parse("later", &phase));
	for (int k = 0; k < ROLLOUT_STEP_COUNT; k++) {
		assert_true(rollout_step_parse(rollout_step_word((enum rollout_step)k), &step));
		assert_int_equal(step, k);
	}
	assert_false(rollout_step_parse("later", &step));
}

/* Back to the old: two are, the third dies of nothing, and a spare serves in its stead. */
static void who_waits_for_what_cannot_be_stopped_is_told(void **state)
{
	struct scene *s = scene(ROLLOUT_BACK);

	(void)state;
	make_proven(&s->slots[0]);
	make_proven(&s->slots[1]);
	s->slots[2] = (struct rollout_slot){ .is_target = true, .is_wanted = true, .is_stuck = true };
	make_proven(add_spare(s));
	assert_verb(s, ROLLOUT_DO_FAIL, ROLLOUT_NO_SLOT);
	s->p.is_stall_reported = true;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	s->slots[2] = s->slots[0];
	assert_verb(s, ROLLOUT_DO_DROP_SPARE, 3);
}

/* Two run for good, the third has done its job: it is no reason to keep a spare, nor to wait for one. */
static void a_job_that_is_done_counts_for_nobody(void **state)
{
	struct scene *s = scene(ROLLOUT_REPLACE);

	(void)state;
	s->slots[2].has_ended = true;
	make_proven(add_spare(s));
	assert_verb(s, ROLLOUT_DO_REPLACE, 2);
	make_proven(&s->slots[2]);
	s->slots[2].has_ended = true;
	assert_verb(s, ROLLOUT_DO_REPLACE, 0);
	s->slots[0].serves = s->slots[0].is_up = s->slots[0].is_well = false;
	s->slots[0].is_target = true;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
}

/* The app was scaled to none in the middle of it. */
static void the_last_one_may_be_a_spare(void **state)
{
	static const enum rollout_phase phases[] = { ROLLOUT_WAITING, ROLLOUT_PROOF, ROLLOUT_PAUSED,
		ROLLOUT_BACK };
	struct scene *s = NULL;

	(void)state;
	for (size_t k = 0; k < sizeof(phases) / sizeof(phases[0]); k++) {
		s = scene(phases[k]);
		s->p.len = 0;
		add_spare(s)->is_wanted = false;
		assert_verb(s, ROLLOUT_DO_DROP_SPARE, 0);
	}
	/* And in the end one that serves. */
	s = scene(ROLLOUT_REPLACE);
	s->p.len = 0;
	make_proven(add_spare(s));
	assert_verb(s, ROLLOUT_DO_DROP_SPARE, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("nothing is replaced before a spare was well for min_healthy_secs",
			the_spare_comes_first),
		PROMISE("a spare that failed ends the rollout", a_failed_spare_ends_it),
		PROMISE("before a rollout begins, spares of one that was overtaken go",
			an_overtaken_spare_is_no_use),
		PROMISE("a spare that does not serve goes where there may be none, also on the way back",
			a_spare_that_may_not_be_goes),
		PROMISE("a spare that is not needed goes, also where no instance is left",
			the_last_one_may_be_a_spare),
		PROMISE("who is down for a moment is protected, who ended for good is not",
			who_is_down_for_a_moment_is_protected),
		PROMISE("max_unavailable instances are on their way at once, no more", one_at_a_time),
		PROMISE("never fewer serve than are wanted, whatever crashes beside it",
			never_fewer_than_wanted),
		PROMISE("the sick are not replaced all at once", the_sick_are_not_replaced_all_at_once),
		PROMISE("where ports move onto each other, who finds its port free goes first",
			who_finds_its_port_free_goes_first),
		PROMISE("a new instance whose port an old one has still keeps nobody waiting",
			who_waits_for_a_port_keeps_nobody_waiting),
		PROMISE("what will be too many and is in the way of a port goes first", surplus_makes_way),
		PROMISE("after its canaries it waits, without a spare", canaries_pause),
		PROMISE("it ends when all is by the target and no spare is left", the_end_is_tidy),
		PROMISE("going back needs no trial, and no failure turns it round",
			back_needs_no_trial_and_fails_nobody),
		PROMISE("where a spare has failed on the way back, the next one waits for its time",
			no_spare_is_added_before_its_time),
		PROMISE("a rollout without progress fails, and a stuck rollback is reported once",
			what_does_not_get_on_is_over),
		PROMISE("what SIGKILL does not stop fails a rollout, and holds up none that goes back",
			what_cannot_be_stopped_fails_it),
		PROMISE("who is down is replaced before who is ill, and who is ill before who serves",
			who_serves_nobody_is_replaced_first),
		PROMISE("each phase and each step has a word that is read back", words_are_read_back),
		PROMISE("in a rollback waiting clients learn of a slot that cannot be stopped",
			who_waits_for_what_cannot_be_stopped_is_told),
		PROMISE("a job that is done counts for nobody", a_job_that_is_done_counts_for_nobody),
	};

	return cmocka_run_group_tests_name("rules: rollout", tests, NULL, NULL);
}

/*
 * What a rollout does next where one waits for the port of another that is not to stay.
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

static struct rollout_slot *add_holder(struct scene *s, enum rollout_seat seat)
{
	struct rollout_slot *holder = &s->slots[s->p.len++];

	*holder = s->slots[0];
	holder->seat = seat;
	return holder;
}

static void who_is_in_the_way_goes_while_all_rests(void **state)
{
	struct scene *s = scene(ROLLOUT_PAUSED);
	struct rollout_slot *holder = add_holder(s, SEAT_SURPLUS);

	(void)state;
	s->slots[2] =
		(struct rollout_slot){ .is_target = true, .is_wanted = true, .is_held = true, .holder = 3 };
	assert_verb(s, ROLLOUT_DO_DROP_SPARE, 3);
	/* Then it makes up for one that is missing. */
	s->slots[1].serves = false;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	s->slots[1].serves = true;
	holder->is_retired = true;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
}

/* It is of the revision that is gone back from, and has the port of the first. */
static void a_spare_makes_way(void **state)
{
	struct scene *s = scene(ROLLOUT_BACK);
	struct rollout_slot *holder = add_holder(s, SEAT_SPARE);

	(void)state;
	make_proven(&s->slots[1]);
	make_proven(&s->slots[2]);
	s->slots[0].is_held = true;
	s->slots[0].holder = 3;
	assert_verb(s, ROLLOUT_DO_DROP_SPARE, 3);
	/* It makes up for one that is missing, until another spare does. */
	s->slots[1].serves = false;
	assert_verb(s, ROLLOUT_DO_ADD_SPARE, ROLLOUT_NO_SLOT);
	(void)add_spare(s);
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	make_proven(&s->slots[4]);
	assert_verb(s, ROLLOUT_DO_DROP_SPARE, 3);
	holder->is_retired = true;
	holder->serves = s->slots[0].is_held = false;
	assert_verb(s, ROLLOUT_DO_WAIT, ROLLOUT_NO_SLOT);
	s->slots[1].serves = true;
	assert_verb(s, ROLLOUT_DO_REPLACE, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a surplus whose port a new process waits for goes as soon as it can be spared, also in a pause",
			who_is_in_the_way_goes_while_all_rests),
		PROMISE("going back, a spare that has the port of an old instance goes before that is replaced",
			a_spare_makes_way),
	};

	return cmocka_run_group_tests_name("rollout_ports", tests, NULL, NULL);
}

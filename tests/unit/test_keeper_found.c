#include "wire/keeper_found.h"

#include <stdlib.h>

#include "unit.h"

static void slot(struct vec *found, uint32_t number, uint64_t generation)
{
	struct keeper_msg m;

	keeper_msg_init(&m, KEEPER_SLOT);
	m.ticket = (struct keeper_ticket){ .slot = number, .generation = generation };
	m.name = "api:0";
	keeper_found_slot(found, &m);
}

static void more(struct vec *found, enum keeper_msg_kind kind, uint64_t generation)
{
	struct keeper_msg m;

	keeper_msg_init(&m, kind);
	m.ticket = (struct keeper_ticket){ .slot = 1, .generation = generation };
	keeper_found_more(found, &m);
}

static void the_newest_run_of_a_slot_is_known(void **state)
{
	struct vec found = VEC_INIT;

	(void)state;
	slot(&found, 1, 5);
	slot(&found, 2, 9);
	slot(&found, 1, 7);
	assert_false(keeper_found_is_newest(&found, found.items[0]));
	assert_true(keeper_found_is_newest(&found, found.items[1]));
	assert_true(keeper_found_is_newest(&found, found.items[2]));
	keeper_found_release(&found);
}

static void a_process_has_ended_when_any_message_says_so(void **state)
{
	static const enum keeper_msg_kind kinds[] = { KEEPER_EXITED, KEEPER_SPAWN_FAILED, KEEPER_TREE_GONE };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct vec found = VEC_INIT;

		slot(&found, 1, 5);
		more(&found, KEEPER_ASKED, 5);
		more(&found, kinds[i], 6);
		assert_false(keeper_found_has_ended(found.items[0]));
		more(&found, kinds[i], 5);
		assert_true(keeper_found_has_ended(found.items[0]));
		keeper_found_release(&found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("of two runs of a slot the later one is the newest",
			the_newest_run_of_a_slot_is_known),
		PROMISE("a process has ended when its exit, its failed start or its empty tree was reported",
			a_process_has_ended_when_any_message_says_so),
	};

	return cmocka_run_group_tests_name("keeper_found", tests, NULL, NULL);
}

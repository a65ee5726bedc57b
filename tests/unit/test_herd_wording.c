/* The words that the store and the event log hold for what the herd knows by numbers. */
#include <string.h>

#include "herd/herd_private.h"
#include "unit.h"

static void events_are_read_back(void **state)
{
	(void)state;
	for (int k = 0; k < HERD_EVENT_COUNT; k++) {
		enum herd_event_kind kind = HERD_EVENT_COUNT;

		assert_true(herd_event_parse(herd_event_word((enum herd_event_kind)k), &kind));
		assert_int_equal(kind, k);
	}
}

static void phases_are_read_back(void **state)
{
	(void)state;
	for (int k = 0; k < PHASE_COUNT; k++) {
		enum phase phase = PHASE_COUNT;

		assert_true(phase_parse(phase_word((enum phase)k), &phase));
		assert_int_equal(phase, k);
	}
}

static void timers_are_read_back(void **state)
{
	(void)state;
	for (int k = 0; k < TIMER_KIND_COUNT; k++) {
		enum timer_kind kind = TIMER_KIND_COUNT;

		assert_true(timer_parse(timer_word((enum timer_kind)k), &kind));
		assert_int_equal(kind, k);
	}
}

static void ways_out_are_read_back(void **state)
{
	(void)state;
	for (int k = 0; k < DRAIN_STEP_COUNT; k++) {
		enum drain_step drain = DRAIN_STEP_COUNT;

		assert_true(drain_step_parse(drain_step_word((enum drain_step)k), &drain));
		assert_int_equal(drain, k);
	}
}

static void nothing_else_is_a_word(void **state)
{
	static const char *const others[] = { "", "nonsense", "Up", "u", "upp", NULL };
	enum herd_event_kind event = HERD_EVENT_APP;
	enum phase phase = PHASE_UP;
	enum timer_kind timer = TIMER_KILL;
	enum drain_step drain = DRAIN_DRAINING;

	(void)state;
	for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
		assert_false(herd_event_parse(others[k], &event));
		assert_false(phase_parse(others[k], &phase));
		assert_false(timer_parse(others[k], &timer));
		assert_false(drain_step_parse(others[k], &drain));
	}
	assert_int_equal(event, HERD_EVENT_APP);
	assert_int_equal(phase, PHASE_UP);
	assert_int_equal(timer, TIMER_KILL);
	assert_int_equal(drain, DRAIN_DRAINING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the word of every event is read back", events_are_read_back),
		PROMISE("the word of every phase is read back", phases_are_read_back),
		PROMISE("the word of every timer is read back", timers_are_read_back),
		PROMISE("the word of every step out of an upstream is read back", ways_out_are_read_back),
		PROMISE("no other word is read, and what was known stays", nothing_else_is_a_word),
	};

	return cmocka_run_group_tests_name("herd_words", tests, NULL, NULL);
}

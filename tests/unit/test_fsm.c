#include "rules/fsm.h"

#include <string.h>

#include "unit.h"

/*
 * The whole table once more, as a person would draw it: a row a state, a column an event, "-" for what is not
 * legal, else the state that it leads to.
 * Columns: start block ready healthy unhealthy stop crash; in the second line give-up finish died retry reset.
 */
static const char *const drawn[STATE_COUNT][EVENT_COUNT] = {
	[STATE_STOPPED] = { "starting", "blocked", "-", "-", "-", "-", "-",
			    "-", "-", "-", "-", "-", "-", },
	[STATE_BLOCKED] = { "starting", "-", "-", "-", "-", "stopped", "-",
			    "-", "-", "-", "-", "-", "-", },
	[STATE_STARTING] = { "-", "blocked", "running", "-", "-", "stopping", "backoff",
			     "crashed", "finished", "stopped", "-", "-", "backoff", },
	[STATE_RUNNING] = { "-", "-", "-", "-", "unhealthy", "stopping", "backoff",
			    "crashed", "finished", "stopped", "-", "-", "backoff", },
	[STATE_UNHEALTHY] = { "-", "-", "-", "running", "-", "stopping", "backoff",
			      "crashed", "finished", "stopped", "-", "-", "backoff", },
	[STATE_STOPPING] = { "-", "-", "-", "-", "-", "-", "backoff",
			     "crashed", "finished", "stopped", "-", "-", "backoff", },
	[STATE_BACKOFF] = { "starting", "blocked", "-", "-", "-", "stopped", "-",
			    "-", "-", "-", "starting", "starting", "-", },
	[STATE_CRASHED] = { "starting", "blocked", "-", "-", "-", "stopped", "-",
			    "-", "-", "-", "-", "starting", "-", },
	[STATE_FINISHED] = { "starting", "blocked", "-", "-", "-", "stopped", "-",
			     "-", "-", "-", "-", "-", "-", },
};

static void every_pair_is_as_drawn(void **state)
{
	(void)state;
	for (int from = 0; from < STATE_COUNT; from++) {
		for (int event = 0; event < EVENT_COUNT; event++) {
			struct step step = fsm_step((enum state)from, (enum event)event);

			assert_string_equal(step.is_legal ? state_word(step.to) : "-", drawn[from][event]);
		}
	}
}

/* Where a step leads says what is to be done, whatever led there. */
static enum action action_of_arriving(enum state to, enum event event)
{
	switch (to) {
	case STATE_STARTING:
		return ACT_SPAWN;
	case STATE_STOPPING:
		return ACT_SIGNAL;
	case STATE_BACKOFF:
		return ACT_DELAY;
	case STATE_BLOCKED:
		return ACT_WATCH;
	case STATE_RUNNING:
		return event == EVENT_READY ? ACT_SETTLE : ACT_NONE;
	case STATE_UNHEALTHY:
		return ACT_NONE;
	default:
		return ACT_REST;
	}
}

static void arriving_says_what_to_do(void **state)
{
	(void)state;
	for (int from = 0; from < STATE_COUNT; from++) {
		for (int event = 0; event < EVENT_COUNT; event++) {
			struct step step = fsm_step((enum state)from, (enum event)event);

			if (!step.is_legal)
				continue;
			assert_int_equal(step.action, action_of_arriving(step.to, (enum event)event));
			assert_int_not_equal(step.to, from);
		}
	}
}

static void reach(enum state from, bool *seen)
{
	if (seen[from])
		return;
	seen[from] = true;
	for (int event = 0; event < EVENT_COUNT; event++) {
		struct step step = fsm_step(from, (enum event)event);

		if (step.is_legal)
			reach(step.to, seen);
	}
}

static void every_state_is_reached_from_every_other(void **state)
{
	(void)state;
	for (int from = 0; from < STATE_COUNT; from++) {
		bool seen[STATE_COUNT] = { false };

		reach((enum state)from, seen);
		for (int to = 0; to < STATE_COUNT; to++)
			assert_true(seen[to]);
	}
}

static bool is_ending(enum event event)
{
	return event == EVENT_CRASHED || event == EVENT_GAVE_UP || event == EVENT_FINISHED ||
		event == EVENT_DIED || event == EVENT_LIMITED;
}

static void a_process_is_only_left_when_it_ended(void **state)
{
	(void)state;
	for (int from = 0; from < STATE_COUNT; from++) {
		for (int event = 0; event < EVENT_COUNT; event++) {
			struct step step = fsm_step((enum state)from, (enum event)event);

			if (!step.is_legal || !state_is_live((enum state)from) || state_is_live(step.to))
				continue;
			assert_true(is_ending((enum event)event) ||
				(from == STATE_STARTING && event == EVENT_BLOCK));
		}
	}
}

static void every_end_is_heard(void **state)
{
	(void)state;
	for (int from = 0; from < STATE_COUNT; from++)
		for (int event = 0; event < EVENT_COUNT; event++)
			if (is_ending((enum event)event))
				assert_int_equal(fsm_step((enum state)from, (enum event)event).is_legal,
					state_is_live((enum state)from));
	for (int event = 0; event < EVENT_COUNT; event++)
		assert_int_equal(event_is_end((enum event)event), is_ending((enum event)event));
}

static void only_spawning_makes_a_process(void **state)
{
	(void)state;
	for (int from = 0; from < STATE_COUNT; from++) {
		for (int event = 0; event < EVENT_COUNT; event++) {
			struct step step = fsm_step((enum state)from, (enum event)event);

			if (step.is_legal && !state_is_live((enum state)from) && state_is_live(step.to))
				assert_int_equal(step.action, ACT_SPAWN);
			if (step.is_legal && state_is_live((enum state)from))
				assert_int_not_equal(step.action, ACT_SPAWN);
		}
	}
}

static void stop_always_has_a_way(void **state)
{
	(void)state;
	for (int from = 0; from < STATE_COUNT; from++) {
		struct step step = fsm_step((enum state)from, EVENT_STOP);

		if (from == STATE_STOPPED || from == STATE_STOPPING)
			assert_false(step.is_legal);
		else
			assert_int_equal(
				step.to, state_is_live((enum state)from) ? STATE_STOPPING : STATE_STOPPED);
	}
}

static void words_are_read_back(void **state)
{
	enum state found = STATE_RUNNING;
	enum event unchanged = EVENT_RETRY;

	(void)state;
	for (int i = 0; i < STATE_COUNT; i++) {
		assert_true(state_parse(state_word((enum state)i), &found));
		assert_int_equal(found, i);
		assert_true(strlen(state_doc((enum state)i)) > 0);
	}
	for (int i = 0; i < EVENT_COUNT; i++) {
		enum event event = EVENT_COUNT;

		assert_true(event_parse(event_word((enum event)i), &event));
		assert_int_equal(event, i);
		assert_true(strlen(event_word((enum event)i)) > 0);
		assert_true(strlen(event_doc((enum event)i)) > 0);
	}
	found = STATE_BACKOFF;
	assert_false(state_parse("", &found));
	assert_false(state_parse("Running", &found));
	assert_false(state_parse("runnin", &found));
	assert_int_equal(found, STATE_BACKOFF);
	assert_false(event_parse("", &unchanged));
	assert_false(event_parse("Start", &unchanged));
	assert_int_equal(unchanged, EVENT_RETRY);
}

static void the_manual_is_told_every_step(void **state)
{
	static const char golden[] =
		".Bl -column \"unhealthy\" \"unhealthy\" \"unhealthy\" \"dependents and upstream are updated\"\n"
		".It Sy State Ta Sy Event Ta Sy Becomes Ta Sy And\n"
		".It stopped Ta start Ta starting Ta a process is started\n"
		".It stopped Ta block Ta blocked Ta what is in the way is watched\n"
		".It blocked Ta start Ta starting Ta a process is started\n"
		".It blocked Ta stop Ta stopped Ta what it held is released\n"
		".It starting Ta block Ta blocked Ta what is in the way is watched\n"
		".It starting Ta ready Ta running Ta dependents and upstream are updated\n"
		".It starting Ta stop Ta stopping Ta the stop signal is sent\n"
		".It starting Ta crash Ta backoff Ta the restart timer is set\n"
		".It starting Ta give-up Ta crashed Ta what it held is released\n"
		".It starting Ta finish Ta finished Ta what it held is released\n"
		".It starting Ta died Ta stopped Ta what it held is released\n"
		".It starting Ta limit Ta backoff Ta the restart timer is set\n"
		".It running Ta unhealthy Ta unhealthy Ta nothing else changes\n"
		".It running Ta stop Ta stopping Ta the stop signal is sent\n"
		".It running Ta crash Ta backoff Ta the restart timer is set\n"
		".It running Ta give-up Ta crashed Ta what it held is released\n"
		".It running Ta finish Ta finished Ta what it held is released\n"
		".It running Ta died Ta stopped Ta what it held is released\n"
		".It running Ta limit Ta backoff Ta the restart timer is set\n"
		".It unhealthy Ta healthy Ta running Ta nothing else changes\n"
		".It unhealthy Ta stop Ta stopping Ta the stop signal is sent\n"
		".It unhealthy Ta crash Ta backoff Ta the restart timer is set\n"
		".It unhealthy Ta give-up Ta crashed Ta what it held is released\n"
		".It unhealthy Ta finish Ta finished Ta what it held is released\n"
		".It unhealthy Ta died Ta stopped Ta what it held is released\n"
		".It unhealthy Ta limit Ta backoff Ta the restart timer is set\n"
		".It stopping Ta crash Ta backoff Ta the restart timer is set\n"
		".It stopping Ta give-up Ta crashed Ta what it held is released\n"
		".It stopping Ta finish Ta finished Ta what it held is released\n"
		".It stopping Ta died Ta stopped Ta what it held is released\n"
		".It stopping Ta limit Ta backoff Ta the restart timer is set\n"
		".It backoff Ta start Ta starting Ta a process is started\n"
		".It backoff Ta block Ta blocked Ta what is in the way is watched\n"
		".It backoff Ta stop Ta stopped Ta what it held is released\n"
		".It backoff Ta retry Ta starting Ta a process is started\n"
		".It backoff Ta reset Ta starting Ta a process is started\n"
		".It crashed Ta start Ta starting Ta a process is started\n"
		".It crashed Ta block Ta blocked Ta what is in the way is watched\n"
		".It crashed Ta stop Ta stopped Ta what it held is released\n"
		".It crashed Ta reset Ta starting Ta a process is started\n"
		".It finished Ta start Ta starting Ta a process is started\n"
		".It finished Ta block Ta blocked Ta what is in the way is watched\n"
		".It finished Ta stop Ta stopped Ta what it held is released\n"
		".El\n";
	struct buf out = BUF_INIT;

	(void)state;
	fsm_print_mdoc(&out);
	assert_string_equal(out.ptr, golden);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("every state and event lead where they are drawn to lead", every_pair_is_as_drawn),
		PROMISE("where a step leads says what is done, and no step stays where it is",
			arriving_says_what_to_do),
		PROMISE("every state can be reached from every other",
			every_state_is_reached_from_every_other),
		PROMISE("a state with a process is only left for one without when it ended",
			a_process_is_only_left_when_it_ended),
		PROMISE("an end is heard in every state that has a process, and in no other",
			every_end_is_heard),
		PROMISE("a process is only asked for where there is none", only_spawning_makes_a_process),
		PROMISE("stop leads down from everywhere, and a second stop changes nothing",
			stop_always_has_a_way),
		PROMISE("the word of every state and event is read back, and no other is read",
			words_are_read_back),
		PROMISE("the manual's table holds every legal step", the_manual_is_told_every_step),
	};

	return cmocka_run_group_tests_name("fsm", tests, NULL, NULL);
}

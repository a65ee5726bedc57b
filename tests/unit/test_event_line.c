/* What the daemon's log says of each kind of event. */
#include "view/event_line.h"

#include "model/event.h"
#include "model/reason.h"
#include "unit.h"

static void assert_line(const struct herd_event *event, const char *words)
{
	struct buf line = BUF_INIT;

	assert_int_equal(event_line(event, &line), *words != '\0');
	assert_string_equal(line.ptr, words);
	buf_release(&line);
}

static void a_step_says_why_or_how_long(void **state)
{
	struct herd_event event = {
		.kind = HERD_EVENT_STATE,
		.app = "api",
		.instance = 2,
		.from = STATE_RUNNING,
		.to = STATE_BACKOFF,
		.on = EVENT_CRASHED,
		.why = &REASON_OF(EXITED, .exit_code = 3),
		.elapsed_ms = 1236,
	};

	(void)state;
	assert_line(&event, "api:2: running -> backoff on crash (exit code 3)");
	event.why = NULL;
	assert_line(&event, "api:2: running -> backoff on crash");
	event.from = STATE_STARTING;
	event.to = STATE_RUNNING;
	event.on = EVENT_READY;
	assert_line(&event, "api:2: starting -> running on ready (1.24 s)");
}

static void what_changes_no_state_says_its_reason(void **state)
{
	struct herd_event event = {
		.kind = HERD_EVENT_NOTE,
		.app = "api",
		.from = STATE_STOPPING,
		.to = STATE_STOPPING,
		.why = &REASON_OF(IS_UNKILLABLE),
	};

	(void)state;
	assert_line(&event, "api:0: unkillable: SIGKILL was sent and it is still there");
	event.kind = HERD_EVENT_ADOPTED;
	event.to = STATE_RUNNING;
	event.why = &REASON_OF(ADOPTED, .pid = 812);
	assert_line(&event, "api:0: adopted, running (pid 812)");
	event.kind = HERD_EVENT_APP;
	event.instance = -1;
	event.why = &REASON_OF(APP_ADDED);
	assert_line(&event, "api: added");
}

static void of_a_deploy_failure_and_verdict_are_lines(void **state)
{
	struct herd_event event = {
		.kind = HERD_EVENT_ROLLOUT,
		.app = "api",
		.instance = -1,
		.why = &REASON_OF(DEPLOY_PHASE, .text = "replacing instances"),
		.phase = "replace",
	};

	(void)state;
	assert_line(&event, "");
	assert_false(event_is_warning(&event));
	event.why = &REASON_OF(DEPLOY_PHASE, .text = "rolling back", .verb = "reload", .revision = 3,
		.cause = &REASON_OF(NO_PROGRESS));
	assert_line(&event, "api: reload of revision 3 failed: it makes no progress");
	assert_true(event_is_warning(&event));
	event.step = "over";
	event.why = &REASON_OF(DELETED_MEANWHILE, .app = "api");
	event.lines = "\n    no database";
	assert_line(&event, "api: was deleted\n    no database");
	event.instance = 0;
	event.step = "done";
	assert_line(&event, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a step from state to state says why it was taken, or how long the start took",
			a_step_says_why_or_how_long),
		PROMISE("an event without a change of state says its reason",
			what_changes_no_state_says_its_reason),
		PROMISE("of a deploy its failure is a line, and its verdict, with the last lines below",
			of_a_deploy_failure_and_verdict_are_lines),
	};

	return cmocka_run_group_tests_name("event_line", tests, NULL, NULL);
}

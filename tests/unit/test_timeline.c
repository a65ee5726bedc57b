#include "view/timeline.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/utc.h"
#include "model/event_record.h"
#include "unit.h"

static struct json *parsed(const char *text)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(text, strlen(text), 1 << 20, &e);

	if (!j)
		fail_msg("%s: %s", text, e.text.ptr);
	err_release(&e);
	return j;
}

static int64_t ms_of(const char *at)
{
	int64_t ms = 0;

	assert_true(utc_parse(at, &ms));
	return ms;
}

static int64_t two_hours_east(int64_t utc_ms)
{
	return utc_ms + 2 * 3600 * 1000;
}

static struct timeline of_today(void)
{
	struct timeline t = { .to_local = NULL };

	timeline_begin(&t, ms_of("2026-11-20T13:00:00.000Z"));
	return t;
}

static void add_entry(struct timeline *t, const struct json *j, struct buf *out)
{
	struct event_record entry;

	event_record_read(j, &entry);
	timeline_entry(t, &entry, out);
}

static void event_reads(struct timeline *t, const char *event, const char *expected)
{
	struct json *j = parsed(event);
	struct event_record record;
	struct buf out = BUF_INIT;

	event_record_read(j, &record);
	timeline_event(t, &record, &out);
	assert_string_equal(out.ptr, expected);
	buf_release(&out);
	json_free(j);
}

#define AT "\"at\":\"2026-11-20T12:01:02.123Z\","

static void steps_are_told(void **state)
{
	static const struct {
		const char *event, *line;
	} rows[] = {
		{ "{\"seq\":1," AT "\"kind\":\"state\",\"id\":\"api:2\",\"app\":\"api\",\"from\":\"running\","
		  "\"to\":\"backoff\",\"on\":\"crash\",\"why\":\"exit code 3\",\"pid\":12,\"delay_ms\":200,"
		  "\"cause\":{\"code\":\"exited\"}}",
			"12:01:02.123  api:2  running -> backoff  on crash  exit code 3, restart in 200 ms\n" },
		{ "{" AT
		  "\"kind\":\"state\",\"id\":\"api:2\",\"from\":\"starting\",\"to\":\"running\",\"on\":\"ready\","
		  "\"why\":\"\",\"delay_ms\":-1}",
			"12:01:02.123  api:2  starting -> running  on ready\n" },
		{ "{" AT
		  "\"kind\":\"state\",\"id\":\"a:0\",\"from\":\"running\",\"to\":\"backoff\",\"on\":\"crash\","
		  "\"delay_ms\":1240}",
			"12:01:02.123  a:0  running -> backoff  on crash  restart in 1.24 s\n" },
		{ "{" AT
		  "\"kind\":\"state\",\"id\":\"a:0\",\"from\":\"running\",\"to\":\"backoff\",\"on\":\"crash\","
		  "\"why\":\"exit code 3, crash 1, starts again after 200 ms\",\"delay_ms\":200}",
			"12:01:02.123  a:0  running -> backoff  on crash  exit code 3, crash 1, starts again after 200 ms\n" },
		{ "{" AT
		  "\"kind\":\"state\",\"id\":\"a:0\",\"from\":\"running\",\"to\":\"backoff\",\"on\":\"crash\","
		  "\"why\":\"exit code 3, soon\",\"delay_ms\":200,\"cause\":{\"code\":\"exited\",\"rule\":\"delay\"}}",
			"12:01:02.123  a:0  running -> backoff  on crash  exit code 3, soon\n" },
		{ "{" AT
		  "\"kind\":\"state\",\"id\":\"a:0\",\"from\":\"running\",\"to\":\"backoff\",\"on\":\"crash\","
		  "\"why\":\"soon\",\"delay_ms\":200,\"cause\":{\"code\":\"other\",\"text\":\"soon\"}}",
			"12:01:02.123  a:0  running -> backoff  on crash  soon\n" },
		{ "{" AT "\"kind\":\"note\",\"id\":\"a:0\",\"from\":\"stopping\",\"to\":\"stopping\","
		  "\"why\":\"unkillable\"}",
			"12:01:02.123  a:0  note  unkillable\n" },
		{ "{" AT
		  "\"kind\":\"app\",\"id\":null,\"app\":\"api\",\"from\":\"stopped\",\"to\":\"stopped\","
		  "\"why\":\"scaled 2 -> 4\",\"delay_ms\":null}",
			"12:01:02.123  api  app  scaled 2 -> 4\n" },
		{ "{" AT "\"kind\":\"rollout\",\"id\":\"api:4\",\"app\":\"api\",\"step\":\"starts\","
		  "\"spare\":true,\"revision\":3,\"why\":null}",
			"12:01:02.123  api:4  rollout  starting (a spare), revision 3\n" },
		{ "{" AT "\"kind\":\"rollout\",\"id\":null,\"app\":\"api\",\"step\":null,\"spare\":false,"
		  "\"revision\":3,\"why\":\"replacing instances\"}",
			"12:01:02.123  api  rollout  revision 3  replacing instances\n" },
		{ "{" AT "\"kind\":\"rollout\",\"id\":null,\"app\":\"api\",\"step\":\"over\",\"spare\":false,"
		  "\"revision\":3,\"why\":\"api: revision 3 runs in 4 of 4 instances\"}",
			"12:01:02.123  api  rollout  api: revision 3 runs in 4 of 4 instances\n" },
		{ "{}", "--:--:--.---  ?\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct timeline t = of_today();

		event_reads(&t, rows[i].event, rows[i].line);
	}
}

static void another_day_is_announced(void **state)
{
	struct timeline t = of_today();

	(void)state;
	event_reads(&t,
		"{\"at\":\"2026-11-19T23:59:59.999Z\",\"kind\":\"note\",\"id\":\"a:0\",\"why\":\"x\"}",
		"2026-11-19\n23:59:59.999  a:0  note  x\n");
	event_reads(&t,
		"{\"at\":\"2026-11-19T23:59:59.999Z\",\"kind\":\"note\",\"id\":\"a:0\",\"why\":\"x\"}",
		"23:59:59.999  a:0  note  x\n");
	event_reads(&t,
		"{\"at\":\"2026-11-20T00:00:00.000Z\",\"kind\":\"note\",\"id\":\"a:0\",\"why\":\"x\"}",
		"2026-11-20\n00:00:00.000  a:0  note  x\n");
}

static void times_are_local(void **state)
{
	struct timeline t = { .to_local = two_hours_east };

	(void)state;
	timeline_begin(&t, ms_of("2026-11-19T22:30:00.000Z"));
	event_reads(&t,
		"{\"at\":\"2026-11-19T22:00:00.000Z\",\"kind\":\"note\",\"id\":\"a:0\",\"why\":\"x\"}",
		"00:00:00.000  a:0  note  x\n");
	event_reads(&t,
		"{\"at\":\"2026-11-19T21:59:00.000Z\",\"kind\":\"note\",\"id\":\"a:0\",\"why\":\"x\"}",
		"2026-11-19\n23:59:00.000  a:0  note  x\n");
}

static void last_lines_stand_below(void **state)
{
	struct timeline t = of_today();
	struct json *j =
		parsed("{" AT "\"kind\":\"state\",\"from\":\"running\",\"to\":\"crashed\",\"on\":\"give-up\","
		       "\"words\":\"exit code 1\\nError: no\\n  at main\\u001b[2J\\n\"}");
	struct buf out = BUF_INIT;

	(void)state;
	add_entry(&t, j, &out);
	assert_string_equal(out.ptr,
		"  12:01:02.123  running -> crashed  on give-up  exit code 1\n"
		"                | Error: no\n"
		"                |   at main?[2J\n");
	buf_clear(&out);
	json_free(j);
	event_reads(&t,
		"{" AT
		"\"kind\":\"state\",\"id\":\"a:0\",\"from\":\"running\",\"to\":\"backoff\",\"on\":\"crash\","
		"\"why\":\"exit code 1\\nError: no\",\"delay_ms\":100,\"cause\":{\"code\":\"exited\"}}",
		"12:01:02.123  a:0  running -> backoff  on crash  exit code 1, restart in 100 ms\n"
		"              | Error: no\n");
	buf_release(&out);
}

static void colours_follow_states(void **state)
{
	struct timeline t = of_today();

	(void)state;
	t.colour = true;
	event_reads(&t,
		"{" AT
		"\"kind\":\"state\",\"id\":\"a:0\",\"from\":\"starting\",\"to\":\"running\",\"on\":\"ready\"}",
		"\033[2m12:01:02.123\033[0m  \033[1ma:0\033[0m  \033[33mstarting\033[0m -> "
		"\033[32mrunning\033[0m  on ready\n");
}

static void long_words_stand_below(void **state)
{
	struct timeline t = of_today();
	struct json *j = parsed(
		"{" AT "\"kind\":\"state\",\"from\":\"starting\",\"to\":\"crashed\",\"on\":\"give-up\","
		"\"words\":\"exit code 3, crash 2 in a row: max_restarts = 2 is reached\\nError: no\"}");
	struct buf out = BUF_INIT;

	(void)state;
	t.width = 60;
	add_entry(&t, j, &out);
	assert_string_equal(out.ptr,
		"  12:01:02.123  starting -> crashed  on give-up\n"
		"                exit code 3, crash 2 in a row: max_restarts\n"
		"                = 2 is reached\n"
		"                | Error: no\n");
	buf_clear(&out);
	t.width = 107;
	add_entry(&t, j, &out);
	assert_null(strstr(out.ptr, "give-up\n"));
	buf_clear(&out);
	t.width--;
	add_entry(&t, j, &out);
	assert_non_null(strstr(out.ptr, "give-up\n"));
	buf_release(&out);
	json_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("an event is a line: when, whose, from where to where, on what, why, what next",
			steps_are_told),
		PROMISE("a line of another day than the one before has its date above",
			another_day_is_announced),
		PROMISE("times are those of the wall clock here, and so are days", times_are_local),
		PROMISE("the last lines that it wrote stand below, and cannot move the cursor",
			last_lines_stand_below),
		PROMISE("states have their colours", colours_follow_states),
		PROMISE("in a narrow terminal words that are too long stand below their step",
			long_words_stand_below),
	};

	return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}

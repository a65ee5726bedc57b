#include "model/status.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "unit.h"

static void it_looks_as_promised(void **state)
{
	struct instance_status s;
	struct buf out = BUF_INIT;

	(void)state;
	instance_status_init(&s);
	s.name = mem_strdup("api");
	s.pid = 4102;
	s.status = "running";
	s.health = "healthy";
	s.port = 3000;
	s.revision = 1;
	s.uptime_ms = 92449;
	s.memory_bytes = 51380224;
	s.cpu_percent = 0.34;
	s.last_exit = (struct last_exit){ .is_known = true, .signal = 9, .at_ms = 1795204501120 };
	instance_status_write(&s, &out);
	assert_string_equal(out.ptr,
		"{\"id\":\"api:0\",\"name\":\"api\",\"instance\":0,\"pid\":4102,\"status\":\"running\",\"health\":\"healthy\","
		"\"port\":3000,\"revision\":1,\"uptime_secs\":92.4,\"restarts\":0,\"crashes\":0,\"log_dropped_bytes\":0,\"memory_bytes\":51380224,"
		"\"cpu_percent\":0.3,\"last_exit\":{\"code\":null,\"signal\":\"SIGKILL\",\"at\":\"2026-11-20T19:55:01.120Z\"},"
		"\"next_restart_ms\":null,\"reason\":null}");
	buf_release(&out);
	instance_status_release(&s);
}

static void it_is_read_back(void **state)
{
	struct instance_status s;
	struct instance_status t;
	struct json *j = NULL;
	struct buf out = BUF_INIT;

	(void)state;
	instance_status_init(&s);
	instance_status_init(&t);
	s.name = mem_strdup("api");
	s.instance = 3;
	s.status = "backoff";
	s.restarts = 4;
	s.crashes = 2;
	s.next_restart_ms = 0;
	s.last_exit = (struct last_exit){ .is_known = true, .code = 7, .at_ms = -1 };
	buf_adds(&s.reason, "exit code 7");
	instance_status_write(&s, &out);
	j = json_parse(out.ptr, out.len, 10000, NULL);
	assert_non_null(j);
	assert_int_equal(instance_status_from_json(j, &t, NULL), 0);
	assert_string_equal(t.name, "api");
	assert_string_equal(t.status, "backoff");
	assert_string_equal(t.reason.ptr, "exit code 7");
	assert_int_equal(t.instance, 3);
	assert_int_equal(t.pid, 0);
	assert_int_equal(t.uptime_ms, -1);
	assert_int_equal(t.memory_bytes, -1);
	assert_true(t.cpu_percent < 0);
	assert_int_equal(t.next_restart_ms, 0);
	assert_true(t.last_exit.is_known);
	assert_int_equal(t.last_exit.code, 7);
	assert_int_equal(t.last_exit.signal, 0);
	assert_int_equal(t.last_exit.at_ms, -1);
	json_free(j);
	buf_release(&out);
	instance_status_release(&s);
	instance_status_release(&t);
}

static void an_unseen_exit_has_neither_code_nor_signal(void **state)
{
	struct instance_status s;
	struct instance_status t;
	struct json *j = NULL;

	(void)state;
	instance_status_init(&s);
	instance_status_init(&t);
	s.name = mem_strdup("api");
	s.last_exit = (struct last_exit){ .is_known = true, .code = LAST_EXIT_UNSEEN, .at_ms = 5 };
	j = instance_status_to_json(&s);
	assert_true(json_is_null(json_get(json_get(j, "last_exit"), "code")));
	assert_true(json_is_null(json_get(json_get(j, "last_exit"), "signal")));
	assert_int_equal(instance_status_from_json(j, &t, NULL), 0);
	assert_true(t.last_exit.is_known);
	assert_int_equal(t.last_exit.code, LAST_EXIT_UNSEEN);
	json_free(j);
	instance_status_release(&s);
	instance_status_release(&t);
}

static void what_is_missing_is_named(void **state)
{
	static const char text[] =
		"{\"name\":\"a\",\"status\":\"running\",\"health\":\"none\",\"instance\":\"x\"}";
	struct instance_status s;
	struct err e = ERR_INIT;
	struct json *j = json_parse(text, strlen(text), 1000, NULL);

	(void)state;
	instance_status_init(&s);
	assert_int_equal(instance_status_from_json(j, &s, &e), -1);
	assert_string_equal(e.text.ptr, "a status has no 'instance', or it is of the wrong type");
	err_release(&e);
	instance_status_release(&s);
	json_free(j);
}

static void an_app_goes_there_and_back(void **state)
{
	struct app_status s = {
		.name = "api", .instances = 4, .ready = 3, .revision = 2, .port = 3000, .oxfile = "/o"
	};
	struct app_status t = { .name = NULL };
	struct json *j = NULL;
	struct buf out = BUF_INIT;

	(void)state;
	app_status_write(&s, &out);
	j = json_parse(out.ptr, out.len, 10000, NULL);
	assert_string_equal(out.ptr,
		"{\"name\":\"api\",\"instances\":4,\"ready\":3,\"revision\":2,\"port\":3000,\"port_mode\":\"each\","
		"\"oxfile\":\"/o\",\"folder\":null,\"commit\":null,\"rolled_back\":false,\"rollout\":null}");
	assert_int_equal(app_status_from_json(j, &t, NULL), 0);
	assert_string_equal(t.name, "api");
	assert_int_equal(t.ready, 3);
	assert_string_equal(t.oxfile, "/o");
	json_free(j);
	buf_release(&out);
}

static void times_are_utc(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 2147483648000, "2038-01-19T03:14:08.000Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct buf out = BUF_INIT;
		int64_t ms = 1;

		utc_print(&out, cases[k].ms);
		assert_string_equal(out.ptr, cases[k].text);
		assert_true(utc_parse(out.ptr, &ms));
		assert_int_equal(ms, cases[k].ms);
		buf_release(&out);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = { "", "2026-11-20", "2026-02-30T00:00:00.000Z",
		"2026-13-01T00:00:00.000Z", "2026-11-20T24:00:00.000Z", "2026-11-20T19:55:01.120+",
		"2026-11-20 19:55:01.120Z", "2026-11-00T19:55:01.120Z", "2026-1a-20T19:55:01.120Z" };
	int64_t ms = 0;

	(void)state;
	for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
		assert_false(utc_parse(texts[k], &ms));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("an exit that nobody saw has neither code nor signal",
			an_unseen_exit_has_neither_code_nor_signal),
		PROMISE("the JSON of an instance has the promised names and types", it_looks_as_promised),
		PROMISE("an instance is read back as it was, unknowns included", it_is_read_back),
		PROMISE("a field that is missing or wrong is named", what_is_missing_is_named),
		PROMISE("an app's JSON is as promised and is read back", an_app_goes_there_and_back),
		PROMISE("times are printed in UTC and read back, over leap days and far years",
			times_are_utc),
		PROMISE("what is no time is refused", what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}

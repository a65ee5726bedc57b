#include "view/list.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "unit.h"

/* What every process of a status has, so that a test writes only what matters to it. */
#define PROCESS(name, instance, rest)                                                                        \
	"{\"id\":\"" name ":" instance "\",\"name\":\"" name "\",\"instance\":" instance                     \
	",\"revision\":1,\"last_exit\":null," rest "}"
#define UP                                                                                                   \
	"\"pid\":4102,\"status\":\"running\",\"health\":\"healthy\",\"port\":3000,\"uptime_secs\":92.4,"     \
	"\"restarts\":0,\"crashes\":0,\"memory_bytes\":51066470,\"cpu_percent\":0.3,\"next_restart_ms\":null"
#define NOTHING                                                                                              \
	"\"pid\":null,\"port\":null,\"uptime_secs\":null,\"crashes\":2,\"memory_bytes\":null,"               \
	"\"cpu_percent\":null,\"health\":\"none\""
#define BACKOFF                                                                                              \
	NOTHING ",\"status\":\"backoff\",\"restarts\":3,\"next_restart_ms\":400,\"reason\":\"exit code 3\""
#define STOPPED NOTHING ",\"status\":\"stopped\",\"restarts\":0,\"next_restart_ms\":null"
#define BLOCKED                                                                                              \
	NOTHING ",\"status\":\"blocked\",\"restarts\":0,\"next_restart_ms\":null,"                           \
		"\"reason\":\"port 3002 is held by pid 812 'node old.js'\""

static struct json *parsed(const char *text)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(text, strlen(text), 1 << 20, &e);

	if (!j)
		fail_msg("%s", e.text.ptr);
	err_release(&e);
	return j;
}

static void reads(const char *processes, size_t width, bool colour, const char *expected)
{
	struct buf text = BUF_INIT;
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	struct json *status = NULL;

	buf_addf(&text, "{\"version\":1,\"apps\":[],\"processes\":[%s]}", processes);
	status = parsed(text.ptr);
	assert_int_equal(list_render(status, &out, width, colour, &e), 0);
	assert_string_equal(out.ptr, expected);
	json_free(status);
	buf_release(&text);
	buf_release(&out);
	err_release(&e);
}

static void a_line_an_instance(void **state)
{
	(void)state;
	reads(PROCESS("api", "0", UP), 0, false,
		"PROCESS   PID  STATUS   HEALTH   PORT  UPTIME  RESTARTS   CPU      MEM\n"
		"api:0    4102  running  healthy  3000  1m 32s         0  0.3%  48.7 MB\n"
		"1 of 1 ready\n");
}

static void reasons_have_a_column(void **state)
{
	(void)state;
	reads(PROCESS("api", "0", UP) "," PROCESS("worker", "10", BACKOFF) "," PROCESS("w", "0", STOPPED), 0,
		false,
		"PROCESS     PID  STATUS   HEALTH   PORT  UPTIME  RESTARTS   CPU      MEM  REASON\n"
		"api:0      4102  running  healthy  3000  1m 32s         0  0.3%  48.7 MB\n"
		"worker:10     -  backoff  -           -       -         3     -        -  exit code 3; next start in 400 ms\n"
		"w:0           -  stopped  -           -       -         0     -        -\n"
		"1 of 3 ready, 1 backoff, 1 stopped\n");
}

static void what_no_log_took_is_said(void **state)
{
	(void)state;
	reads(PROCESS("api", "0", UP ",\"log_dropped_bytes\":120") "," PROCESS(
		      "w", "0", BACKOFF ",\"log_dropped_bytes\":3145728"),
		0, false,
		"PROCESS   PID  STATUS   HEALTH   PORT  UPTIME  RESTARTS   CPU      MEM  REASON\n"
		"api:0    4102  running  healthy  3000  1m 32s         0  0.3%  48.7 MB  120 B of its output dropped\n"
		"w:0         -  backoff  -           -       -         3     -        -  exit code 3; next start in 400 ms; 3.0 MB of its output dropped\n"
		"1 of 2 ready, 1 backoff\n");
}

static void long_reasons_are_cut(void **state)
{
	(void)state;
	reads(PROCESS("api", "0", BLOCKED), 80, false,
		"PROCESS  PID  STATUS   HEALTH  PORT  UPTIME  RESTARTS  CPU  MEM  REASON\n"
		"api:0      -  blocked  -          -       -         0    -    -  port 3002 is h…\n"
		"0 of 1 ready, 1 blocked\n");
}

static void states_have_colours(void **state)
{
	struct json *status =
		parsed("{\"processes\":[" PROCESS("api", "0", UP) "," PROCESS("b", "0", BACKOFF) "]}");
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(list_render(status, &out, 0, true, NULL), 0);
	assert_non_null(strstr(out.ptr, "\033[32mrunning\033[0m"));
	assert_non_null(strstr(out.ptr, "\033[33mbackoff\033[0m"));
	assert_non_null(strstr(out.ptr, "\033[2mexit code 3; next start in 400 ms\033[0m"));
	json_free(status);
	buf_release(&out);
}

static void young_ones_count_seconds(void **state)
{
	struct json *status = NULL;
	struct buf out = BUF_INIT;

	(void)state;
	status =
		parsed("{\"processes\":[{\"name\":\"a\",\"instance\":0,\"pid\":1,\"status\":\"running\","
		       "\"health\":\"none\",\"port\":null,\"revision\":1,\"uptime_secs\":59.9,\"restarts\":0,"
		       "\"crashes\":0,\"memory_bytes\":0,\"cpu_percent\":0,\"last_exit\":null,"
		       "\"next_restart_ms\":null}]}");
	assert_int_equal(list_render(status, &out, 0, false, NULL), 0);
	assert_non_null(strstr(out.ptr, " 59s "));
	assert_non_null(strstr(out.ptr, " 0.0%  0 B\n"));
	json_free(status);
	buf_release(&out);
}

static void nothing_is_said(void **state)
{
	(void)state;
	reads("", 0, false, "nothing to show: no app has an instance\n");
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{\"processes\":1}",
		"{\"processes\":[1]}",
		"{\"processes\":[" PROCESS("a", "0", UP) ",{}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json *status = parsed(texts[i]);
		struct buf out = BUF_INIT;
		struct err e = ERR_INIT;

		assert_int_equal(list_render(status, &out, 0, false, &e), -1);
		assert_true(e.text.len > 0);
		assert_int_equal(out.len, 0);
		json_free(status);
		buf_release(&out);
		err_release(&e);
	}
}

static void names_cannot_move_the_cursor(void **state)
{
	struct json *status = parsed("{\"processes\":[" PROCESS("a\\u001b[2J", "0", UP) "]}");
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(list_render(status, &out, 0, false, NULL), 0);
	assert_null(strchr(out.ptr, '\033'));
	json_free(status);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("output that no log took is said beside its process", what_no_log_took_is_said),
		PROMISE("an instance is a line with its figures, and the last line counts",
			a_line_an_instance),
		PROMISE("what is not running says why and when it starts again", reasons_have_a_column),
		PROMISE("a long reason is cut at the terminal's edge, and nothing else",
			long_reasons_are_cut),
		PROMISE("states and reasons have their colours", states_have_colours),
		PROMISE("under a minute only whole seconds are shown, and zero is a figure",
			young_ones_count_seconds),
		PROMISE("a herd without instances says so", nothing_is_said),
		PROMISE("an answer that is no status is refused with words, and nothing is printed",
			nonsense_is_refused),
		PROMISE("a name cannot move the cursor", names_cannot_move_the_cursor),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}

#include "view/list.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "lines.h"
#include "model/snapshot.h"
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

/* Table and verdict as one. */
static int rendered(const struct json *status, const struct list_options *how, struct buf *out, struct err *e)
{
	struct list_text text = { .table = BUF_INIT, .verdict = BUF_INIT };
	struct snapshot s = SNAPSHOT_INIT;
	int rc = snapshot_from_json(status, &s, e);

	if (rc == 0)
		list_render(&s, how, &text);
	snapshot_release(&s);
	buf_add(out, text.table.ptr, text.table.len);
	buf_add(out, text.verdict.ptr, text.verdict.len);
	list_release(&text);
	return rc;
}

static void reads_by(const char *processes, const struct list_options *how, const char *expected)
{
	struct buf text = BUF_INIT;
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	struct json *status = NULL;

	buf_addf(&text, "{\"version\":1,\"apps\":[],\"processes\":[%s]}", processes);
	status = parsed(text.ptr);
	assert_int_equal(rendered(status, how, &out, &e), 0);
	assert_string_equal(out.ptr, expected);
	json_free(status);
	buf_release(&text);
	buf_release(&out);
	err_release(&e);
}

static void reads(const char *processes, size_t width, const char *expected)
{
	reads_by(processes, &(struct list_options){ .width = width }, expected);
}

static void a_line_an_instance(void **state)
{
	(void)state;
	reads(PROCESS("api", "0", UP), 0,
		"PROCESS   PID  STATUS   HEALTH   PORT  UPTIME  RESTARTS   CPU      MEM\n"
		"api:0    4102  running  healthy  3000  1m 32s         0  0.3%  48.7 MB\n"
		"1 of 1 ready\n");
}

static void reasons_have_a_column(void **state)
{
	(void)state;
	reads(PROCESS("api", "0", UP) "," PROCESS("worker", "10", BACKOFF) "," PROCESS("w", "0", STOPPED), 0,
		"PROCESS     PID  STATUS   HEALTH   PORT  UPTIME  RESTARTS   CPU      MEM  REASON\n"
		"worker:10     -  backoff  -           -       -         3     -        -  exit code 3; next start in 400 ms\n"
		"api:0      4102  running  healthy  3000  1m 32s         0  0.3%  48.7 MB\n"
		"w:0           -  stopped  -           -       -         0     -        -\n"
		"1 of 3 ready, 1 backoff, 1 stopped\n");
}

static void what_no_log_took_is_said(void **state)
{
	(void)state;
	reads(PROCESS("api", "0", UP ",\"log_dropped_bytes\":120") "," PROCESS(
		      "w", "0", BACKOFF ",\"log_dropped_bytes\":3145728"),
		0,
		"PROCESS   PID  STATUS   HEALTH   PORT  UPTIME  RESTARTS   CPU      MEM  REASON\n"
		"w:0         -  backoff  -           -       -         3     -        -  exit code 3; next start in 400 ms; 3.0 MB of its output dropped\n"
		"api:0    4102  running  healthy  3000  1m 32s         0  0.3%  48.7 MB  120 B of its output dropped\n"
		"1 of 2 ready, 1 backoff\n");
}

static void long_reasons_have_a_line(void **state)
{
	(void)state;
	reads(PROCESS("api", "0", BLOCKED), 80,
		"PROCESS  PID  STATUS   HEALTH  PORT  UPTIME  RESTARTS  CPU  MEM\n"
		"api:0      -  blocked  -          -       -         0    -    -\n"
		"  port 3002 is held by pid 812 'node old.js'\n"
		"0 of 1 ready, 1 blocked\n");
	reads(PROCESS("api", "0", BLOCKED), 40,
		"PROCESS  STATUS   UPTIME  RESTARTS  MEM\n"
		"api:0    blocked       -         0    -\n"
		"  port 3002 is held by pid 812 'node\n"
		"  old.js'\n"
		"0 of 1 ready, 1 blocked\n");
}

static void columns_give_way(void **state)
{
	static const char up[] = PROCESS("a-name-of-some-length", "10", UP) "," PROCESS("w", "0", STOPPED);

	(void)state;
	reads(up, 80,
		"PROCESS                    PID  STATUS   PORT  UPTIME  RESTARTS   CPU      MEM\n"
		"a-name-of-some-length:10  4102  running  3000  1m 32s         0  0.3%  48.7 MB\n"
		"w:0                          -  stopped     -       -         0     -        -\n"
		"1 of 2 ready, 1 stopped\n");
	reads(up, 60,
		"PROCESS                   STATUS   PORT  UPTIME      MEM\n"
		"a-name-of-some-length:10  running  3000  1m 32s  48.7 MB\n"
		"w:0                       stopped     -       -        -\n"
		"1 of 2 ready, 1 stopped\n");
	reads(up, 40,
		"PROCESS               STATUS   UPTIME\n"
		"a-name-of-some-l…:10  running  1m 32s\n"
		"w:0                   stopped       -\n"
		"1 of 2 ready, 1 stopped\n");
}

static void many(struct buf *text, size_t count, const char *name, const char *rest)
{
	for (size_t i = 0; i < count; i++)
		buf_addf(text,
			"%s{\"id\":\"x\",\"name\":\"%s\",\"instance\":%zu,\"revision\":1,\"last_exit\":null,%s}",
			text->len ? "," : "", name, i, rest);
}

static void equal_ones_share_a_row(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	many(&text, 32, "api", UP);
	buf_adds(
		&text, "," PROCESS("api", "40", UP) "," PROCESS("w", "0", UP) "," PROCESS("w", "1", BLOCKED));
	reads_by(text.ptr, &(struct list_options){ .width = 80, .height = 24 },
		"PROCESS       PID  STATUS      HEALTH   PORT  UPTIME  RESTARTS   CPU      MEM\n"
		"w:1             -  blocked     -           -       -         0     -        -\n"
		"  port 3002 is held by pid 812 'node old.js'\n"
		"api:0-31,40     -  33 running  healthy  3000  1m 32s         0  9.9%   1.6 GB\n"
		"w:0          4102  running     healthy  3000  1m 32s         0  0.3%  48.7 MB\n"
		"34 of 35 ready, 1 blocked\n");
	buf_release(&text);
}

static void all_are_listed_where_they_fit(void **state)
{
	static const struct list_options ways[] = { { .width = 80, .height = 14 }, { .width = 80 }, { 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct list_text out = { .table = BUF_INIT, .verdict = BUF_INIT };
		struct buf text = BUF_INIT;
		struct json *status = NULL;
		struct snapshot s = SNAPSHOT_INIT;

		buf_adds(&text, "{\"processes\":[" PROCESS("w", "0", UP));
		many(&text, 10, "api", UP);
		buf_adds(&text, "]}");
		status = parsed(text.ptr);
		assert_int_equal(snapshot_from_json(status, &s, NULL), 0);
		list_render(&s, &ways[i], &out);
		snapshot_release(&s);
		assert_int_equal(lines_count(out.table.ptr), 12);
		json_free(status);
		buf_release(&text);
		list_release(&out);
	}
}

#define LONG_REASON                                                                                                        \
	NOTHING ",\"status\":\"unhealthy\",\"restarts\":1234567,\"next_restart_ms\":90000,"                                \
		"\"reason\":\"GET http://127.0.0.1:3000/a-long-path-without-a-blank-that-is-longer-than-any-line/healthz " \
		"\u725b\u725b\u725b\u725b\u725b\u725b\u725b answered 500 and the answer counts only from the process tree\""

static void no_line_wraps(void **state)
{
	struct buf text = BUF_INIT;
	struct json *status = NULL;

	(void)state;
	buf_adds(&text,
		"{\"apps\":[],\"processes\":[" PROCESS("w", "0", UP) "," PROCESS("w", "1", STOPPED) "," PROCESS(
			"a-service-with-a-name-that-nobody-would-like-to-type-twice-a-day", "12345",
			LONG_REASON) "," PROCESS("\u725b\u725b\u725b\u725b\u725b\u725b\u725b\u725b\u725b\u725b\u725b\u725b\u725b\u725b",
			"1", UP) "," PROCESS("b", "0", BACKOFF));
	many(&text, 60, "many", UP);
	buf_adds(&text, "]}");
	status = parsed(text.ptr);
	for (size_t width = 40; width <= 200; width++)
		for (size_t height = 0; height <= 60; height += 10) {
			const struct list_options how = { width, height, width % 2 };
			struct buf out = BUF_INIT;

			assert_int_equal(rendered(status, &how, &out, NULL), 0);
			lines_fit(out.ptr, width);
			if (height >= 20)
				assert_in_range(lines_count(out.ptr), 5, height - 1);
			buf_release(&out);
		}
	json_free(status);
	buf_release(&text);
}

static void states_have_colours(void **state)
{
	struct json *status =
		parsed("{\"processes\":[" PROCESS("api", "0", UP) "," PROCESS("b", "0", BACKOFF) "]}");
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(rendered(status, &(struct list_options){ .colour = true }, &out, NULL), 0);
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
	assert_int_equal(rendered(status, &(struct list_options){ 0 }, &out, NULL), 0);
	assert_non_null(strstr(out.ptr, " 59s "));
	assert_non_null(strstr(out.ptr, " 0.0%  0 B\n"));
	json_free(status);
	buf_release(&out);
}

static void nothing_is_said(void **state)
{
	(void)state;
	reads("", 0, "nothing to show: no app has an instance\n");
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

		assert_int_equal(rendered(status, &(struct list_options){ 0 }, &out, &e), -1);
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
	assert_int_equal(rendered(status, &(struct list_options){ 0 }, &out, NULL), 0);
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
		PROMISE("what is in trouble stands first, and says why and when it starts again",
			reasons_have_a_column),
		PROMISE("a reason that does not fit beside the figures takes lines of its own",
			long_reasons_have_a_line),
		PROMISE("columns give way on a narrow terminal, and a name that is cut keeps its number",
			columns_give_way),
		PROMISE("more instances than the terminal has lines: equal ones of an app share a row",
			equal_ones_share_a_row),
		PROMISE("each instance has a row where they fit, and where there is no terminal",
			all_are_listed_where_they_fit),
		PROMISE("no line wraps at 40 to 200 columns, with long names and reasons and wide characters",
			no_line_wraps),
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

/* What instances have said, read back from log files that are written here by hand. */
#include "logs/read.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "logbook.h"
#include "rules/line_split.h"
#include "unit.h"

static void in_time_order(void **state)
{
	(void)state;
	logbook_say_some();
	logbook_expect(
		&logbook_all, "api:0 one\napi:0 two\napi:1 eins\napi:0 err oh no\napi:0 three\napi:1 zwei\n");
}

static void the_newest(void **state)
{
	struct logs_query q = logbook_all;

	(void)state;
	logbook_say_some();
	q.lines = 3;
	logbook_expect(&q, "api:0 err oh no\napi:0 three\napi:1 zwei\n");
	q.lines = 0;
	logbook_expect(&q, "");
	q.lines = 99;
	logbook_expect(&q, "api:0 one\napi:0 two\napi:1 eins\napi:0 err oh no\napi:0 three\napi:1 zwei\n");
}

static void one_stream(void **state)
{
	struct logs_query q = logbook_all;

	(void)state;
	logbook_say_some();
	q.kinds = 1 << MARK_ERR;
	logbook_expect(&q, "api:0 err oh no\n");
}

static void of_a_time(void **state)
{
	struct logs_query q = logbook_all;

	(void)state;
	logbook_say_some();
	q.since_ms = 1500;
	q.until_ms = 2000;
	logbook_expect(&q, "api:1 eins\napi:0 err oh no\napi:0 three\n");
	q.lines = 1;
	logbook_expect(&q, "api:0 three\n");
}

static void a_text(void **state)
{
	struct logs_query q = logbook_all;

	(void)state;
	logbook_say_some();
	q.grep = "w";
	logbook_expect(&q, "api:0 two\napi:1 zwei\n");
	q.lines = 1;
	logbook_expect(&q, "api:1 zwei\n");
	q.grep = "t.o";
	logbook_expect(&q, "");
}

/* Numbered lines, ten to a file, the last file being the one that grows. */
static void say_numbers(int files, int packed_from)
{
	char text[32];

	for (int number = 0; number < files * 10; number++) {
		if (number && number % 10 == 0)
			logbook_rotate(logbook_paths[0]);
		snprintf(text, sizeof(text), "%d\n", number);
		logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1000 + number, text);
	}
	for (int file = packed_from; file < files; file++)
		logbook_compress(logbook_paths[0], file);
}

static void expect_numbers(const struct logs_query *q, int from, int to)
{
	struct buf text = BUF_INIT;

	for (int number = from; number < to; number++)
		buf_addf(&text, "api:0 %d\n", number);
	logbook_expect(q, text.ptr);
	buf_release(&text);
}

static void over_siblings(void **state)
{
	struct logs_query q = logbook_all;

	(void)state;
	say_numbers(5, 2);
	expect_numbers(&q, 0, 50);
	for (q.lines = 1; q.lines <= 50; q.lines += 7)
		expect_numbers(&q, 50 - (int)q.lines, 50);
	q.lines = LOGS_ALL;
	q.since_ms = 1007;
	expect_numbers(&q, 7, 50);
	q.since_ms = 1031;
	expect_numbers(&q, 31, 50);
	q.since_ms = 2000;
	expect_numbers(&q, 0, 0);
}

/* The moment after a rotation, when nothing has been written yet. */
static void after_a_rotation(void **state)
{
	struct logs_query q = logbook_all;

	(void)state;
	say_numbers(2, 9);
	logbook_rotate(logbook_paths[0]);
	q.lines = 5;
	expect_numbers(&q, 15, 20);
	logbook_append(logbook_paths[0], "", 0);
	expect_numbers(&q, 15, 20);
	expect_numbers(&logbook_all, 0, 20);
}

static void many_lines(void **state)
{
	struct logs_query q = logbook_all;
	struct buf text = BUF_INIT;
	int number = 0;

	(void)state;
	for (number = 0; number < 300000; number++)
		buf_addf(&text, "%d\n", number);
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1000, text.ptr);
	buf_release(&text);
	for (q.lines = 1; q.lines < 50000; q.lines = q.lines * 7 + 3)
		expect_numbers(&q, number - (int)q.lines, number);
	logbook_rotate(logbook_paths[0]);
	logbook_compress(logbook_paths[0], 1);
	for (q.lines = 12345; q.lines < 400000; q.lines *= 5)
		expect_numbers(&q, number > q.lines ? number - (int)q.lines : 0, number);
	q.lines = INT64_MAX;
	expect_numbers(&q, 0, number);
}

static void without_marks(void **state)
{
	struct logs_query q = logbook_all;

	(void)state;
	logbook_append(logbook_paths[0], "old\n", 4);
	logbook_append(logbook_paths[2], "older", 5);
	logbook_say(logbook_paths[1], "api:1", MARK_OUT, 1000, "new\n");
	logbook_expect(&q, "api:0 old\napi:0 err older\napi:1 new\n");
	q.lines = 2;
	logbook_expect(&q, "api:0 err older\napi:1 new\n");
	q.lines = LOGS_ALL;
	q.since_ms = 1;
	logbook_expect(&q, "api:1 new\n");
}

static void torn_marks(void **state)
{
	struct buf marks = BUF_INIT;

	(void)state;
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1000, "one\n");
	marks_path(&marks, logbook_paths[0]);
	logbook_append(marks.ptr, "this is no mark at all, not even", MARK_SIZE);
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1200, "two\n");
	logbook_say(logbook_paths[1], "api:1", MARK_OUT, 1100, "between\n");
	logbook_expect(&logbook_all, "api:0 one\napi:1 between\napi:0 two\n");
	buf_release(&marks);
}

static void one_file_for_all(void **state)
{
	struct logs_query q = logbook_all;
	struct logs *l = NULL;

	(void)state;
	logbook_say(logbook_paths[3], "api:0", MARK_OUT, 1000, "zero\n");
	logbook_say(logbook_paths[3], "api:1", MARK_OUT, 1001, "one\nhalf a li");
	logbook_say(logbook_paths[3], "api:0", MARK_ERR, 1002, "bad\n");
	logbook_say(logbook_paths[3], "api:1", MARK_NOTE, 1003, "[oxherd: 12 bytes were dropped here]\n");
	logbook_say(logbook_paths[3], "web:1", MARK_OUT, 1004, "of another\n");
	l = logbook_open(&q);
	logs_add(l, &(struct log_location){ .path = logbook_paths[3] }, "api", 0, MARK_OUT);
	logs_add(l, &(struct log_location){ .path = logbook_paths[3] }, "api", 0, MARK_ERR);
	logs_add(l, &(struct log_location){ .path = logbook_paths[3] }, "api", 1, MARK_OUT);
	logbook_expect_more(l,
		"api:0 zero\napi:1 one\napi:1 half a li\napi:0 err bad\n"
		"api:1 note [oxherd: 12 bytes were dropped here]\n");
	logs_free(l);
	q.kinds = 1 << MARK_ERR;
	q.lines = 1;
	l = logbook_open(&q);
	logs_add(l, &(struct log_location){ .path = logbook_paths[3] }, "api", 0, MARK_OUT);
	logs_add(l, &(struct log_location){ .path = logbook_paths[3] }, "api", 0, MARK_ERR);
	logbook_expect_more(l, "api:0 err bad\n");
	logs_free(l);
}

static void one_run(void **state)
{
	struct logs_query q = logbook_all;
	uint32_t run = 7;

	(void)state;
	logbook_say_in_run(logbook_paths[0], "api:0", MARK_OUT, 6, 1000, "before\n");
	logbook_say_in_run(logbook_paths[0], "api:0", MARK_OUT, 7, 1001, "a\nb\nc\nd");
	logbook_say_in_run(logbook_paths[0], "api:0", MARK_OUT, 8, 1002, "after\n");
	q.run = &run;
	q.lines = 2;
	logbook_expect(&q, "api:0 c\napi:0 d\n");
}

static void long_lines(void **state)
{
	struct logs_query q = logbook_all;
	size_t len = (size_t)5 * PIECE_MAX + 17;
	char *text = mem_zalloc(len + 2, 1);
	struct buf out = BUF_INIT;
	struct logs *l = NULL;
	size_t pieces = 0;

	(void)state;
	memset(text, 'x', len);
	text[len] = '\n';
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1000, "before\n");
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1001, text);
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1002, "after\n");
	q.lines = 2;
	l = logbook_ask(&q);
	(void)logbook_read(l, &out);
	for (const char *at = out.ptr; (at = strstr(at, "...\n")); at++)
		pieces++;
	assert_int_equal(pieces, 5);
	logbook_has(out.ptr, "api:0 after\n");
	assert_null(strstr(out.ptr, "before"));
	assert_int_equal(strspn(strstr(out.ptr, "api:0 x") + strlen("api:0 "), "x"), PIECE_MAX);
	logs_free(l);
	buf_release(&out);
	mem_free(text);
}

/* A reader that takes little gets little, and nothing is read ahead for it. */
static void in_small_portions(void **state)
{
	struct buf text = BUF_INIT;
	struct buf out = BUF_INIT;
	struct logs *l = NULL;
	size_t before = 0;

	(void)state;
	for (int number = 0; number < 1000; number++)
		buf_addf(&text, "line %d\n", number);
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1000, text.ptr);
	l = logbook_ask(&logbook_all);
	for (enum logs_got got = LOGS_MORE; got == LOGS_MORE;) {
		before = out.len;
		got = logs_read(l, 100, logbook_line, &out);
		assert_true(out.len - before < 300);
	}
	assert_int_equal(out.len, text.len + 1000 * strlen("api:0 "));
	logs_free(l);
	buf_release(&out);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER("lines of several logs come in the order of their times", in_time_order),
		IN_FOLDER("the newest N are the newest of all logs together", the_newest),
		IN_FOLDER("standard error can be asked for alone", one_stream),
		IN_FOLDER("only lines of a time are given", of_a_time),
		IN_FOLDER("lines that hold a text are found", a_text),
		IN_FOLDER("older siblings are read too, also compressed ones", over_siblings),
		IN_FOLDER("a log that has just been rotated away is still read", after_a_rotation),
		IN_FOLDER("the newest of many lines are found from the end", many_lines),
		IN_FOLDER("a log without marks is read in order, without times", without_marks),
		IN_FOLDER("a torn mark is stepped over", torn_marks),
		IN_FOLDER("in a shared file each line is known by its mark", one_file_for_all),
		IN_FOLDER("the last lines of one life of an instance are found", one_run),
		IN_FOLDER("a very long line comes in pieces and counts once", long_lines),
		IN_FOLDER("who takes little is given little", in_small_portions),
	};

	return cmocka_run_group_tests_name("logs", tests, NULL, NULL);
}

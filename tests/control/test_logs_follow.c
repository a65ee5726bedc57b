/* What instances say while somebody follows: over rotations, losses and a new reader. */
#include "logs/read.h"

#include <unistd.h>

#include "base/json.h"
#include "logbook.h"
#include "unit.h"

static void stir_all(struct logs *l)
{
	for (int i = 0; i < 4; i++)
		(void)logs_stir(l, logbook_paths[i]);
}

static void follows(void **state)
{
	struct logs_query q = logbook_all;
	struct logs *l = NULL;

	(void)state;
	logbook_say_some();
	q.lines = 1;
	q.follows = true;
	l = logbook_ask(&q);
	logbook_expect_more(l, "api:1 zwei\n");
	logbook_expect_more(l, "");
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 3000, "four\nfi");
	assert_true(logs_stir(l, logbook_paths[0]));
	assert_false(logs_stir(l, "/somewhere/else"));
	logbook_expect_more(l, "api:0 four\n");
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 3001, "ve\n");
	stir_all(l);
	logbook_expect_more(l, "api:0 five\n");
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 3002, "last wor");
	logbook_say_in_run(logbook_paths[0], "api:0", MARK_OUT, 2, 3003, "hello\n");
	stir_all(l);
	logbook_expect_more(l, "api:0 last wor\napi:0 hello\n");
	logs_free(l);
}

static void follows_rotations(void **state)
{
	struct logs_query q = logbook_all;
	struct logs *l = NULL;

	(void)state;
	q.follows = true;
	l = logbook_ask(&q);
	logbook_expect_more(l, "");
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1000, "one\n");
	stir_all(l);
	logbook_expect_more(l, "api:0 one\n");
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1001, "two\nthr");
	logbook_rotate(logbook_paths[0]);
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1002, "ee\nfour\n");
	logbook_rotate(logbook_paths[0]);
	logbook_compress(logbook_paths[0], 1);
	logbook_compress(logbook_paths[0], 2);
	logbook_rotate(logbook_paths[0]);
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1003, "five\n");
	stir_all(l);
	logbook_expect_more(l, "api:0 two\napi:0 thr...\napi:0 ...ee\napi:0 four\napi:0 five\n");
	logs_free(l);
}

static void starts_over(void **state)
{
	struct logs_query q = logbook_all;
	struct logs *l = NULL;

	(void)state;
	q.follows = true;
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1000, "one\ntwo\nthree\n");
	l = logbook_ask(&q);
	logbook_expect_more(l, "api:0 one\napi:0 two\napi:0 three\n");
	assert_int_equal(truncate(logbook_paths[0], 0), 0);
	logbook_append(logbook_paths[0], "a\n", 2);
	stir_all(l);
	logbook_expect_more(l, "api:0 a\n");
	logs_free(l);
}

static void tells_what_is_lost(void **state)
{
	struct logs_query q = logbook_all;
	struct logs *l = NULL;
	struct buf out = BUF_INIT;
	struct buf gone = BUF_INIT;

	(void)state;
	q.follows = true;
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1000, "one\n");
	l = logbook_ask(&q);
	logbook_expect_more(l, "api:0 one\n");
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1001, "two\n");
	logbook_rotate(logbook_paths[0]);
	buf_addf(&gone, "%s.1", logbook_paths[0]);
	assert_int_equal(unlink(gone.ptr), 0);
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1002, "three\n");
	stir_all(l);
	(void)logbook_read(l, &out);
	logbook_has(out.ptr, "note [oxherd: ");
	logbook_has(out.ptr, "lines may be missing");
	logbook_has(out.ptr, "api:0 three\n");
	buf_release(&out);
	buf_release(&gone);
	logs_free(l);
}

static void joins(void **state)
{
	struct logs_query q = logbook_all;
	struct logs *l = NULL;

	(void)state;
	logbook_say_some();
	logbook_say(logbook_paths[3], "api:9", MARK_OUT, 1, "of an earlier life\n");
	q.lines = 0;
	q.follows = true;
	q.now_ms = 5000;
	l = logbook_ask(&q);
	logbook_expect_more(l, "");
	logbook_say(logbook_paths[3], "api:9", MARK_OUT, 6000, "here I am\n");
	logs_add(l, &(struct log_location){ .path = logbook_paths[3] }, "api", 9, MARK_OUT);
	logbook_expect_more(l, "api:9 here I am\n");
	logs_free(l);
}

static void keep(struct json *cursor, struct logs *l)
{
	struct buf text = BUF_INIT;
	struct json *news = NULL;
	const struct json *file = NULL;

	logs_cursor(l, NULL, &text);
	news = json_parse(text.ptr, text.len, text.len, NULL);
	assert_non_null(news);
	json_set(cursor, "from_ms", json_clone(json_get(news, "from_ms")));
	JSON_EACH (json_get(news, "files"), file)
		json_set((struct json *)json_get(cursor, "files"), json_key(file), json_clone(file));
	json_free(news);
	buf_release(&text);
}

static void goes_on_after_a_restart(void **state)
{
	struct logs_query q = logbook_all;
	struct json *cursor = json_new_object();
	struct logs *l = NULL;

	(void)state;
	json_set(cursor, "files", json_new_object());
	q.follows = true;
	q.now_ms = 900;
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1000, "one\ntw");
	l = logbook_ask(&q);
	logbook_expect_more(l, "api:0 one\n");
	keep(cursor, l);
	logs_free(l);
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1001, "o\n");
	logbook_rotate(logbook_paths[0]);
	logbook_compress(logbook_paths[0], 1);
	logbook_say(logbook_paths[0], "api:0", MARK_OUT, 1002, "three\n");
	logbook_say(logbook_paths[1], "api:1", MARK_OUT, 800, "before all of that\n");
	logbook_say(logbook_paths[1], "api:1", MARK_OUT, 1001, "eins\n");
	q.cursor = cursor;
	l = logbook_ask(&q);
	logbook_expect_more(l, "api:0 two\napi:1 eins\napi:0 three\n");
	keep(cursor, l);
	logs_free(l);
	l = logbook_ask(&q);
	logbook_expect_more(l, "");
	logs_free(l);
	json_free(cursor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER("what is written while following comes when its line is whole", follows),
		IN_FOLDER("following continues over rotations and compression", follows_rotations),
		IN_FOLDER("a log that was truncated is read from its beginning", starts_over),
		IN_FOLDER("lines that were gone before they were read are reported", tells_what_is_lost),
		IN_FOLDER("an instance that joins is heard from then on", joins),
		IN_FOLDER("a later reader continues where the cursor says, no gap and no repeat",
			goes_on_after_a_restart),
	};

	return cmocka_run_group_tests_name("logs_follow", tests, NULL, NULL);
}

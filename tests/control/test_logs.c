/* What instances have said, read back from log files that are written here by hand. */
#include "engine/logs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "rules/cut.h"
#include "unit.h"

enum { MOST = 64 * 1024, BOTH = 1 << MARK_OUT | 1 << MARK_ERR };

static char folder[] = "/tmp/oxherd-logs-XXXXXX";
static char paths[4][64];

static const struct logs_query all = {
	.lines = LOGS_ALL,
	.since_ms = INT64_MIN,
	.until_ms = INT64_MAX,
	.kinds = BOTH,
};

static void append(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "ab");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static uint64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* One write of a service, as the pump does it: a mark, then the bytes. */
static void say_in_run(
	const char *path, const char *id, enum mark_kind kind, uint32_t run, int64_t at, const char *text)
{
	const char *colon = strchr(id, ':');
	char *app = mem_strndup(id, (size_t)(colon - id));
	struct mark mark = {
		.offset = size_of(path),
		.wall_ms = at,
		.app = mark_app(app),
		.instance = (uint16_t)atoi(colon + 1),
		.kind = kind,
		.run = run,
	};
	struct buf bytes = BUF_INIT;
	struct buf marks = BUF_INIT;

	mark_write(&bytes, &mark);
	marks_path(&marks, path);
	append(marks.ptr, bytes.ptr, bytes.len);
	append(path, text, strlen(text));
	buf_release(&bytes);
	buf_release(&marks);
	mem_free(app);
}

static void say(const char *path, const char *id, enum mark_kind kind, int64_t at, const char *text)
{
	say_in_run(path, id, kind, 1, at, text);
}

static void sibling(struct buf *out, const char *path, int number)
{
	buf_adds(out, path);
	if (number)
		buf_addf(out, ".%d", number);
}

static void move(const char *path, int from)
{
	struct buf old = BUF_INIT;
	struct buf new = BUF_INIT;
	struct buf old_marks = BUF_INIT;
	struct buf new_marks = BUF_INIT;

	sibling(&old, path, from);
	sibling(&new, path, from + 1);
	marks_path(&old_marks, old.ptr);
	marks_path(&new_marks, new.ptr);
	(void)rename(old_marks.ptr, new_marks.ptr);
	if (rename(old.ptr, new.ptr) < 0) {
		buf_adds(&old, ".gz");
		buf_adds(&new, ".gz");
		(void)rename(old.ptr, new.ptr);
	}
	buf_release(&old);
	buf_release(&new);
	buf_release(&old_marks);
	buf_release(&new_marks);
}

static void rotate(const char *path)
{
	for (int number = 9; number >= 0; number--)
		move(path, number);
}

static void compress_sibling(const char *path, int number)
{
	struct buf plain = BUF_INIT;
	struct buf packed = BUF_INIT;
	char bytes[4096];
	FILE *in = NULL;
	gzFile out = NULL;
	size_t len = 0;

	sibling(&plain, path, number);
	buf_addf(&packed, "%s.gz", plain.ptr);
	in = fopen(plain.ptr, "rb");
	out = gzopen(packed.ptr, "wb");
	assert_non_null(in);
	assert_non_null(out);
	while ((len = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(gzwrite(out, bytes, (unsigned int)len), len);
	fclose(in);
	assert_int_equal(gzclose(out), Z_OK);
	assert_int_equal(unlink(plain.ptr), 0);
	buf_release(&plain);
	buf_release(&packed);
}

static void expect_words(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("'%s' is not in '%s'", words, text);
}

/* --- what is read ------------------------------------------------------------------------------------------------------- */

static void add_line(void *context, const struct logs_line *l)
{
	struct buf *out = context;

	buf_addf(out, "%s%s%s ", l->id, *l->stream == 'o' ? "" : " ", *l->stream == 'o' ? "" : l->stream);
	if (l->line.is_continued)
		buf_adds(out, "...");
	buf_add(out, l->line.bytes, l->line.len);
	buf_adds(out, l->line.goes_on ? "...\n" : "\n");
}

static enum logs_got read_on(struct logs *l, struct buf *out)
{
	enum logs_got got = LOGS_MORE;

	for (int turns = 0; got == LOGS_MORE; turns++) {
		assert_true(turns < 100000);
		got = logs_read(l, MOST, add_line, out);
	}
	return got;
}

static struct logs *open_logs(const struct logs_query *q)
{
	struct err e = ERR_INIT;
	struct logs *l = logs_new(q, &e);

	assert_non_null(l);
	err_release(&e);
	return l;
}

static void expect_more(struct logs *l, const char *text)
{
	struct buf out = BUF_INIT;

	(void)read_on(l, &out);
	assert_string_equal(out.ptr, text);
	buf_release(&out);
}

/* api:0 and api:1, one log each, and errors of api:0. */
static struct logs *ask(const struct logs_query *q)
{
	struct logs *l = open_logs(q);

	logs_add(l, paths[0], "api", 0, MARK_OUT);
	logs_add(l, paths[1], "api", 1, MARK_OUT);
	logs_add(l, paths[2], "api", 0, MARK_ERR);
	return l;
}

static void expect(const struct logs_query *q, const char *text)
{
	struct logs *l = ask(q);

	expect_more(l, text);
	logs_free(l);
}

static int begin(void **state)
{
	(void)state;
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(paths[0], sizeof(paths[0]), "%s/api-0-out.log", folder);
	snprintf(paths[1], sizeof(paths[1]), "%s/api-1-out.log", folder);
	snprintf(paths[2], sizeof(paths[2]), "%s/api-0-err.log", folder);
	snprintf(paths[3], sizeof(paths[3]), "%s/all.log", folder);
	return 0;
}

/* Flat: there are no folders in it. */
static int end(void **state)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry = NULL;

	(void)state;
	while (dir && (entry = readdir(dir)))
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	return rmdir(folder);
}

static void say_some(void)
{
	say(paths[0], "api:0", MARK_OUT, 1000, "one\ntwo\n");
	say(paths[1], "api:1", MARK_OUT, 1500, "eins\n");
	say(paths[2], "api:0", MARK_ERR, 1600, "oh no\n");
	say(paths[0], "api:0", MARK_OUT, 2000, "three\n");
	say(paths[1], "api:1", MARK_OUT, 2500, "zwei\n");
}

static void in_time_order(void **state)
{
	(void)state;
	say_some();
	expect(&all, "api:0 one\napi:0 two\napi:1 eins\napi:0 err oh no\napi:0 three\napi:1 zwei\n");
}

static void the_newest(void **state)
{
	struct logs_query q = all;

	(void)state;
	say_some();
	q.lines = 3;
	expect(&q, "api:0 err oh no\napi:0 three\napi:1 zwei\n");
	q.lines = 0;
	expect(&q, "");
	q.lines = 99;
	expect(&q, "api:0 one\napi:0 two\napi:1 eins\napi:0 err oh no\napi:0 three\napi:1 zwei\n");
}

static void one_stream(void **state)
{
	struct logs_query q = all;

	(void)state;
	say_some();
	q.kinds = 1 << MARK_ERR;
	expect(&q, "api:0 err oh no\n");
}

static void of_a_time(void **state)
{
	struct logs_query q = all;

	(void)state;
	say_some();
	q.since_ms = 1500;
	q.until_ms = 2000;
	expect(&q, "api:1 eins\napi:0 err oh no\napi:0 three\n");
	q.lines = 1;
	expect(&q, "api:0 three\n");
}

static void a_pattern(void **state)
{
	struct logs_query q = all;
	struct err e = ERR_INIT;

	(void)state;
	say_some();
	q.grep = "^(zwei|t.o)$";
	expect(&q, "api:0 two\napi:1 zwei\n");
	q.lines = 1;
	expect(&q, "api:1 zwei\n");
	q.grep = "(";
	assert_null(logs_new(&q, &e));
	expect_words(e.text.ptr, "regular expression");
	q.grep = "(a)\\1";
	assert_null(logs_new(&q, &e));
	expect_words(e.text.ptr, "back-reference");
	err_release(&e);
}

/* Numbered lines, ten to a file, the last file being the one that grows. */
static void say_numbers(int files, int packed_from)
{
	char text[32];

	for (int number = 0; number < files * 10; number++) {
		if (number && number % 10 == 0)
			rotate(paths[0]);
		snprintf(text, sizeof(text), "%d\n", number);
		say(paths[0], "api:0", MARK_OUT, 1000 + number, text);
	}
	for (int file = packed_from; file < files; file++)
		compress_sibling(paths[0], file);
}

static void expect_numbers(const struct logs_query *q, int from, int to)
{
	struct buf text = BUF_INIT;

	for (int number = from; number < to; number++)
		buf_addf(&text, "api:0 %d\n", number);
	expect(q, text.ptr);
	buf_release(&text);
}

static void over_siblings(void **state)
{
	struct logs_query q = all;

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
	struct logs_query q = all;

	(void)state;
	say_numbers(2, 9);
	rotate(paths[0]);
	q.lines = 5;
	expect_numbers(&q, 15, 20);
	append(paths[0], "", 0);
	expect_numbers(&q, 15, 20);
	expect_numbers(&all, 0, 20);
}

static void many_lines(void **state)
{
	struct logs_query q = all;
	struct buf text = BUF_INIT;
	int number = 0;

	(void)state;
	for (number = 0; number < 100000; number++)
		buf_addf(&text, "%d\n", number);
	say(paths[0], "api:0", MARK_OUT, 1000, text.ptr);
	buf_release(&text);
	for (q.lines = 1; q.lines < 50000; q.lines = q.lines * 7 + 3)
		expect_numbers(&q, number - (int)q.lines, number);
	rotate(paths[0]);
	compress_sibling(paths[0], 1);
	q.lines = 12345;
	expect_numbers(&q, number - 12345, number);
}

static void without_marks(void **state)
{
	struct logs_query q = all;

	(void)state;
	append(paths[0], "old\n", 4);
	append(paths[2], "older", 5);
	say(paths[1], "api:1", MARK_OUT, 1000, "new\n");
	expect(&q, "api:0 old\napi:0 err older\napi:1 new\n");
	q.lines = 2;
	expect(&q, "api:0 err older\napi:1 new\n");
	q.lines = LOGS_ALL;
	q.since_ms = 1;
	expect(&q, "api:1 new\n");
}

static void torn_marks(void **state)
{
	struct buf marks = BUF_INIT;

	(void)state;
	say(paths[0], "api:0", MARK_OUT, 1000, "one\n");
	marks_path(&marks, paths[0]);
	append(marks.ptr, "this is no mark at all, not even", MARK_SIZE);
	say(paths[0], "api:0", MARK_OUT, 1200, "two\n");
	say(paths[1], "api:1", MARK_OUT, 1100, "between\n");
	expect(&all, "api:0 one\napi:1 between\napi:0 two\n");
	buf_release(&marks);
}

static void one_file_for_all(void **state)
{
	struct logs_query q = all;
	struct logs *l = NULL;

	(void)state;
	say(paths[3], "api:0", MARK_OUT, 1000, "zero\n");
	say(paths[3], "api:1", MARK_OUT, 1001, "one\nhalf a li");
	say(paths[3], "api:0", MARK_ERR, 1002, "bad\n");
	say(paths[3], "api:1", MARK_NOTE, 1003, "[oxherd: 12 bytes were dropped here]\n");
	say(paths[3], "web:1", MARK_OUT, 1004, "of another\n");
	l = open_logs(&q);
	logs_add(l, paths[3], "api", 0, MARK_OUT);
	logs_add(l, paths[3], "api", 0, MARK_ERR);
	logs_add(l, paths[3], "api", 1, MARK_OUT);
	expect_more(l,
		"api:0 zero\napi:1 one\napi:1 half a li\napi:0 err bad\n"
		"api:1 note [oxherd: 12 bytes were dropped here]\n");
	logs_free(l);
	q.kinds = 1 << MARK_ERR;
	q.lines = 1;
	l = open_logs(&q);
	logs_add(l, paths[3], "api", 0, MARK_OUT);
	logs_add(l, paths[3], "api", 0, MARK_ERR);
	expect_more(l, "api:0 err bad\n");
	logs_free(l);
}

static void one_run(void **state)
{
	struct logs_query q = all;
	uint32_t run = 7;

	(void)state;
	say_in_run(paths[0], "api:0", MARK_OUT, 6, 1000, "before\n");
	say_in_run(paths[0], "api:0", MARK_OUT, 7, 1001, "a\nb\nc\nd");
	say_in_run(paths[0], "api:0", MARK_OUT, 8, 1002, "after\n");
	q.run = &run;
	q.lines = 2;
	expect(&q, "api:0 c\napi:0 d\n");
}

static void long_lines(void **state)
{
	struct logs_query q = all;
	size_t len = (size_t)5 * PIECE_MAX + 17;
	char *text = mem_zalloc(len + 2, 1);
	struct buf out = BUF_INIT;
	struct logs *l = NULL;
	size_t pieces = 0;

	(void)state;
	memset(text, 'x', len);
	text[len] = '\n';
	say(paths[0], "api:0", MARK_OUT, 1000, "before\n");
	say(paths[0], "api:0", MARK_OUT, 1001, text);
	say(paths[0], "api:0", MARK_OUT, 1002, "after\n");
	q.lines = 2;
	l = ask(&q);
	(void)read_on(l, &out);
	for (const char *at = out.ptr; (at = strstr(at, "...\n")); at++)
		pieces++;
	assert_int_equal(pieces, 5);
	expect_words(out.ptr, "api:0 after\n");
	assert_null(strstr(out.ptr, "before"));
	assert_int_equal(strspn(strstr(out.ptr, "api:0 x") + strlen("api:0 "), "x"), PIECE_MAX);
	logs_free(l);
	buf_release(&out);
	mem_free(text);
}

/* --- following ----------------------------------------------------------------------------------------------------------- */

static void stir_all(struct logs *l)
{
	for (int i = 0; i < 4; i++)
		(void)logs_stir(l, paths[i]);
}

static void follows(void **state)
{
	struct logs_query q = all;
	struct logs *l = NULL;

	(void)state;
	say_some();
	q.lines = 1;
	q.follows = true;
	l = ask(&q);
	expect_more(l, "api:1 zwei\n");
	expect_more(l, "");
	say(paths[0], "api:0", MARK_OUT, 3000, "four\nfi");
	assert_true(logs_stir(l, paths[0]));
	assert_false(logs_stir(l, "/somewhere/else"));
	expect_more(l, "api:0 four\n");
	say(paths[0], "api:0", MARK_OUT, 3001, "ve\n");
	stir_all(l);
	expect_more(l, "api:0 five\n");
	say(paths[0], "api:0", MARK_OUT, 3002, "last wor");
	say_in_run(paths[0], "api:0", MARK_OUT, 2, 3003, "hello\n");
	stir_all(l);
	expect_more(l, "api:0 last wor\napi:0 hello\n");
	logs_free(l);
}

static void follows_rotations(void **state)
{
	struct logs_query q = all;
	struct logs *l = NULL;

	(void)state;
	q.follows = true;
	l = ask(&q);
	expect_more(l, "");
	say(paths[0], "api:0", MARK_OUT, 1000, "one\n");
	stir_all(l);
	expect_more(l, "api:0 one\n");
	say(paths[0], "api:0", MARK_OUT, 1001, "two\nthr");
	rotate(paths[0]);
	say(paths[0], "api:0", MARK_OUT, 1002, "ee\nfour\n");
	rotate(paths[0]);
	compress_sibling(paths[0], 1);
	compress_sibling(paths[0], 2);
	rotate(paths[0]);
	say(paths[0], "api:0", MARK_OUT, 1003, "five\n");
	stir_all(l);
	expect_more(l, "api:0 two\napi:0 thr...\napi:0 ...ee\napi:0 four\napi:0 five\n");
	logs_free(l);
}

static void starts_over(void **state)
{
	struct logs_query q = all;
	struct logs *l = NULL;

	(void)state;
	q.follows = true;
	say(paths[0], "api:0", MARK_OUT, 1000, "one\ntwo\nthree\n");
	l = ask(&q);
	expect_more(l, "api:0 one\napi:0 two\napi:0 three\n");
	assert_int_equal(truncate(paths[0], 0), 0);
	append(paths[0], "a\n", 2);
	stir_all(l);
	expect_more(l, "api:0 a\n");
	logs_free(l);
}

static void tells_what_is_lost(void **state)
{
	struct logs_query q = all;
	struct logs *l = NULL;
	struct buf out = BUF_INIT;
	struct buf gone = BUF_INIT;

	(void)state;
	q.follows = true;
	say(paths[0], "api:0", MARK_OUT, 1000, "one\n");
	l = ask(&q);
	expect_more(l, "api:0 one\n");
	say(paths[0], "api:0", MARK_OUT, 1001, "two\n");
	rotate(paths[0]);
	buf_addf(&gone, "%s.1", paths[0]);
	assert_int_equal(unlink(gone.ptr), 0);
	say(paths[0], "api:0", MARK_OUT, 1002, "three\n");
	stir_all(l);
	(void)read_on(l, &out);
	expect_words(out.ptr, "note [oxherd: ");
	expect_words(out.ptr, "lines may be missing");
	expect_words(out.ptr, "api:0 three\n");
	buf_release(&out);
	buf_release(&gone);
	logs_free(l);
}

static void joins(void **state)
{
	struct logs_query q = all;
	struct logs *l = NULL;

	(void)state;
	say_some();
	say(paths[3], "api:9", MARK_OUT, 1, "of an earlier life\n");
	q.lines = 0;
	q.follows = true;
	q.now_ms = 5000;
	l = ask(&q);
	expect_more(l, "");
	say(paths[3], "api:9", MARK_OUT, 6000, "here I am\n");
	logs_add(l, paths[3], "api", 9, MARK_OUT);
	expect_more(l, "api:9 here I am\n");
	logs_free(l);
}

static void keep(struct json *cursor, struct json *news)
{
	const struct json *file = NULL;

	json_set(cursor, "from_ms", json_clone(json_get(news, "from_ms")));
	JSON_EACH (json_get(news, "files"), file)
		json_set((struct json *)json_get(cursor, "files"), json_key(file), json_clone(file));
	json_free(news);
}

static void goes_on_after_a_restart(void **state)
{
	struct logs_query q = all;
	struct json *cursor = json_new_object();
	struct logs *l = NULL;

	(void)state;
	json_set(cursor, "files", json_new_object());
	q.follows = true;
	q.now_ms = 900;
	say(paths[0], "api:0", MARK_OUT, 1000, "one\ntw");
	l = ask(&q);
	expect_more(l, "api:0 one\n");
	keep(cursor, logs_cursor(l));
	logs_free(l);
	say(paths[0], "api:0", MARK_OUT, 1001, "o\n");
	rotate(paths[0]);
	compress_sibling(paths[0], 1);
	say(paths[0], "api:0", MARK_OUT, 1002, "three\n");
	say(paths[1], "api:1", MARK_OUT, 800, "before all of that\n");
	say(paths[1], "api:1", MARK_OUT, 1001, "eins\n");
	q.cursor = cursor;
	l = ask(&q);
	expect_more(l, "api:0 two\napi:1 eins\napi:0 three\n");
	keep(cursor, logs_cursor(l));
	logs_free(l);
	l = ask(&q);
	expect_more(l, "");
	logs_free(l);
	json_free(cursor);
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
	say(paths[0], "api:0", MARK_OUT, 1000, text.ptr);
	l = ask(&all);
	for (enum logs_got got = LOGS_MORE; got == LOGS_MORE;) {
		before = out.len;
		got = logs_read(l, 100, add_line, &out);
		assert_true(out.len - before < 300);
	}
	assert_int_equal(out.len, text.len + 1000 * strlen("api:0 "));
	logs_free(l);
	buf_release(&out);
	buf_release(&text);
}

#define IN_FOLDER(sentence, function)                                                                        \
	{                                                                                                    \
		.name = (sentence), .test_func = (function), .setup_func = begin, .teardown_func = end,      \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER("lines of several logs come in the order of their times", in_time_order),
		IN_FOLDER("the newest N are the newest of all logs together", the_newest),
		IN_FOLDER("standard error can be asked for alone", one_stream),
		IN_FOLDER("only lines of a time are given", of_a_time),
		IN_FOLDER("a pattern is looked for, and a dangerous one refused", a_pattern),
		IN_FOLDER("older siblings are read too, also compressed ones", over_siblings),
		IN_FOLDER("a log that has just been rotated away is still read", after_a_rotation),
		IN_FOLDER("the newest of many lines are found from the end", many_lines),
		IN_FOLDER("a log without marks is read in order, without times", without_marks),
		IN_FOLDER("a torn mark is stepped over", torn_marks),
		IN_FOLDER("in a file of many each line is told by its mark", one_file_for_all),
		IN_FOLDER("the last lines of one life of an instance are found", one_run),
		IN_FOLDER("a very long line comes in pieces and counts once", long_lines),
		IN_FOLDER("what is written while following comes when its line is whole", follows),
		IN_FOLDER("following goes on over rotations and compression", follows_rotations),
		IN_FOLDER("a log that was truncated is read from its beginning", starts_over),
		IN_FOLDER("what was gone before it was read is told", tells_what_is_lost),
		IN_FOLDER("an instance that joins is heard from then on", joins),
		IN_FOLDER("a later reader goes on where the cursor says, no gap and no repeat",
			goes_on_after_a_restart),
		IN_FOLDER("who takes little is given little", in_small_portions),
	};

	return cmocka_run_group_tests_name("logs", tests, NULL, NULL);
}

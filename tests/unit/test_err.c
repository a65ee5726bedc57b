#include "base/err.h"

#include <errno.h>

#include "unit.h"

static void carries_words(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(err_set(&e, "cannot %s %d", "count to", 3), -1);
	assert_string_equal(e.text.ptr, "cannot count to 3");
	assert_int_equal(e.number, 0);
	err_release(&e);
	assert_string_equal(e.text.ptr, "");
	err_release(&e);
}

static void wrong_use_is_known_by_its_number(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(err_usage(&e, "'%s' is %d of them", "api", 2), -1);
	assert_string_equal(e.text.ptr, "'api' is 2 of them");
	assert_int_equal(e.number, EINVAL);
	assert_int_equal(err_usage(NULL, "nobody listens"), -1);
	err_release(&e);
}

static void says_what_the_system_said(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(err_sys(&e, ENOENT, "cannot open '%s'", "x"), -1);
	assert_string_equal(e.text.ptr, "cannot open 'x': No such file or directory");
	assert_int_equal(e.number, ENOENT);
	err_release(&e);
	assert_int_equal(e.number, 0);
}

static void the_last_one_counts(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	err_sys(&e, EACCES, "first");
	err_set(&e, "second");
	assert_string_equal(e.text.ptr, "second");
	assert_int_equal(e.number, 0);
	err_release(&e);
}

static void gains_words_on_its_way_up(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	err_sys(&e, EACCES, "cannot open 'y'");
	assert_int_equal(err_prefix(&e, "env_file of '%s'", "api"), -1);
	assert_int_equal(err_prefix(&e, "%s", "100%"), -1);
	assert_string_equal(e.text.ptr, "100%: env_file of 'api': cannot open 'y': Permission denied");
	assert_int_equal(e.number, EACCES);
	err_release(&e);
}

static void needs_no_listener(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, "a"), -1);
	assert_int_equal(err_sys(NULL, ENOENT, "a"), -1);
	assert_int_equal(err_prefix(NULL, "a"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a failure carries its words", carries_words),
		PROMISE("what the system said stands at the end, with its number", says_what_the_system_said),
		PROMISE("wrong use is known by its number", wrong_use_is_known_by_its_number),
		PROMISE("a new failure replaces the one before", the_last_one_counts),
		PROMISE("a failure gains words on its way up and keeps its number",
			gains_words_on_its_way_up),
		PROMISE("a failure that nobody wants to hear of is still a failure", needs_no_listener),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}

/* Sets of processors as people and the kernel write them. */
#include "base/cpu_list.h"

#include <string.h>

#include "base/err.h"
#include "unit.h"

static void a_set_is_written_as_the_kernel_writes_it(void **state)
{
	static const struct {
		const char *written, *kept;
	} cases[] = {
		{ "0", "0" },
		{ "0-3,5", "0-3,5" },
		{ "5,0,1,2,3", "0-3,5" },
		{ "1,1,1-1", "1" },
		{ " 0 - 1 , 3 ", "0-1,3" },
		{ "62-65", "62-65" },
		{ "0-8191", "0-8191" },
		{ "0008191", "8191" },
	};
	struct cpu_list list;
	struct buf text = BUF_INIT;

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		buf_clear(&text);
		assert_int_equal(cpu_list_parse(cases[k].written, &list, NULL), 0);
		cpu_list_print(&list, &text);
		assert_string_equal(text.ptr, cases[k].kept);
	}
	buf_release(&text);
}

static void what_is_no_set_is_refused(void **state)
{
	static const struct {
		const char *written, *words;
	} cases[] = {
		{ "", "it names no processor" },
		{ "  ", "it names no processor" },
		{ ",", "expected the number of a processor at \",\"" },
		{ "0,", "it ends where the number of a processor should stand" },
		{ "0-", "it ends where the number of a processor should stand" },
		{ "-1", "expected the number of a processor at \"-1\"" },
		{ "all", "expected the number of a processor at \"all\"" },
		{ "0 1", "expected \",\" or \"-\" at \"1\"" },
		{ "0-3:2", "expected \",\" or \"-\" at \":2\"" },
		{ "3-1", "the range 3-1 is backwards" },
		{ "8192", "there is no processor 8192; no kernel has one above 8191" },
		{ "0-99999999999999999999",
			"there is no processor 99999999999999999999; no kernel has one above 8191" },
	};
	struct cpu_list list;

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct err e = ERR_INIT;

		assert_int_equal(cpu_list_parse(cases[k].written, &list, &e), -1);
		assert_string_equal(e.text.ptr, cases[k].words);
		err_release(&e);
	}
}

static void members_are_counted_in_a_circle(void **state)
{
	struct cpu_list list;
	struct cpu_list other;
	struct cpu_list none = { .words = { 0 } };

	(void)state;
	assert_int_equal(cpu_list_parse("1,63-64", &list, NULL), 0);
	assert_int_equal(cpu_list_count(&list), 3);
	assert_int_equal(cpu_list_nth(&list, 0), 1);
	assert_int_equal(cpu_list_nth(&list, 2), 64);
	assert_int_equal(cpu_list_nth(&list, 3), 1);
	assert_int_equal(cpu_list_nth(&list, 7), 63);
	assert_int_equal(cpu_list_nth(&none, 7), -1);
	assert_int_equal(cpu_list_parse("0-63", &other, NULL), 0);
	other = cpu_list_both(&list, &other);
	assert_int_equal(cpu_list_parse("1,63", &list, NULL), 0);
	assert_true(cpu_list_equal(&list, &other));
	assert_false(cpu_list_equal(&list, &none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a set is written as the kernel writes it", a_set_is_written_as_the_kernel_writes_it),
		PROMISE("what is no set is refused, with what is wrong", what_is_no_set_is_refused),
		PROMISE("behind the last member the first follows", members_are_counted_in_a_circle),
	};

	return cmocka_run_group_tests_name("cpu_list", tests, NULL, NULL);
}

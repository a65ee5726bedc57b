/* Patterns that would cost too much. */
#include "rules/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "unit.h"

static void lets_pass(void **state)
{
	static const char *const fine[] = { "error|warn", "^[]1-9\\]+$", "a{3}", "a{2,}b{1,20}", "\\{1000\\}",
		"[{9999}]", "x{", "\\\\", "", "[^]]{5}" };

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		assert_int_equal(pattern_check(fine[i], NULL), 0);
}

static void refuses(void **state)
{
	static const char *const dear[] = { "(a)\\1", "(a*)*\\2", "a{257}", "(a{20}){20}",
		"((a{1,9}){1,9}){1,9}", "a{1,99999999999999999999}" };
	struct err e = ERR_INIT;
	char *many = mem_zalloc(PATTERN_MAX + 2, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(dear) / sizeof(dear[0]); i++)
		assert_int_equal(pattern_check(dear[i], &e), -1);
	memset(many, 'a', PATTERN_MAX + 1);
	assert_int_equal(pattern_check(many, &e), -1);
	assert_non_null(strstr(e.text.ptr, "longer than"));
	mem_free(many);
	err_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a pattern as people write them may be run", lets_pass),
		PROMISE("back-references, large repetitions and very long patterns are refused", refuses),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}

/* Which patterns are plain text. */
#include "rules/pattern.h"

#include "unit.h"

static void plain(void **state)
{
	static const char *const texts[] = { "", "error", "GET /index", "a-b_c:d, e=\"f\" <g> #h!",
		"\xc3\xa9" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_true(pattern_is_plain(texts[i]));
}

static void not_plain(void **state)
{
	static const char *const patterns[] = { "a.b", "^a", "a$", "a|b", "(a)", "a*", "a+", "a?", "a{2}",
		"[a]", "a\\b", "a]", "a}" };

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		assert_false(pattern_is_plain(patterns[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a text without special characters is plain", plain),
		PROMISE("a pattern with any special character is not plain", not_plain),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}

/* Bytes as text. */
#include "base/base64.h"

#include <string.h>

#include "unit.h"

static void there_and_back(void **state)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfd", "//79" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf text = BUF_INIT;
		struct buf bytes = BUF_INIT;

		base64_write(&text, cases[i].bytes, strlen(cases[i].bytes));
		assert_string_equal(text.ptr, cases[i].text);
		assert_true(base64_read(&bytes, text.ptr));
		assert_string_equal(bytes.ptr, cases[i].bytes);
		buf_release(&text);
		buf_release(&bytes);
	}
}

static void refuses(void **state)
{
	static const char *const wrong[] = { "Zg", "Zg=", "Zg===", "Z g=", "Zm9v!", "=", "====" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf bytes = BUF_INIT;

		assert_false(base64_read(&bytes, wrong[i]));
		buf_release(&bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("bytes come back as they were", there_and_back),
		PROMISE("what is no base64 is refused", refuses),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}

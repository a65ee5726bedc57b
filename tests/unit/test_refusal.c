#include "model/refusal.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/strings.h"
#include "unit.h"

static void each_kind_has_a_code_of_its_own_and_a_sentence(void **state)
{
	(void)state;
	for (int k = 0; k < REFUSAL_KIND_COUNT; k++) {
		assert_non_null(refusal_code((enum refusal_kind)k));
		assert_true(strlen(refusal_doc((enum refusal_kind)k)) > 10);
		for (int other = 0; other < k; other++)
			assert_string_not_equal(
				refusal_code((enum refusal_kind)k), refusal_code((enum refusal_kind)other));
	}
	for (size_t f = 0; f < refusal_field_count(); f++) {
		bool is_used = false;

		for (int k = 0; k < REFUSAL_KIND_COUNT; k++)
			is_used |= refusal_has((enum refusal_kind)k, f);
		assert_true(is_used);
		assert_non_null(refusal_field_key(f));
		assert_non_null(refusal_field_doc(f));
	}
}

static void an_error_says_in_fields_what_its_words_are_about(void **state)
{
	struct err e = ERR_INIT;
	struct strings apps = { .items = NULL };

	(void)state;
	strings_add(&apps, "a");
	strings_add(&apps, "b \"quoted\"");
	strings_add(&apps, "a");
	assert_int_equal(refusal_set(&e, REFUSAL_OF(PORT_OVERLAP, .app = "web", .other = "api", .port = 3000),
				 "'%s' and '%s' both want port %d", "api", "web", 3000),
		-1);
	assert_string_equal(e.text.ptr, "'api' and 'web' both want port 3000");
	assert_string_equal(
		e.about.ptr, "{\"code\":\"port_overlap\",\"app\":\"web\",\"other\":\"api\",\"port\":3000}");
	assert_int_equal(e.number, 0);
	(void)refusal_set(&e, REFUSAL_OF(CIRCLE, .app = "a", .apps = &apps), "in a circle");
	assert_string_equal(e.about.ptr,
		"{\"code\":\"dependency_circle\",\"app\":\"a\",\"apps\":[\"a\",\"b \\\"quoted\\\"\",\"a\"]}");
	err_prefix(&e, "oxfile");
	assert_string_equal(e.text.ptr, "oxfile: in a circle");
	assert_non_null(strstr(e.about.ptr, "dependency_circle"));
	assert_int_equal(refusal_set(NULL, REFUSAL_OF(STOPPING), "nobody wants words"), -1);
	err_release(&e);
	strings_release(&apps);
}

static void what_is_not_known_or_no_field_of_its_kind_is_left_out(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	(void)refusal_set(&e, REFUSAL_OF(NO_TARGET, .target = "wbe", .port = 3000), "there is no 'wbe'");
	assert_string_equal(e.about.ptr, "{\"code\":\"no_target\",\"target\":\"wbe\"}");
	assert_int_equal(e.number, ENOENT);
	err_release(&e);
}

static void the_next_error_is_about_nothing_any_more(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	(void)refusal_set(&e, REFUSAL_OF(NOT_AN_APP, .app = "api"), "whole apps");
	assert_int_equal(e.number, EINVAL);
	(void)err_set(&e, "something else");
	assert_int_equal(e.about.len, 0);
	assert_int_equal(e.number, 0);
	(void)refusal_set(&e, REFUSAL_OF(STOPPING), "it stops");
	(void)err_sys(&e, ENOENT, "cannot open");
	assert_int_equal(e.about.len, 0);
	err_release(&e);
	assert_int_equal(e.about.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("each kind of refusal has a code of its own and a sentence, and each field a kind",
			each_kind_has_a_code_of_its_own_and_a_sentence),
		PROMISE("an error says in fields what its words are about",
			an_error_says_in_fields_what_its_words_are_about),
		PROMISE("what is not known, or no field of its kind, is left out",
			what_is_not_known_or_no_field_of_its_kind_is_left_out),
		PROMISE("the next error is about nothing any more", the_next_error_is_about_nothing_any_more),
	};

	return cmocka_run_group_tests_name("refusal", tests, NULL, NULL);
}

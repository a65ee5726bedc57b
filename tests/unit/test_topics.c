#include "view/topics.h"

#include <string.h>

#include "base/str.h"
#include "lines.h"
#include "model/fields.h"
#include "unit.h"

static void a_table_shows_its_keys(void **state)
{
	static const char *const words[] = { "limits", "resource_limits" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf out = BUF_INIT;

		assert_true(topics_know(words[i]));
		topics_print(&out, words[i], 80);
		assert_true(str_starts(out.ptr,
			"[processes.NAME.limits], also [processes.NAME.resource_limits]\n  memory_mb (also "));
		assert_non_null(
			strstr(out.ptr, "\n  nproc: a whole number; default 0\n      How many processes"));
		assert_null(strstr(out.ptr, "endpoint"));
		buf_release(&out);
	}
}

static void a_key_shows_itself(void **state)
{
	static const char *const words[] = { "nproc", "limits.nproc", "restart_delay_ms",
		"max_memory_restart" };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct buf out = BUF_INIT;

		assert_true(topics_know(words[i]));
		topics_print(&out, words[i], 80);
		assert_true(str_starts(out.ptr, "[processes.NAME"));
		buf_release(&out);
	}
	assert_false(topics_know("nproc2"));
	assert_false(topics_know(""));
}

static void every_key_is_in_the_list(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	topics_list(&out, 0);
	for (size_t i = 0; i < fields_count; i++) {
		const char *dot = strchr(fields[i].key, '.');

		assert_non_null(strstr(out.ptr, dot ? dot + 1 : fields[i].key));
	}
	assert_non_null(strstr(out.ptr, "\nhealth_check, also health\n  endpoint, tcp,"));
	buf_release(&out);
}

static void every_table_is_suggested(void **state)
{
	struct buf names = BUF_INIT;

	(void)state;
	topics_names(&names, " ");
	for (char *name = names.ptr + 1; *name;) {
		struct str_guess guess = { .typed = name };
		size_t len = strcspn(name, " ");
		bool is_last = !name[len];

		name[len] = '\0';
		assert_true(topics_know(name));
		topics_offer(&guess);
		assert_string_equal(guess.best, name);
		name += len + !is_last;
	}
	buf_release(&names);
}

static void no_line_is_wider(void **state)
{
	(void)state;
	for (size_t width = 40; width <= 200; width += 5) {
		struct buf out = BUF_INIT;

		topics_list(&out, width);
		topics_print(&out, "app", width);
		topics_print(&out, "deploy", width);
		lines_fit(out.ptr, width);
		buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a table's topic shows its keys, by each of its names", a_table_shows_its_keys),
		PROMISE("a key is a topic of its own, with its table or without, by each of its names",
			a_key_shows_itself),
		PROMISE("every key of the oxfile is in the list of topics", every_key_is_in_the_list),
		PROMISE("every table is known and can be suggested", every_table_is_suggested),
		PROMISE("no line is wider than the terminal", no_line_is_wider),
	};

	return cmocka_run_group_tests_name("topics", tests, NULL, NULL);
}

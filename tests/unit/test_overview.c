#include "view/overview.h"

#include "unit.h"

static const char *const groups[] = { "everyday", "looking", NULL };
static const struct overview_row rows[] = {
	{ 0, "start", "bring apps up" },
	{ 1, "status", "show instances" },
	{ 0, "stop", "stop apps or instances" },
	{ 0, "restart", "twenty six columns at most" },
};

static void reads(size_t width, const char *expected)
{
	struct buf out = BUF_INIT;

	overview_print(&out, groups, rows, sizeof(rows) / sizeof(rows[0]), width);
	assert_string_equal(out.ptr, expected);
	buf_release(&out);
}

static void two_columns(void **state)
{
	static const char wide[] = "everyday\n"
				   "  start       bring apps up             "
				   "  stop        stop apps or instances\n"
				   "  restart     twenty six columns at most\n"
				   "looking\n"
				   "  status      show instances\n";

	(void)state;
	reads(0, wide);
	reads(80, wide);
	reads(200, wide);
}

static void one_column(void **state)
{
	(void)state;
	reads(79,
		"everyday\n"
		"  start       bring apps up\n"
		"  stop        stop apps or instances\n"
		"  restart     twenty six columns at most\n"
		"looking\n"
		"  status      show instances\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("commands stand below their group, two in a line of 80 columns", two_columns),
		PROMISE("on a narrower terminal each command has a line", one_column),
	};

	return cmocka_run_group_tests_name("overview", tests, NULL, NULL);
}

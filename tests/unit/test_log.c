#include "base/log.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "unit.h"
static void catch_line(void *context, enum log_level level, const char *line, size_t len)
{
	assert_int_equal(strlen(line), len);
	buf_addf(context, "%s: %s|", log_level_name(level), line);
}

static void logs_nowhere_at_first(void **state)
{
	(void)state;
	log_error("nobody hears %s", "this");
	log_warn_sys(ENOENT, "nor this");
}

static void logs_from_a_level_up(void **state)
{
	struct buf caught = BUF_INIT;

	(void)state;
	log_to(catch_line, &caught, LOG_INFO);
	log_debug("a %d", 0);
	log_info("b %d", 1);
	log_warn("c");
	log_error("d %s", "e");
	assert_string_equal(caught.ptr, "info: b 1|warn: c|error: d e|");
	buf_clear(&caught);
	log_to(catch_line, &caught, LOG_DEBUG);
	log_debug("a");
	assert_string_equal(caught.ptr, "debug: a|");
	log_to(NULL, NULL, LOG_DEBUG);
	log_error("gone");
	assert_string_equal(caught.ptr, "debug: a|");
	buf_release(&caught);
}

static void says_what_the_system_said(void **state)
{
	struct buf caught = BUF_INIT;

	(void)state;
	log_to(catch_line, &caught, LOG_WARN);
	log_warn_sys(ENOENT, "cannot open '%s'", "x");
	assert_string_equal(caught.ptr, "warn: cannot open 'x': No such file or directory|");
	log_to(NULL, NULL, LOG_ERROR);
	buf_release(&caught);
}

static void forges_nothing(void **state)
{
	static const struct {
		const char *said, *logged;
	} rows[] = {
		{ "a\nb\r\tc", "info: a\\x0ab\\x0d\\x09c|" },
		{ "\x1b[2J\x7f", "info: \\x1b[2J\\x7f|" },
		{ "\xc2\x9b"
		  "2J",
			"info: \\xc2\\x9b2J|" },
		{ "\x9b\xff\xc3", "info: \\x9b\\xff\\xc3|" },
		{ "größe \xf0\x9f\x90\x82", "info: größe \xf0\x9f\x90\x82|" },
		{ "", "info: |" },
	};
	struct buf caught = BUF_INIT;

	(void)state;
	log_to(catch_line, &caught, LOG_INFO);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&caught);
		log_info("%s", rows[i].said);
		assert_string_equal(caught.ptr, rows[i].logged);
	}
	log_to(NULL, NULL, LOG_ERROR);
	buf_release(&caught);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("until somebody listens nothing is logged", logs_nowhere_at_first),
		PROMISE("lines below the level are not logged", logs_from_a_level_up),
		PROMISE("what the system said stands at the end", says_what_the_system_said),
		PROMISE("control characters are escaped, so that nobody forges a line", forges_nothing),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

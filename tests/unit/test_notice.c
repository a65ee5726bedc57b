#include "unit.h"

#include <string.h>

#include "wire/notice.h"

static bool say(struct notice *n, const char *text)
{
	return notice_read(n, text, strlen(text));
}

static void each_word(void **state)
{
	struct notice n;

	(void)state;
	assert_true(say(&n, "READY=1"));
	assert_true(n.is_ready && !n.is_reloading && !n.is_stopping && !n.has_status);
	assert_true(say(&n, "RELOADING=1\n"));
	assert_true(n.is_reloading && !n.is_ready);
	assert_true(say(&n, "STOPPING=1\nSTATUS=closes its connections"));
	assert_true(n.is_stopping);
	assert_string_equal(n.status, "closes its connections");
	assert_true(say(&n, "WATCHDOG=1"));
	assert_true(n.is_alive && !n.is_sick);
	assert_true(say(&n, "WATCHDOG=trigger"));
	assert_true(n.is_sick && !n.is_alive);
}

static void passed_over(void **state)
{
	struct notice n;

	(void)state;
	assert_false(say(&n, ""));
	assert_false(say(&n, "\n\n"));
	assert_false(say(&n, "READY=0"));
	assert_false(say(&n, "READY=11"));
	assert_false(say(&n, " READY=1"));
	assert_false(say(&n, "ready=1"));
	assert_false(say(&n, "MAINPID=1\nFDSTORE=1\nBARRIER=1\nX_MINE=2"));
	assert_true(say(&n, "MAINPID=1\nREADY=1\nX_MINE=2"));
	assert_true(n.is_ready);
	assert_false(notice_read(&n, "READY=1\0", 8));
}

static void times(void **state)
{
	struct notice n;

	(void)state;
	assert_true(say(&n, "EXTEND_TIMEOUT_USEC=2500000"));
	assert_int_equal(n.extend_ms, 2500);
	assert_true(say(&n, "EXTEND_TIMEOUT_USEC=1"));
	assert_int_equal(n.extend_ms, 1);
	assert_true(say(&n, "EXTEND_TIMEOUT_USEC=99999999999999999999999999999"));
	assert_int_equal(n.extend_ms, NOTICE_TIME_MAX_MS);
	assert_false(say(&n, "EXTEND_TIMEOUT_USEC=-5"));
	assert_false(say(&n, "EXTEND_TIMEOUT_USEC=0"));
	assert_false(say(&n, "EXTEND_TIMEOUT_USEC="));
	assert_false(say(&n, "EXTEND_TIMEOUT_USEC=5s"));
	assert_true(say(&n, "WATCHDOG_USEC=30000000"));
	assert_int_equal(n.watchdog_ms, 30000);
}

static void a_time_stays_said(void **state)
{
	struct notice n;

	(void)state;
	assert_true(say(&n, "WATCHDOG_USEC=30000000\nWATCHDOG_USEC=soon"));
	assert_int_equal(n.watchdog_ms, 30000);
	assert_true(say(&n, "EXTEND_TIMEOUT_USEC=1000\nEXTEND_TIMEOUT_USEC=0\nWATCHDOG_USEC="));
	assert_int_equal(n.extend_ms, 1);
	assert_int_equal(n.watchdog_ms, 0);
}

static void status_is_fit_to_print(void **state)
{
	struct notice n;
	char text[600];

	(void)state;
	assert_true(say(&n,
		"STATUS=a\x1b[2Jb\x80"
		"c"));
	assert_string_equal(n.status, "a?[2Jb?c");
	assert_true(say(&n, "STATUS="));
	assert_true(n.has_status);
	assert_string_equal(n.status, "");
	/* 2 bytes a character: the cut is not within one. */
	memcpy(text, "STATUS=x", 9);
	for (size_t i = 8; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "ü", 3);
	assert_true(say(&n, text));
	assert_int_equal(strlen(n.status), NOTICE_STATUS_MAX - 1);
	assert_string_equal(n.status + strlen(n.status) - 2, "ü");
}

static void too_long(void **state)
{
	static char text[NOTICE_MAX + 2] = "READY=1\n";
	struct notice n;

	(void)state;
	memset(text + 8, 'x', sizeof(text) - 9);
	assert_false(notice_read(&n, text, NOTICE_MAX + 1));
	assert_true(notice_read(&n, text, NOTICE_MAX));
}

static void channel_words(void **state)
{
	struct channel_line line = { .len = 0 };
	const char *text = "{\"cmd\":\"NODE_x\"}\n\"ready\"\n";
	bool is_ready = false;

	(void)state;
	assert_true(channel_feed(&line, text, strlen(text)));
	for (const char *at = text; *at; at++)
		is_ready |= channel_feed(&line, at, 1);
	assert_true(is_ready);
	assert_false(channel_feed(&line, "\"ready", 6));
	assert_false(channel_feed(&line, "\"", 1));
	assert_true(channel_feed(&line, "\n", 1));
}

static void channel_others(void **state)
{
	const char *const others[] = { "ready\n", "\"ready\" \n", "\"ready\"x\n", "{\"ready\":true}\n", "\n",
		"\"not ready\"\n", "\"ready\"", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"ready\"\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct channel_line line = { .len = 0 };

		assert_false(channel_feed(&line, others[i], strlen(others[i])));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("each word of sd_notify is understood", each_word),
		PROMISE("what is not understood is passed over, also beside what is", passed_over),
		PROMISE("times are milliseconds, bounded, and nothing else is a time", times),
		PROMISE("what is no time does not undo the one that was said before it", a_time_stays_said),
		PROMISE("a status is printable and is cut between characters", status_is_fit_to_print),
		PROMISE("of a datagram that is too long nothing counts", too_long),
		PROMISE("a line \"ready\" on Node's channel is heard, in whatever pieces it comes",
			channel_words),
		PROMISE("no other line on Node's channel means ready", channel_others),
	};

	return cmocka_run_group_tests_name("notice", tests, NULL, NULL);
}

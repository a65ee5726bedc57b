#include "view/detail.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/utc.h"
#include "model/snapshot.h"
#include "unit.h"
#include "view/timeline.h"

static struct json *parsed(const char *text)
{
	struct err e = ERR_INIT;
	struct json *j = json_parse(text, strlen(text), 1 << 20, &e);

	if (!j)
		fail_msg("%s: %s", text, e.text.ptr);
	err_release(&e);
	return j;
}

static void reads(const char *why, bool colour, const char *expected)
{
	struct timeline t = { .colour = colour };
	struct json *j = parsed(why);
	struct snapshot s = SNAPSHOT_INIT;
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	int64_t now = 0;

	assert_true(utc_parse("2026-11-20T13:00:00.000Z", &now));
	timeline_begin(&t, now);
	assert_int_equal(snapshot_from_why(j, &s, &e), 0);
	detail_render(&s, &t, &out);
	assert_string_equal(out.ptr, expected);
	json_free(j);
	snapshot_release(&s);
	buf_release(&out);
	err_release(&e);
}

static void tells_the_whole_story(void **state)
{
	(void)state;
	reads("{\"target\":\"api\",\"instances\":["
	      "{\"id\":\"api:0\",\"status\":\"running\",\"reason\":null,\"next_restart_ms\":null,\"restarts\":0,"
	      "\"crashes\":0,\"last_exit\":null,\"timeline\":["
	      "{\"at\":\"2026-11-19T12:00:00.000Z\",\"kind\":\"state\",\"from\":\"starting\",\"to\":\"running\","
	      "\"on\":\"ready\",\"words\":\"\"}]},"
	      "{\"id\":\"api:1\",\"status\":\"backoff\",\"reason\":\"exit code 3, crash 2\",\"next_restart_ms\":200,"
	      "\"restarts\":3,\"crashes\":2,"
	      "\"last_exit\":{\"code\":3,\"signal\":null,\"at\":\"2026-11-20T12:01:02.123Z\"},\"timeline\":["
	      "{\"at\":\"2026-11-20T12:01:02.123Z\",\"kind\":\"state\",\"from\":\"running\",\"to\":\"backoff\","
	      "\"on\":\"crash\",\"words\":\"exit code 3, crash 2\"}]}]}",
		false,
		"api:0: running\n"
		"  0 restarts, 0 crashes\n"
		"  2026-11-19\n"
		"  12:00:00.000  starting -> running  on ready\n"
		"\n"
		"api:1: backoff, next start in 200 ms\n"
		"  exit code 3, crash 2\n"
		"  3 restarts, 2 crashes in a row, last exit with code 3 at 12:01:02.123\n"
		"  12:01:02.123  running -> backoff  on crash  exit code 3, crash 2\n");
}

static void of_a_shared_port_the_hook_is_named(void **state)
{
	(void)state;
	reads("{\"instances\":[{\"id\":\"a:0\",\"status\":\"running\",\"restarts\":0,\"crashes\":0}],"
	      "\"gates\":[{\"app\":\"a\",\"port\":3000,\"hook\":\"seccomp\",\"setuid\":true}]}",
		false,
		"a: its instances share port 3000\n"
		"  gate seccomp: the kernel tells when an instance listens\n"
		"\n"
		"a:0: running\n"
		"  0 restarts, 0 crashes\n");
	reads("{\"instances\":[{\"id\":\"a:0\",\"status\":\"running\",\"restarts\":0,\"crashes\":0}],"
	      "\"gates\":[{\"app\":\"a\",\"port\":3000,\"hook\":\"preload\",\"setuid\":true,\"why\":\"it fits\"}]}",
		false,
		"a: its instances share port 3000\n"
		"  gate preload: it fits\n"
		"\n"
		"a:0: running\n"
		"  0 restarts, 0 crashes\n");
	reads("{\"instances\":[{\"id\":\"a:0\",\"status\":\"running\",\"restarts\":0,\"crashes\":0}],"
	      "\"gates\":[{\"app\":\"a\",\"port\":3000,\"hook\":\"new\",\"setuid\":false}]}",
		false,
		"a: its instances share port 3000\n"
		"  gate new\n"
		"  no_new_privs is set: setuid programs such as sudo do not work in it\n"
		"\n"
		"a:0: running\n"
		"  0 restarts, 0 crashes\n");
}

static void a_signal_is_named(void **state)
{
	(void)state;
	reads("{\"instances\":[{\"id\":\"a:0\",\"status\":\"stopped\",\"restarts\":1,\"crashes\":1,"
	      "\"last_exit\":{\"code\":null,\"signal\":\"SIGKILL\",\"at\":\"2026-11-19T12:01:02.123Z\"}}]}",
		false,
		"a:0: stopped\n"
		"  1 restart, 1 crash, last exit by SIGKILL at 2026-11-19 12:01:02.123\n");
}

static void a_spare_that_is_gone_is_told_with_its_age(void **state)
{
	(void)state;
	reads("{\"instances\":[{\"id\":\"a:2\",\"status\":\"stopped\",\"gone_secs\":65}]}", false,
		"a:2 (a spare): removed 1m 05s ago\n"
		"  0 restarts, 0 crashes\n");
	reads("{\"instances\":[{\"id\":\"a:2\",\"status\":\"stopped\",\"gone_secs\":0}]}", false,
		"a:2 (a spare): removed a moment ago\n"
		"  0 restarts, 0 crashes\n");
}

static void an_unseen_exit_is_told_as_that(void **state)
{
	(void)state;
	reads("{\"instances\":[{\"id\":\"a:0\",\"status\":\"running\",\"restarts\":1,\"crashes\":0,"
	      "\"last_exit\":{\"code\":null,\"signal\":null,\"at\":\"2026-11-19T12:01:02.123Z\"}}]}",
		false,
		"a:0: running\n"
		"  1 restart, 0 crashes, last exit unseen, before 2026-11-19 12:01:02.123\n");
}

static void states_have_colours(void **state)
{
	(void)state;
	reads("{\"instances\":[{\"id\":\"a:0\",\"status\":\"crashed\"}]}", true,
		"\033[1ma:0\033[0m: \033[31mcrashed\033[0m\n"
		"  0 restarts, 0 crashes\n");
}

static void nobody_is_told(void **state)
{
	(void)state;
	reads("{\"instances\":[]}", false, "nothing to tell: it has no instance\n");
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = { "{}", "[]", "{\"instances\":{}}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json *j = parsed(texts[i]);
		struct snapshot s = SNAPSHOT_INIT;
		struct err e = ERR_INIT;

		assert_int_equal(snapshot_from_why(j, &s, &e), -1);
		assert_string_equal(e.text.ptr, "the answer has no 'instances'");
		json_free(j);
		snapshot_release(&s);
		err_release(&e);
	}
}

static void odd_members_are_survived(void **state)
{
	(void)state;
	reads("{\"instances\":[1,{\"id\":5,\"last_exit\":{},\"timeline\":[1,{\"at\":7}],\"restarts\":\"x\"}]}",
		false,
		": \n  0 restarts, 0 crashes\n"
		"\n"
		": \n  0 restarts, 0 crashes, last exit with code 0 at ?\n"
		"  --:--:--.---\n"
		"  --:--:--.---\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("an exit that no daemon saw is shown as that", an_unseen_exit_is_told_as_that),
		PROMISE("a spare that is gone says how long ago that was",
			a_spare_that_is_gone_is_told_with_its_age),
		PROMISE("each instance tells what it is, why, its counts and its past",
			tells_the_whole_story),
		PROMISE("of instances that share a port it says how it is known that they listen, and what that takes away",
			of_a_shared_port_the_hook_is_named),
		PROMISE("an end by signal is named, with its day if that is not today", a_signal_is_named),
		PROMISE("names and states have their colours", states_have_colours),
		PROMISE("an app without instances says so", nobody_is_told),
		PROMISE("an answer of another shape is refused with words", nonsense_is_refused),
		PROMISE("members of another type are shown as missing, never a crash",
			odd_members_are_survived),
	};

	return cmocka_run_group_tests_name("detail", tests, NULL, NULL);
}

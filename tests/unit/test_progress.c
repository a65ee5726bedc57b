/*
 * A deploy as people see it: lines one after the other, and a picture.
 */
#include "unit.h"

#include <string.h>

#include "base/json.h"
#include "model/event_record.h"
#include "view/progress.h"

static struct json *event(const char *text)
{
	struct json *j = json_parse(text, strlen(text), 4096, NULL);

	assert_non_null(j);
	return j;
}

static void hear(struct progress *p, const char *text, int64_t now)
{
	struct json *j = event(text);
	struct event_record record;

	event_record_read(j, &record);
	progress_hear(p, &record, now);
	json_free(j);
}

static void assert_line(const char *text, const char *line)
{
	struct json *j = event(text);
	struct event_record record;
	struct buf out = BUF_INIT;

	event_record_read(j, &record);
	progress_line(&record, &out);
	assert_string_equal(out.ptr, line);
	buf_release(&out);
	json_free(j);
}

static void each_step_is_a_line(void **state)
{
	(void)state;
	assert_line(
		"{\"kind\":\"rollout\",\"app\":\"api\",\"instance\":null,\"phase\":\"proof\",\"step\":null,"
		"\"why\":\"the new revision proves itself\",\"revision\":7,\"elapsed_ms\":40}",
		"    0.0 s  api: revision 7: the new revision proves itself\n");
	assert_line(
		"{\"kind\":\"rollout\",\"app\":\"api\",\"instance\":4,\"id\":12,\"step\":\"starts\",\"spare\":true,"
		"\"elapsed_ms\":12340}",
		"   12.3 s  api:4 (a spare): starting\n");
	assert_line("{\"kind\":\"state\",\"app\":\"api\",\"instance\":1,\"on\":\"crash\",\"to\":\"backoff\","
		    "\"why\":\"exit code 1\\nError: boom\"}",
		"           api:1: exit code 1\n");
	assert_line(
		"{\"kind\":\"state\",\"app\":\"api\",\"instance\":1,\"on\":\"give-up\",\"to\":\"crashed\","
		"\"why\":\"exit code 1\"}",
		"           api:1: exit code 1\n");
	/* The verdict is in the answer, what goes well is a step, and the rest is somebody else's. */
	assert_line(
		"{\"kind\":\"rollout\",\"app\":\"api\",\"instance\":null,\"step\":\"over\",\"why\":\"done\"}",
		"");
	assert_line("{\"kind\":\"state\",\"app\":\"api\",\"instance\":1,\"on\":\"ready\",\"to\":\"running\"}",
		"");
	assert_line("{}", "");
}

static void the_picture_has_a_bar_and_a_line_a_slot(void **state)
{
	struct progress p = PROGRESS_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	assert_false(progress_has_any(&p));
	hear(&p, "{\"kind\":\"state\",\"app\":\"other\",\"instance\":0,\"to\":\"running\"}", 900);
	hear(&p,
		"{\"kind\":\"rollout\",\"app\":\"api\",\"instance\":null,\"phase\":\"replace\",\"step\":null,"
		"\"why\":\"replacing instances\",\"revision\":2,\"done\":0,\"total\":2,\"elapsed_ms\":1000}",
		2000);
	hear(&p,
		"{\"kind\":\"rollout\",\"app\":\"api\",\"instance\":2,\"step\":\"done\",\"spare\":true,\"to\":\"running\","
		"\"done\":0,\"total\":2}",
		2000);
	hear(&p,
		"{\"kind\":\"rollout\",\"app\":\"api\",\"instance\":0,\"step\":\"done\",\"spare\":false,\"to\":\"running\","
		"\"done\":1,\"total\":2}",
		3000);
	hear(&p, "{\"kind\":\"state\",\"app\":\"api\",\"instance\":1,\"to\":\"running\"}", 3000);
	progress_render(&p, 4500, &out, 0, false);
	assert_string_equal(out.ptr,
		"api  [##########----------] 1 of 2, revision 2, replacing instances  3.5 s\n"
		"  api:0            done     1.5 s  running\n"
		"  api:1            waiting      -  running\n"
		"  api:2 (a spare)  done     2.5 s  running\n");
	hear(&p,
		"{\"kind\":\"rollout\",\"app\":\"api\",\"instance\":2,\"step\":\"gone\",\"spare\":true,\"to\":\"stopped\","
		"\"done\":2,\"total\":2}",
		5000);
	buf_clear(&out);
	progress_render(&p, 5000, &out, 30, false);
	assert_null(strstr(out.ptr, "api:2"));
	assert_non_null(strstr(out.ptr, "[####################]"));
	buf_release(&out);
	progress_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("each step, and what goes wrong, is a line", each_step_is_a_line),
		PROMISE("the picture has a bar and a line a slot, and no spare that is gone",
			the_picture_has_a_bar_and_a_line_a_slot),
	};

	return cmocka_run_group_tests_name("view: progress", tests, NULL, NULL);
}

/* A herd that is read from a store: an older one that names less, and a damaged one. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "fake_effects.h"
#include "model/reason.h"
#include "model/wait_result.h"
#include "unit.h"

/* A store with everything that has a range. */
static const char full[] =
	"{\"version\":1,\"now\":1000000,\"generation\":3,\"slot\":2,\"rollouts\":1,\"apps\":[{"
	"\"app\":{\"name\":\"api\",\"spec\":{}},\"revision\":1,\"port_source\":1,\"ports\":[3000],"
	"\"count\":1,\"scaled\":-1,\"target\":2,\"arrival\":1,"
	"\"rollout\":{\"number\":1,\"phase\":\"replace\",\"kind\":0,\"to\":2,\"count\":1,\"back_count\":2,\"back_scaled\":-1},"
	"\"revisions\":[{\"app\":{\"name\":\"api\",\"spec\":{}},\"revision\":2,\"port_source\":1,\"ports\":[3001]}],"
	"\"instances\":["
	"{\"number\":0,\"slot\":1,\"generation\":2,\"state\":\"running\",\"phase\":\"up\",\"leave\":\"none\",\"revision\":1},"
	"{\"number\":1,\"slot\":2,\"generation\":3,\"state\":\"backoff\",\"phase\":\"none\",\"revision\":1,"
	"\"life\":{\"kind\":\"backoff\",\"ms\":500}}]}]}";

/* `text` with its first `from` replaced by `to`. */
static char *changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	struct buf out = BUF_INIT;

	if (!at)
		fail_msg("'%s' is not in the store", from);
	buf_add(&out, text, (size_t)(at - text));
	buf_adds(&out, to);
	buf_adds(&out, at + strlen(from));
	return buf_detach(&out);
}

/* Written again as it was read; NULL: it was refused, with the reason in `e`. */
static char *read_back(const char *text, struct err *e)
{
	struct fake f;
	struct herd_options options = fake_options(&f);
	struct json *j = json_parse(text, strlen(text), 100000, NULL);
	struct buf out = BUF_INIT;
	struct herd *h = NULL;

	assert_non_null(j);
	fake_init(&f);
	h = herd_from_json(j, &options, f.now, e);
	if (h)
		herd_write(h, &out);
	herd_free(h);
	json_free(j);
	fake_release(&f);
	return h ? buf_detach(&out) : NULL;
}

static void is_refused(const char *from, const char *to, const char *why)
{
	struct err e = ERR_INIT;
	char *text = changed(full, from, to);
	char *read = read_back(text, &e);

	if (read)
		fail_msg("read, with %s", to);
	if (!strstr(e.text.ptr, why))
		fail_msg("%s: %s", to, e.text.ptr);
	err_release(&e);
	mem_free(text);
}

static void is_read(const char *from, const char *to)
{
	struct err e = ERR_INIT;
	char *text = changed(full, from, to);
	char *read = read_back(text, &e);

	/* And it is what was written. */
	if (!read || !strstr(read, to))
		fail_msg("not kept: %s in %s", to, read ? read : e.text.ptr);
	mem_free(read);
	err_release(&e);
	mem_free(text);
}

static void reads_as(const char *text, const char *golden)
{
	struct err e = ERR_INIT;
	char *read = read_back(text, &e);

	if (!read)
		fail_msg("%s", e.text.ptr);
	assert_string_equal(read, golden);
	mem_free(read);
	err_release(&e);
}

static void numbers_have_a_range(void **state)
{
	(void)state;
	is_refused("\"version\":1", "\"version\":2", "version");
	is_refused("\"count\":1,\"scaled\"", "\"count\":-1,\"scaled\"", "'api' makes no sense");
	is_refused("\"count\":1,\"scaled\"", "\"count\":10001,\"scaled\"", "'api' makes no sense");
	is_read("\"count\":1,\"scaled\"", "\"count\":0,\"scaled\"");
	is_read("\"count\":1,\"scaled\"", "\"count\":10000,\"scaled\"");
	is_refused("\"scaled\":-1", "\"scaled\":-2", "'api' makes no sense");
	is_refused("\"scaled\":-1", "\"scaled\":10001", "'api' makes no sense");
	is_read("\"scaled\":-1", "\"scaled\":10000");
	is_refused("\"port_source\":1", "\"port_source\":-1", "the ports of 'api' make no sense");
	is_refused("\"port_source\":1", "\"port_source\":4", "the ports of 'api' make no sense");
	is_read("\"port_source\":1", "\"port_source\":3");
	is_refused("[3000]", "[-1]", "a port of 'api' makes no sense");
	is_refused("[3000]", "[65536]", "a port of 'api' makes no sense");
	is_refused("[3000]", "[\"x\"]", "a port of 'api' makes no sense");
	is_read("[3000]", "[65535]");
	is_read("[3000]", "[0]");
	is_refused("\"number\":0", "\"number\":-1", "an instance of 'api' makes no sense");
	is_refused("\"number\":0", "\"number\":10000", "an instance of 'api' makes no sense");
	is_read("\"number\":1,\"slot\":2", "\"number\":9999,\"slot\":2");
	is_refused("\"slot\":1", "\"slot\":0", "an instance of 'api' makes no sense");
	is_refused("\"slot\":1", "\"slot\":4294967296", "an instance of 'api' makes no sense");
	is_read("\"slot\":2,\"generation\":3", "\"slot\":4294967295,\"generation\":3");
	is_refused("\"ms\":500", "\"ms\":-1", "a timer makes no sense");
	is_read("\"ms\":500", "\"ms\":0");
}

static void nothing_is_there_twice(void **state)
{
	(void)state;
	is_refused(
		"\"number\":1,\"slot\":2", "\"number\":0,\"slot\":2", "an instance of 'api' makes no sense");
	is_refused(
		"\"number\":1,\"slot\":2", "\"number\":1,\"slot\":1", "an instance of 'api' makes no sense");
	is_refused("{\"name\":\"api\",\"spec\":{}},\"revision\":2",
		"{\"name\":\"web\",\"spec\":{}},\"revision\":2", "a revision of 'api' makes no sense");
	is_refused("\"backoff\",\"ms\":500}}]}]}",
		"\"backoff\",\"ms\":500}}]},{\"app\":{\"name\":\"api\",\"spec\":{}},\"count\":0}]}",
		"'api' makes no sense");
}

static void a_rollout_has_its_ranges(void **state)
{
	(void)state;
	is_refused("\"kind\":0", "\"kind\":-1", "the rollout of 'api' makes no sense");
	is_refused("\"kind\":0", "\"kind\":3", "the rollout of 'api' makes no sense");
	is_read("\"kind\":0", "\"kind\":1");
	is_read("\"kind\":0", "\"kind\":2");
	is_refused("\"to\":2,\"count\":1", "\"to\":2,\"count\":-1", "the rollout of 'api' makes no sense");
	is_refused("\"to\":2,\"count\":1", "\"to\":2,\"count\":10001", "the rollout of 'api' makes no sense");
	is_read("\"to\":2,\"count\":1", "\"to\":2,\"count\":0");
	is_read("\"to\":2,\"count\":1", "\"to\":2,\"count\":10000");
	is_refused("\"back_count\":2", "\"back_count\":-1", "the rollout of 'api' makes no sense");
	is_refused("\"back_count\":2", "\"back_count\":10001", "the rollout of 'api' makes no sense");
	is_read("\"back_count\":2", "\"back_count\":0");
	is_refused("\"back_scaled\":-1", "\"back_scaled\":-2", "the rollout of 'api' makes no sense");
	is_refused("\"back_scaled\":-1", "\"back_scaled\":10001", "the rollout of 'api' makes no sense");
	is_read("\"back_scaled\":-1", "\"back_scaled\":10000");
	is_refused("\"phase\":\"replace\"", "\"phase\":\"dance\"", "the rollout of 'api' makes no sense");
}

static void a_word_is_known_or_refused(void **state)
{
	(void)state;
	is_refused("\"state\":\"running\"", "\"state\":\"dancing\"", "'api:0' is in no state");
	is_refused("\"phase\":\"up\"", "\"phase\":\"down\"", "'api:0' is in no state");
	is_refused("\"leave\":\"none\"", "\"leave\":\"slowly\"", "'api:0' is in no state");
	is_refused("\"kind\":\"backoff\"", "\"kind\":\"tea\"", "a timer makes no sense");
	is_refused("\"life\"", "\"tree\":{\"kind\":\"tea\",\"ms\":1},\"life\"", "a timer makes no sense");
	is_refused("\"life\"", "\"grace\":{\"kind\":\"tea\",\"ms\":1},\"life\"", "a timer makes no sense");
	is_read("\"leave\":\"none\"", "\"leave\":\"drain\"");
	is_read("\"kind\":\"backoff\"", "\"kind\":\"delay\"");
	is_read("\"backoff\",\"phase\":\"none\"", "\"backoff\",\"phase\":\"leftovers\"");
	/* What runs has its main process. */
	is_refused("\"phase\":\"up\"", "\"phase\":\"leftovers\"", "'api:0' is in no state");
}

/* What a store of the first builds had, and no more. */
static const char least[] =
	"{\"version\":1,\"apps\":[{\"app\":{\"name\":\"api\",\"spec\":{}},\"count\":1,"
	"\"rollout\":{\"phase\":\"replace\",\"count\":1,\"back_count\":1},"
	"\"instances\":[{\"number\":0,\"slot\":1,\"state\":\"crashed\",\"phase\":\"none\",\"recent\":[7,5],"
	"\"life\":{\"kind\":\"backoff\"},\"last_exit\":{}}],"
	"\"gone\":[{\"number\":3,\"slot\":4,\"gone_ms\":60}]}],"
	"\"receipts\":[{\"key\":\"k\",\"requests\":[{\"waits\":[{\"slot\":1}],\"rollouts\":[{}]}]}]}";

static void what_is_not_named_is_nothing(void **state)
{
	(void)state;
	reads_as(least,
		"{\"version\":1,\"now\":1000000,\"generation\":0,\"slot\":1,\"rollouts\":0,"
		"\"apps\":[{\"app\":{\"name\":\"api\",\"oxfile\":null,\"folder\":null,\"spec\":{}},"
		"\"revision\":1,\"port_source\":0,\"ports\":[],\"count\":1,\"scaled\":-1,\"wants_up\":false,"
		"\"is_leaving\":false,\"arrival\":1,\"target\":1,\"rollout\":{\"number\":0,"
		"\"phase\":\"replace\",\"kind\":0,\"to\":1,\"count\":1,\"back_count\":1,\"back_scaled\":-1,"
		"\"is_told_on\":false,\"is_aborted\":false,\"began_ms\":0,\"progress_ms\":0,"
		"\"failure\":\"\"},\"last_revision\":1,\"revisions\":[],\"instances\":[{\"number\":0,"
		"\"slot\":1,\"generation\":0,\"state\":\"crashed\",\"phase\":\"none\",\"revision\":1,"
		"\"started_ms\":0,\"life\":{\"kind\":\"backoff\",\"ms\":0},\"recent\":[7,5],"
		"\"last_exit\":{\"code\":0,\"signal\":0,\"at\":0}}],\"gone\":[{\"gone_ms\":60,\"number\":3,"
		"\"slot\":4,\"generation\":0,\"state\":\"stopped\",\"phase\":\"none\",\"revision\":1,"
		"\"started_ms\":0}]}],\"receipts\":[{\"key\":\"k\",\"text\":\"\",\"words\":\"\","
		"\"has_failed\":false,\"age_ms\":0,\"requests\":[{\"is_patient\":false,\"failed\":0,"
		"\"words\":\"\",\"waits\":[{\"slot\":1,\"goal\":0,\"generation\":0}],"
		"\"rollouts\":[{\"rollout\":0,\"any_end\":false}]}]}]}");
}

static void a_start_is_by_what_asked_for_it(void **state)
{
	char *retry = changed(full, "\"state\":\"backoff\"", "\"start_by\":10,\"state\":\"backoff\"");
	char *reset = changed(full, "\"state\":\"backoff\"", "\"start_by\":11,\"state\":\"backoff\"");
	char *odd = changed(full, "\"state\":\"backoff\"", "\"start_by\":4,\"state\":\"backoff\"");
	struct err e = ERR_INIT;
	char *read = NULL;

	(void)state;
	read = read_back(retry, &e);
	assert_non_null(strstr(read, "\"start_by\":10,"));
	mem_free(read);
	read = read_back(reset, &e);
	assert_non_null(strstr(read, "\"start_by\":11,"));
	mem_free(read);
	/* Nothing starts because something else was unhealthy. */
	read = read_back(odd, &e);
	assert_null(strstr(read, "start_by"));
	mem_free(read);
	mem_free(retry);
	mem_free(reset);
	mem_free(odd);
	err_release(&e);
}

static void ages_count_from_when_it_was_saved(void **state)
{
	char *aged = changed(full, "\"state\":\"backoff\"", "\"started_ms\":5,\"state\":\"backoff\"");
	char *later = changed(aged, "\"now\":1000000", "\"now\":999900");
	char *set_back = changed(aged, "\"now\":1000000", "\"now\":9000000");
	struct err e = ERR_INIT;
	char *read = read_back(later, &e);

	(void)state;
	assert_non_null(strstr(read, "\"started_ms\":105,"));
	assert_non_null(strstr(read, "\"life\":{\"kind\":\"backoff\",\"ms\":400}"));
	mem_free(read);
	/* The machine was started anew, and its clock with it. */
	read = read_back(set_back, &e);
	assert_non_null(strstr(read, "\"started_ms\":5,"));
	assert_non_null(strstr(read, "\"life\":{\"kind\":\"backoff\",\"ms\":500}"));
	mem_free(read);
	mem_free(aged);
	mem_free(later);
	mem_free(set_back);
	err_release(&e);
}

static void what_waits_for_a_rollout_that_is_no_more_is_over(void **state)
{
	char *alone = changed(least, "\"waits\":[{\"slot\":1}],", "");
	char *text = changed(alone, "\"rollouts\":[{}]", "\"rollouts\":[{\"rollout\":99}]");
	struct fake f;
	struct herd_options options = fake_options(&f);
	struct json *j = json_parse(text, strlen(text), 100000, NULL);
	struct herd_receipt receipt = { .is_done = false };

	(void)state;
	fake_init(&f);
	herd_free(f.h);
	f.h = herd_from_json(j, &options, f.now, NULL);
	assert_non_null(f.h);
	assert_true(herd_receipt_find(f.h, "k", &receipt));
	assert_false(receipt.is_done);
	herd_resume(f.h, f.now);
	assert_true(herd_receipt_find(f.h, "k", &receipt));
	assert_true(receipt.is_done);
	assert_true(receipt.results->is_ok);
	json_free(j);
	mem_free(text);
	mem_free(alone);
	fake_release(&f);
}

static void what_was_asked_is_kept(void **state)
{
	static const char asked[] =
		"\"receipts\":[{\"key\":\"k\",\"text\":\"{}\",\"words\":\"api:1 was stopped\",\"has_failed\":true,"
		"\"age_ms\":70,\"requests\":[{\"is_patient\":true,\"failed\":2,\"words\":\"web:0 crashed\","
		"\"waits\":[{\"slot\":1,\"goal\":2,\"generation\":5}],\"rollouts\":[{\"rollout\":3,\"any_end\":true}]}]}]}";
	static const char kept[] =
		"\"receipts\":[{\"key\":\"k\",\"text\":\"{}\",\"words\":\"api:1 was stopped\","
		"\"results\":[{\"ok\":false,\"reason\":{\"code\":\"other\",\"text\":\"api:1 was stopped\"}}],"
		"\"has_failed\":true,\"age_ms\":70,\"requests\":[{\"is_patient\":true,\"failed\":2,"
		"\"words\":\"web:0 crashed\","
		"\"results\":[{\"ok\":false,\"reason\":{\"code\":\"other\",\"text\":\"web:0 crashed\"}}],"
		"\"waits\":[{\"slot\":1,\"goal\":2,\"generation\":5}],\"rollouts\":[{\"rollout\":3,\"any_end\":true}]}]}]}";
	const char *rest = strstr(least, "\"receipts\"");
	char *text = changed(least, rest, asked);
	struct err e = ERR_INIT;
	char *read = read_back(text, &e);
	char *again = NULL;

	(void)state;
	assert_non_null(read);
	assert_string_equal(strstr(read, "\"receipts\""), kept);
	again = read_back(read, &e);
	assert_string_equal(again, read);
	mem_free(again);
	mem_free(read);
	mem_free(text);
	err_release(&e);
}

/* Version 0.1.0 has the verdict of a deploy as words alone, and reads nothing else. */
static void an_old_verdict_says_the_same(void **state)
{
	static const char words[] =
		"\"verdict\":\"api: revision 2 is not deployed: api:1: ended with exit code 1; it went back, 1 of 1 "
		"instance runs revision 1\\n    no disk\\n    bye\",\"is_verdict_ok\":false,";
	char *text = changed(least, "\"rollout\":", "\"no_rollout\":");
	char *old = NULL;
	struct buf member = BUF_INIT;
	struct err e = ERR_INIT;
	char *read = NULL;
	char *again = NULL;

	(void)state;
	buf_addf(&member, "%s\"count\":", words);
	old = changed(text, "\"count\":", member.ptr);
	read = read_back(old, &e);
	assert_non_null(read);
	assert_non_null(strstr(read, words));
	assert_non_null(strstr(read, "\"lines\":\"\\nno disk\\nbye\""));
	again = read_back(read, &e);
	assert_string_equal(again, read);
	mem_free(again);
	mem_free(read);
	mem_free(old);
	mem_free(text);
	buf_release(&member);
	err_release(&e);
}

static void an_old_failure_says_the_same(void **state)
{
	static const char words[] = "\"failure\":\"api:1: ended with exit code 1\\n    no disk\"";
	struct buf member = BUF_INIT;
	struct err e = ERR_INIT;
	char *old = NULL;
	char *read = NULL;
	char *again = NULL;

	(void)state;
	buf_addf(&member, "\"rollout\":{%s,", words);
	old = changed(full, "\"rollout\":{", member.ptr);
	read = read_back(old, &e);
	assert_non_null(read);
	assert_non_null(strstr(read, words));
	assert_non_null(strstr(
		read, "\"failure_reason\":{\"code\":\"other\",\"text\":\"api:1: ended with exit code 1\"}"));
	assert_non_null(strstr(read, "\"failure_lines\":\"\\nno disk\""));
	again = read_back(read, &e);
	assert_string_equal(again, read);
	mem_free(again);
	mem_free(read);
	mem_free(old);
	buf_release(&member);
	err_release(&e);
}

/* Else a process of before could be taken for one of now. */
static void the_last_number_of_a_process_is_kept(void **state)
{
	static const char *const numbers[] = { "\"generation\":1,", "\"generation\":9007199254740991," };
	struct err e = ERR_INIT;

	(void)state;
	for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
		char *text =
			changed("{\"version\":1,\"now\":1000000,\"generation\":0,\"slot\":1,\"apps\":[]}",
				"\"generation\":0,", numbers[k]);
		char *read = read_back(text, &e);

		assert_non_null(read);
		assert_non_null(strstr(read, numbers[k]));
		mem_free(read);
		mem_free(text);
	}
	err_release(&e);
}

/* As `full` with that in it is taken over and let go, and nothing ends the test. */
static void lives_with(const char *from, const char *to)
{
	/* Without its rollout, which would be in the way of limits. */
	char *rested = changed(full, "\"rollout\":", "\"was\":");
	char *text = changed(rested, from, to);
	struct json *j = json_parse(text, strlen(text), 100000, NULL);
	struct fake f;
	struct herd_options options;
	struct herd_live live = { .ticket = { 1, 2 }, .name = "api:0", .pid = 1 };

	fake_init(&f);
	options = fake_options(&f);
	herd_free(f.h);
	f.h = herd_from_json(j, &options, f.now, NULL);
	assert_non_null(f.h);
	if (herd_adopt(f.h, &live, f.now))
		herd_over_limit(f.h, live.ticket, &REASON_OF(OTHER, .text = "too big"), f.now);
	herd_resume(f.h, f.now);
	herd_over_limit(f.h, live.ticket, &REASON_OF(OTHER, .text = "too big"), f.now);
	for (int k = 0; k < 60; k++) {
		f.now += 1000;
		herd_timer(f.h, f.now);
	}
	json_free(j);
	fake_release(&f);
	mem_free(text);
	mem_free(rested);
}

static void what_does_not_go_together_is_left_out(void **state)
{
	(void)state;
	lives_with("\"leave\":\"none\"", "\"is_failing\":true,\"wants_up\":true");
	lives_with("\"state\":\"backoff\",\"phase\":\"none\",\"revision\":1,\"life\":{\"kind\":\"backoff\"",
		"\"state\":\"starting\",\"phase\":\"checking\",\"wants_up\":true,\"life\":{\"kind\":\"alive\"");
	lives_with("\"state\":\"backoff\",\"phase\":\"none\",\"revision\":1,\"life\":{\"kind\":\"backoff\"",
		"\"state\":\"starting\",\"phase\":\"delayed\",\"wants_up\":true,\"life\":{\"kind\":\"never-ready\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a number in a store that is out of its range is an error with its app's name",
			numbers_have_a_range),
		PROMISE("a rollout in a store whose numbers make no sense is an error with its app's name",
			a_rollout_has_its_ranges),
		PROMISE("an app, an instance or a slot that is twice in a store is an error",
			nothing_is_there_twice),
		PROMISE("a word in a store that is not known is an error, and one that is known is kept",
			a_word_is_known_or_refused),
		PROMISE("what an older store does not name is none, zero or the current revision",
			what_is_not_named_is_nothing),
		PROMISE("a start that a store holds is by a start, a retry or a reset, and by nothing else",
			a_start_is_by_what_asked_for_it),
		PROMISE("ages and remaining times count from when the store was written, or from now after a new boot",
			ages_count_from_when_it_was_saved),
		PROMISE("what waits for a rollout that the store does not know is over, and did not fail",
			what_waits_for_a_rollout_that_is_no_more_is_over),
		PROMISE("what was asked, what came of it and what it still waits for is read as it was written",
			what_was_asked_is_kept),
		PROMISE("a verdict of version 0.1.0 says the same, and is kept as words too",
			an_old_verdict_says_the_same),
		PROMISE("why a deploy of version 0.1.0 failed says the same, and is kept as words too",
			an_old_failure_says_the_same),
		PROMISE("the number of the last process is kept, also where no app is left",
			the_last_number_of_a_process_is_kept),
		PROMISE("flags and timers in a store that do not go together with the state are left out",
			what_does_not_go_together_is_left_out),
	};

	return cmocka_run_group_tests_name("herd_load", tests, NULL, NULL);
}

/* What a request waited for: how it ended as data, the sentences that are made of it, and the words of earlier versions. */
#include "model/wait_result.h"

#include <string.h>

#include "base/json.h"
#include "model/reason.h"
#include "unit.h"
#include "view/wait_text.h"

static const struct reason ended = { .kind = REASON_ENDED, .exit_code = 3 };

static void assert_text(const struct wait_results *r, const char *words)
{
	struct buf text = BUF_INIT;

	wait_results_text(r, &text);
	assert_string_equal(text.ptr, words);
	buf_release(&text);
}

static void add(struct wait_results *r, const struct reason *reason, const char *lines, bool is_continued)
{
	struct wait_result *item = wait_result_new("api", false, reason, lines);

	item->is_continued = is_continued;
	wait_results_add(r, item);
}

static void add_crashes(struct wait_results *r)
{
	add(r, &REASON_OF(KEEPS_CRASHING, .instance = "api:0", .count = 8, .cause = &ended), "\nno disk\nbye",
		false);
}

static void lines_stand_below_the_sentence(void **state)
{
	struct wait_results r = WAIT_RESULTS_INIT;

	(void)state;
	add_crashes(&r);
	assert_text(&r,
		"api:0 keeps crashing (8 times in a row: ended with exit code 3). See 'oxctl why api:0'. Its last "
		"lines:\nno disk\nbye");
	wait_results_release(&r);
	add(&r, &REASON_OF(CANNOT_START, .instance = "api:0", .cause = &ended), NULL, false);
	assert_text(&r, "api:0 ended with exit code 3. See 'oxctl why api:0'");
	wait_results_release(&r);
}

static void a_spare_has_its_hint(void **state)
{
	const struct reason failed = {
		.kind = REASON_INSTANCE_FAILED, .instance = "api:2", .is_spare = true, .cause = &ended
	};
	struct wait_results r = WAIT_RESULTS_INIT;

	(void)state;
	add(&r,
		&REASON_OF(NOT_DEPLOYED, .app = "api", .revision = 2, .cause = &failed,
			.stands = REASON_STANDS_UNTOUCHED, .running = 1, .count = 1, .current = 1),
		"\nno disk", false);
	assert_text(&r,
		"api: revision 2 is not deployed: api:2 (a spare): ended with exit code 3; nothing was touched, 1 "
		"of 1 instance runs revision 1\n    no disk\nThe spare ran beside the old instances; where only "
		"one may run at a time, deploy.surge = 0 replaces in place.");
	wait_results_release(&r);
}

static void several_are_one_sentence_or_a_line_each(void **state)
{
	struct wait_results r = WAIT_RESULTS_INIT;

	(void)state;
	add(&r, &REASON_OF(WAS_STOPPED, .instance = "api:0"), NULL, false);
	add(&r, &REASON_OF(STARTED_AGAIN, .instance = "api:1"), NULL, true);
	add(&r, &REASON_OF(WAS_STOPPED, .instance = "web:0"), NULL, false);
	wait_results_add(&r, NULL);
	assert_text(&r, "api:0 was stopped; api:1 was started again\nweb:0 was stopped");
	wait_results_release(&r);
}

static void what_clients_get_has_sentence_and_lines(void **state)
{
	struct wait_results r = WAIT_RESULTS_INIT;
	struct buf text = BUF_INIT;

	(void)state;
	add_crashes(&r);
	((struct wait_result *)r.items.items[0])->instance = 0;
	wait_results_add(&r, wait_result_new("web", true, &REASON_OF(DELETED_MEANWHILE, .app = "web"), ""));
	wait_results_emit(&r, "results", &text);
	assert_string_equal(text.ptr,
		"\"results\":[{\"app\":\"api\",\"instance\":0,\"ok\":false,\"reason\":{\"code\":\"keeps_crashing\","
		"\"count\":8,\"instance\":\"api:0\",\"cause\":{\"code\":\"ended\",\"exit_code\":3},\"text\":\"api:0 keeps "
		"crashing (8 times in a row: ended with exit code 3)\"},\"lines\":[\"no disk\",\"bye\"]},"
		"{\"app\":\"web\",\"ok\":true,\"reason\":{\"code\":\"deleted_meanwhile\",\"app\":\"web\",\"text\":\"web: was "
		"deleted\"},\"lines\":[]}]");
	buf_release(&text);
	wait_results_release(&r);
}

static void what_is_stored_comes_back(void **state)
{
	struct wait_results r = WAIT_RESULTS_INIT;
	struct wait_results back = WAIT_RESULTS_INIT;
	struct wait_results copies = WAIT_RESULTS_INIT;
	struct buf text = BUF_INIT;
	struct buf again = BUF_INIT;
	struct json *j = NULL;

	(void)state;
	add_crashes(&r);
	((struct wait_result *)r.items.items[0])->instance = 0;
	add(&r, &REASON_OF(WAS_STOPPED, .instance = "api:1"), NULL, true);
	wait_results_add(&r, wait_result_new(NULL, true, &REASON_OF(OTHER, .text = "all is well"), NULL));
	wait_results_write(&r, NULL, &text);
	j = json_parse(text.ptr, text.len, text.len, NULL);
	wait_results_read(&back, j);
	wait_results_add_copies(&copies, &back);
	wait_results_write(&copies, NULL, &again);
	assert_string_equal(text.ptr, again.ptr);
	assert_int_equal(copies.items.len, 3);
	json_free(j);
	buf_release(&text);
	buf_release(&again);
	wait_results_release(&r);
	wait_results_release(&back);
	wait_results_release(&copies);
}

static void old_words_are_a_result(void **state)
{
	static const char *const words[] = {
		"api: revision 2 is not deployed: it failed\n    no disk\n    bye", "api: revision 2 runs"
	};

	(void)state;
	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
		struct wait_results r = WAIT_RESULTS_INIT;

		wait_results_add(&r, wait_result_from_words("api", false, words[k]));
		assert_text(&r, words[k]);
		assert_int_equal(((const struct wait_result *)r.items.items[0])->reason->kind, REASON_OTHER);
		wait_results_release(&r);
	}
	assert_null(wait_result_from_words("api", false, ""));
	assert_null(wait_result_from_words("api", false, NULL));
}

static void nonsense_is_no_result(void **state)
{
	static const char *const texts[] = { "3", "{}", "{\"app\":\"api\",\"ok\":true}", "null" };

	(void)state;
	for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
		struct json *j = json_parse(texts[k], strlen(texts[k]), 100, NULL);

		assert_null(wait_result_read(j));
		json_free(j);
	}
	assert_null(wait_result_read(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the last lines of an instance stand below the sentence",
			lines_stand_below_the_sentence),
		PROMISE("of a spare that failed it is said that deploy.surge = 0 needs none",
			a_spare_has_its_hint),
		PROMISE("several failures are one sentence, or a line each",
			several_are_one_sentence_or_a_line_each),
		PROMISE("clients get each result with its reason, the sentence and the lines",
			what_clients_get_has_sentence_and_lines),
		PROMISE("what is stored is read back as it was", what_is_stored_comes_back),
		PROMISE("words of version 0.1.0 are a result that says the same", old_words_are_a_result),
		PROMISE("what makes no sense is no result", nonsense_is_no_result),
	};

	return cmocka_run_group_tests_name("wait result", tests, NULL, NULL);
}

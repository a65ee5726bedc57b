/* What is asked under a key is done once, however often it is asked and however many brains die meanwhile. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "fake_effects.h"
#include "model/wait_result.h"
#include "unit.h"
#include "view/wait_text.h"

static const char *const key = "0.scale.0123456789abcdef";

/* As control does it: 1: it was done already, or is under way; 0: it is begun; -1: it was refused. */
static int scale_once(struct fake *f, int delta, uint64_t id)
{
	struct herd_scaling scaling = { .app = "api", .is_relative = true, .delta = delta };
	struct herd_receipt receipt;
	struct err e = ERR_INIT;
	int rc = 0;

	if (herd_receipt_find(f->h, key, &receipt)) {
		if (!receipt.is_done)
			herd_receipt_wait(f->h, key, id);
		return 1;
	}
	herd_receipt_open(f->h, key, f->now);
	rc = herd_scale(f->h, id, &scaling, 1, true, f->now, &e);
	herd_receipt_close(f->h, rc < 0 ? NULL : "{\"apps\":[]}");
	err_release(&e);
	fake_answer(f);
	return rc;
}

static void assert_words(const struct herd_receipt *receipt, const char *words)
{
	struct buf text = BUF_INIT;

	wait_results_text(receipt->results, &text);
	assert_string_equal(text.ptr, words);
	buf_release(&text);
}

static int instances(const struct fake *f)
{
	struct app_status app;

	herd_app_status(f->h, 0, &app);
	return app.instances;
}

static void adopt_all(struct fake *f, const struct ticket *t, int count)
{
	char name[16];

	for (int i = 0; i < count; i++) {
		struct herd_live live = { .ticket = t[i], .name = name, .pid = 100 + i };

		(void)snprintf(name, sizeof(name), "api:%d", i);
		assert_true(herd_adopt(f->h, &live, f->now));
	}
	herd_resume(f->h, f->now);
	fake_answer(f);
}

static void given(struct fake *f, int count)
{
	fake_init(f);
	fake_app(f, "api", count);
	fake_apply(f);
}

static void what_is_asked_again_is_done_once(void **state)
{
	struct herd_receipt receipt;
	struct fake f;
	struct ticket t[3];

	(void)state;
	given(&f, 1);
	assert_int_equal(scale_once(&f, 2, 7), 0);
	assert_int_equal(fake_count(&f, "settled 7 ok"), 1);
	assert_int_equal(scale_once(&f, 2, 8), 1);
	assert_int_equal(instances(&f), 3);
	for (int i = 0; i < 3; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "api:%d", i);
		t[i] = fake_ticket(&f, name);
	}
	fake_rebirth(&f);
	adopt_all(&f, t, 3);
	assert_int_equal(scale_once(&f, 2, 9), 1);
	assert_int_equal(instances(&f), 3);
	assert_true(herd_receipt_find(f.h, key, &receipt));
	assert_true(receipt.is_done);
	assert_true(receipt.results->is_ok);
	assert_string_equal(receipt.text, "{\"apps\":[]}");
	fake_release(&f);
}

static void what_is_under_way_is_waited_for(void **state)
{
	struct fake f;
	struct ticket t[2];

	(void)state;
	given(&f, 1);
	f.is_never_ready = true;
	assert_int_equal(scale_once(&f, 1, 7), 0);
	t[0] = fake_ticket(&f, "api:0");
	t[1] = fake_ticket(&f, "api:1");
	fake_forget(&f);
	fake_rebirth(&f);
	adopt_all(&f, t, 2);
	assert_int_equal(scale_once(&f, 1, 8), 1);
	assert_int_equal(fake_count(&f, "settled"), 0);
	fake_ready(&f, "api:1");
	assert_int_equal(fake_count(&f, "settled 8 ok"), 1);
	assert_int_equal(instances(&f), 2);
	fake_release(&f);
}

static void what_fails_is_told_to_who_asks_again(void **state)
{
	struct herd_receipt receipt;
	struct fake f;

	(void)state;
	given(&f, 1);
	f.is_never_ready = true;
	assert_int_equal(scale_once(&f, 1, 7), 0);
	/* Its client goes, and comes back with the same key. */
	herd_forget_request(f.h, 7);
	fake_request(&f, HERD_STOP, "api:1", 0, false);
	assert_int_equal(fake_count(&f, "settled"), 0);
	assert_true(herd_receipt_find(f.h, key, &receipt));
	assert_true(receipt.is_done);
	assert_false(receipt.results->is_ok);
	assert_words(&receipt, "api:1 was stopped");
	fake_release(&f);
}

static void what_was_refused_is_not_remembered(void **state)
{
	struct herd_receipt receipt;
	struct fake f;

	(void)state;
	given(&f, 1);
	fake_request(&f, HERD_DELETE, "api", 0, false);
	fake_exit(&f, "api:0", 0, 0);
	assert_int_equal(scale_once(&f, 1, 7), -1);
	assert_false(herd_receipt_find(f.h, key, &receipt));
	fake_release(&f);
}

static void what_waits_for_one_that_is_gone_is_over(void **state)
{
	struct herd_receipt receipt;
	struct herd_request stop = { .id = 7, .verb = HERD_STOP };
	struct fake f;

	(void)state;
	given(&f, 1);
	f.is_manual = true;
	herd_receipt_open(f.h, key, f.now);
	assert_int_equal(herd_request(f.h, &stop, f.now, NULL), 0);
	herd_receipt_close(f.h, "{}");
	/* Nothing of it lives when the next brain looks. */
	fake_rebirth(&f);
	herd_resume(f.h, f.now);
	assert_true(herd_receipt_find(f.h, key, &receipt));
	assert_true(receipt.is_done && receipt.results->is_ok);
	fake_release(&f);
}

static void the_memory_is_bounded(void **state)
{
	enum { MANY = 1000, LARGE = 60 * 1024 };
	static char text[LARGE];
	struct herd_receipt receipt;
	struct herd_request start = { .id = 7, .verb = HERD_START };
	struct buf saved = BUF_INIT;
	struct fake f;
	char name[32];

	(void)state;
	given(&f, 1);
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "key-%d", i);
		herd_receipt_open(f.h, name, f.now);
		assert_int_equal(herd_request(f.h, &start, f.now, NULL), 0);
		herd_receipt_close(f.h, i % 2 ? text : "{}");
	}
	herd_write(f.h, &saved);
	assert_true(saved.len < 512 * 1024);
	assert_true(herd_receipt_find(f.h, "key-999", &receipt));
	assert_false(herd_receipt_find(f.h, "key-0", &receipt));
	/* Those that nobody can ask for any more go with the next one. */
	fake_pass(&f, 3600000);
	herd_receipt_open(f.h, key, f.now);
	herd_receipt_close(f.h, NULL);
	assert_false(herd_receipt_find(f.h, "key-999", &receipt));
	buf_release(&saved);
	fake_release(&f);
}

static void words_are_joined_and_bounded(void **state)
{
	enum { MANY = 2000 };
	struct herd_request start = { .verb = HERD_START, .waits_ready = true };
	struct herd_request hangup = { .verb = HERD_SIGNAL, .signal = "HUP" };
	struct herd_receipt receipt;
	struct buf words = BUF_INIT;
	struct fake f;

	(void)state;
	fake_init(&f);
	f.is_never_ready = true;
	fake_app(&f, "api", 1);
	fake_apply(&f);
	herd_receipt_open(f.h, key, f.now);
	for (int k = 0; k < MANY; k++) {
		start.id = 7 + (uint64_t)k;
		assert_int_equal(herd_request(f.h, &start, f.now, NULL), 0);
		/* One that is over at once, and has nothing to say. */
		hangup.id = 7 + MANY + (uint64_t)k;
		assert_int_equal(herd_request(f.h, &hangup, f.now, NULL), 0);
	}
	herd_receipt_close(f.h, "{}");
	fake_request(&f, HERD_STOP, "api", 0, false);
	assert_true(herd_receipt_find(f.h, key, &receipt));
	assert_true(receipt.is_done && !receipt.results->is_ok);
	wait_results_text(receipt.results, &words);
	assert_memory_equal(words.ptr, "api:0 was stopped\napi:0 was stopped\n", 36);
	assert_null(strstr(words.ptr, "\n\n"));
	assert_true(words.len < 16 * 1024);
	buf_release(&words);
	fake_release(&f);
}

static void nobody_pushes_out_anothers(void **state)
{
	enum { MANY = 1000, LARGE = 60 * 1024 };
	static char text[LARGE];
	struct herd_receipt receipt;
	struct fake f;
	char name[32];

	(void)state;
	given(&f, 1);
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < 10; i++) {
		(void)snprintf(name, sizeof(name), "0.scale.%d", i);
		herd_receipt_open(f.h, name, f.now);
		herd_receipt_close(f.h, "{}");
	}
	/* One flood of many, and one of large ones. */
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "1000.scale.%d", i);
		herd_receipt_open(f.h, name, f.now);
		herd_receipt_close(f.h, i < MANY / 2 ? "{}" : text);
	}
	for (int i = 0; i < 10; i++) {
		(void)snprintf(name, sizeof(name), "0.scale.%d", i);
		assert_true(herd_receipt_find(f.h, name, &receipt));
	}
	assert_true(herd_receipt_find(f.h, "1000.scale.999", &receipt));
	assert_false(herd_receipt_find(f.h, "1000.scale.0", &receipt));
	fake_release(&f);
}

/* What is too old to be asked for takes no room from what is not. */
static void old_ones_push_out_no_new_ones(void **state)
{
	enum { OLD = 3, ALL = 5, LARGE = 60 * 1024 };
	static char text[LARGE];
	struct herd_receipt receipt;
	struct fake f;
	char name[32];

	(void)state;
	given(&f, 1);
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < ALL; i++) {
		if (i == OLD)
			fake_pass(&f, 500000);
		(void)snprintf(name, sizeof(name), "0.scale.%d", i);
		herd_receipt_open(f.h, name, f.now);
		herd_receipt_close(f.h, text);
	}
	fake_pass(&f, 200000);
	herd_receipt_open(f.h, key, f.now);
	herd_receipt_close(f.h, "{}");
	assert_false(herd_receipt_find(f.h, "0.scale.0", &receipt));
	assert_true(herd_receipt_find(f.h, "0.scale.3", &receipt));
	assert_true(herd_receipt_find(f.h, "0.scale.4", &receipt));
	fake_release(&f);
}

static void apps_that_are_waited_for_are_named(void **state)
{
	struct strings apps = { .items = NULL };
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "api", 1);
	fake_app(&f, "web", 1);
	fake_apply(&f);
	f.is_never_ready = true;
	assert_int_equal(scale_once(&f, 2, 7), 0);
	herd_receipt_apps(f.h, key, &apps);
	assert_int_equal(apps.len, 1);
	assert_string_equal(apps.items[0], "api");
	strings_release(&apps);
	fake_ready(&f, "api:1");
	fake_ready(&f, "api:2");
	herd_receipt_apps(f.h, key, &apps);
	assert_int_equal(apps.len, 0);
	fake_release(&f);
}

static void a_result_that_is_no_json_is_none_for_the_next_brain(void **state)
{
	static const char *const texts[] = { "{\"apps\":[}", "[]", "{} {}" };
	struct herd_receipt receipt;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ticket t;
		struct fake f;

		given(&f, 1);
		t = fake_ticket(&f, "api:0");
		herd_receipt_open(f.h, key, f.now);
		herd_receipt_close(f.h, texts[i]);
		fake_rebirth(&f);
		adopt_all(&f, &t, 1);
		assert_true(herd_receipt_find(f.h, key, &receipt));
		assert_string_equal(receipt.text, "");
		fake_release(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what is asked again under its key is done once, also by the next brain",
			what_is_asked_again_is_done_once),
		PROMISE("what is under way when the brain dies is waited for by who asks again",
			what_is_under_way_is_waited_for),
		PROMISE("who asks again hears that it failed, and why", what_fails_is_told_to_who_asks_again),
		PROMISE("what was refused may be asked again", what_was_refused_is_not_remembered),
		PROMISE("what waits for a process that is gone is over",
			what_waits_for_one_that_is_gone_is_over),
		PROMISE("what is remembered of requests is bounded", the_memory_is_bounded),
		PROMISE("what failed of many requests under one key is told a line each, up to a bound",
			words_are_joined_and_bounded),
		PROMISE("no user pushes out what is remembered of the requests of another",
			nobody_pushes_out_anothers),
		PROMISE("what is too old to be asked for takes no room from what is not",
			old_ones_push_out_no_new_ones),
		PROMISE("the apps that a request under a key still waits for are named",
			apps_that_are_waited_for_are_named),
		PROMISE("a stored result that is not a JSON object is left out",
			a_result_that_is_no_json_is_none_for_the_next_brain),
	};

	return cmocka_run_group_tests_name("herd_receipts", tests, NULL, NULL);
}

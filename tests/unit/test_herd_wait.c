/* When a start that waits gives up, and what is said of what it still waits for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fake_effects.h"
#include "in_words.h"
#include "model/reason.h"
#include "model/wait_result.h"
#include "unit.h"
#include "view/wait_text.h"

/* One app whose first start is asked for by request 7, which waits until it is ready. */
static void ask(struct fake *f, int instances)
{
	fake_init(f);
	fake_app(f, "web", instances);
	f->is_manual = true;
	fake_apply(f);
	(void)fake_request(f, HERD_START, "web", 7, true);
}

static void fails(struct fake *f, int number, const char *words)
{
	herd_spawn_failed(f->h, fake_ticket(f, "web:0"),
		&REASON_OF(LAUNCH_FAILED, .text = words, .number = number), f->now);
}

static void what_cannot_run_is_not_waited_for(void **state)
{
	static const int numbers[] = { ENOENT, EACCES, ENOEXEC, ENOTDIR, E2BIG };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct fake f;

		ask(&f, 1);
		fails(&f, numbers[i], "cannot execute 'nodee'");
		assert_int_equal(fake_count(&f, "settled 7"), 1);
		assert_non_null(strstr(f.log.ptr, "web:0 cannot execute 'nodee'"));
		assert_non_null(strstr(f.log.ptr, "See 'oxctl why web:0'"));
		/* It is tried again all the same. */
		assert_string_equal(fake_state(&f, "web:0"), "backoff");
		fake_release(&f);
	}
}

static void a_want_of_something_is_waited_for(void **state)
{
	static const int numbers[] = { EAGAIN, ENOMEM, EMFILE, ETXTBSY };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct fake f;

		ask(&f, 1);
		for (int k = 0; k < 3; k++) {
			fails(&f, numbers[i], "no process could be made");
			fake_pass(&f, 5000);
		}
		assert_int_equal(fake_count(&f, "settled 7"), 0);
		fake_release(&f);
	}
}

static void last_lines_are_told(void **state)
{
	struct fake f;

	(void)state;
	ask(&f, 1);
	f.last_lines = "no database";
	f.is_manual = false;
	f.is_never_ready = true;
	fake_answer(&f);
	for (int k = 0; k < 8; k++) {
		assert_int_equal(fake_count(&f, "settled 7"), 0);
		fake_exit(&f, "web:0", 3, 0);
		fake_pass(&f, 20000);
	}
	assert_int_equal(fake_count(&f, "settled 7"), 1);
	assert_non_null(strstr(f.log.ptr, "web:0 keeps crashing (8 times in a row: exit code 3"));
	assert_non_null(strstr(f.log.ptr, "Its last lines:\nno database of web:0"));
	fake_release(&f);
}

/* What a request still waits for, by the time that it is given up. */
static void add_pending(const struct fake *f, uint64_t id, struct buf *words)
{
	struct wait_results pending = WAIT_RESULTS_INIT;

	herd_pending(f->h, &id, 1, &pending);
	pending_text(&pending, words);
	wait_results_release(&pending);
}

static void what_is_pending_is_told(void **state)
{
	struct buf words = BUF_INIT;
	struct fake f;

	(void)state;
	ask(&f, 5);
	f.is_manual = false;
	f.is_never_ready = true;
	fake_answer(&f);
	add_pending(&f, 7, &words);
	assert_string_equal(words.ptr,
		"web:0 has not sent READY=1 yet (still starting); web:1 has not sent READY=1 yet (still starting); "
		"web:2 has not sent READY=1 yet (still starting); and 2 more. See 'oxctl why web'");
	for (int k = 1; k < 5; k++)
		fake_ready(&f, (const char *[]){ "", "web:1", "web:2", "web:3", "web:4" }[k]);
	fake_exit(&f, "web:0", 1, 0);
	buf_clear(&words);
	add_pending(&f, 7, &words);
	assert_non_null(strstr(words.ptr, "web:0 is backoff: exit code 1"));
	buf_clear(&words);
	add_pending(&f, 8, &words);
	assert_string_equal(words.ptr, "");
	buf_release(&words);
	fake_release(&f);
}

static void pending(const struct fake *f, const char *expected)
{
	struct buf words = BUF_INIT;

	add_pending(f, 7, &words);
	assert_string_equal(words.ptr, expected);
	buf_release(&words);
}

static void what_it_waits_for_is_told(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	f.is_manual = true;
	fake_app(&f, "web", 1)->port = 4000;
	fake_apply(&f);
	fake_request(&f, HERD_START, "web", 7, true);
	pending(&f, "web:0 is starting: looks whether port 4000 is free. See 'oxctl why web'");
	herd_port_free(f.h, fake_ticket(&f, "web:0"), f.now);
	pending(&f, "web:0 is starting: its process is being started. See 'oxctl why web'");
	f.is_manual = false;
	f.is_never_ready = true;
	fake_answer(&f);
	pending(&f, "web:0 has not sent READY=1 yet (still starting). See 'oxctl why web'");
	fake_ready(&f, "web:0");
	pending(&f, "");
	f.is_manual = true;
	fake_request(&f, HERD_STOP, "web", 7, false);
	pending(&f, "web:0 is stopping: was sent SIGTERM: asked to stop. See 'oxctl why web'");
	fake_release(&f);
}

static void each_kind_of_readiness_is_told(void **state)
{
	static const struct {
		enum ready_kind ready;
		const char *words;
	} kinds[] = {
		{ READY_ALIVE, "has not been up for a second" },
		{ READY_LISTEN, "is not listening on port 4000" },
		{ READY_NOTIFY, "has not sent READY=1" },
		{ READY_IPC, "has not sent 'ready'" },
		{ READY_NOTIFY_FD, "has not written a newline to NOTIFY_FD" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char words[120];
		struct spec *s = NULL;
		struct fake f;

		fake_init(&f);
		s = fake_app(&f, "web", 1);
		s->port = 4000;
		s->ready = kinds[i].ready;
		f.is_never_ready = true;
		fake_apply(&f);
		fake_request(&f, HERD_START, "web", 7, true);
		(void)snprintf(words, sizeof(words), "web:0 %s yet (still starting). See 'oxctl why web'",
			kinds[i].words);
		pending(&f, words);
		fake_release(&f);
	}
}

static void what_is_pending_is_data(void **state)
{
	const uint64_t id = 7;
	struct wait_results pending = WAIT_RESULTS_INIT;
	const struct wait_result *r = NULL;
	struct fake f;

	(void)state;
	ask(&f, 5);
	f.is_manual = false;
	f.is_never_ready = true;
	fake_answer(&f);
	herd_pending(f.h, &id, 1, &pending);
	assert_int_equal(pending.items.len, 4);
	r = pending.items.items[1];
	assert_string_equal(r->app, "web");
	assert_int_equal(r->instance, 1);
	assert_int_equal(r->reason->kind, REASON_NOT_READY_YET);
	assert_int_equal(r->reason->expects, READY_NOTIFY);
	r = pending.items.items[3];
	assert_null(r->app);
	assert_int_equal(r->reason->kind, REASON_MORE_PENDING);
	assert_int_equal(r->reason->count, 2);
	wait_results_release(&pending);
	fake_release(&f);
}

static void who_asks_again_hears_what_is_pending(void **state)
{
	struct buf words = BUF_INIT;
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "web", 1);
	f.is_never_ready = true;
	f.is_manual = true;
	fake_apply(&f);
	herd_receipt_open(f.h, "0.start.k", f.now);
	fake_request(&f, HERD_START, "web", 7, true);
	herd_receipt_close(f.h, "{}");
	herd_forget_request(f.h, 7);
	add_pending(&f, 8, &words);
	assert_string_equal(words.ptr, "");
	herd_receipt_wait(f.h, "0.start.k", 8);
	add_pending(&f, 8, &words);
	assert_string_equal(
		words.ptr, "web:0 is starting: its process is being started. See 'oxctl why web'");
	buf_release(&words);
	fake_release(&f);
}

static void what_gave_up_is_told_with_its_last_lines(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f);
	fake_app(&f, "web", 1)->max_restarts = 1;
	f.last_lines = "no database";
	f.is_never_ready = true;
	fake_apply(&f);
	(void)fake_request(&f, HERD_START, "web", 7, true);
	assert_int_equal(fake_count(&f, "settled 7"), 0);
	fake_exit(&f, "web:0", 3, 0);
	assert_string_equal(fake_state(&f, "web:0"), "crashed");
	assert_int_equal(fake_count(&f, "settled 7 failed: web:0 crashed: "), 1);
	assert_non_null(strstr(f.log.ptr, ". See 'oxctl why web:0'. Its last lines:\nno database of web:0"));
	fake_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a program that cannot be executed is not waited for: the first try is the answer",
			what_cannot_run_is_not_waited_for),
		PROMISE("a want of memory, processes or descriptors is waited for",
			a_want_of_something_is_waited_for),
		PROMISE("the message about what keeps crashing holds its last lines", last_lines_are_told),
		PROMISE("a timeout names three of the instances that a request still waits for, and counts the rest",
			what_is_pending_is_told),
		PROMISE("a timeout says what an instance waits for: a port, its process, itself, its end",
			what_it_waits_for_is_told),
		PROMISE("a timeout says which sign of readiness is missing, each kind in its own words",
			each_kind_of_readiness_is_told),
		PROMISE("what a request still waits for is data: app, instance, reason, and a count of the rest",
			what_is_pending_is_data),
		PROMISE("a repeated request is answered at its timeout with what the first one waits for",
			who_asks_again_hears_what_is_pending),
		PROMISE("the message about what has given up holds its last lines, and where to read on",
			what_gave_up_is_told_with_its_last_lines),
	};

	return cmocka_run_group_tests_name("herd_wait", tests, NULL, NULL);
}

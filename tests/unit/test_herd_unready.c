/*
 * Starts that fail although the program runs.
 */
#include "unit.h"

#include <string.h>

#include "fake_effects.h"

static struct spec *begin(struct fake *f, enum ready_kind ready)
{
	struct spec *s = NULL;

	fake_init(f);
	s = fake_app(f, "api", 1);
	s->ready = ready;
	f->is_never_ready = true;
	return s;
}

static void listens_elsewhere(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, READY_LISTEN);

	(void)state;
	s->port = 3000;
	f.listened = 8080;
	fake_apply(&f);
	fake_pass(&f, 31000);
	assert_non_null(strstr(f.log.ptr,
		"not ready within 30 s (ready_timeout_secs): api:0 listens on port 8080, not on its PORT 3000; set port = 8080 or make the program read PORT"));
	fake_release(&f);
}

static void a_spare_listens_elsewhere(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, READY_LISTEN);

	(void)state;
	s->port = 3000;
	s->instances.value = 2;
	f.is_never_ready = false;
	fake_apply(&f);
	fake_live(&f, 100);
	/* The new revision has forgotten to read PORT. */
	command_from_line(&s->command, "serve --better", NULL);
	f.is_never_ready = true;
	f.listened = 8080;
	fake_apply(&f);
	fake_pass(&f, 31000);
	assert_non_null(strstr(f.log.ptr,
		": api:2 listens on port 8080, not on its PORT 3002; set port = 8080 or make the program read PORT"));
	fake_release(&f);
}

static void listens_nowhere(void **state)
{
	struct fake f;
	struct spec *s = begin(&f, READY_LISTEN);

	(void)state;
	s->port = 3000;
	fake_apply(&f);
	fake_pass(&f, 31000);
	assert_non_null(strstr(f.log.ptr, ": api:0 does not listen on its PORT 3000, nor on any other"));
	fake_release(&f);
}

static void has_not_spoken(void **state)
{
	static const struct {
		enum ready_kind ready;
		const char *words;
	} cases[] = {
		{ READY_NOTIFY, "it has not sent READY=1 to NOTIFY_SOCKET, nor a newline to NOTIFY_FD" },
		{ READY_NOTIFY_FD, "it has not written a newline to NOTIFY_FD" },
		{ READY_IPC, "it has not called process.send('ready')" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct fake f;

		begin(&f, cases[k].ready);
		fake_apply(&f);
		fake_pass(&f, 31000);
		assert_non_null(strstr(f.log.ptr, cases[k].words));
		fake_release(&f);
	}
}

static bool fails_when_mute(enum ready_kind ready, bool has_written)
{
	struct fake f;
	bool fails = false;

	begin(&f, ready);
	fake_apply(&f);
	fake_pass(&f, 100);
	herd_mute(f.h, fake_ticket(&f, "api:0"), has_written, f.now);
	fails = !strcmp(fake_state(&f, "api:0"), "stopping");
	assert_int_equal(
		strstr(f.log.ptr,
			"it closed NOTIFY_FD without a newline, so it will not say that it is ready") != NULL,
		fails);
	if (fails) {
		fake_exit(&f, "api:0", 0, 15);
		assert_int_equal(fake_crashes(&f, "api:0"), 1);
	}
	fake_release(&f);
	return fails;
}

static void a_closed_descriptor(void **state)
{
	(void)state;
	assert_true(fails_when_mute(READY_NOTIFY_FD, false));
	assert_true(fails_when_mute(READY_NOTIFY, true));
	/* It may speak on the socket yet. */
	assert_false(fails_when_mute(READY_NOTIFY, false));
	assert_false(fails_when_mute(READY_ALIVE, true));
}

static void closed_when_it_is_ready(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, READY_NOTIFY_FD);
	fake_apply(&f);
	fake_ready(&f, "api:0");
	herd_mute(f.h, fake_ticket(&f, "api:0"), false, f.now);
	assert_string_equal(fake_state(&f, "api:0"), "running");
	fake_release(&f);
}

/* Its state after it ended with 0 and left something behind. */
static void end_with(enum ready_kind ready, int port, const char *expected, const char *words)
{
	const struct herd_exit end = { .left = { .pid = 812, .port = port, .command = "serve" } };
	struct fake f;

	begin(&f, ready);
	fake_apply(&f);
	fake_pass(&f, 100);
	herd_exited(f.h, fake_ticket(&f, "api:0"), &end, f.now);
	assert_string_equal(fake_state(&f, "api:0"), expected);
	assert_non_null(strstr(f.log.ptr, words));
	fake_release(&f);
}

static void into_the_background(void **state)
{
	(void)state;
	end_with(READY_NOTIFY, 0, "backoff",
		"the program put itself into the background: pid 812 'serve' was left behind and is stopped; run it in the foreground");
	end_with(READY_ALIVE, 3000, "backoff",
		"into the background: pid 812 'serve', which listens on port 3000, was left behind and is stopped; run it");
	end_with(READY_ALIVE, 0, "finished",
		"(pid 812 'serve' was left behind and is stopped; exit code 0; not restarted");
}

static void ready_for_a_moment(void **state)
{
	const struct herd_exit end = { .left = { .pid = 812, .port = 3000, .command = "serve" } };
	struct fake f;
	struct spec *s = begin(&f, READY_LISTEN);

	(void)state;
	s->port = 3000;
	fake_apply(&f);
	fake_ready(&f, "api:0");
	herd_exited(f.h, fake_ticket(&f, "api:0"), &end, f.now);
	assert_string_equal(fake_state(&f, "api:0"), "backoff");
	assert_non_null(strstr(f.log.ptr, "the program put itself into the background"));
	fake_release(&f);
}

/* What it is not ready by is its word: that it listens where it should, or nowhere yet, explains nothing. */
static void nothing_is_wrong_with_its_port(void **state)
{
	static const int listened[] = { 3000, 0 };

	(void)state;
	for (size_t k = 0; k < sizeof(listened) / sizeof(listened[0]); k++) {
		struct fake f;

		begin(&f, READY_NOTIFY)->port = 3000;
		f.listened = listened[k];
		fake_apply(&f);
		f.listened = listened[k];
		fake_pass(&f, 31000);
		assert_non_null(strstr(f.log.ptr, "it has not sent READY=1"));
		assert_null(strstr(f.log.ptr, "PORT 3000"));
		fake_release(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a start that listens on another port says which, and what to do", listens_elsewhere),
		PROMISE("a spare that listens on a fixed port says that port as it is",
			a_spare_listens_elsewhere),
		PROMISE("a start that listens nowhere says so", listens_nowhere),
		PROMISE("a start that has not said its word says which", has_not_spoken),
		PROMISE("a NOTIFY_FD closed without a newline fails a start that speaks there, and no other",
			a_closed_descriptor),
		PROMISE("a NOTIFY_FD closed by one that is ready changes nothing", closed_when_it_is_ready),
		PROMISE("a server that puts itself into the background is a failed start, a job that leaves something is done",
			into_the_background),
		PROMISE("a server that listens and then puts itself into the background is no job that is done",
			ready_for_a_moment),
		PROMISE("a start that fails for its word says nothing of a port that is as it should be",
			nothing_is_wrong_with_its_port),
	};

	return cmocka_run_group_tests_name("herd unready", tests, NULL, NULL);
}

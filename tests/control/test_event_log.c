/* Events are on disk, bounded, and no content of the files stops the brain. */
#include "journal/past.h"
#include "loop/watchers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "os/file.h"
#include "unit.h"

struct fixture {
	char folder[32];
	char path[64];
	char before[72];
	struct ev_loop *loop;
	struct event_log *event_log;
	int64_t count, first, last;
};

static int setup(void **state)
{
	struct fixture *f = mem_zalloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/oxdiary.XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/diary", f->folder);
	snprintf(f->before, sizeof(f->before), "%s.1", f->path);
	f->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	f->event_log = event_log_new(f->loop, f->path);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	event_log_free(f->event_log);
	ev_loop_destroy(f->loop);
	(void)unlink(f->path);
	(void)rmdir(f->path);
	(void)unlink(f->before);
	(void)rmdir(f->folder);
	mem_free(f);
	return 0;
}

static void say(struct fixture *f, int64_t number, size_t size)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "{\"n\":%lld,\"fill\":\"", (long long)number);
	buf_fill(&text, 'x', size);
	buf_adds(&text, "\"}");
	event_log_add(f->event_log, &text);
	buf_release(&text);
}

static void each(void *context, const struct json *line)
{
	struct fixture *f = context;
	int64_t number = -1;

	assert_true(json_int(json_get(line, "n"), &number));
	if (!f->count++)
		f->first = number;
	else
		assert_int_equal(number, f->last + 1);
	f->last = number;
}

static void read_all(struct fixture *f)
{
	f->count = 0;
	event_log_read(f->event_log, each, f);
}

static void reopen(struct fixture *f)
{
	event_log_free(f->event_log);
	f->event_log = event_log_new(f->loop, f->path);
}

static void a_turn_of_the_loop_writes_it(void **state)
{
	struct fixture *f = *state;

	say(f, 1, 10);
	say(f, 2, 10);
	assert_false(file_exists(f->path));
	ev_run(f->loop, EVRUN_NOWAIT);
	read_all(f);
	assert_int_equal(f->count, 2);
	reopen(f);
	say(f, 3, 10);
	reopen(f);
	read_all(f);
	assert_int_equal(f->count, 3);
}

static void both_files_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	for (int64_t n = 0; n < 5000; n++) {
		say(f, n, 500);
		if (n % 7 == 0)
			ev_run(f->loop, EVRUN_NOWAIT);
	}
	ev_run(f->loop, EVRUN_NOWAIT);
	assert_int_equal(stat(f->path, &st), 0);
	assert_true(st.st_size <= EVENT_LOG_MAX);
	assert_int_equal(stat(f->before, &st), 0);
	assert_true(st.st_size <= EVENT_LOG_MAX);
	read_all(f);
	assert_int_equal(f->last, 4999);
	assert_true(f->count > EVENT_LOG_MAX / 520 && f->count < 2 * EVENT_LOG_MAX / 500);
}

static void put(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static void nonsense_is_left_out(void **state)
{
	struct fixture *f = *state;
	static const char junk[] = "{\"n\":\n\0\xff\xff\n[1,2\n\n";

	say(f, 1, 10);
	reopen(f);
	put(f->path, junk, sizeof(junk) - 1);
	say(f, 2, 10);
	say(f, 3, EVENT_LOG_LINE_MAX);
	say(f, 3, 10);
	reopen(f);
	put(f->path, "{\"n\":4,\"half", 12);
	read_all(f);
	assert_int_equal(f->count, 3);
	assert_int_equal(f->last, 3);
}

static void where_it_cannot_be_written_life_goes_on(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->path, 0700), 0);
	for (int64_t n = 0; n < 2000; n++)
		say(f, n, 500);
	ev_run(f->loop, EVRUN_NOWAIT);
	read_all(f);
	assert_int_equal(f->count, 0);
	assert_int_equal(rmdir(f->path), 0);
	say(f, 1, 10);
	ev_run(f->loop, EVRUN_NOWAIT);
	read_all(f);
	assert_int_equal(f->count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "what was said is on disk after a turn of the loop, and stays over a new brain",
			a_turn_of_the_loop_writes_it, setup, teardown, NULL },
		{ "both files are bounded, and the newest is never what goes", both_files_are_bounded, setup,
			teardown, NULL },
		{ "what makes no sense is left out, and the rest is read", nonsense_is_left_out, setup,
			teardown, NULL },
		{ "where it cannot be written nothing else is lost, and it begins when it can",
			where_it_cannot_be_written_life_goes_on, setup, teardown, NULL },
	};

	return cmocka_run_group_tests_name("event log", tests, NULL, NULL);
}

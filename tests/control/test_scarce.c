/* The loop, and who works beside it, where the kernel refuses what they need once. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "logs/compress.h"
#include "loop/loop.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/fd.h"
#include "refuse.h"
#include "unit.h"

enum { PATIENCE_MS = 5000, WAIT_MS = 300 };

static struct scene {
	char folder[32];
	char plain[64], packed[80];
	struct ev_loop *loop;
	struct compressor *compressor;
	struct buf log;
} scene;

static void catch_log(void *context, enum log_level level, const char *line, size_t len)
{
	(void)context;
	(void)level;
	buf_add(&scene.log, line, len);
	buf_addc(&scene.log, '\n');
}

static int descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void write_plain(void)
{
	int fd = open(scene.plain, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(fd_write_all(fd, "the same line again\n", 20), 0);
	fd_close(&fd);
}

static int setup(void **state)
{
	(void)state;
	memset(&scene, 0, sizeof(scene));
	memset(&refused, 0, sizeof(refused));
	buf_init(&scene.log);
	log_to(catch_log, NULL, LOG_INFO);
	snprintf(scene.folder, sizeof(scene.folder), "/tmp/oxscarce.XXXXXX");
	assert_non_null(mkdtemp(scene.folder));
	snprintf(scene.plain, sizeof(scene.plain), "%s/api.log.1", scene.folder);
	snprintf(scene.packed, sizeof(scene.packed), "%s.gz", scene.plain);
	write_plain();
	scene.loop = loop_new();
	scene.compressor = compressor_new(scene.loop);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	compressor_free(scene.compressor);
	loop_free(scene.loop);
	(void)unlink(scene.plain);
	(void)unlink(scene.packed);
	/* Nothing else was left in it. */
	assert_int_equal(rmdir(scene.folder), 0);
	log_to(NULL, NULL, LOG_INFO);
	buf_release(&scene.log);
	return 0;
}

static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static void turn_until_packed(void)
{
	int64_t until = clock_ms() + PATIENCE_MS;

	while (!is_there(scene.packed) || is_there(scene.plain)) {
		assert_true(clock_ms() < until);
		ev_run(scene.loop, EVRUN_ONCE);
	}
}

static int times_logged(const char *words)
{
	int count = 0;

	for (const char *p = strstr(scene.log.ptr, words); p; p = strstr(p + 1, words))
		count++;
	return count;
}

/* --- the loop ---------------------------------------------------------------------------------------------------------- */

static void the_loop_has_one_descriptor(void **state)
{
	int before = descriptors();
	struct ev_loop *other = loop_new();

	(void)state;
	assert_int_equal(descriptors(), before + 1);
	loop_free(other);
	assert_int_equal(descriptors(), before);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	++*(int *)w->data;
}

/* A descriptor that somebody else has too is still told of after it was closed here: libev makes a new epoll then. */
static void make_stale(int fd)
{
	int seen = 0;
	ev_io io;

	ev_io_init(&io, on_readable, fd, EV_READ);
	io.data = &seen;
	ev_io_start(scene.loop, &io);
	ev_run(scene.loop, EVRUN_NOWAIT);
	assert_int_equal(seen, 1);
	ev_io_stop(scene.loop, &io);
}

static void an_epoll_is_made_at_the_next_try(void **state)
{
	int stale = eventfd(1, EFD_CLOEXEC);
	int elsewhere = fcntl(stale, F_DUPFD_CLOEXEC, 0);
	int other = eventfd(1, EFD_CLOEXEC);
	int seen = 0;
	ev_io io;

	(void)state;
	make_stale(stale);
	fd_close(&stale);
	refused.epoll_create1 = 2;
	ev_io_init(&io, on_readable, other, EV_READ);
	io.data = &seen;
	ev_io_start(scene.loop, &io);
	for (int i = 0; i < 5; i++)
		ev_run(scene.loop, EVRUN_NOWAIT);
	assert_int_equal(refused.epoll_create1, 0);
	assert_true(seen > 0);
	ev_io_stop(scene.loop, &io);
	fd_close(&other);
	fd_close(&elsewhere);
}

static void on_refused(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	*(int *)w->data = events & EV_ERROR;
}

static void on_patience(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)w;
	(void)events;
}

static void a_refused_watch_is_told_before_the_loop_waits(void **state)
{
	int quiet = eventfd(0, EFD_CLOEXEC);
	int other = eventfd(0, EFD_CLOEXEC);
	int error = 0;
	ev_io waiting, io;
	ev_timer patience;

	(void)state;
	ev_io_init(&waiting, on_refused, quiet, EV_READ);
	loop_watch(scene.loop, &waiting);
	ev_timer_init(&patience, on_patience, WAIT_MS / 1000.0, 0);
	ev_timer_start(scene.loop, &patience);
	for (int i = 0; i < 2; i++)
		ev_run(scene.loop, EVRUN_NOWAIT);
	refused.epoll_ctl = 1;
	ev_io_init(&io, on_refused, other, EV_READ);
	io.data = &error;
	loop_watch(scene.loop, &io);
	ev_run(scene.loop, EVRUN_ONCE);
	assert_true(error);
	assert_true(ev_is_active(&patience));
	/* Only for that: the first round that has nothing to tell is the last that does not wait. */
	for (int i = 0; i < 2; i++)
		ev_run(scene.loop, EVRUN_ONCE);
	assert_false(ev_is_active(&patience));
	ev_io_stop(scene.loop, &waiting);
	fd_close(&quiet);
	fd_close(&other);
}

/* --- compression ------------------------------------------------------------------------------------------------------- */

static void a_log_is_compressed(void **state)
{
	int before = descriptors();

	(void)state;
	compressor_add(scene.compressor, scene.plain, NULL);
	turn_until_packed();
	assert_string_equal(scene.log.ptr, "");
	assert_int_equal(descriptors(), before);
}

static void without_a_descriptor_it_stays_plain(void **state)
{
	int before = descriptors();

	(void)state;
	refused.eventfd = 1;
	compressor_add(scene.compressor, scene.plain, NULL);
	assert_true(is_there(scene.plain));
	assert_int_equal(times_logged("cannot compress"), 1);
	assert_int_equal(descriptors(), before);
	/* At the next rotation it is asked for again. */
	compressor_add(scene.compressor, scene.plain, NULL);
	turn_until_packed();
	assert_int_equal(times_logged("cannot compress"), 1);
}

static void an_end_that_is_not_watched_is_heard_later(void **state)
{
	(void)state;
	refused.epoll_ctl = 2;
	compressor_add(scene.compressor, scene.plain, NULL);
	turn_until_packed();
	assert_int_equal(refused.epoll_ctl, 0);
	assert_int_equal(times_logged("no room to watch the compression"), 1);
	/* The one after it is watched as ever. */
	(void)unlink(scene.packed);
	write_plain();
	compressor_add(scene.compressor, scene.plain, NULL);
	turn_until_packed();
}

static void it_may_end_while_its_end_is_not_watched(void **state)
{
	(void)state;
	refused.epoll_ctl = 1;
	compressor_add(scene.compressor, scene.plain, NULL);
	ev_run(scene.loop, EVRUN_NOWAIT);
	assert_int_equal(times_logged("no room to watch the compression"), 1);
	compressor_free(scene.compressor);
	scene.compressor = NULL;
	/* Whichever was first: the one or the other, and nothing beside it (see teardown). */
	assert_true(is_there(scene.plain) != is_there(scene.packed));
	assert_false(ev_run(scene.loop, EVRUN_NOWAIT));
}

/* --- the list ---------------------------------------------------------------------------------------------------------- */

int main(void)
{
#define ONE(sentence, function) PROMISE_IN(setup, teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		ONE("the loop has one descriptor, made at its start: there is none that it could lack later",
			the_loop_has_one_descriptor),
		ONE("an epoll that cannot be made anew at once is made at the next try",
			an_epoll_is_made_at_the_next_try),
		ONE("a watch that the kernel has no room for is reported before the loop waits for anything else",
			a_refused_watch_is_told_before_the_loop_waits),
		ONE("a rotated log is compressed beside the loop, and nothing is held after it",
			a_log_is_compressed),
		ONE("where no descriptor is left to hear of its end a log stays plain, it is said once, and the next try does it",
			without_a_descriptor_it_stays_plain),
		ONE("an end that the kernel has no room to watch is said once, heard later, and no log is lost",
			an_end_that_is_not_watched_is_heard_later),
		ONE("who ends while a compression is not watched leaves the plain log or the compressed one, and nothing else",
			it_may_end_while_its_end_is_not_watched),
	};

	return cmocka_run_group_tests_name("what the kernel refuses once", tests, NULL, NULL);
}

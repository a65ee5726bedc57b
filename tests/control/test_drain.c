/* Connections that end, with real sockets on the loopback address. */
#include "loop/watchers.h"
#include "sense/drain.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "unit.h"

enum { PORTS = 6, PATIENCE_MS = 5000 };

/* A listener with one connection to it. */
struct line {
	int port, listener, client, server;
	int answers;
	size_t left;
};

struct scene {
	struct ev_loop *loop;
	struct drains *drains;
	struct line lines[PORTS];
};

static struct scene scene;

static void connect_line(struct line *l)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	l->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(l->listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(l->listener, 4), 0);
	assert_int_equal(getsockname(l->listener, (struct sockaddr *)&at, &len), 0);
	l->port = ntohs(at.sin_port);
	l->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(l->client, (struct sockaddr *)&at, len), 0);
	l->server = accept(l->listener, (struct sockaddr *)&at, &len);
	assert_true(l->server >= 0);
}

static void hang_up(struct line *l)
{
	fd_close(&l->client);
	fd_close(&l->server);
}

/* The slot is the index of a line. */
static void on_done(void *context, struct ticket ticket, size_t left)
{
	(void)context;
	scene.lines[ticket.slot].answers++;
	scene.lines[ticket.slot].left = left;
}

static int setup(void **state)
{
	(void)state;
	memset(&scene, 0, sizeof(scene));
	scene.loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	scene.drains = drains_new(scene.loop, on_done, NULL);
	for (int i = 0; i < PORTS; i++)
		connect_line(&scene.lines[i]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	drains_free(scene.drains);
	for (int i = 0; i < PORTS; i++) {
		hang_up(&scene.lines[i]);
		fd_close(&scene.lines[i].listener);
	}
	ev_loop_destroy(scene.loop);
	return 0;
}

static void drain_line(uint32_t at, int64_t ms)
{
	drain_start(scene.drains,
		&(struct endpoint){ .port = scene.lines[at].port, .ticket = { .slot = at } }, ms);
}

static void turn_until(const int *value)
{
	int64_t until = clock_ms() + PATIENCE_MS;

	while (!*value) {
		assert_true(clock_ms() < until);
		ev_run(scene.loop, EVRUN_ONCE);
	}
}

static void ends_with_the_last_connection(void **state)
{
	struct line *l = &scene.lines[0];

	(void)state;
	drain_line(0, PATIENCE_MS);
	assert_int_equal(l->answers, 0);
	for (int i = 0; i < 3; i++)
		ev_run(scene.loop, EVRUN_ONCE);
	assert_int_equal(l->answers, 0);
	hang_up(l);
	turn_until(&l->answers);
	assert_int_equal(l->left, 0);
	/* Nothing is looked at any more. */
	assert_int_equal(ev_run(scene.loop, EVRUN_NOWAIT), 0);
	assert_int_equal(l->answers, 1);
}

static void the_deadline_tells_how_many_are_left(void **state)
{
	struct line *l = &scene.lines[0];
	int64_t begun = clock_ms();

	(void)state;
	drain_line(0, 60);
	turn_until(&l->answers);
	assert_int_equal(l->left, 1);
	assert_true(clock_ms() - begun >= 60);
}

static void a_port_without_connections_is_drained_soon(void **state)
{
	struct line *l = &scene.lines[0];

	(void)state;
	hang_up(l);
	drain_line(0, PATIENCE_MS);
	assert_int_equal(l->answers, 0);
	turn_until(&l->answers);
	assert_int_equal(l->left, 0);
}

static void many_are_told_each_at_its_own_time(void **state)
{
	(void)state;
	for (int i = 0; i < PORTS; i++)
		drain_line((uint32_t)i, PATIENCE_MS);
	for (int i = PORTS - 1; i >= 0; i--) {
		hang_up(&scene.lines[i]);
		turn_until(&scene.lines[i].answers);
		assert_int_equal(scene.lines[i].left, 0);
		for (int k = 0; k < i; k++)
			assert_int_equal(scene.lines[k].answers, 0);
	}
}

static void one_that_was_called_back_ends_none(void **state)
{
	enum { SOON_MS = 40, LATER_MS = 200 };
	struct line *l = &scene.lines[0];
	int64_t begun = clock_ms();

	(void)state;
	drain_line(0, SOON_MS);
	drain_line(0, LATER_MS);
	turn_until(&l->answers);
	assert_true(clock_ms() - begun >= LATER_MS);
	assert_int_equal(l->answers, 1);
}

static void unknown_is_not_drained(int lines)
{
	int64_t begun = clock_ms();
	struct rlimit was;
	struct rlimit none;

	/* No new descriptor: neither the kernel's socket for such questions nor its files can be opened. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int i = 0; i < lines; i++) {
		hang_up(&scene.lines[i]);
		drain_line((uint32_t)i, 80);
	}
	for (int i = 0; i < lines; i++)
		turn_until(&scene.lines[i].answers);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_true(clock_ms() - begun >= 80);
	for (int i = 0; i < lines; i++)
		assert_int_equal(scene.lines[i].left, 1);
}

static void what_cannot_be_counted_is_not_drained(void **state)
{
	(void)state;
	unknown_is_not_drained(1);
}

/* Many are counted in another way. */
static void many_that_cannot_be_counted_are_not_drained(void **state)
{
	(void)state;
	unknown_is_not_drained(PORTS);
}

int main(void)
{
#define ONE(sentence, function) PROMISE_IN(setup, teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		ONE("a drain ends with the last connection of its port", ends_with_the_last_connection),
		ONE("at its deadline it tells how many are left", the_deadline_tells_how_many_are_left),
		ONE("a port without connections is drained soon, but never inside the call",
			a_port_without_connections_is_drained_soon),
		ONE("of many, each is reported at its own time", many_are_told_each_at_its_own_time),
		ONE("a drain that was called back does not end the next one of the same process",
			one_that_was_called_back_ends_none),
		ONE("connections that cannot be counted are not drained before the deadline",
			what_cannot_be_counted_is_not_drained),
		ONE("the same for many ports at once", many_that_cannot_be_counted_are_not_drained),
	};

	return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}

/* A turn of the loop that never ends ends the brain; many turns do not. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "loop/loop.h"
#include "loop/watchers.h"
#include "unit.h"

enum { TURN_MS = 60 };

static int64_t cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void never_ends(struct ev_loop *loop, ev_timer *w, int events)
{
	volatile uint64_t count = 0;

	(void)loop;
	(void)w;
	(void)events;
	for (;;)
		count++;
}

/* Busy, but always back in time. */
static void comes_back(struct ev_loop *loop, ev_timer *w, int events)
{
	int64_t begun = cpu_ms();

	(void)events;
	while (cpu_ms() < begun + TURN_MS / 10)
		continue;
	if (begun > 6 * (int64_t)TURN_MS)
		ev_break(loop, EVBREAK_ALL);
	(void)w;
}

/* How a process ends whose loop does that in each turn. */
static int end_of(void (*turn)(struct ev_loop *, ev_timer *, int))
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct ev_loop *loop = loop_new();
		ev_timer timer;

		(void)close(STDERR_FILENO);
		loop_guard(loop, TURN_MS);
		ev_timer_init(&timer, turn, 0.001, 0.001);
		ev_timer_start(loop, &timer);
		loop_run(loop);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void an_endless_turn_ends_it(void **state)
{
	int status = end_of(never_ends);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void a_busy_loop_goes_on(void **state)
{
	(void)state;
	assert_int_equal(end_of(comes_back), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a turn of the loop that never ends ends the process", an_endless_turn_ends_it),
		PROMISE("a loop that is busy, turn after turn, is left alone", a_busy_loop_goes_on),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}

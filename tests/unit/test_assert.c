#include "base/assert.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "unit.h"

struct caught {
	struct buf logged, handled;
	int count;
};

static void catch_line(void *context, enum log_level level, const char *line, size_t len)
{
	struct caught *c = context;

	assert_int_equal(level, LOG_ERROR);
	buf_add(&c->logged, line, len);
}

static void count(void *context, const char *line)
{
	struct caught *c = context;

	c->count++;
	buf_clear(&c->handled);
	buf_adds(&c->handled, line);
}

static int begin(void **state)
{
	static struct caught caught;

	caught = (struct caught){ BUF_INIT, BUF_INIT, 0 };
	log_to(catch_line, &caught, LOG_INFO);
	assert_to(count, &caught);
	*state = &caught;
	return 0;
}

static int end(void **state)
{
	struct caught *c = *state;

	log_to(NULL, NULL, LOG_ERROR);
	assert_to(NULL, NULL);
	buf_release(&c->logged);
	buf_release(&c->handled);
	return 0;
}

static void is_silent_while_it_holds(void **state)
{
	const struct caught *c = *state;
	int evaluated = 0;

	ASSERT(++evaluated == 1, "never said");
	assert_true(ASSERT_OR(++evaluated == 2, "never said"));
	assert_int_equal(evaluated, 2);
	assert_int_equal(c->count, 0);
	assert_string_equal(c->logged.ptr, "");
}

static void says_where_and_what(void **state)
{
	const struct caught *c = *state;
	int generations = 3;
	struct buf expected = BUF_INIT;

	buf_addf(&expected, "assertion failed at %s:%d: api:0 has 3 generations (generations <= 2)", __FILE__,
		__LINE__ + 1);
	ASSERT(generations <= 2, "%s has %d generations", "api:0", generations);
	assert_string_equal(c->logged.ptr, expected.ptr);
	assert_string_equal(c->handled.ptr, c->logged.ptr);
	assert_int_equal(c->count, 1);
	buf_release(&expected);
}

static int half_of(int number)
{
	if (!ASSERT_OR(number % 2 == 0, "%d is odd", number))
		return -1;
	return number / 2;
}

static void refuses(void **state)
{
	const struct caught *c = *state;

	assert_int_equal(half_of(8), 4);
	assert_int_equal(c->count, 0);
	assert_int_equal(half_of(7), -1);
	assert_int_equal(c->count, 1);
	assert_int_equal(half_of(6), 3);
}

/* How a child ends that fails an assertion, and what it says at its standard error. */
static int status_of_failure(assert_handler handler, char *said, size_t size)
{
	int pipe_fds[2];
	int status = 0;
	ssize_t got = 0;
	pid_t pid = -1;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(pipe_fds[1], STDERR_FILENO);
		log_to(NULL, NULL, LOG_ERROR);
		assert_to(handler, NULL);
		ASSERT(errno < 0, "it is %s", "over");
		_exit(0);
	}
	close(pipe_fds[1]);
	got = read(pipe_fds[0], said, size - 1);
	said[got > 0 ? got : 0] = '\0';
	close(pipe_fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void ends_the_program(void **state)
{
	char said[256];
	int status = status_of_failure(NULL, said, sizeof(said));

	(void)state;
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(said, "it is over (errno < 0)\n"));
	status = status_of_failure(assert_abort, said, sizeof(said));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_string_equal(said, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE_IN(begin, end, "an assertion that holds says nothing and looks once",
			is_silent_while_it_holds),
		PROMISE_IN(begin, end, "a failed one is logged with file, line, words and condition",
			says_where_and_what),
		PROMISE_IN(begin, end, "where the program continues, the operation is refused", refuses),
		PROMISE_IN(begin, end, "where no handler says otherwise, a failed assertion ends the program",
			ends_the_program),
	};

	return cmocka_run_group_tests_name("assert", tests, NULL, NULL);
}

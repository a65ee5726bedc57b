#include "base/mem.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static void gives_memory_for_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		void *ptr = i == 0 ? mem_alloc(0) : i == 1 ? mem_zalloc(0, 8) : mem_resize(NULL, 0, 8);

		assert_non_null(ptr);
		mem_free(ptr);
	}
	mem_free(NULL);
}

static void gives_zeros(void **state)
{
	static const char zeros[4096];
	char *ptr = mem_zalloc(64, 64);

	(void)state;
	assert_memory_equal(ptr, zeros, sizeof(zeros));
	mem_free(ptr);
}

static void resizes_with_what_was_there(void **state)
{
	int *numbers = mem_resize(NULL, 2, sizeof(*numbers));

	(void)state;
	numbers[0] = 1;
	numbers[1] = 2;
	numbers = mem_resize(numbers, 10000, sizeof(*numbers));
	assert_int_equal(numbers[0], 1);
	assert_int_equal(numbers[1], 2);
	mem_free(numbers);
}

static void copies(void **state)
{
	char *bytes = mem_dup("a\0b", 3);
	char *text = mem_strdup("text");
	char *start = mem_strndup("text", 2);
	char *whole = mem_strndup("text", 9);
	char *empty = mem_strndup("text", 0);
	/* No end within reach: only what was given may be read. */
	char *unended = mem_strndup(bytes + 2, 1);

	(void)state;
	assert_memory_equal(bytes, "a\0b", 3);
	assert_string_equal(text, "text");
	assert_string_equal(start, "te");
	assert_string_equal(whole, "text");
	assert_string_equal(empty, "");
	assert_string_equal(unended, "b");
	assert_null(mem_strdup(NULL));
	mem_free(bytes);
	mem_free(text);
	mem_free(start);
	mem_free(whole);
	mem_free(empty);
	mem_free(unended);
}

static void too_many_members(void)
{
	mem_free(mem_zalloc((size_t)-1 / 2, 4));
}

static void too_large_a_row(void)
{
	mem_free(mem_resize(NULL, (size_t)-1 / 2, 4));
}

/* Runs it in a child, and gives the signal that ended that; what it printed goes to `said`. */
static int signal_of(void (*lose)(void), char *said, size_t size)
{
	int ends[2];
	int status = 0;
	ssize_t len = 0;
	pid_t pid = 0;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct rlimit none = { 0 };

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		lose();
		_exit(0);
	}
	close(ends[1]);
	len = read(ends[0], said, size - 1);
	said[len > 0 ? len : 0] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void ends_the_program(void **state)
{
	char said[256];

	(void)state;
	assert_int_equal(signal_of(too_many_members, said, sizeof(said)), SIGABRT);
	assert_string_equal(said, "out of memory: 18446744073709551615 bytes were refused\n");
	assert_int_equal(signal_of(too_large_a_row, said, sizeof(said)), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("nothing asked for is still something to free", gives_memory_for_nothing),
		PROMISE("zeroed memory is zeroed", gives_zeros),
		PROMISE("what was there is there after a resize", resizes_with_what_was_there),
		PROMISE("copies are whole, ended, and read no further than they may", copies),
		PROMISE("a product that overflows ends the program with a line", ends_the_program),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}

#include "base/buf.h"

#include <string.h>

#include "base/mem.h"
#include "unit.h"

static void is_a_string_from_the_start(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(b.ptr, "");
	buf_release(&b);
	assert_string_equal(b.ptr, "");
}

static void grows_as_it_is_filled(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_addf(&b, "%d,", i % 10);
	assert_int_equal(b.len, 2000);
	assert_int_equal(strlen(b.ptr), 2000);
	assert_memory_equal(b.ptr + 1990, "5,6,7,8,9,", 10);
	buf_release(&b);
}

static void keeps_nul_bytes(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_add(&b, "a\0b", 3);
	buf_addc(&b, 'c');
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.ptr, "a\0bc", 5);
	buf_release(&b);
}

static void cuts_and_eats(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "0123456789");
	buf_cut(&b, 20);
	assert_int_equal(b.len, 10);
	buf_cut(&b, 8);
	buf_eat(&b, 2);
	assert_string_equal(b.ptr, "234567");
	buf_eat(&b, 100);
	assert_string_equal(b.ptr, "");
	buf_cut(&b, 0);
	buf_release(&b);
}

static void hands_its_bytes_over(void **state)
{
	struct buf b = BUF_INIT;
	char *empty = buf_detach(&b);
	char *bytes = NULL;

	(void)state;
	assert_string_equal(empty, "");
	buf_fill(&b, 'x', 3);
	bytes = buf_detach(&b);
	assert_string_equal(bytes, "xxx");
	assert_int_equal(b.len, 0);
	assert_string_equal(b.ptr, "");
	mem_free(bytes);
	mem_free(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a buf is a string from the start", is_a_string_from_the_start),
		PROMISE("a buf grows as it is filled", grows_as_it_is_filled),
		PROMISE("a buf keeps NUL bytes", keeps_nul_bytes),
		PROMISE("a buf is cut at its end and eaten at its front", cuts_and_eats),
		PROMISE("a buf hands its bytes over and starts again", hands_its_bytes_over),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}

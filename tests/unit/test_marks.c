#include "wire/marks.h"

#include <string.h>

#include "unit.h"

static const struct mark sample = {
	.offset = 0x123456789abcdef0,
	.wall_ms = 1735689600123,
	.app = 0xfedcba98,
	.instance = 65535,
	.kind = MARK_NOTE,
	.run = 0x89abcdef,
};

static void assert_same(const struct mark *a, const struct mark *b)
{
	assert_true(a->offset == b->offset && a->wall_ms == b->wall_ms);
	assert_true(mark_is_same_source(a, b));
}

static void what_is_written_is_read(void **state)
{
	struct mark early = { .wall_ms = -1 };
	struct mark back = { 0 };
	struct buf b = BUF_INIT;

	(void)state;
	mark_write(&b, &sample);
	mark_write(&b, &early);
	assert_int_equal(b.len, 2 * MARK_SIZE);
	assert_true(mark_read(&back, b.ptr));
	assert_same(&back, &sample);
	assert_true(mark_read(&back, b.ptr + MARK_SIZE));
	assert_same(&back, &early);
	buf_release(&b);
}

static void the_bytes_are_the_same_on_every_machine(void **state)
{
	static const char bytes[] = "\xf0\xde\xbc\x9a\x78\x56\x34\x12";
	struct buf b = BUF_INIT;

	(void)state;
	mark_write(&b, &sample);
	assert_memory_equal(b.ptr, bytes, 8);
	assert_int_equal(mark_app("api"), mark_app("api"));
	assert_int_equal(mark_app(""), 2166136261U);
	assert_true(mark_app("api") != mark_app("apj"));
	buf_release(&b);
}

static void one_wrong_bit_is_seen(void **state)
{
	struct mark back = { .app = 7 };
	struct buf b = BUF_INIT;

	(void)state;
	mark_write(&b, &sample);
	for (int bit = 0; bit < MARK_SIZE * 8; bit++) {
		b.ptr[bit / 8] = (char)(b.ptr[bit / 8] ^ 1 << bit % 8);
		assert_false(mark_read(&back, b.ptr));
		b.ptr[bit / 8] = (char)(b.ptr[bit / 8] ^ 1 << bit % 8);
	}
	assert_int_equal(back.app, 7);
	assert_true(mark_read(&back, b.ptr));
	buf_release(&b);
}

static void foreign_bytes_are_no_mark(void **state)
{
	char bytes[MARK_SIZE];
	struct mark back = { 0 };

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	assert_false(mark_read(&back, bytes));
	memset(bytes, 'x', sizeof(bytes));
	assert_false(mark_read(&back, bytes));
}

static void app_instance_stream_and_run_are_the_source(void **state)
{
	struct mark next = sample;

	(void)state;
	next.offset++;
	next.wall_ms++;
	assert_true(mark_is_same_source(&sample, &next));
	next.kind = MARK_ERR;
	assert_false(mark_is_same_source(&sample, &next));
	next = sample;
	next.instance = 0;
	assert_false(mark_is_same_source(&sample, &next));
	next = sample;
	next.app++;
	assert_false(mark_is_same_source(&sample, &next));
	next = sample;
	next.run++;
	assert_false(mark_is_same_source(&sample, &next));
}

static void assert_path(const char *log, const char *marks)
{
	struct buf b = BUF_INIT;

	marks_path(&b, log);
	assert_string_equal(b.ptr, marks);
	buf_release(&b);
}

static void marks_lie_hidden_beside_their_log(void **state)
{
	(void)state;
	assert_path("/var/log/oxherd/api-0-out.log", "/var/log/oxherd/.api-0-out.log.marks");
	assert_path("/l/api-0-out.log.1", "/l/.api-0-out.log.1.marks");
	assert_path("/l/api-0-out.log.1.gz", "/l/.api-0-out.log.1.marks");
	assert_path("/l.gz/api", "/l.gz/.api.marks");
	assert_path("api.log", ".api.log.marks");
	assert_path("/l/.gz", "/l/..gz.marks");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a mark that was written is read as it was", what_is_written_is_read),
		PROMISE("marks are the same bytes on every machine", the_bytes_are_the_same_on_every_machine),
		PROMISE("one wrong bit makes it no mark", one_wrong_bit_is_seen),
		PROMISE("zeros and text are no marks", foreign_bytes_are_no_mark),
		PROMISE("a mark is news when source or time changes, not for its offset",
			app_instance_stream_and_run_are_the_source),
		PROMISE("marks lie hidden beside their log, and turn with it",
			marks_lie_hidden_beside_their_log),
	};

	return cmocka_run_group_tests_name("marks", tests, NULL, NULL);
}

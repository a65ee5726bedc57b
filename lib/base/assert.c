#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"

/* One handler a program, as with the log. */
static struct {
	assert_handler handler;
	void *context;
} assert_state;

void assert_to(assert_handler handler, void *context)
{
	assert_state.handler = handler;
	assert_state.context = context;
}

void assert_abort(void *context, const char *line)
{
	(void)context;
	(void)line;
	abort();
}

static void print_and_abort(const char *line)
{
	fprintf(stderr, "%s\n", line);
	abort();
}

static __attribute__((format(printf, 4, 0))) void report(
	const char *file, int number, const char *condition, const char *format, va_list args)
{
	struct buf line = BUF_INIT;

	buf_addf(&line, "assertion failed at %s:%d: ", file, number);
	buf_addfv(&line, format, args);
	buf_addf(&line, " (%s)", condition);
	log_error("%s", line.ptr);
	if (assert_state.handler)
		assert_state.handler(assert_state.context, line.ptr);
	else
		print_and_abort(line.ptr);
	buf_release(&line);
}

void assert_failed(const char *file, int line, const char *condition, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(file, line, condition, format, args);
	va_end(args);
}

bool assert_refused(const char *file, int line, const char *condition, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(file, line, condition, format, args);
	va_end(args);
	return false;
}

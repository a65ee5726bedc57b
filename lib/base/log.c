#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

/* One log per program, so that it need not be passed to every function. */
static struct {
	log_sink sink;
	void *context;
	enum log_level least;
} log_state;

void log_to(log_sink sink, void *context, enum log_level least)
{
	log_state.sink = sink;
	log_state.context = context;
	log_state.least = least;
}

const char *log_level_name(enum log_level level)
{
	static const char *const names[] = {
		[LOG_DEBUG] = "debug",
		[LOG_INFO] = "info",
		[LOG_WARN] = "warn",
		[LOG_ERROR] = "error",
	};

	return names[level];
}

/* Both rows of control characters, the one below the space and the one above DEL. */
static bool is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

static void log_escape(struct buf *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t point = 0;
		size_t step = str_utf8(text + at, len - at, &point);
		bool is_clean = step && !is_control(point);

		step = step ? step : 1;
		if (is_clean)
			buf_add(out, text + at, step);
		for (size_t i = 0; i < step && !is_clean; i++)
			buf_addf(out, "\\x%02x", (unsigned int)(unsigned char)text[at + i]);
		at += step;
	}
}

/* `number` is an errno to put into words, or -1. */
static __attribute__((format(printf, 3, 0))) void log_format(
	enum log_level level, int number, const char *format, va_list args)
{
	struct buf raw = BUF_INIT;
	struct buf line = BUF_INIT;

	if (!log_state.sink || level < log_state.least)
		return;
	buf_addfv(&raw, format, args);
	if (number >= 0)
		buf_addf(&raw, ": %s", strerror(number));
	log_escape(&line, raw.ptr, raw.len);
	log_state.sink(log_state.context, level, line.ptr, line.len);
	buf_release(&line);
	buf_release(&raw);
}

void log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_format(LOG_DEBUG, -1, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_format(LOG_INFO, -1, format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_format(LOG_WARN, -1, format, args);
	va_end(args);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_format(LOG_ERROR, -1, format, args);
	va_end(args);
}

void log_warn_sys(int number, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_format(LOG_WARN, number, format, args);
	va_end(args);
}

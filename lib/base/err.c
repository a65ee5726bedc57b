#include "base/err.h"

#include <errno.h>
#include <string.h>

void err_release(struct err *e)
{
	buf_release(&e->text);
	buf_release(&e->about);
	e->number = 0;
}

int err_set(struct err *e, const char *format, ...)
{
	va_list args;

	if (!e)
		return -1;
	buf_clear(&e->text);
	buf_clear(&e->about);
	e->number = 0;
	va_start(args, format);
	buf_addfv(&e->text, format, args);
	va_end(args);
	return -1;
}

int err_usage(struct err *e, const char *format, ...)
{
	va_list args;

	if (!e)
		return -1;
	buf_clear(&e->text);
	buf_clear(&e->about);
	e->number = EINVAL;
	va_start(args, format);
	buf_addfv(&e->text, format, args);
	va_end(args);
	return -1;
}

int err_sys(struct err *e, int number, const char *format, ...)
{
	va_list args;

	if (!e)
		return -1;
	buf_clear(&e->text);
	buf_clear(&e->about);
	e->number = number;
	va_start(args, format);
	buf_addfv(&e->text, format, args);
	va_end(args);
	buf_addf(&e->text, ": %s", strerror(number));
	return -1;
}

int err_prefix(struct err *e, const char *format, ...)
{
	struct buf whole = BUF_INIT;
	va_list args;

	if (!e)
		return -1;
	va_start(args, format);
	buf_addfv(&whole, format, args);
	va_end(args);
	buf_addf(&whole, ": %s", e->text.ptr);
	buf_release(&e->text);
	e->text = whole;
	return -1;
}

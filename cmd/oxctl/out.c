#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd.h"
#include "view/complaint.h"

static bool wants_colour(int fd)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no && *no)
		return false;
	return isatty(fd) && !(term && !strcmp(term, "dumb"));
}

void out_write(const struct buf *text)
{
	(void)fwrite(text->ptr, 1, text->len, stdout);
}

int out_finish(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	return talk_fail(EXIT_FAILED, "cannot write to standard output");
}

bool out_has_colour(void)
{
	return wants_colour(STDOUT_FILENO);
}

bool talk_has_colour(void)
{
	return wants_colour(STDERR_FILENO);
}

size_t out_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

int talk_fail(int code, const char *format, ...)
{
	struct buf text = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_addfv(&text, format, args);
	va_end(args);
	fprintf(stderr, "oxctl: %s\n", text.ptr);
	buf_release(&text);
	return code;
}

void talk_complaints(struct diags *d)
{
	struct buf text = BUF_INIT;

	diags_sort(d);
	complaint_render(&text, d, talk_has_colour());
	(void)fwrite(text.ptr, 1, text.len, stderr);
	buf_release(&text);
}

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "cmd.h"
#include "view/complaint.h"
#include "view/human.h"

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

void out_expect_close(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
}

int out_flush(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	/* Whatever is asked for at the moment is of no more use. */
	if (errno == EPIPE)
		_exit(code);
	return out_finish(code);
}

/* A command flushes more than once; the next time it is no news. */
int out_finish(int code)
{
	static bool is_said;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (!is_said)
		daemon_call_fail(EXIT_FAILED, "cannot write to standard output");
	is_said = true;
	return EXIT_FAILED;
}

bool out_has_colour(void)
{
	return wants_colour(STDOUT_FILENO);
}

void out_json(const struct json *j)
{
	struct buf text = BUF_INIT;

	json_write_pretty(&text, j);
	out_write(&text);
	buf_release(&text);
}

void out_json_text(const struct buf *text)
{
	struct buf shown = BUF_INIT;

	json_indent(&shown, text->ptr, text->len);
	out_write(&shown);
	buf_release(&shown);
}

bool out_is_terminal(void)
{
	return isatty(STDOUT_FILENO);
}

static struct winsize out_size(void)
{
	struct winsize size = { 0 };

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return (struct winsize){ 0 };
	return size;
}

size_t out_width(void)
{
	return out_size().ws_col;
}

size_t out_height(void)
{
	return out_size().ws_row;
}

int64_t out_local_time(int64_t utc_ms)
{
	time_t seconds = (time_t)(utc_ms / 1000);
	struct tm local;

	return localtime_r(&seconds, &local) ? utc_ms + (int64_t)local.tm_gmtoff * 1000 : utc_ms;
}

int64_t out_utc_time(int64_t local_ms)
{
	int64_t utc_ms = local_ms - (out_local_time(local_ms) - local_ms);

	/* The clock may have been set for summer in between. */
	return local_ms - (out_local_time(utc_ms) - utc_ms);
}

int daemon_call_fail(int code, const char *format, ...)
{
	struct buf text = BUF_INIT;
	struct buf shown = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_addfv(&text, format, args);
	va_end(args);
	/* Of several lines (the last ones that a service wrote) only the first is ours. */
	buf_adds(&shown, "oxctl: ");
	for (const char *line = text.ptr; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		human_safe(&shown, line, strcspn(line, "\n"));
		buf_addc(&shown, '\n');
	}
	(void)fflush(stdout);
	(void)fwrite(shown.ptr, 1, shown.len, stderr);
	buf_release(&shown);
	buf_release(&text);
	return code;
}

void daemon_call_complaints(struct diags *d)
{
	struct buf text = BUF_INIT;

	diags_sort(d);
	complaint_render(&text, d, wants_colour(STDERR_FILENO));
	(void)fwrite(text.ptr, 1, text.len, stderr);
	buf_release(&text);
}

#include "wire/http.h"

#include <string.h>

#include "base/version.h"
#include "model/check_url.h"

enum { STATUS_AT = 9, STATUS_LEN = 12 }; /* "HTTP/1.1 200" */

void http_request(struct buf *out, const struct check_url *to, int port)
{
	bool is_root = !to->path_len || to->path[0] != '/';

	buf_addf(out, "GET %s%.*s HTTP/1.1\r\n", is_root ? "/" : "", (int)to->path_len, to->path);
	buf_addf(out, to->is_ipv6 ? "Host: [%s]:%d\r\n" : "Host: %s:%d\r\n", to->host, port);
	buf_addf(out, "User-Agent: oxherd/%s\r\nAccept: */*\r\nConnection: close\r\n\r\n", ox_version);
}

static bool is_http_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Does what is there so far begin a status line? */
static bool may_begin(const struct http_answer *a)
{
	static const char shape[] = "HTTP/1.# ###";

	for (size_t i = 0; i < a->line_len && i < STATUS_LEN; i++)
		if (shape[i] == '#' ? !is_http_digit(a->line[i]) : a->line[i] != shape[i])
			return false;
	return a->line_len <= STATUS_LEN || strchr(" \r\n", a->line[STATUS_LEN]);
}

static enum http_found judge_line(struct http_answer *a)
{
	const char *digits = a->line + STATUS_AT;

	if (!may_begin(a))
		return HTTP_BAD;
	if (a->line_len <= STATUS_LEN)
		return HTTP_MORE;
	a->status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
	if (a->status < 100)
		return HTTP_BAD;
	/* 101 ends HTTP on this connection: nobody asked for it, but it is an answer. */
	if (a->status >= 200 || a->status == 101)
		return HTTP_STATUS;
	a->is_passing = true;
	a->is_line_begun = a->line[STATUS_LEN] != '\n';
	a->line_len = 0;
	return HTTP_MORE;
}

/* Until the empty line after the headers of a 1xx. */
static void pass(struct http_answer *a, char c)
{
	if (c == '\n' && !a->is_line_begun)
		a->is_passing = false;
	else if (c == '\n')
		a->is_line_begun = false;
	else if (c != '\r')
		a->is_line_begun = true;
}

enum http_found http_feed(struct http_answer *a, const char *bytes, size_t len)
{
	enum http_found found = HTTP_MORE;

	for (size_t i = 0; i < len && found == HTTP_MORE; i++) {
		if (++a->total > HTTP_BEFORE_MAX)
			return HTTP_BAD;
		if (a->is_passing) {
			pass(a, bytes[i]);
			continue;
		}
		a->line[a->line_len++] = bytes[i];
		found = judge_line(a);
	}
	return found;
}

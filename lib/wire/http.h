/*
 * As much HTTP/1.1 as a health check needs: one request, and the status of its answer.  On buffers only; what a server sends may be
 * anything, in pieces of any size.
 */
#ifndef OX_WIRE_HTTP_H
#define OX_WIRE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct check_url;

enum {
	HTTP_BEFORE_MAX = 16 * 1024, /* bytes before the status that counts; an answer with more is none */
	HTTP_LINE_MAX = 15,          /* of a status line that are looked at; the rest is its reason */
};

/* GET, with `port` in place of the endpoint's own, and Connection: close. */
void http_request(struct buf *out, const struct check_url *to, int port);

enum http_found {
	HTTP_MORE,   /* not known yet */
	HTTP_STATUS, /* there it is; what follows does not count */
	HTTP_BAD,    /* this is no answer of HTTP/1 */
};

/* An answer as it comes in; zeroed is the beginning.  1xx are passed over with their headers. */
struct http_answer {
	char line[HTTP_LINE_MAX + 1];
	size_t line_len, total;
	int status;         /* with HTTP_STATUS */
	bool is_passing;    /* the headers of a 1xx, or the rest of its line */
	bool is_line_begun; /* while passing: the line has something in it */
};

enum http_found http_feed(struct http_answer *a, const char *bytes, size_t len);

#endif

/*
 * Whatever a server answers, in whatever pieces, is a status of three digits or none, and the same in other pieces.  The first byte says how large
 * the pieces are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "model/check_url.h"
#include "wire/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
	if (!holds)
		abort();
}

static enum http_found feed(struct http_answer *a, const char *bytes, size_t len, size_t piece)
{
	enum http_found found = HTTP_MORE;

	for (size_t at = 0; at < len && found == HTTP_MORE; at += piece)
		found = http_feed(a, bytes + at, len - at < piece ? len - at : piece);
	must(a->line_len <= HTTP_LINE_MAX);
	return found;
}

/* An address that is taken makes a request of four lines and an empty one. */
static void try_address(const char *text)
{
	struct check_url to;
	struct err e = ERR_INIT;
	struct buf request = BUF_INIT;
	int lines = 0;

	if (check_url_parse(text, &to, &e) < 0) {
		must(e.text.len > 0);
	} else {
		must(to.port > 0 && to.port < 65536);
		http_request(&request, &to, to.port);
		for (const char *at = request.ptr; (at = strchr(at, '\n')); at++)
			lines++;
		must(lines == 6 && request.len == strlen(request.ptr));
	}
	buf_release(&request);
	err_release(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_answer whole = { .status = 0 };
	struct http_answer parts = { .status = 0 };
	enum http_found found = HTTP_MORE;
	char *text = NULL;

	if (!size)
		return 0;
	found = feed(&whole, (const char *)data + 1, size - 1, size);
	must(found != HTTP_STATUS || (whole.status >= 100 && whole.status <= 999));
	must(found == feed(&parts, (const char *)data + 1, size - 1, 1 + data[0] % 7));
	must(whole.status == parts.status);
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	try_address(text);
	free(text);
	return 0;
}

#include <string.h>

#include "base/err.h"
#include "model/check_url.h"
#include "unit.h"
#include "wire/http.h"

static enum http_found feed(struct http_answer *a, const char *text, size_t piece)
{
	enum http_found found = HTTP_MORE;
	size_t len = strlen(text);

	for (size_t at = 0; at < len && found == HTTP_MORE; at += piece)
		found = http_feed(a, text + at, len - at < piece ? len - at : piece);
	return found;
}

static void an_answer_is_its_status(void **state)
{
	static const struct {
		const char *text;
		enum http_found found;
		int status;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\n", HTTP_STATUS, 200 },
		{ "HTTP/1.1 200\r\n", HTTP_STATUS, 200 },
		{ "HTTP/1.0 204\n", HTTP_STATUS, 204 },
		{ "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", HTTP_STATUS, 302 },
		{ "HTTP/1.1 500 Internal Server Error\r\n", HTTP_STATUS, 500 },
		{ "HTTP/1.1 999 \r\n", HTTP_STATUS, 999 },
		{ "HTTP/1.1 200 ", HTTP_STATUS, 200 },
		{ "HTTP/1.1 200", HTTP_MORE, 0 },
		{ "HTTP/1.", HTTP_MORE, 0 },
		{ "", HTTP_MORE, 0 },
		{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", HTTP_STATUS, 200 },
		{ "HTTP/1.1 103\r\nLink: </x>\r\nA: b\r\n\r\nHTTP/1.1 100 \n\nHTTP/1.1 503 No\r\n",
			HTTP_STATUS, 503 },
		{ "HTTP/1.1 100 Continue\r\nX: HTTP/1.1 200 OK\r\n", HTTP_MORE, 100 },
		{ "HTTP/1.1 101 Switching Protocols\r\n", HTTP_STATUS, 101 },
		{ "HTTP/1.1 099 What\r\n", HTTP_BAD, 99 },
		{ "HTTP/1.1 2000 OK\r\n", HTTP_BAD, 0 },
		{ "HTTP/1.1 20x OK\r\n", HTTP_BAD, 0 },
		{ "HTTP/2 200\r\n", HTTP_BAD, 0 },
		{ "http/1.1 200 OK\r\n", HTTP_BAD, 0 },
		{ "\r\nHTTP/1.1 200 OK\r\n", HTTP_BAD, 0 },
		{ "SSH-2.0-OpenSSH_9.2\r\n", HTTP_BAD, 0 },
		{ "-ERR unknown command\r\n", HTTP_BAD, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece < 100; piece++) {
			struct http_answer a = { .status = 0 };

			if (feed(&a, rows[i].text, piece) != rows[i].found || a.status != rows[i].status)
				fail_msg("'%s' in pieces of %zu is %d", rows[i].text, piece, a.status);
		}
}

static void what_comes_before_the_status_is_bounded(void **state)
{
	struct http_answer a = { .status = 0 };
	enum http_found found = HTTP_MORE;
	int pieces = 0;

	(void)state;
	for (; found == HTTP_MORE && pieces < 100000; pieces++)
		found = feed(&a, "HTTP/1.1 100 Continue\r\n\r\n", 100);
	assert_int_equal(found, HTTP_BAD);
	assert_in_range(pieces, 600, 700);
	a = (struct http_answer){ .status = 0 };
	assert_int_equal(feed(&a, "HTTP/1.1 100 Continue\r\nX: ", 100), HTTP_MORE);
	for (pieces = 0, found = HTTP_MORE; found == HTTP_MORE && pieces < 100000; pieces++)
		found = feed(&a, "xxxxxxxxxxxxxxxx", 100);
	assert_int_equal(found, HTTP_BAD);
}

static void addresses_have_parts(void **state)
{
	static const struct {
		const char *url, *host, *path;
		int port;
		bool is_ipv6, is_localhost, is_loopback;
	} rows[] = {
		{ "http://localhost:3000/health", "localhost", "/health", 3000, false, true, true },
		{ "HTTP://LocalHost", "LocalHost", "", 80, false, true, true },
		{ "http://127.0.0.1:8080", "127.0.0.1", "", 8080, false, false, true },
		{ "http://127.77.0.3:1/x?y=1#z", "127.77.0.3", "/x?y=1", 1, false, false, true },
		{ "http://[::1]:80/", "::1", "/", 80, true, false, true },
		{ "http://10.0.0.7?ping", "10.0.0.7", "?ping", 80, false, false, false },
		{ "http://[fe80::1]/", "fe80::1", "/", 80, true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct check_url to;
		struct err e = ERR_INIT;

		if (check_url_parse(rows[i].url, &to, &e) < 0)
			fail_msg("%s: %s", rows[i].url, e.text.ptr);
		assert_string_equal(to.host, rows[i].host);
		assert_int_equal(to.path_len, strlen(rows[i].path));
		assert_memory_equal(to.path, rows[i].path, to.path_len);
		assert_int_equal(to.port, rows[i].port);
		assert_int_equal(to.is_ipv6, rows[i].is_ipv6);
		assert_int_equal(to.is_localhost, rows[i].is_localhost);
		assert_int_equal(to.is_loopback, rows[i].is_loopback);
		err_release(&e);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const struct {
		const char *url, *words;
	} rows[] = {
		{ "https://localhost/", "use a command such as \"curl -fsk https://localhost/\"" },
		{ "localhost:3000", "it begins with http://" },
		{ "http://", "it is not an address" },
		{ "http:///health", "it is not an address" },
		{ "http://[::1", "it is not an address" },
		{ "http://[::1]x/", "it is not an address" },
		{ "http://localhost/a b", "it is not an address" },
		{ "http://localhost/a\r\nX: y", "it is not an address" },
		{ "http://localhost:0/", "its port" },
		{ "http://localhost:70000/", "its port" },
		{ "http://localhost:/", "its port" },
		{ "http://localhost:8x/", "its port" },
		{ "http://api.internal:3000/", "'api.internal' is no IP address and not localhost" },
		{ "http://me@localhost/", "'me@localhost' is no IP address" },
		{ "http://300.1.1.1/", "'300.1.1.1' is no IP address" },
		{ "http://[127.0.0.1]/", "'127.0.0.1' is no IP address" },
		{ "http://[localhost]/", "'localhost' is no IP address" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct check_url to;
		struct err e = ERR_INIT;

		assert_int_equal(check_url_parse(rows[i].url, &to, &e), -1);
		if (!strstr(e.text.ptr, rows[i].words))
			fail_msg("%s: %s", rows[i].url, e.text.ptr);
		err_release(&e);
	}
}

static void a_request_asks_for_one_answer(void **state)
{
	static const struct {
		const char *url, *first, *host;
	} rows[] = {
		{ "http://localhost:3000/health?a=b", "GET /health?a=b HTTP/1.1\r\n",
			"Host: localhost:3007\r\n" },
		{ "http://127.0.0.1", "GET / HTTP/1.1\r\n", "Host: 127.0.0.1:3007\r\n" },
		{ "http://[::1]?x#y", "GET /?x HTTP/1.1\r\n", "Host: [::1]:3007\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct check_url to;
		struct buf out = BUF_INIT;

		assert_int_equal(check_url_parse(rows[i].url, &to, NULL), 0);
		http_request(&out, &to, 3007);
		assert_ptr_equal(strstr(out.ptr, rows[i].first), out.ptr);
		assert_non_null(strstr(out.ptr, rows[i].host));
		assert_non_null(strstr(out.ptr, "\r\nConnection: close\r\n\r\n"));
		buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("of an answer only its status counts, in whatever pieces it comes",
			an_answer_is_its_status),
		PROMISE("what comes before the status is bounded", what_comes_before_the_status_is_bounded),
		PROMISE("the address of a check has parts", addresses_have_parts),
		PROMISE("an address that cannot be checked is refused, with what to do instead",
			what_is_no_address_is_refused),
		PROMISE("a request asks for one answer, and for the connection to be closed",
			a_request_asks_for_one_answer),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}

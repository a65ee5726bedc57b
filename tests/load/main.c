/*
 * crowd: asks one address again and again, and counts every request that was not answered with a whole 200.
 *
 *	crowd --connections 16 --rate 500 --secs 10 http://127.0.0.1:8080/
 *	{"requests":5000,"ok":5000,"failed":0,"refused":0,…}
 *
 * The report is one line of JSON.  SIGTERM and SIGINT end it as the end of its time does: what was asked is waited for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/opt.h"
#include "base/str.h"
#include "crowd.h"
#include "os/clock.h"

static volatile sig_atomic_t is_told;
static int64_t connections = 16;
static int64_t rate;
static int64_t secs;
static int64_t timeout_ms = 10000;
static int64_t post_bytes;
static bool closes;
static const char *words;

static const struct opt table[] = {
	{ .name = "connections",
		.kind = OPT_INT,
		.at = &connections,
		.value = "N",
		.help = "clients side by side" },
	{ .name = "rate",
		.kind = OPT_INT,
		.at = &rate,
		.value = "N",
		.help = "requests a second; 0: as many as there are answers" },
	{ .name = "secs", .kind = OPT_INT, .at = &secs, .value = "N", .help = "how long; 0: until SIGTERM" },
	{ .name = "timeout-ms",
		.kind = OPT_INT,
		.at = &timeout_ms,
		.value = "N",
		.help = "for a whole answer" },
	{ .name = "post",
		.kind = OPT_INT,
		.at = &post_bytes,
		.value = "BYTES",
		.help = "POST so much instead of GET" },
	{ .name = "close", .kind = OPT_FLAG, .at = &closes, .help = "a new connection for each request" },
	{ .name = "expect",
		.kind = OPT_STRING,
		.at = &words,
		.value = "WORDS",
		.help = "are in each answer" },
	{ .name = NULL },
};

static void on_signal(int number)
{
	(void)number;
	is_told = 1;
}

/* http://127.0.0.1:8080/path: an address in digits, so that nothing but the server is measured. */
static const char *read_url(struct crowd_plan *plan, const char *url)
{
	char host[64];
	const char *colon = NULL;
	const char *path = NULL;
	char digits[8] = "";
	int64_t port = 0;

	if (!str_starts(url, "http://"))
		return NULL;
	url += strlen("http://");
	path = strchr(url, '/');
	colon = strchr(url, ':');
	if (!path || !colon || colon > path || (size_t)(colon - url) >= sizeof(host) ||
		(size_t)(path - colon) > sizeof(digits))
		return NULL;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - url), url);
	snprintf(digits, sizeof(digits), "%.*s", (int)(path - colon - 1), colon + 1);
	plan->to.sin_family = AF_INET;
	if (str_to_int(digits, &port) == false || port < 1 || port > USHRT_MAX ||
		inet_pton(AF_INET, host, &plan->to.sin_addr) != 1)
		return NULL;
	plan->to.sin_port = htons((unsigned short)port);
	return path;
}

static void write_request(struct crowd_plan *plan, const char *path)
{
	struct buf *out = &plan->request;

	buf_addf(out, "%s %s HTTP/1.1\r\nHost: crowd\r\nConnection: %s\r\n", post_bytes ? "POST" : "GET",
		path, closes ? "close" : "keep-alive");
	if (post_bytes)
		buf_addf(out, "Content-Type: text/plain\r\nContent-Length: %lld\r\n", (long long)post_bytes);
	buf_adds(out, "\r\n");
	for (int64_t i = 0; i < post_bytes; i++)
		buf_addc(out, (char)('a' + i % 26));
}

static bool is_sensible(void)
{
	return connections >= 1 && connections <= CROWD_MAX && rate >= 0 && rate <= 1000000 && secs >= 0 &&
		timeout_ms > 0 && post_bytes >= 0 && post_bytes <= 16 * 1024 * 1024;
}

static int run(const struct crowd_plan *plan)
{
	struct buf report = BUF_INIT;
	struct tally tally;
	struct crowd crowd;
	int64_t begun = clock_us();
	int64_t until = secs ? begun + secs * 1000000 : INT64_MAX;
	int code = 0;

	tally_init(&tally);
	if (crowd_init(&crowd, plan, &tally, begun) < 0) {
		fprintf(stderr, "crowd: cannot wait for connections: %s\n", strerror(errno));
		return 1;
	}
	while (crowd_turn(&crowd, until > clock_us() ? until : INT64_MAX, is_told || clock_us() >= until))
		continue;
	tally_write(&report, &tally, clock_us() - begun);
	if (fputs(report.ptr, stdout) == EOF || fflush(stdout) == EOF)
		code = 1;
	crowd_release(&crowd);
	tally_release(&tally);
	buf_release(&report);
	return code;
}

int main(int argc, char **argv)
{
	struct crowd_plan plan = { .request = BUF_INIT };
	struct sigaction action = { .sa_handler = on_signal };
	struct err e = ERR_INIT;
	struct opt_rest rest;
	const char *path = NULL;
	int code = 2;

	if (opt_parse(table, argc - 1, argv + 1, &rest, &e) < 0) {
		fprintf(stderr, "crowd: %s\n", e.text.ptr);
	} else if (rest.count != 1 || !is_sensible() || !(path = read_url(&plan, rest.items[0]))) {
		struct buf help = BUF_INIT;

		opt_help(&help, table);
		fprintf(stderr, "usage: crowd [OPTION…] http://ADDRESS:PORT/PATH\n%s", help.ptr);
		buf_release(&help);
	} else {
		plan.connections = (size_t)connections;
		plan.rate = rate;
		plan.timeout_us = timeout_ms * 1000;
		plan.keeps_alive = !closes;
		plan.is_idempotent = !post_bytes;
		plan.words = words;
		write_request(&plan, path);
		sigaction(SIGTERM, &action, NULL);
		sigaction(SIGINT, &action, NULL);
		code = run(&plan);
	}
	buf_release(&plan.request);
	err_release(&e);
	return code;
}

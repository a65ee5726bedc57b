#include <string.h>

#include "base/err.h"
#include "export/export.h"
#include "model/spec.h"
#include "unit.h"

static const struct upstream_server four[] = {
	{ .at = { .port = 3000 } },
	{ .at = { .port = 3001 } },
	{ .at = { .port = 3002 } },
	{ .at = { .port = 3003 } },
};

#define API(count) .name = "api", .servers = four, .servers_count = (count)

static void renders(
	const struct export_app *upstreams, size_t count, const char *server_name, const char *text)
{
	struct export_options options = { .server_name = server_name };
	struct err e = ERR_INIT;
	struct buf out = BUF_INIT;

	assert_int_equal(export_nginx.render(&out, upstreams, count, &options, &e), 0);
	assert_string_equal(out.ptr, text);
	assert_string_equal(e.text.ptr, "");
	buf_release(&out);
	err_release(&e);
}

static void refuses(
	const struct export_app *upstreams, size_t count, const char *server_name, const char *words)
{
	struct export_options options = { .server_name = server_name };
	struct err e = ERR_INIT;
	struct buf out = BUF_INIT;

	buf_adds(&out, "before");
	assert_int_equal(export_nginx.render(&out, upstreams, count, &options, &e), -1);
	assert_string_equal(e.text.ptr, words);
	assert_string_equal(out.ptr, "before");
	/* Nobody needs to want words. */
	assert_int_equal(export_nginx.render(&out, upstreams, count, &options, NULL), -1);
	buf_release(&out);
	err_release(&e);
}

static void a_block_has_a_line_an_instance(void **state)
{
	const struct export_app api = { API(4) };
	struct err e = ERR_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(export_nginx.render(&out, &api, 1, NULL, &e), 0);
	assert_string_equal(out.ptr,
		"upstream api {\n"
		"    server 127.0.0.1:3000;\n"
		"    server 127.0.0.1:3001;\n"
		"    server 127.0.0.1:3002;\n"
		"    server 127.0.0.1:3003;\n"
		"}\n");
	buf_release(&out);
	err_release(&e);
}

static void blocks_are_an_empty_line_apart(void **state)
{
	static const struct upstream_server edges[] = { { .at = { .port = 1 } },
		{ .at = { .port = 65535 } } };
	const struct export_app both[] = {
		{ API(1) },
		{ .name = "Web_2.eu-west", .servers = edges, .servers_count = 2 },
	};

	(void)state;
	renders(both, 0, NULL, "");
	renders(both, 2, NULL,
		"upstream api {\n"
		"    server 127.0.0.1:3000;\n"
		"}\n"
		"\n"
		"upstream Web_2.eu-west {\n"
		"    server 127.0.0.1:1;\n"
		"    server 127.0.0.1:65535;\n"
		"}\n");
}

static void behind_the_gate_nginx_does_not_count_failures(void **state)
{
	struct spec *s = spec_new("api");
	const struct export_app api = { API(1), .spec = s };

	(void)state;
	s->port_mode = PORT_SHARED;
	renders(&api, 1, NULL, "upstream api {\n    server 127.0.0.1:3000 max_fails=0;\n}\n");
	s->port_mode = PORT_EACH;
	renders(&api, 1, NULL, "upstream api {\n    server 127.0.0.1:3000;\n}\n");
	spec_free(s);
}

static void a_draining_instance_is_down(void **state)
{
	static const struct upstream_server servers[] = {
		{ .at = { .port = 3000 } },
		{ .at = { .port = 3001 }, .is_down = true },
	};
	const struct export_app api = { .name = "api", .servers = servers, .servers_count = 2 };
	const struct export_app all_down = { .name = "api", .servers = servers + 1, .servers_count = 1 };

	(void)state;
	renders(&api, 1, NULL,
		"upstream api {\n"
		"    server 127.0.0.1:3000;\n"
		"    server 127.0.0.1:3001 down;\n"
		"}\n");
	renders(&all_down, 1, NULL, "upstream api {\n    server 127.0.0.1:3001 down;\n}\n");
}

static void options_stand_where_nginx_wants_them(void **state)
{
	static const char *const options[] = {
		"keepalive 32",
		" least_conn; ",
		"keepalive_timeout 4s;;",
		"\tzone api 64k ;",
		"hash \"$scheme;$request_uri\" consistent",
	};
	const struct export_app api = { API(1), .options = options, .options_count = 5 };

	(void)state;
	renders(&api, 1, NULL,
		"upstream api {\n"
		"    least_conn;\n"
		"    zone api 64k;\n"
		"    hash \"$scheme;$request_uri\" consistent;\n"
		"    server 127.0.0.1:3000;\n"
		"    keepalive 32;\n"
		"    keepalive_timeout 4s;\n"
		"}\n");
}

static void an_option_cannot_break_out(void **state)
{
	static const struct {
		const char *option, *trouble;
	} rows[] = {
		{ "", "is empty" },
		{ " ; ;", "is empty" },
		{ "zone a 64k; } server { listen 81", "holds '}'" },
		{ "if {", "holds '{'" },
		{ "hash ${a}", "holds '{'" },
		{ "least_conn # the best", "holds '#'" },
		{ "hash a\\", "holds a backslash" },
		{ "hash a\\;", "holds a backslash" },
		{ "least_conn\nserver 1.2.3.4", "holds a line break" },
		{ "least_conn\rserver 1.2.3.4", "holds a line break" },
		{ "least\001conn", "holds a control character" },
		{ "least_conn; keepalive 32;", "holds more than one directive" },
		{ ";least_conn", "holds more than one directive" },
		{ "hash \"$a", "has an open quote" },
		{ "hash '", "has an open quote" },
		{ "hash 'a\"", "has an open quote" },
		{ "hash \"a;", "has an open quote" },
		{ "hash a\"b \"c",
			"has an open quote" }, /* the first is a letter for nginx, the second opens */
		{ "hash \"a\"b", "continues right after a quote" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *options[] = { "least_conn", rows[i].option };
		const struct export_app api = { API(1), .options = options, .options_count = 2 };
		struct buf words = BUF_INIT;

		buf_addf(&words, "upstream 'api': option '%s' %s; write one directive, such as 'least_conn'",
			rows[i].option, rows[i].trouble);
		refuses(&api, 1, NULL, words.ptr);
		buf_release(&words);
	}
}

static void a_name_is_one_that_nginx_takes(void **state)
{
	static const char *const names[] = { "", "my app", "api;", "api{", "a/b", "$api", "\xc3\xbc", "a\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct export_app both[] = { { API(1) },
			{ .name = names[i], .servers = four, .servers_count = 1 } };
		struct buf words = BUF_INIT;

		buf_addf(&words, "'%s' cannot name an nginx upstream: use letters, digits, '_', '-' and '.'",
			names[i]);
		refuses(both, 2, NULL, words.ptr);
		buf_release(&words);
	}
}

static void two_upstreams_need_two_names(void **state)
{
	const struct export_app both[] = { { API(1) },
		{ .name = "API", .servers = four, .servers_count = 1 } };

	(void)state;
	refuses(both, 2, NULL,
		"upstreams 'api' and 'API' are one name for nginx; rename one with 'upstream'");
}

static void an_upstream_has_a_server_with_a_port(void **state)
{
	const struct export_app none = { API(0) };
	const int ports[] = { 0, -1, 65536 };

	(void)state;
	refuses(&none, 1, NULL, "upstream 'api' has no server: its app has no ports; write 'port' for it");
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		const struct upstream_server servers[] = { { .at = { .port = 3000 } },
			{ .at = { .port = ports[i] } } };
		const struct export_app api = { .name = "api", .servers = servers, .servers_count = 2 };
		struct buf words = BUF_INIT;

		buf_addf(&words, "upstream 'api': port %d is outside 1..65535", ports[i]);
		refuses(&api, 1, NULL, words.ptr);
		buf_release(&words);
	}
}

static void a_site_is_whole(void **state)
{
	static const char *const options[] = { "keepalive 32" };
	const struct export_app api = { API(2), .options = options, .options_count = 1 };

	(void)state;
	renders(&api, 1, "example.com",
		"# WebSockets ask for an upgrade and get it; for all else the connection to the\n"
		"# app may stay open, which is what 'keepalive' in the upstream needs.\n"
		"map $http_upgrade $api_connection {\n"
		"    default upgrade;\n"
		"    ''      '';\n"
		"}\n"
		"\n"
		"upstream api {\n"
		"    server 127.0.0.1:3000;\n"
		"    server 127.0.0.1:3001;\n"
		"    keepalive 32;\n"
		"}\n"
		"\n"
		"server {\n"
		"    listen 80;\n"
		"    listen [::]:80;\n"
		"    server_name example.com;\n"
		"\n"
		"    location / {\n"
		"        proxy_pass http://api;\n"
		"        proxy_http_version 1.1;\n"
		"\n"
		"        proxy_set_header Host $host;\n"
		"        proxy_set_header X-Real-IP $remote_addr;\n"
		"        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
		"        proxy_set_header X-Forwarded-Proto $scheme;\n"
		"        proxy_set_header X-Forwarded-Host $host;\n"
		"        proxy_set_header X-Forwarded-Port $server_port;\n"
		"        proxy_set_header Upgrade $http_upgrade;\n"
		"        proxy_set_header Connection $api_connection;\n"
		"\n"
		"        # A WebSocket that is silent for longer than the read timeout is closed.\n"
		"        proxy_connect_timeout 5s;\n"
		"        proxy_send_timeout 60s;\n"
		"        proxy_read_timeout 60s;\n"
		"\n"
		"        # When an instance is gone, the next one is tried.  Never for a POST that was\n"
		"        # already sent (that would need 'non_idempotent'), and not after ten seconds,\n"
		"        # so that a slow request is not made slower on every instance in turn.\n"
		"        proxy_next_upstream error timeout;\n"
		"        proxy_next_upstream_timeout 10s;\n"
		"    }\n"
		"}\n");
}

static void a_variable_is_our_own(void **state)
{
	static const struct {
		const char *name, *line;
	} rows[] = {
		{ "api", "map $http_upgrade $api_connection {\n" },
		{ "my-api.v2", "map $http_upgrade $my_api_v2_connection {\n" },
		{ "3000", "map $http_upgrade $_3000_connection {\n" },
		{ "http", "map $http_upgrade $_http_connection {\n" },
		{ "sent.http", "map $http_upgrade $_sent_http_connection {\n" },
		{ "arg", "map $http_upgrade $_arg_connection {\n" },
		{ "https", "map $http_upgrade $https_connection {\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct export_app u = { .name = rows[i].name, .servers = four, .servers_count = 1 };
		struct export_options options = { .server_name = "_" };
		struct buf out = BUF_INIT;

		assert_int_equal(export_nginx.render(&out, &u, 1, &options, NULL), 0);
		assert_non_null(strstr(out.ptr, rows[i].line));
		buf_release(&out);
	}
}

static void assert_server_name_is_good(const struct export_app *u, const char *name)
{
	struct export_options options = { .server_name = name };
	struct buf out = BUF_INIT;

	assert_int_equal(export_nginx.render(&out, u, 1, &options, NULL), 0);
	assert_non_null(strstr(out.ptr, name));
	buf_release(&out);
}

static void a_server_name_is_one_that_matches(void **state)
{
	static const char *const good[] = { "example.com", "_", "*.example.com", "www.example.*",
		".example.com", "a-b_c.d" };
	static const struct {
		const char *name, *words;
	} bad[] = {
		{ "", "server name '': use letters, digits, '.', '-', '_' and '*'" },
		{ "a b", "server name 'a b': use letters, digits, '.', '-', '_' and '*'" },
		{ "a;}", "server name 'a;}': use letters, digits, '.', '-', '_' and '*'" },
		{ "a:80", "server name 'a:80': use letters, digits, '.', '-', '_' and '*'" },
		{ "~^w", "server name '~^w': use letters, digits, '.', '-', '_' and '*'" },
		{ "*", "server name '*': '*' stands only at an end, as in '*.example.com'" },
		{ "*.", "server name '*.': '*' stands only at an end, as in '*.example.com'" },
		{ ".*", "server name '.*': '*' stands only at an end, as in '*.example.com'" },
		{ "a*", "server name 'a*': '*' stands only at an end, as in '*.example.com'" },
		{ "w.*.com", "server name 'w.*.com': '*' stands only at an end, as in '*.example.com'" },
		{ "*.a.*", "server name '*.a.*': '*' stands only at an end, as in '*.example.com'" },
		{ "a..b", "server name 'a..b' has an empty part" },
		{ ".", "server name '.' has an empty part" },
	};
	const struct export_app api = { API(1) };
	char longest[255] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_server_name_is_good(&api, good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuses(&api, 1, bad[i].name, bad[i].words);
	memset(longest, 'a', 254);
	refuses(&api, 1, longest,
		"server name 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…' is longer than 253 letters");
	longest[253] = '\0';
	assert_server_name_is_good(&api, longest);
}

static void a_site_is_for_one_upstream(void **state)
{
	const struct export_app both[] = { { API(1) },
		{ .name = "web", .servers = four, .servers_count = 1 } };

	(void)state;
	refuses(both, 2, "example.com", "a server block is for one upstream, not for 2; name one app");
	refuses(both, 0, "example.com", "a server block is for one upstream, not for 0; name one app");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a block has a line an instance", a_block_has_a_line_an_instance),
		PROMISE("blocks are an empty line apart", blocks_are_an_empty_line_apart),
		PROMISE("a server that stands for all instances that share a port is never kept away from",
			behind_the_gate_nginx_does_not_count_failures),
		PROMISE("a draining instance is named and down", a_draining_instance_is_down),
		PROMISE("options stand where nginx wants them, with one ';' each",
			options_stand_where_nginx_wants_them),
		PROMISE("an option cannot break out of its block", an_option_cannot_break_out),
		PROMISE("a name is one that nginx takes", a_name_is_one_that_nginx_takes),
		PROMISE("two upstreams need two names, whatever their capitals",
			two_upstreams_need_two_names),
		PROMISE("an upstream has a server with a port", an_upstream_has_a_server_with_a_port),
		PROMISE("a site is whole: upgrades, headers, timeouts", a_site_is_whole),
		PROMISE("a variable is our own, whatever the app is called", a_variable_is_our_own),
		PROMISE("a server name is one that matches something", a_server_name_is_one_that_matches),
		PROMISE("a site is for one upstream", a_site_is_for_one_upstream),
	};

	return cmocka_run_group_tests_name("nginx", tests, NULL, NULL);
}

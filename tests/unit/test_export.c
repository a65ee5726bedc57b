#include <string.h>

#include "base/err.h"
#include "export/export.h"
#include "unit.h"

static const struct upstream_server three[] = {
	{ .at = { .port = 3000 } },
	{ .at = { .port = 3001 }, .is_down = true },
	{ .at = { .port = 3002 } },
};

#define API(count) .name = "api", .servers = three, .servers_count = (count)

static const struct export_app both[] = { { API(3) },
	{ .name = "web", .servers = three, .servers_count = 1 } };
static const struct export_app one = { API(1) };

static void renders(const struct exporter *x, const struct export_app *upstreams, size_t count,
	const char *server_name, const char *text)
{
	struct export_options options = { .server_name = server_name };
	struct err e = ERR_INIT;
	struct buf out = BUF_INIT;

	assert_int_equal(x->render(&out, upstreams, count, &options, &e), 0);
	assert_string_equal(out.ptr, text);
	assert_string_equal(e.text.ptr, "");
	buf_release(&out);
	err_release(&e);
}

static void refuses(const struct exporter *x, const struct export_app *upstreams, size_t count,
	const char *server_name, const char *words)
{
	struct export_options options = { .server_name = server_name };
	struct err e = ERR_INIT;
	struct buf out = BUF_INIT;

	buf_adds(&out, "before");
	assert_int_equal(x->render(&out, upstreams, count, &options, &e), -1);
	assert_string_equal(e.text.ptr, words);
	assert_string_equal(out.ptr, "before");
	assert_int_equal(x->render(&out, upstreams, count, &options, NULL), -1);
	buf_release(&out);
	err_release(&e);
}

static void a_backend_has_a_line_an_instance(void **state)
{
	(void)state;
	renders(&export_haproxy, both, 2, NULL,
		"backend api\n"
		"    mode http\n"
		"    balance leastconn\n"
		"    server api-3000 127.0.0.1:3000\n"
		"    server api-3001 127.0.0.1:3001 disabled\n"
		"    server api-3002 127.0.0.1:3002\n"
		"\n"
		"backend web\n"
		"    mode http\n"
		"    balance leastconn\n"
		"    server web-3000 127.0.0.1:3000\n");
}

#define FRONTEND(match)                                                                                      \
	"frontend api-http\n"                                                                                \
	"    mode http\n"                                                                                    \
	"    bind :80\n"                                                                                     \
	"    option forwardfor\n"                                                                            \
	"    acl is-api hdr(host),field(1,:) " match "\n"                                                    \
	"    use_backend api if is-api\n"                                                                    \
	"\n"                                                                                                 \
	"backend api\n"                                                                                      \
	"    mode http\n"                                                                                    \
	"    balance leastconn\n"                                                                            \
	"    server api-3000 127.0.0.1:3000\n"

static void a_frontend_passes_the_host_to_its_backend(void **state)
{
	(void)state;
	renders(&export_haproxy, &one, 1, "api.example.com", FRONTEND("-i api.example.com"));
	renders(&export_haproxy, &one, 1, "*.example.com", FRONTEND("-m end -i .example.com"));
}

static void a_snippet_names_those_that_take_requests(void **state)
{
	(void)state;
	renders(&export_caddy, both, 2, NULL,
		"(api) {\n"
		"    reverse_proxy 127.0.0.1:3000 127.0.0.1:3002 {\n"
		"        lb_policy least_conn\n"
		"    }\n"
		"}\n"
		"\n"
		"(web) {\n"
		"    reverse_proxy 127.0.0.1:3000 {\n"
		"        lb_policy least_conn\n"
		"    }\n"
		"}\n");
}

static void a_site_is_one_block(void **state)
{
	(void)state;
	renders(&export_caddy, &one, 1, "api.example.com",
		"api.example.com {\n"
		"    reverse_proxy 127.0.0.1:3000 {\n"
		"        lb_policy least_conn\n"
		"    }\n"
		"}\n");
}

static void what_could_end_a_line_or_a_block_is_refused(void **state)
{
	static const struct upstream_server bad_port[] = { { .at = { .port = 70000 } } };
	static const char *const options[] = { "least_conn" };
	const struct export_app named = { .name = "a b", .servers = three, .servers_count = 1 };
	const struct export_app outside = { .name = "api", .servers = bad_port, .servers_count = 1 };
	const struct export_app empty = { .name = "api" };
	const struct export_app optioned = { API(1), .options = options, .options_count = 1 };
	const struct export_app twins[] = { { API(1) }, { API(1) } };

	(void)state;
	refuses(&export_haproxy, &named, 1, NULL,
		"'a b' cannot name a HAProxy backend: use letters, digits, '_', '-' and '.'");
	refuses(&export_caddy, &named, 1, NULL,
		"'a b' cannot name a Caddy snippet: use letters, digits, '_', '-' and '.'");
	refuses(&export_caddy, &outside, 1, NULL, "upstream 'api': port 70000 is outside 1..65535");
	refuses(&export_haproxy, &empty, 1, NULL,
		"upstream 'api' has no server: its app has no ports; write 'port' for it");
	refuses(&export_haproxy, &optioned, 1, NULL,
		"upstream 'api': its options are nginx's words, and cannot stand in a HAProxy backend");
	refuses(&export_caddy, twins, 2, NULL, "there are two upstreams 'api'; rename one with 'upstream'");
}

static void a_server_block_is_for_one_upstream_and_one_host(void **state)
{
	(void)state;
	refuses(&export_haproxy, both, 2, "a.example.com",
		"a server block is for one upstream, not for 2; name one app");
	refuses(&export_caddy, both, 1, "a.example.com {",
		"server name 'a.example.com {': use letters, digits, '.', '-', '_' and '*'");
	refuses(&export_haproxy, both, 1, "www.example.*",
		"server name 'www.example.*': only nginx takes a '*' at the end");
}

static void caddy_never_gets_a_proxy_without_a_server(void **state)
{
	const struct export_app api = { .name = "api", .servers = three + 1, .servers_count = 1 };

	(void)state;
	refuses(&export_caddy, &api, 1, NULL,
		"upstream 'api' has no server that is not down, and Caddy has no word for one that is");
}

static void each_is_found_by_its_name(void **state)
{
	(void)state;
	assert_ptr_equal(exporter_find("nginx"), &export_nginx);
	assert_ptr_equal(exporter_find("haproxy"), &export_haproxy);
	assert_ptr_equal(exporter_find("caddy"), &export_caddy);
	assert_null(exporter_find("Caddy"));
	for (size_t i = 0; exporters[i]; i++)
		assert_true(strlen(exporters[i]->about) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a HAProxy backend has one server line an instance",
			a_backend_has_a_line_an_instance),
		PROMISE("a HAProxy frontend passes one host to its backend",
			a_frontend_passes_the_host_to_its_backend),
		PROMISE("a Caddy snippet names the instances that take requests",
			a_snippet_names_those_that_take_requests),
		PROMISE("a Caddy site is one block", a_site_is_one_block),
		PROMISE("what could end a line or a block is refused",
			what_could_end_a_line_or_a_block_is_refused),
		PROMISE("a server block is for one upstream and one host",
			a_server_block_is_for_one_upstream_and_one_host),
		PROMISE("Caddy never gets a proxy without a server",
			caddy_never_gets_a_proxy_without_a_server),
		PROMISE("each dialect is found by its name", each_is_found_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "export/export.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "export/check.h"
#include "export/nginx_check.h"
#include "model/spec.h"

/* keepalive wraps the balancing method that is set when nginx reads it, so it goes behind all the others. */
static void add_options(struct buf *out, const struct export_app *u, bool wants_keepalive)
{
	for (size_t i = 0; i < u->options_count; i++) {
		size_t len = 0;
		const char *option = nginx_option(u->options[i], &len);

		if (str_starts(option, "keepalive") != wants_keepalive)
			continue;
		buf_adds(out, "    ");
		buf_add(out, option, len);
		buf_adds(out, ";\n");
	}
}

/*
 * Behind the gate one server stands for many: a connection that ends early is one instance's, and by its own count (max_fails) nginx would keep
 * away from all of them.
 */
static void add_upstream_block(struct buf *out, const struct export_app *u)
{
	const char *fails = u->spec && spec_has_gate(u->spec) ? " max_fails=0" : "";

	buf_addf(out, "upstream %s {\n", u->name);
	add_options(out, u, false);
	for (size_t i = 0; i < u->servers_count; i++)
		buf_addf(out, "    server %s:%d%s%s;\n", endpoint_address(&u->servers[i].at),
			u->servers[i].at.port, fails, u->servers[i].is_down ? " down" : "");
	add_options(out, u, true);
	buf_adds(out, "}\n");
}

/*
 * The variable's name, NAME_connection in letters, digits and '_'.  A leading digit would be a capture ($1),
 * and some beginnings are nginx's own ($http_connection is a header of the request): a '_' in front makes it
 * ours.
 */
static void add_variable(struct buf *out, const char *name)
{
	static const char *const owned[] = { "http_", "sent_", "upstream_", "cookie_", "arg_" };
	struct buf variable = BUF_INIT;
	bool is_owned = *name >= '0' && *name <= '9';

	for (const char *c = name; *c; c++)
		buf_addc(&variable, (char)(*c == '-' || *c == '.' ? '_' : *c));
	buf_adds(&variable, "_connection");
	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
		is_owned = is_owned || str_starts(variable.ptr, owned[i]);
	buf_addf(out, "$%s%s", is_owned ? "_" : "", variable.ptr);
	buf_release(&variable);
}

/* The comments in the text are for an administrator who finds the file on a server years later. */
static void add_site(struct buf *out, const struct export_app *u, const char *server_name)
{
	struct buf variable = BUF_INIT;

	add_variable(&variable, u->name);
	buf_addf(out,
		"# WebSockets ask for an upgrade and get it; for all else the connection to the\n"
		"# app may stay open, which is what 'keepalive' in the upstream needs.\n"
		"map $http_upgrade %s {\n"
		"    default upgrade;\n"
		"    ''      '';\n"
		"}\n\n",
		variable.ptr);
	add_upstream_block(out, u);
	buf_addf(out,
		"\n"
		"server {\n"
		"    listen 80;\n"
		"    listen [::]:80;\n"
		"    server_name %s;\n\n"
		"    location / {\n"
		"        proxy_pass http://%s;\n"
		"        proxy_http_version 1.1;\n\n",
		server_name, u->name);
	buf_addf(out,
		"        proxy_set_header Host $host;\n"
		"        proxy_set_header X-Real-IP $remote_addr;\n"
		"        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
		"        proxy_set_header X-Forwarded-Proto $scheme;\n"
		"        proxy_set_header X-Forwarded-Host $host;\n"
		"        proxy_set_header X-Forwarded-Port $server_port;\n"
		"        proxy_set_header Upgrade $http_upgrade;\n"
		"        proxy_set_header Connection %s;\n\n",
		variable.ptr);
	buf_adds(out,
		"        # A WebSocket that is silent for longer than the read timeout is closed.\n"
		"        proxy_connect_timeout 5s;\n"
		"        proxy_send_timeout 60s;\n"
		"        proxy_read_timeout 60s;\n\n"
		"        # When an instance is gone, the next one is tried.  Never for a POST that was\n"
		"        # already sent (that would need 'non_idempotent'), and not after ten seconds,\n"
		"        # so that a slow request is not made slower on every instance in turn.\n"
		"        proxy_next_upstream error timeout;\n"
		"        proxy_next_upstream_timeout 10s;\n"
		"    }\n"
		"}\n");
	buf_release(&variable);
}

int nginx_render(struct buf *out, const struct export_app *upstreams, size_t count,
	const struct export_options *options, struct err *e)
{
	const char *server_name = options ? options->server_name : NULL;

	if (nginx_check_upstreams(upstreams, count, e) < 0)
		return -1;
	if (server_name) {
		if (count != 1)
			return err_set(
				e, "a server block is for one upstream, not for %zu; name one app", count);
		if (check_server_name(server_name, e) < 0)
			return -1;
		add_site(out, upstreams, server_name);
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_addc(out, '\n');
		add_upstream_block(out, &upstreams[i]);
	}
	return 0;
}

#include <string.h>

#include "base/str.h"
#include "export/check.h"
#include "export/export.h"

/* A server's name stays the same for as long as its port does, so that HAProxy keeps what it knows of it over a reload. */
static void add_backend(struct buf *out, const struct export_app *u)
{
	buf_addf(out, "backend %s\n    mode http\n    balance leastconn\n", u->name);
	for (size_t i = 0; i < u->servers_count; i++)
		buf_addf(out, "    server %s-%d %s:%d%s\n", u->name, u->servers[i].at.port,
			endpoint_address(&u->servers[i].at), u->servers[i].at.port,
			u->servers[i].is_down ? " disabled" : "");
}

/* A request names its host with the port or without. */
static void add_frontend(struct buf *out, const struct export_app *u, const char *server_name)
{
	bool is_any = str_starts(server_name, "*.");

	buf_addf(out,
		"frontend %s-http\n"
		"    mode http\n"
		"    bind :80\n"
		"    option forwardfor\n"
		"    acl is-%s hdr(host),field(1,:)%s -i %s\n"
		"    use_backend %s if is-%s\n\n",
		u->name, u->name, is_any ? " -m end" : "", is_any ? server_name + 1 : server_name, u->name,
		u->name);
}

int haproxy_render(struct buf *out, const struct export_app *upstreams, size_t count,
	const struct export_options *options, struct err *e)
{
	const char *server_name = options ? options->server_name : NULL;

	if (check_plain(upstreams, count, "a HAProxy backend", e) < 0)
		return -1;
	if (server_name && check_one_server_name(server_name, count, e) < 0)
		return -1;
	if (server_name)
		add_frontend(out, upstreams, server_name);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_addc(out, '\n');
		add_backend(out, &upstreams[i]);
	}
	return 0;
}

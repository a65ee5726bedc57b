#include <string.h>

#include "base/err.h"
#include "export/check.h"
#include "export/export.h"

/* Caddy has no word for a server that gets nothing new: it is left out, and what it was asked already is finished. */
static void add_proxy(struct buf *out, const struct export_app *u)
{
	buf_adds(out, "    reverse_proxy");
	for (size_t i = 0; i < u->servers_count; i++)
		if (!u->servers[i].is_down)
			buf_addf(out, " %s:%d", endpoint_address(&u->servers[i].at), u->servers[i].at.port);
	buf_adds(out, " {\n        lb_policy least_conn\n    }\n}\n");
}

static int check_someone_serves(const struct export_app *u, struct err *e)
{
	for (size_t i = 0; i < u->servers_count; i++)
		if (!u->servers[i].is_down)
			return 0;
	return err_set(e,
		"upstream '%s' has no server that is not down, and Caddy has no word for one that is",
		u->name);
}

int caddy_render(struct buf *out, const struct export_app *upstreams, size_t count,
	const struct export_options *options, struct err *e)
{
	const char *server_name = options ? options->server_name : NULL;

	if (check_plain(upstreams, count, "a Caddy snippet", e) < 0)
		return -1;
	if (server_name && check_one_server_name(server_name, count, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (check_someone_serves(&upstreams[i], e) < 0)
			return -1;
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_addc(out, '\n');
		/* A snippet: the site says `import api`. */
		if (server_name)
			buf_addf(out, "%s {\n", server_name);
		else
			buf_addf(out, "(%s) {\n", upstreams[i].name);
		add_proxy(out, &upstreams[i]);
	}
	return 0;
}

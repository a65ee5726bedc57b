/*
 * The same herd in other programs' words: one dialect a file behind one small vtable.
 */
#ifndef OX_EXPORT_EXPORT_H
#define OX_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "model/upstream.h"

struct err;

/* One app as a proxy sees it; everything is borrowed. */
struct upstream {
	const char *name;
	const struct upstream_server *servers;
	size_t servers_count;
	const char *const *options; /* lines for nginx's block, as the user wrote them; may be NULL */
	size_t options_count;
};

struct export_options {
	/* NULL: upstream blocks alone; else a whole server block for the (only) upstream. */
	const char *server_name;
};

struct exporter {
	const char *name;
	const char *about;
	/*
	 * 0, or -1 with words (a name or option that the dialect cannot hold, no server, more than one
	 * upstream for a server block); then nothing was appended to `out`.  `options` may be NULL.
	 */
	int (*render)(struct buf *out, const struct upstream *upstreams, size_t count,
		const struct export_options *options, struct err *e);
};

extern const struct exporter export_nginx;
extern const struct exporter export_haproxy;
extern const struct exporter export_caddy;

/* All of them; the last is NULL. */
extern const struct exporter *const exporters[];
/* NULL if there is none of that name. */
const struct exporter *exporter_find(const char *name);

#endif

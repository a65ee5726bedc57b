/*
 * The same apps in other programs' words.  A format is one file and one row (exporters.def).
 */
#ifndef OX_EXPORT_EXPORT_H
#define OX_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "model/upstream.h"

struct err;
struct spec;

/* One app and who serves it; everything is borrowed. */
struct export_app {
	const char *name;        /* as a proxy calls it */
	const struct spec *spec; /* command, folder, environment; for PROXY formats it may be NULL */
	const struct upstream_server *
		servers; /* one an instance, or one for all that share a port; an app without a port has servers without one */
	size_t servers_count;
	const char *const *options; /* lines for nginx's block, as the user wrote them; may be NULL */
	size_t options_count;
};

struct export_options {
	/* NULL: upstream blocks alone; else a whole server block for the (only) app. */
	const char *server_name;
};

enum export_side { EXPORT_PROXY, EXPORT_PROCESS };

/*
 * 0, or -1 with words (a name or option that the format cannot hold, no server, more than one app for a server block); then nothing was
 * appended to `out`.  `options` may be NULL.
 */
typedef int export_render(struct buf *out, const struct export_app *apps, size_t count,
	const struct export_options *options, struct err *e);

struct exporter {
	const char *name;
	enum export_side side;
	const char *about;
	export_render *render;
};

#define EXPORTER(id, side, about)                                                                            \
	extern const struct exporter export_##id;                                                            \
	export_render id##_render;
#include "export/exporters.def"
#undef EXPORTER

/* All of them, in the order of the table; the last is NULL. */
extern const struct exporter *const exporters[];
/* NULL if there is none of that name. */
const struct exporter *exporter_find(const char *name);
/* The servers of each app as JSON: no proxy's own format. */
void export_json(struct buf *out, const struct export_app *apps, size_t count);

#endif

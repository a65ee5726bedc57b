/*
 * The upstream files of proxies, kept true: the one that [.nginx] names is written whole (temporary file, fsync, rename), tested with the user's test
 * command, put back if the test fails, reloaded with the user's reload command, and then the reload is seen to have taken effect.  What changes
 * within UPSTREAM_COALESCE_MS is written once; what did not change is never reloaded; a file without a server is never written.
 */
#ifndef OX_ENGINE_UPSTREAM_H
#define OX_ENGINE_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/export.h"
#include "model/spec.h"

struct ev_loop;
struct runner;
struct upstreams;

enum { UPSTREAM_COALESCE_MS = 50 };

struct upstreams_options {
	struct ev_loop *loop;
	struct runner *runner;
	/*
	 * What upstreams_set() asked for under `serial` (and all before it) is in effect, or could not be made so, in words.  Once for every
	 * serial that is not overtaken by a later one of the same app.
	 */
	void (*told)(void *context, const char *app, uint64_t serial, bool is_true, const char *words);
	void *context;
};

struct upstreams *upstreams_new(const struct upstreams_options *options);
void upstreams_free(struct upstreams *u);
/*
 * The app's servers as they should be now.  An app without `nginx.output` is told true at once (but never from inside this call).  With no
 * server, or only draining ones, the file keeps its last servers, marked as the dialect allows, and words say so.
 */
void upstreams_set(struct upstreams *u, const struct spec *spec, const struct upstream_server *servers,
	size_t count, uint64_t serial);
/* The app is gone; its file is left as it is. */
void upstreams_forget(struct upstreams *u, const char *app);

#endif

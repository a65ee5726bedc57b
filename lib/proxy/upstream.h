/*
 * The upstream files of proxies, kept true: the one that [.nginx] names is written whole (temporary file, fsync, rename), tested with the user's test
 * command, put back if the test fails, reloaded with the user's reload command, and then the reload is verified.  What changes
 * within UPSTREAM_COALESCE_MS is written once (rules/proxy_round.h); what did not change is never reloaded; a file without a server is never written.
 */
#ifndef OX_PROXY_UPSTREAM_H
#define OX_PROXY_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/effect.h"

struct ev_loop;
struct runner;
struct upstreams;

enum { UPSTREAM_COMMAND_MS = 30000 }; /* what a test or a reload may take */

struct upstreams_options {
	struct ev_loop *loop;
	struct runner *runner;
	const char *folder; /* of ours, made if it is missing */
	/*
	 * What upstreams_set() asked for under `serial` (and all before it) is in effect, or failed, with the reason.  For every serial
	 * that is not overtaken by a later one of the same app; once more when what is tried again ends otherwise.
	 */
	void (*reported)(void *context, const char *app, uint64_t serial, enum upstream_outcome outcome,
		const char *words);
	void *context;
};

struct upstreams *upstreams_new(const struct upstreams_options *options);
void upstreams_free(struct upstreams *u);
/*
 * The servers of an app that has nginx.output, as they should be now; nothing is reported from inside this call.  Where nobody serves the file
 * is left as it is: a file without a server is a mistake, and the proxy finds the first instance that is back by itself.
 */
void upstreams_set(struct upstreams *u, const struct spec *spec, const struct upstream_server *servers,
	size_t count, uint64_t serial);
/* The app is gone; its file is left as it is. */
void upstreams_forget(struct upstreams *u, const char *app);

#endif

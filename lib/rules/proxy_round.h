/*
 * When an upstream file is written, tried again and given up on, and how long a reload is waited for.  What carries it out is in lib/proxy; times
 * are arguments (monotonic ms).
 *
 * Files are written, tested and reloaded in rounds, several in one.  A test that refuses several says nothing of each: those are tried one by
 * one, at once.  What failed by itself is tried again, less and less often, and what is asked for meanwhile does not wait for that.
 */
#ifndef OX_RULES_PROXY_ROUND_H
#define OX_RULES_PROXY_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "model/effect.h"

enum {
	UPSTREAM_COALESCE_MS = 50,
	UPSTREAM_CONFIRM_MS = 5000, /* a reload that is not seen to take effect by then did not */
	/*
	 * Old workers may pass on requests by what they know for so long after a reload (keepalive_min_timeout of nginx); then they are not waited
	 * for, as a WebSocket may keep one for days.  What else is to be changed does not wait for them.
	 */
	UPSTREAM_OLD_MS = 6000,
	UPSTREAM_LOOK_FIRST_MS = 4, /* while it is waited for: the first pause between two looks, */
	UPSTREAM_LOOK_MAX_MS = 100, /* and the longest */
	UPSTREAM_RETRY_MS = 1000,   /* what went wrong is tried again after this, then after twice as long, */
	UPSTREAM_RETRY_MAX_MS = 60000, /* and at most this */
};

/* One app's file.  Zeroed is "nothing was asked for yet". */
struct proxy_site {
	uint64_t serial;       /* of what was asked for last */
	uint64_t round_serial; /* of what the round under way is about */
	uint64_t reported;     /* the last that was answered, and how */
	enum upstream_outcome reported_outcome;
	int64_t due_at, retry_ms;
	bool is_due;   /* something is to be done at due_at */
	bool is_alone; /* it is tested by itself: together with others the test failed */
};

/* Something else is asked for. */
void proxy_site_change(struct proxy_site *s, uint64_t serial, int64_t now);
bool proxy_site_is_due(const struct proxy_site *s, int64_t now);
/* Its turn has come. */
void proxy_site_begin(struct proxy_site *s);
/* Both are due: may they be in one round, if their commands are the same? */
bool proxy_site_goes_with(const struct proxy_site *first, const struct proxy_site *s);
/* It is in effect, which is published. */
void proxy_site_succeed(struct proxy_site *s);
/* It is not, and is tried again; true if that is news: what fails again in the same way says nothing new. */
bool proxy_site_fail(struct proxy_site *s, enum upstream_outcome outcome, int64_t now);
/* It was refused together with others. */
void proxy_site_set_apart(struct proxy_site *s, int64_t now);
/* The app is gone: nothing is due. */
void proxy_site_drop(struct proxy_site *s);

/* What is seen of a proxy after a reload (proxy/nginx_seen.h). */
enum nginx_turn {
	NGINX_NOBODY, /* there was no master that could be watched */
	NGINX_SAME,   /* all work as before */
	NGINX_TURNED, /* a master has new workers, and its old ones take no new connections */
};

/* The looks after one reload. */
struct proxy_look {
	int64_t pause_ms, until;
	bool is_lingering; /* it has taken effect, but for old workers: the next round need not wait */
};

enum proxy_verdict {
	PROXY_LOOK_AGAIN, /* after pause_ms */
	PROXY_IN_EFFECT,
	PROXY_NOT_TAKEN, /* the reload was accepted and changed nothing */
};

void proxy_look_begin(struct proxy_look *l, int64_t now);
/* `has_old`: a worker of before still serves; asked for only when it has turned. */
enum proxy_verdict proxy_look_judge(struct proxy_look *l, enum nginx_turn turn, bool has_old, int64_t now);

#endif

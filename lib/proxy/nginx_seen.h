/*
 * Whether nginx has taken a new configuration: `nginx -s reload` says yes as soon as the signal is sent, and a master that finds a mistake
 * keeps the old one.  What can be seen from outside is that a master has got new workers, and that the old ones take nothing new.
 */
#ifndef OX_PROXY_NGINX_SEEN_H
#define OX_PROXY_NGINX_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rules/proxy_round.h"

enum { NGINX_WORKERS_MAX = 256, NGINX_MASTERS_MAX = 64 };

struct nginx_process {
	pid_t pid;
	uint64_t start_time;
	size_t master; /* of a worker: its index among the masters */
};

/* The masters of this machine and their workers, at one moment. */
struct nginx_seen {
	struct nginx_process masters[NGINX_MASTERS_MAX];
	struct nginx_process workers[NGINX_WORKERS_MAX];
	size_t masters_len, workers_len;
};

/* One walk over all processes. */
void nginx_look(struct nginx_seen *seen);

/* What has happened since `before`; looks at those masters' children only. */
enum nginx_turn nginx_compare(const struct nginx_seen *before);
/* Does a worker of then still answer on the connections that it has?  Of masters that have turned. */
bool nginx_has_old(const struct nginx_seen *before);

#endif

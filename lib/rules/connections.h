/*
 * Who gets a place at the control socket.  There are only so many, and no user may take all of them: a member of the control group has a quarter at
 * most, some places are kept for the daemon's own user, and a few of these for root.  A connection that asks nothing and waits for nothing is
 * closed, the longest unused one first, when somebody else of its user needs a place, or when somebody above its user does.
 */
#ifndef OX_RULES_CONNECTIONS_H
#define OX_RULES_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A later one has more rights. */
enum connection_rank {
	CONNECTION_MEMBER, /* of the control group */
	CONNECTION_USER,   /* the user that the daemon runs as */
	CONNECTION_ROOT,
};

struct connection {
	uint32_t uid;
	enum connection_rank rank;
	bool is_idle;     /* no request is open, no event is subscribed to, nothing waits to be sent */
	uint64_t used_at; /* a later number was used later */
};

/* Negative; anything else is the index of one that is to be closed first. */
enum { CONNECTION_ADMIT = -1, CONNECTION_REFUSE = -2 };

/* What to do with one that comes while there are these, `max` at most. */
long connection_place(
	const struct connection *all, size_t count, size_t max, uint32_t uid, enum connection_rank rank);
/* How many one user may have. */
size_t connection_share(size_t max, enum connection_rank rank);

#endif

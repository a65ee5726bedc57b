/*
 * Which port each instance gets: a written port is owned, env.PORT is passed on, several instances
 * without either get a block of consecutive ports from 3000 up that nobody else has, one instance without a
 * port gets none.
 */
#ifndef OX_RULES_PORTS_H
#define OX_RULES_PORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/vec.h"

enum {
	PORTS_FIRST = 3000, /* where blocks are looked for */
	PORTS_LAST = 65535,
};

enum port_source { PORT_NONE, PORT_WRITTEN, PORT_FROM_ENV, PORT_BLOCK };

/* The ports that one app asks for, and then those that it got.  Ports of instances: first, first + step, … */
struct port_claim {
	const char *app; /* borrowed */
	int written;     /* `port`, or 0 */
	int from_env;    /* env.PORT or an env_file's, or 0 */
	int step;        /* port_step; less than 1 counts as 1 */
	int instances;   /* that need a port of their own: 1 for port_mode = "shared" */
	int remembered;  /* the first port of the block it had before, or 0 */

	enum port_source source; /* from here on: the answer */
	int first;               /* 0: none */
	bool is_owned;
};

enum port_trouble_kind {
	PORT_OVERLAP,        /* two written ranges meet: an error */
	PORT_OVERLAP_PASSED, /* a passed-on range meets another: a warning */
	PORT_BEYOND,         /* a range passes 65535: an error */
	PORT_NO_BLOCK,       /* no free block is left: an error */
};

struct port_trouble {
	enum port_trouble_kind kind;
	size_t claim, other; /* indexes into the claims; `other` is the earlier one, or the same */
	int port;            /* the first port that both want; BEYOND: the last one wanted; NO_BLOCK: 0 */
};

/*
 * Answers every claim.  Written and remembered ranges are laid first, so that a new app never takes what an
 * old one had; then passed-on ones; then new blocks, in the order of the claims, around all of these.
 * `is_taken` (may be NULL) can rule out a port for new blocks only.  Of apps that want one port the first
 * has it, and each other meets that one: told once a pair.  A remembered block is kept when its whole range
 * is free of written and other remembered ports, with a single instance too (what is left after scaling down
 * keeps its port); otherwise a new one is found, and all of its instances move.  Troubles (struct
 * port_trouble *, freed by the caller with mem_free) are appended to `troubles`.
 */
void ports_assign(struct port_claim *claims, size_t count, bool (*is_taken)(void *context, int port),
	void *context, struct vec *troubles);
/* The port of one instance, or 0: none, no such instance, or beyond 65535. */
int ports_of(const struct port_claim *claim, int instance);

/* --- ports that the kernel gives away --- */

/*
 * To outgoing connections by itself.  A service that owns one of them starts as long as no connection happens to have it: better a lower one, or one
 * in net.ipv4.ip_local_reserved_ports.
 */

struct ephemeral_ports {
	int first, last;      /* 0: not known, and then no port is one of them */
	const char *reserved; /* what it leaves out, "8080,9000-9010"; borrowed */
};

/* As ip_local_port_range and ip_local_reserved_ports have it; the latter may be NULL. */
struct ephemeral_ports ephemeral_ports_read(const char *range, const char *reserved);
bool ephemeral_ports_has(const struct ephemeral_ports *o, int port);
/*
 * Of `count` ports from `first` on, `step` apart: false if the kernel gives none of them away.  `what` gets what is wrong, `todo` what can be
 * done, both for the end of a sentence that begins with the app's name.
 */
bool ephemeral_ports_meet(
	const struct ephemeral_ports *o, int first, int count, int step, struct buf *what, struct buf *todo);

#endif

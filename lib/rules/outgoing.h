/*
 * Ports that the kernel gives to outgoing connections by itself.  A service that owns one of them starts as long as nobody happens to have
 * it: better a lower one, or one that the kernel is told to leave alone.
 */
#ifndef OX_RULES_OUTGOING_H
#define OX_RULES_OUTGOING_H

#include <stdbool.h>

#include "base/buf.h"

struct outgoing {
	int first, last;      /* 0: not known, and then no port is one of them */
	const char *reserved; /* what it leaves out, "8080,9000-9010"; borrowed */
};

/* As ip_local_port_range and ip_local_reserved_ports have it; the latter may be NULL. */
struct outgoing outgoing_read(const char *range, const char *reserved);
bool outgoing_has(const struct outgoing *o, int port);
/*
 * Of `count` ports from `first` on, `step` apart: false if the kernel gives none of them away.  `what` gets what is wrong, `todo` what can be
 * done, both for the end of a sentence that begins with the app's name.
 */
bool outgoing_meets(
	const struct outgoing *o, int first, int count, int step, struct buf *what, struct buf *todo);

#endif

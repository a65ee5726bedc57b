/*
 * Ports that the kernel gives to outgoing connections by itself.  A service that owns one of them starts as long as no connection happens to have
 * it: better a lower one, or one in net.ipv4.ip_local_reserved_ports.
 */
#ifndef OX_RULES_EPHEMERAL_PORTS_H
#define OX_RULES_EPHEMERAL_PORTS_H

#include <stdbool.h>

#include "base/buf.h"

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

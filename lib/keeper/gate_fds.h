/*
 * Programs that are given their listening sockets, as descriptors from 3 on (LISTEN_FDS): the keeper opens them before there is a process, at all addresses
 * of the machine, or takes those that an earlier process of the same place has left.
 */
#ifndef OX_KEEPER_GATE_FDS_H
#define OX_KEEPER_GATE_FDS_H

#include "wire/keeper_msg.h"

struct gate;
struct slot;

/* One a port, in order; borrowed from what is held.  -1 with errno. */
int gate_fds_open(
	struct gate *g, struct slot *s, const struct keeper_spawn *spawn, int fds[KEEPER_PORTS_MAX]);
/* Its process is there, and has them from now on. */
void gate_fds_born(struct gate *g, struct slot *s);
/* It is known how its exec went, or that there is no process: the brain hears of them. */
void gate_fds_tell(struct gate *g, struct slot *s);

#endif

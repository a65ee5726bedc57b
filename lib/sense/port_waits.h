/*
 * What slots wait for, one wait a slot: that a stranger leaves its port, or that their own process listens.
 */
#ifndef OX_SENSE_PORT_WAITS_H
#define OX_SENSE_PORT_WAITS_H

#include "sense/port.h"

struct ev_loop;
struct port_waits;

/* None is called from inside a function of this file. */
struct port_waits_calls {
	/* The wait is over. */
	void (*is_free)(void *context, struct ticket ticket);
	void (*listens)(void *context, struct ticket ticket);
	/* Another process listens: reported once, the wait continues. */
	void (*stranger)(void *context, struct ticket ticket, const char *words);
	/* Questions about those behind a gate: see struct port_kin. */
	bool (*is_held)(void *context, struct ticket ticket, uint32_t inode);
	bool (*is_kin)(void *context, struct ticket ticket, uint32_t inode);
};

/* `calls` is borrowed. */
struct port_waits *port_waits_new(struct ev_loop *loop, const struct port_waits_calls *calls, void *context);
/* Forgets all who wait, without telling them. */
void port_waits_free(struct port_waits *p);
/* False: the port is free, and nobody waits.  Else *holder is who has it (port_watch_until_free()). */
bool port_waits_until_free(struct port_waits *p, const struct endpoint *at, struct netdiag_holder *holder);
void port_waits_until_listening(struct port_waits *p, const struct endpoint *at, pid_t main);
/* It listens, as the gate says: true if it was waited for, which is over then. */
bool port_waits_listens(struct port_waits *p, struct ticket ticket);
/* Whatever its slot waits for. */
void port_waits_cancel(struct port_waits *p, struct ticket ticket);

#endif

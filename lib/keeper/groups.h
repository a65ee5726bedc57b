/*
 * A cgroup for each slot, where the kernel and our rights allow one: then nothing that a service starts can hide from its keeper, whatever
 * it does to its session, its environment and its parents.  Where there is none everything goes by session, descent and mark (tree.h).
 *
 *	<the cgroup that the keeper was started in>/oxherd-<token>/<slot>.<generation>.<name>
 *
 * No controller is switched on, so that it makes no difference who else lives above.  The token outlives a keeper that was killed, and so the
 * next one finds the folders again.  Of a folder whose keeper is dead for good nobody holds the lock: the next keeper that comes by takes it away.
 */
#ifndef OX_KEEPER_GROUPS_H
#define OX_KEEPER_GROUPS_H

#include <stdbool.h>
#include <sys/types.h>

#include "wire/keeper_msg.h"

struct slot;
struct slots;

struct groups {
	int dir;    /* our folder; -1: there are no cgroups */
	int notify; /* an inotify that wakes up when a group that was waited for has become empty */
	bool can_kill;
	bool is_deaf; /* there were not enough watches once: then it has to be looked */
	char path[KEEPER_PATH_MAX + 1];
	char own[KEEPER_PATH_MAX + 80]; /* as the kernel names it */
	char home[64];                  /* the last part of both */
};

/* Finds a place and takes what dead keepers left there away.  Without one, `dir` and `notify` are -1 and all the rest does nothing. */
void groups_open(struct groups *g, const char *token);
/* Takes the folder away too, if nobody is left in it. */
void groups_close(struct groups *g);
/* After adoption: which slots have one already.  Empty ones that are nobody's are taken away. */
void groups_settle(struct groups *g, struct slots *all);

/* A new one for that slot: a descriptor to be born into, to be closed by the caller; -1: it goes without. */
int groups_make(struct groups *g, struct slot *s);
/* It has one that tells by itself who is left in it, and that can be killed as a whole: /proc need not be asked. */
bool groups_can_kill(const struct groups *g, const struct slot *s);
/* SIGKILL for everybody in it. */
void groups_kill(struct groups *g, const struct slot *s);
/* Calls `visit` for each process in it; -1 when it cannot be read now. */
int groups_each(
	const struct groups *g, const struct slot *s, void (*visit)(void *context, pid_t pid), void *context);
/* The same for all groups there are, whosever they were. */
void groups_kill_all(struct groups *g);
/* Nobody is in it, and it is taken away: true, also for one that goes without.  Else `notify` tells when it is worth asking again. */
bool groups_is_over(struct slots *all, struct slot *s);
/* Calls `changed` for each slot that `notify` speaks of; after that it is silent. */
void groups_read_events(struct slots *all, void (*changed)(struct slots *all, struct slot *s));
/* For a slot that is given back: taken away if it is empty. */
void groups_drop(struct groups *g, struct slot *s);
/* Whose group a process is in. */
bool groups_ticket_of(const struct groups *g, pid_t pid, struct keeper_ticket *ticket);

#endif

/*
 * What services say to us: sd_notify datagrams on a socket of each instance's own, a newline on a pipe, lines on Node's channel.  All of them are
 * there before the process is, and are the process' for its whole life; a process that comes after it in the same slot has others.
 *
 * Who says it counts: a datagram is heard from the instance's own process tree only, as the kernel names its sender.  A sender that has ended
 * already is believed if it had the instance's user.  The socket of each instance is a file that nobody but its user may send to, so that nobody
 * else can fill it; only where that user cannot reach our folder it has a name without a file.
 *
 * The keeper holds our ends, so that a channel is not broken by a brain's death, and what was said meanwhile is heard by the next one.  It also
 * holds a mark for each process that has not said that it is ready: the mark goes before the word is acted upon, so no brain ever loses it.
 */
#ifndef OX_SPAWN_NOTIFY_H
#define OX_SPAWN_NOTIFY_H

#include <stdbool.h>
#include <sys/types.h>

#include "model/effect.h"
#include "spawn/launch.h"
#include "wire/notice.h"

struct err;
struct ev_loop;
struct notify;
struct keeper_client;
struct reason;

enum {
	NOTIFY_TURN = 16,         /* datagrams of one instance in one turn of the loop */
	NOTIFY_BYTES = 64 * 1024, /* bytes of one channel in one turn */
	NOTIFY_REST_MS = 20, /* after a turn that was used up, so that a flood harms its own instance only */
	NOTIFY_STRANGER_MS = 10000, /* at most one report of a stranger in this time, for each instance */
};

struct notify_calls {
	/* May close the instance, or open another. */
	void (*said)(void *context, struct ticket ticket, const struct notice *what);
	/* It, and everybody it gave it to, has closed NOTIFY_FD and lives: no newline will come.  May close the instance. */
	void (*mute)(void *context, struct ticket ticket, bool has_written);
	/* Somebody else spoke in its name: "READY=1 came from pid 812 'x', which is not its own; not believed". */
	void (*stranger)(void *context, struct ticket ticket, const struct reason *what);
};

struct notify_options {
	const char *folder;       /* of the sockets of our own user, 0700; made when it is needed */
	const char *users_folder; /* of those of other users, 0711 */
};

/* All are borrowed. */
struct notify *notify_new(struct ev_loop *loop, struct keeper_client *keeper,
	const struct notify_options *options, const struct notify_calls *calls, void *context);
/* Leaves everything to the next brain. */
void notify_free(struct notify *all);

/* Makes what the definition asks for and fills `ends`, which borrows until notify_close().  -1 with words. */
int notify_open(
	struct notify *all, const struct spawn_effect *effect, struct launch_ends *ends, struct err *e);
/* The message that carries the ends is with the keeper: ours of them may go. */
void notify_sent(struct notify *all, struct ticket ticket);
/* It runs: from now on it is heard. */
void notify_listen(struct notify *all, struct ticket ticket, pid_t pid);
/* Asks it to stop over its channel; false when there is none, or nobody at its other end. */
bool notify_shutdown(struct notify *all, struct ticket ticket);
/* Nothing is left of it. */
void notify_close(struct notify *all, struct ticket ticket);

/* --- after a brain's death --- */

/* A name that the keeper holds: remembered if it is one of ours. */
void notify_found(struct notify *all, const char *held);
/*
 * Its process lives: what is held for it is asked for.  A socket that nobody holds, of a keeper that died too, is made anew.  True when it has
 * said to an earlier brain that it is ready.
 */
bool notify_adopt(struct notify *all, struct ticket ticket, const struct spec *spec, pid_t pid);
/* What was found and not adopted is nobody's. */
void notify_sweep(struct notify *all);
/* The keeper's answer: takes *fd and sets it to -1 if it was for us. */
void notify_take(struct notify *all, const char *held, int *fd);

#endif

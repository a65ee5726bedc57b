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
struct notices;
struct parent;

enum {
	NOTICES_TURN = 16,         /* datagrams of one instance in one turn of the loop */
	NOTICES_BYTES = 64 * 1024, /* bytes of one channel in one turn */
	NOTICES_REST_MS = 20, /* after a turn that was used up, so that a flood harms its own instance only */
	NOTICES_STRANGER_MS = 10000, /* strangers are told of this often at most, for each instance */
};

struct notices_calls {
	/* May close the instance, or open another. */
	void (*said)(void *context, struct ticket ticket, const struct notice *what);
	/* It, and everybody it gave it to, has closed NOTIFY_FD and lives: no newline will come.  May close the instance. */
	void (*mute)(void *context, struct ticket ticket, bool has_written);
	/* Somebody else spoke in its name: "READY=1 came from pid 812 'x', which is not its own; not believed". */
	void (*stranger)(void *context, struct ticket ticket, const char *words);
};

struct notices_options {
	const char *folder;       /* of the sockets of our own user, 0700; made when it is needed */
	const char *users_folder; /* of those of other users, 0711 */
};

/* All are borrowed. */
struct notices *notices_new(struct ev_loop *loop, struct parent *keeper,
	const struct notices_options *options, const struct notices_calls *calls, void *context);
/* Leaves everything to the next brain. */
void notices_free(struct notices *all);

/* Makes what the definition asks for and fills `ends`, which borrows until notices_close().  -1 with words. */
int notices_open(struct notices *all, const struct spawn_wish *wish, struct launch_ends *ends, struct err *e);
/* The message that carries the ends is with the keeper: ours of them may go. */
void notices_sent(struct notices *all, struct ticket ticket);
/* It runs: from now on it is heard. */
void notices_listen(struct notices *all, struct ticket ticket, pid_t pid);
/* Asks it to stop over its channel; false when there is none, or nobody at its other end. */
bool notices_shutdown(struct notices *all, struct ticket ticket);
/* Nothing is left of it. */
void notices_close(struct notices *all, struct ticket ticket);

/* --- after a brain's death --- */

/* A name that the keeper holds: remembered if it is one of ours. */
void notices_found(struct notices *all, const char *held);
/*
 * Its process lives: what is held for it is asked for.  A socket that nobody holds, of a keeper that died too, is made anew.  True when it has
 * said to an earlier brain that it is ready.
 */
bool notices_adopt(struct notices *all, struct ticket ticket, const struct spec *spec, pid_t pid);
/* What was found and not adopted is nobody's. */
void notices_sweep(struct notices *all);
/* The keeper's answer: takes *fd and sets it to -1 if it was for us. */
void notices_take(struct notices *all, const char *held, int *fd);

#endif

/*
 * Finding the daemon: its socket, the next one where the brain is just being replaced, and a start where there is none.
 */
#ifndef OX_CMD_OXCTL_DAEMON_CONNECT_H
#define OX_CMD_OXCTL_DAEMON_CONNECT_H

#include <stdbool.h>

struct client;
struct err;

/* All of these give an exit code.  Those with an `e` leave the words there, to be said or not. */
int daemon_try_connect(struct client **client, struct err *e);
/* One that was killed is started again: what it ran may live, and wants to be kept. */
int daemon_connect(struct client **client);
/* As daemon_try_connect(), but where a daemon lives whose brain is just being replaced, it waits for that. */
int daemon_await(struct client **client, struct err *e);
/*
 * After the daemon closed the connection, for those who follow something: waits until it answers again, or the next one does.  Frees
 * the old one.  EXIT_NO_DAEMON with words when none comes.
 */
int daemon_reconnect(struct client **client, struct err *e);
/* Starts the daemon if there is none. */
int daemon_launch(struct client **client);
/* As daemon_connect(); with `may_launch` the daemon is started if there is none. */
int daemon_connect_or_launch(struct client **client, bool may_launch, struct err *e);
/* One that hangs up each time is not asked as fast as it can be. */
void daemon_nap(void);

#endif

/*
 * The daemon as its lock files tell of it, where nobody answers at its socket: it lives, or did not end well, or is elsewhere.
 */
#ifndef OX_CMD_OXCTL_DAEMON_PATHS_H
#define OX_CMD_OXCTL_DAEMON_PATHS_H

#include <stdbool.h>
#include <stdint.h>

struct daemon_paths {
	int64_t pid;     /* of a keeper that lives and has our folders; 0: there is none */
	bool was_left;   /* there is none, and the last one did not end well: what it ran may live */
	char *elsewhere; /* owned: the run folder of one that has our state folder, and lives; or NULL */
};

/* End with daemon_paths_release(). */
void daemon_paths_find(struct daemon_paths *w);
void daemon_paths_release(struct daemon_paths *w);
/* Makes a keeper that lives look whether its brain answers, and whether its folders are there. */
void daemon_paths_nudge(void);

#endif

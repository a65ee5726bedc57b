/*
 * The daemon as its lock files tell of it, where nobody answers at its socket: it lives, or did not end well, or is elsewhere.
 */
#ifndef OX_CMD_OXCTL_WHEREABOUTS_H
#define OX_CMD_OXCTL_WHEREABOUTS_H

#include <stdbool.h>
#include <stdint.h>

struct whereabouts {
	int64_t pid;     /* of a keeper that lives and has our folders; 0: there is none */
	bool was_left;   /* there is none, and the last one did not end well: what it ran may live */
	char *elsewhere; /* owned: the run folder of one that has our state folder, and lives; or NULL */
};

/* End with whereabouts_release(). */
void whereabouts_find(struct whereabouts *w);
void whereabouts_release(struct whereabouts *w);
/* Makes a keeper that lives look whether its brain answers, and whether its folders are there. */
void whereabouts_nudge(void);

#endif

/*
 * Tells when something of the daemon's own folders is deleted or moved away.  It sleeps until the kernel says so.
 */
#ifndef OX_SENSE_HOMEWATCH_H
#define OX_SENSE_HOMEWATCH_H

#include <stdbool.h>

struct dirs;
struct ev_loop;
struct homewatch;

enum { HOMEWATCH_PAUSE_MS = 300 }; /* who deletes one thing is about to delete another */

/* NULL where the kernel has no watch left; then there is no callback.  `dirs` is borrowed. */
struct homewatch *homewatch_new(
	struct ev_loop *loop, const struct dirs *dirs, void (*doubt)(void *context), void *context);
void homewatch_free(struct homewatch *h);
/* Is all of it there, but for the socket, which only its server knows? */
bool homewatch_is_whole(const struct dirs *dirs);

#endif

/*
 * A request that is answered at the end of a rollout: until then its progress is shown, drawn anew on a terminal, as lines elsewhere, as one JSON
 * object a line with --json.  It outlives the brain: the next one is asked for the result.
 */
#ifndef OX_CMD_OXCTL_DEPLOY_WATCH_H
#define OX_CMD_OXCTL_DEPLOY_WATCH_H

#include <stdbool.h>

struct daemon_call;

/* Asks, shows, and tells how it ended; gives an exit code. */
int deploy_watch(struct daemon_call *t, bool as_json);

#endif

/*
 * status --watch: the list, drawn again when something happens, and once a second, since processor and memory change without an event.
 */
#ifndef OX_CMD_OXCTL_WATCH_H
#define OX_CMD_OXCTL_WATCH_H

#include "base/opt.h"
#include "view/list.h"

struct snapshot;

/* What the daemon answered as a list for this terminal. */
typedef void (*watch_render)(const struct snapshot *s, const struct opt_rest *rest, struct list_text *out);

/* Until `q` is pressed, or the daemon is gone; an exit code. */
int watch_status(const struct opt_rest *rest, watch_render how);

#endif

/*
 * The note that the oxfile here was edited and not applied: for commands that do not read it.
 */
#ifndef OX_CMD_OXCTL_STALE_OXFILE_NOTE_H
#define OX_CMD_OXCTL_STALE_OXFILE_NOTE_H

struct json;

/* Says on stderr which of these apps (objects with a name) are defined in another way by now. */
void stale_oxfile_note(const struct json *apps);

#endif

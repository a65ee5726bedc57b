/*
 * Warnings of `oxctl validate` about this machine: users, folders, names that nginx refuses.
 */
#ifndef OX_CMD_OXCTL_DOUBT_H
#define OX_CMD_OXCTL_DOUBT_H

struct loaded;

/* Adds to the complaints of a file that was read without a mistake. */
void doubt_oxfile(struct loaded *l);

#endif

/*
 * Warnings of `oxctl validate` about this machine: users, folders, processors, names that nginx refuses.
 */
#ifndef OX_CMD_OXCTL_OXFILE_DOUBTS_H
#define OX_CMD_OXCTL_OXFILE_DOUBTS_H

struct loaded;

/* Adds to the complaints of a file that was read without a mistake. */
void oxfile_doubts(struct loaded *l);

#endif

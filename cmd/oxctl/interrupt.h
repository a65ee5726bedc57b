/*
 * Ctrl-C while oxctl waits for the daemon: the request continues there, and a message says so before oxctl ends with 130.
 */
#ifndef OX_CMD_OXCTL_INTERRUPT_H
#define OX_CMD_OXCTL_INTERRUPT_H

/* From here on, if the method is one of those that change something and take time. */
void interrupt_begin(const char *method);
void interrupt_end(void);

#endif

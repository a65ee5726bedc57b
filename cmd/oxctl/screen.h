/*
 * The terminal as a screen to draw on and a source of keys.  It is put back as it was by screen_end(), when the program ends, and by a signal that
 * ends or stops it.
 */
#ifndef OX_CMD_OXCTL_SCREEN_H
#define OX_CMD_OXCTL_SCREEN_H

#include <stdbool.h>

/* Takes the other screen of the terminal; where standard input is none, without keys. */
void screen_begin(void);
/* May be called again. */
void screen_end(void);
/* Readable when a key was pressed; -1: there are no keys. */
int screen_keys_fd(void);
/* Since the last call: has it another size, or was it given back and taken again?  A wait is interrupted by that. */
bool screen_has_changed(void);

#endif

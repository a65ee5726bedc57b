/*
 * A unit for systemd: written, and enabled.
 */
#ifndef OX_CMD_OXCTL_INSTALL_H
#define OX_CMD_OXCTL_INSTALL_H

#include <stdbool.h>

struct install_options {
	bool for_user;     /* for the user's own manager, and not the machine's */
	bool is_strict;    /* forbids also what plain network programs do not need */
	bool only_print;   /* the unit goes to standard output, and nothing is changed */
	const char *group; /* what `oxherd --group` gets, or NULL */
};

/* An exit code. */
int install_unit(const struct install_options *o);

#endif

/*
 * Is the program of a new app there?  Looked up as the daemon will: in the caller's PATH, from the folder that we are in, with the caller's rights.
 */
#ifndef OX_CMD_OXCTL_LOOKUP_H
#define OX_CMD_OXCTL_LOOKUP_H

struct lookup_ask {
	const char *name;    /* of the app */
	char *const *argv;   /* NULL-terminated */
	const char *options; /* for the command line that is suggested: "-i 2 ", or "" */
};

/* 0, or EXIT_FAILED with words said: why it cannot be executed, and what was probably meant. */
int lookup_program(const struct lookup_ask *ask);

#endif

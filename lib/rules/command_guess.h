/*
 * "oxctl start NAME -- WORD…" whose program is not there: what was probably meant, as a command line to paste.  What is a program and what is a file
 * is asked of the caller, so that this room touches no disk.
 */
#ifndef OX_RULES_COMMAND_GUESS_H
#define OX_RULES_COMMAND_GUESS_H

#include <stdbool.h>

struct buf;

struct command_guess {
	const char *name;
	char *const *argv;   /* NULL-terminated, at least one word */
	const char *options; /* "-i 2 --port 3000 ", to stand behind the name; or "" */
	bool (*is_program)(void *context, const char *word);
	bool (*is_file)(void *context, const char *word);
	const char *(*nearest)(
		void *context, const char *word); /* a program with a name like this one, or NULL */
	void *context;
};

/* Appends "oxctl start npm -- npm start"; false, and nothing appended, when nothing sensible was found. */
bool command_guess(const struct command_guess *g, struct buf *out);

#endif

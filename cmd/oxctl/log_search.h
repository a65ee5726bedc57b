/*
 * logs --grep with a pattern: oxctl looks through the lines that the daemon sends, so that a pattern that takes long holds up nobody but its owner.
 * The newest matches are held until all lines of a round have come: in memory, and beyond HELD_MAX in a file without a name.
 */
#ifndef OX_CMD_OXCTL_LOG_SEARCH_H
#define OX_CMD_OXCTL_LOG_SEARCH_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

struct json;
struct logline;

struct log_search {
	regex_t pattern;
	bool is_compiled;
	struct buf text; /* of a line, without NULs */
	struct buf held; /* matches as JSON, each behind its length */
	FILE *file;      /* those that came before `held`; or NULL */
	bool has_failed;
	int64_t seen;  /* lines of this round */
	int64_t found; /* and of these, matches */
};

#define LOG_SEARCH_INIT                                                                                      \
	{                                                                                                    \
		.text = BUF_INIT, .held = BUF_INIT,                                                          \
	}

/* 0, or an exit code with words said. */
int log_search_compile(struct log_search *s, const char *pattern);
void log_search_release(struct log_search *s);
/* A new round: nothing is held. */
void log_search_begin(struct log_search *s);
/* Counts the line. */
bool log_search_matches(struct log_search *s, const struct logline *l);
void log_search_hold(struct log_search *s, const struct json *line);
/* Gives the newest `most` of those that are held, the oldest first.  0, or an exit code with words said. */
int log_search_give(struct log_search *s, int64_t most, void (*each)(void *context, const struct json *line),
	void *context);

#endif

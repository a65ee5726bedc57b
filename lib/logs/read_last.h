/*
 * What an instance wrote last to its standard error in one life, read back from its log.
 */
#ifndef OX_LOGS_READ_LAST_H
#define OX_LOGS_READ_LAST_H

#include <stdint.h>

struct buf;
struct log_location;

struct logs_life {
	const char *app;
	int instance;
	uint32_t run; /* the generation of its process */
};

/* Appends them as rules/last_lines.h prints them; what is far back in the log is not looked for. */
void logs_last_lines(
	const struct log_location *log, const struct logs_life *life, int64_t now_ms, struct buf *out);

#endif

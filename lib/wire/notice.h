/*
 * What a service says of itself, on buffers only: the datagrams of sd_notify, and the lines of Node's channel.  Whatever is not understood is
 * passed over, as those who speak it expect; nothing is kept that has no bound.
 */
#ifndef OX_WIRE_NOTICE_H
#define OX_WIRE_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NOTICE_MAX = 4096,                     /* bytes of a datagram; of a longer one nothing counts */
	NOTICE_STATUS_MAX = 160,               /* bytes of STATUS that are kept */
	NOTICE_TIME_MAX_MS = 86400000,         /* a longer EXTEND_TIMEOUT_USEC or WATCHDOG_USEC is this */
	NOTICE_LINE_MAX = sizeof("\"ready\""), /* of a line of the channel: enough to know the one word */
};

struct notice {
	bool is_ready;       /* READY=1, and the like on other ways */
	bool is_reloading;   /* RELOADING=1 */
	bool is_stopping;    /* STOPPING=1 */
	bool is_alive;       /* WATCHDOG=1 */
	bool is_sick;        /* WATCHDOG=trigger */
	int64_t extend_ms;   /* EXTEND_TIMEOUT_USEC; 0: not said */
	int64_t watchdog_ms; /* WATCHDOG_USEC: another time from now on; 0: not said */
	bool has_status;
	char status[NOTICE_STATUS_MAX + 1]; /* STATUS: printable, cut between characters */
};

/* Fills all of it; false when nothing was said that means something here. */
bool notice_read(struct notice *n, const char *bytes, size_t len);

/* The beginning of a line whose end has not come yet.  Zeroed is a channel on which nothing was said. */
struct channel_line {
	char bytes[NOTICE_LINE_MAX];
	size_t len; /* of what was said, also where it is more than is kept */
};

/* The next bytes of Node's channel, JSON lines: true when one of them is the word "ready". */
bool channel_feed(struct channel_line *line, const char *bytes, size_t len);

/* What asks a Node program to stop, as PM2 says it. */
#define CHANNEL_SHUTDOWN "\"shutdown\"\n"

#endif

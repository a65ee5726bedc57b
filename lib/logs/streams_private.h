/*
 * Between the two halves of the streams, those that open and those that take: not for anybody else.
 */
#ifndef OX_LOGS_STREAMS_PRIVATE_H
#define OX_LOGS_STREAMS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/vec.h"
#include "logs/app_users.h"
#include "logs/location.h"
#include "logs/logfile.h"
#include "logs/streams.h"
#include "loop/watchers.h"
#include "rules/last_lines.h"

enum {
	LOG_STREAMS_DRAIN = 4 * 1024 * 1024, /* of a process that has ended: more than a pipe can hold */
};

/* One stream of one instance. */
struct stream {
	struct log_streams *streams;
	const struct instance_streams *instance;
	ev_io reader;
	char *pipe; /* path of the FIFO */
	struct logfile *log;
	struct log_source source;
	struct last_lines last; /* of this run; of standard error alone */
	bool has_all_last;      /* it was read from the beginning of the run */
	uint64_t key;           /* of the goal that this stream has now */
	uint64_t dropped;
	int64_t waits_since; /* for the end of another's line; 0: it does not */
	int in;
};

struct instance_streams {
	struct stream streams[LOG_STREAM_COUNT];
	char *name;
	char *format; /* of the time before each line, or NULL */
};

struct log_streams {
	struct ev_loop *loop;
	struct keeper_client *keeper;
	struct logfile_cache *cache;
	char *pipes;
	char *logs;
	struct map instances; /* name -> struct instance_streams * */
	struct app_users users;
	ev_prepare turn;
	size_t turn_bytes; /* taken in this turn of the loop */
	uint64_t dropped;
	struct vec waiting; /* of struct stream *, for the ends of others' lines */
	ev_timer wait;
	int peek[2]; /* a pipe of our own: what is in another is looked at through it */
};

/* stream_take.c: takes at most `max` bytes of what is in its pipe; how many. */
size_t stream_take(struct stream *s, size_t max);
/* Nobody waits for the end of its line any more, nor it for another's. */
void stream_leave_waiting(const struct stream *s);
/* Watchers: of a pipe, of those that wait for a line to end, of each turn of the loop. */
void stream_on_readable(struct ev_loop *loop, ev_io *w, int events);
void streams_on_wait(struct ev_loop *loop, ev_timer *w, int events);
void streams_on_turn(struct ev_loop *loop, ev_prepare *w, int events);

#endif

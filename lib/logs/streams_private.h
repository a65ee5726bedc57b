/*
 * Between all streams and one of them: not for anybody else.
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
	struct instance_streams *instance;
	ev_io reader;
	struct logfile *log;
	struct last_lines *last; /* of this run; of standard error alone; NULL: there was nothing */
	uint64_t key;            /* of the goal that this stream has now */
	uint64_t dropped;
	int64_t waits_since; /* for the end of another's line; 0: it does not */
	uint32_t run;        /* as marks have it: who writes */
	int in;
	unsigned char which; /* enum log_stream */
	bool has_all_last;   /* it was read from the beginning of the run */
};

struct instance_streams {
	struct log_streams *all;
	struct stream streams[LOG_STREAM_COUNT];
	char *format; /* of the time before each line, or NULL */
	uint32_t app; /* as marks have them */
	uint16_t number;
	char name[]; /* "api:2" */
};

struct log_streams {
	struct ev_loop *loop;
	struct keeper_client *keeper;
	struct logfile_cache *cache;
	char *pipes;
	char *logs;
	struct map instances; /* name -> struct instance_streams *, which has it */
	struct app_users users;
	ev_prepare turn;   /* only while there is something to count anew */
	size_t turn_bytes; /* taken in this turn of the loop */
	uint64_t dropped;
	struct vec waiting; /* of struct stream *, for the ends of others' lines */
	ev_timer wait;
	int peek[2]; /* a pipe of our own: what is in another is looked at through it */
};

/* stream.c: the named pipe of one output of one instance, which the instance itself holds open both ways, as does the brain. */
enum {
	FIFO_SIZE = 1 << 20, /* asked for; bursts fit into it */
	/* Descriptors that no pipe gets: for those who ask, and for what is done about it: clients, checks, files. */
	FIFO_FDS_LEFT = 320,
};

/*
 * Makes it where it is not, and opens it without waiting.  What is there already has to be a pipe of ours, also if another brain made
 * it.  -1 with words; also when so few descriptors are left (at most half of them all are kept) that nobody could ask why.
 */
int fifo_open(const char *path, struct err *e);
/* Is that file the pipe that this is an end of? */
bool fifo_is_at(const char *path, int fd);

/* Takes at most `max` bytes of what is in its pipe; how many. */
size_t stream_take(struct stream *s, size_t max);
/* Whose bytes it takes. */
struct log_source stream_source(const struct stream *s);
/* Nobody waits for the end of its line any more, nor it for another's. */
void stream_leave_waiting(const struct stream *s);
/* Watchers: of a pipe, of those that wait for a line to end, of each turn of the loop. */
void stream_on_readable(struct ev_loop *loop, ev_io *w, int events);
void streams_on_wait(struct ev_loop *loop, ev_timer *w, int events);
void streams_on_turn(struct ev_loop *loop, ev_prepare *w, int events);

#endif

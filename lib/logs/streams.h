/*
 * What services say, from their pipes into their log files.  Each instance has a FIFO for standard output and one for standard error in the
 * run folder; the child holds its end open both ways, so nobody's death breaks it, and what was written while no brain was there is read
 * by the next one.  Nothing here ever waits, and of what is written only the last lines of standard error stay in memory: what a full disk
 * refuses is dropped and counted.
 */
#ifndef OX_LOGS_STREAMS_H
#define OX_LOGS_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct ev_loop;
struct err;
struct keeper_client;
struct log_streams;
struct rights;
struct spec;

/* For those who follow logs; any may be NULL.  Strings are borrowed for the call; no function of this file may be called from inside. */
struct stream_calls {
	/* Something was added to the log at this path: once for many lines, after they are in the file. */
	void (*written)(void *context, const char *path);
	/*
	 * The log at this path begins again, empty: it was rotated away (it is `path`.1 now, or gone, its marks with it), or somebody
	 * deleted, moved or truncated it.  Who has the old one open still reads what is in it.
	 */
	void (*begun)(void *context, const char *path);
	/* The log of this instance ("api:2") refuses what it is given, or takes it again: a sentence for the events. */
	void (*trouble)(void *context, const char *name, const char *words);
};

struct stream_options {
	struct ev_loop *loop;
	const char *pipes;                /* a folder that exists */
	const char *logs;                 /* a folder that exists */
	const char *journal;              /* a file of ours, and of the next brain: logs/write_journal.h */
	struct keeper_client *keeper;     /* holds a second end of every pipe; borrowed, as the loop is */
	const struct stream_calls *calls; /* borrowed; NULL: nobody follows */
	void *context;
};

/* The rest is copied.  NULL with words while an earlier brain lives. */
struct log_streams *log_streams_new(const struct stream_options *options, struct err *e);
void log_streams_free(struct log_streams *p);

/* Whose pipes: borrowed for the call. */
struct stream_request {
	const char *name; /* "api:2" */
	const struct spec *spec;
	uint64_t run; /* the generation of the process that will write, or writes */
	bool is_new;  /* it has not begun yet */
};

/* For stream_paths_release(), which accepts zeroed ones. */
struct stream_paths {
	char *out, *err;
};

void stream_paths_release(struct stream_paths *paths);

/* Makes the pipes of an instance if they are not there and begins to read them; again for a new run or a new spec.  -1 with words. */
int log_streams_open(struct log_streams *p, const struct stream_request *request, struct stream_paths *paths,
	struct err *e);
/* Takes what is in the pipes now: the last words of a process that has just ended. */
void log_streams_drain(struct log_streams *p, const char *name);
/*
 * The last lines that a run wrote to its standard error (rules/last_lines.h), as they passed by.  False where they are not as the log has them:
 * an earlier brain has read the beginning, or the log has a time before each line.
 */
bool log_streams_last_lines(const struct log_streams *p, const char *name, uint64_t run, struct buf *out);
/* Nobody will write any more: what is in the pipes is taken, they are removed, the files closed. */
void log_streams_close(struct log_streams *p, const char *name);
typedef const struct spec *(*stream_spec_of)(const void *context, const char *name);

/* log_streams_close() for every instance that has no spec any more, what is new of its [logs] for the others; NULL: none has. */
void log_streams_sweep(struct log_streams *p, stream_spec_of spec_of, const void *context);
/* What the pipe at that path is opened by the next time: an end of one whose file was deleted; taken over. */
void fifo_give(const char *path, int *fd);
/* The keeper lets go of such a pipe, and its file is removed: its instance is gone. */
void log_streams_drop_held(struct log_streams *p, const char *held);
/* Bytes that no disk took: of an instance, or of all for NULL. */
uint64_t log_streams_dropped(const struct log_streams *p, const char *name);

/*
 * With whose rights the logs of that app are touched: borrowed until the next call; NULL: the daemon's.  Looked up anew when it was
 * a while ago, as users and their groups change.
 */
const struct rights *log_streams_rights(struct log_streams *p, const struct spec *s);

#endif

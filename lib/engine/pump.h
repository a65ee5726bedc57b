/*
 * What services say, from their pipes into their log files.  Each instance has a FIFO for standard output and one for standard error in the
 * run folder; the child holds its end open both ways, so nobody's death breaks it, and what was written while no brain was there is read
 * by the next one.  Nothing here ever waits, and nothing is kept in memory: what a full disk refuses is dropped and counted.
 */
#ifndef OX_ENGINE_PUMP_H
#define OX_ENGINE_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct err;
struct parent;
struct pump;
struct spec;

/* `pipes` and `logs` are folders that exist; both are copied.  `keeper` holds a second end of every pipe; it is borrowed. */
struct pump *pump_new(struct ev_loop *loop, const char *pipes, const char *logs, struct parent *keeper);
void pump_free(struct pump *p);

/*
 * Makes the pipes of an instance ("api:2") if they are not there and begins to read them.  Their paths are borrowed until
 * pump_close().  -1 with words.
 */
int pump_open(struct pump *p, const char *name, const struct spec *s, const char **out, const char **err,
	struct err *e);
/* Takes what is in the pipes now: the last words of a process that has just ended. */
void pump_drain(struct pump *p, const char *name);
/* Nobody will write any more: what is in the pipes is taken, they are removed, the files closed. */
void pump_close(struct pump *p, const char *name);
/* pump_close() for every instance that is not needed any more; NULL: none is. */
void pump_sweep(
	struct pump *p, bool (*is_needed)(const void *context, const char *name), const void *context);
/*
 * What the keeper holds under `held`, and nobody reads: gives the instance's name for one of our pipes ("api:2"; the caller frees it), else NULL.
 */
char *pump_name_of_held(const char *held);
/* The keeper lets go of such a pipe, and its file is removed: its instance is gone. */
void pump_drop_held(struct pump *p, const char *held);
/* Bytes that no disk took. */
uint64_t pump_dropped(const struct pump *p);

#endif

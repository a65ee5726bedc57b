/*
 * When the store is written: at the end of the turn for a client that asked for a change, else by and by (rules/pace.h).  What the keeper remembers
 * for us (the ends of processes) may go only when the store knows it too.
 */
#ifndef OX_JOURNAL_SAVER_H
#define OX_JOURNAL_SAVER_H

#include <stdbool.h>
#include <stdint.h>

#include "model/ticket.h"

struct buf;
struct err;
struct ev_loop;
struct json;
struct saver;

struct saver_calls {
	/* The whole state; appended as a JSON object. */
	void (*snapshot)(void *context, struct buf *out);
	/* The store knows how this run ended. */
	void (*forget)(void *context, struct ticket ticket);
	/* After the last of several forget(). */
	void (*forgot)(void *context);
	/* A write has ended, well or not. */
	void (*ended)(void *context);
};

/* Opens the store at `path`; *state is what was found there, NULL for none, given away.  NULL with words.  `calls` is borrowed. */
struct saver *saver_new(struct ev_loop *loop, const char *path, const struct saver_calls *calls,
	void *context, struct json **state, struct err *e);
/* Saves what store_save_soon() was called for. */
void saver_free(struct saver *s);

/* Something changed; it is saved after saver_end_turn(). */
void saver_changed(struct saver *s);
/* A client waits for what changes in this turn. */
void saver_is_asked(struct saver *s);
void saver_end_turn(struct saver *s);
void saver_forget_later(struct saver *s, struct ticket ticket);
/* At the end of this turn; and now, waiting for the disk: -1 with words. */
void saver_save_soon(struct saver *s);
int saver_save_now(struct saver *s, struct err *e);

/* See journal/store.h; where the disk refuses nothing is due, as nobody should wait for it. */
uint64_t saver_due(const struct saver *s);
uint64_t saver_ended(const struct saver *s);
/* Why the last write failed; NULL: it did not. */
const char *saver_trouble(const struct saver *s);

#endif

/*
 * What the brain must not forget: PATH is everything, written whole, fsynced, with a version, the boot id, its length and a checksum; the one before
 * it stays as PATH.prev.  A thread waits for the disk, and the loop continues meanwhile: the answer to a request that changes something holds the
 * answer back until store_ended() has reached what store_due() said then.
 *
 * Nothing here keeps a daemon from starting: what cannot be used is renamed to PATH.bad-REASON-N and named in a message.
 */
#ifndef OX_JOURNAL_STORE_H
#define OX_JOURNAL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct ev_loop;
struct err;
struct json;
struct store;

enum {
	STORE_VERSION = 1,
	STORE_SNAPSHOT_MAX = 64 * 1024 * 1024, /* bytes */
	STORE_BAD_MAX = 20, /* files set aside of one reason; the last one is replaced then */
};

struct store_options {
	const char *path;
	const char *boot_id; /* of now */
	/* The whole state; appended as a JSON object.  Called when it is about to be written. */
	void (*snapshot)(void *context, struct buf *out);
	/* A write has ended, well or not; store_ended() has counted it.  May be NULL. */
	void (*ended)(void *context);
	void *context;
};

/* What was found.  Released by the caller. */
struct store_found {
	struct json *state; /* NULL: none */
	bool is_same_boot;  /* it was written since the machine started: its processes may live */
	struct buf words;   /* a line for each thing that was set aside or left out; "" if all was well */
};

/* Reads what there is; the store then continues from it. NULL only if there is no room to work in at all, with a message in `e`. */
struct store *store_open(
	struct ev_loop *loop, const struct store_options *options, struct store_found *found, struct err *e);
/*
 * Only looks, and sets nothing aside: the state as this build would read it, or NULL where there is none.  -1 with words for what it could not
 * use.
 */
int store_peek(const char *path, struct json **state, struct err *e);
void store_found_release(struct store_found *found);
/* Saves what is due. */
void store_free(struct store *s);

/* A write is begun at the end of this turn of the loop, however often it is called; or when the one that is under way has ended. */
void store_save_soon(struct store *s);
/* Everything is on disk when this returns, and it waits for that; -1 with words.  It is tried again later. */
int store_save_now(struct store *s, struct err *e);
/*
 * How many writes will have ended when all that is known now has been tried to write; how many have.  One that fails ends that which was asked for
 * meanwhile, too: the next try is SAVE_RETRY_MS away (rules/pace.h).
 */
uint64_t store_due(const struct store *s);
uint64_t store_ended(const struct store *s);
/* How long the last write took, in ms. */
int64_t store_took_ms(const struct store *s);
/* True while the last try to save has failed; the words say why. */
bool store_is_failing(const struct store *s, const char **words);

#endif

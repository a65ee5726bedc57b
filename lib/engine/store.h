/*
 * What the brain must not forget, in two files.  PATH is the snapshot: everything, written whole, fsynced, with a version, the boot id, its
 * length and a checksum; the one before it stays as PATH.prev.  PATH.journal holds what happened since: a record a line, appended by one write
 * without fsync.
 *
 * What a user asked for belongs into the snapshot.  Facts about running processes (slot 3 is pid 812) belong into the journal: they are
 * lost only when the machine goes down, and then the processes are gone as well; a killed brain or keeper loses none of them.  That makes a spawn
 * cost a microsecond here and not a trip to the disk.
 *
 * Nothing here keeps a daemon from starting: what cannot be used is renamed to PATH.bad-REASON-N and named in words.
 */
#ifndef OX_ENGINE_STORE_H
#define OX_ENGINE_STORE_H

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
	STORE_JOURNAL_MAX = 4 * 1024 * 1024,   /* bytes; beyond, a snapshot takes its place */
	STORE_RECORD_MAX = 256 * 1024,         /* bytes of one record */
	STORE_BAD_MAX = 20,    /* files set aside of one reason; the last one is replaced then */
	STORE_RETRY_MS = 5000, /* between tries while the disk refuses */
};

struct store_options {
	const char *path;
	const char *boot_id; /* of now */
	/* The whole state; appended as a JSON object.  Called when a snapshot is written. */
	void (*snapshot)(void *context, struct buf *out);
	void *context;
};

/* What was found.  Released by the caller. */
struct store_found {
	struct json *state;   /* NULL: none */
	struct json *records; /* an array, never NULL: what the journal adds to it, in order */
	bool is_same_boot;    /* it was written since the machine started: its processes may live */
	struct buf words;     /* a line for each thing that was set aside or left out; "" if all was well */
};

/* Reads what there is; the store then goes on from it.  NULL only if there is no room to work in at all, with words in `e`. */
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

/* A snapshot at the end of this turn of the loop, however often it is called; before the control socket answers. */
void store_save_soon(struct store *s);
/* A snapshot now, if one is due; -1 with words.  It is tried again later. */
int store_save_now(struct store *s, struct err *e);
/* Appends a record, which is taken over.  If that fails a snapshot is due. */
void store_note(struct store *s, struct json *record);
/* How long the last try to save took, in ms: nobody was served meanwhile. */
int64_t store_took_ms(const struct store *s);
/* True while the last try to save has failed; the words say why. */
bool store_is_failing(const struct store *s, const char **words);

#endif

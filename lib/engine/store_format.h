/*
 * How the files of engine/store look.  The first line of each says what it is:
 *	oxherd state 1 SERIAL BOOT-ID LENGTH CHECKSUM
 *	oxherd journal 1 SERIAL BOOT-ID
 * A journal belongs to the snapshot with its serial.  Each of its lines is CHECKSUM, a blank and JSON.
 */
#ifndef OX_ENGINE_STORE_FORMAT_H
#define OX_ENGINE_STORE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct json;

enum { STORE_BOOT_ID_MAX = 64 };

struct store_head {
	int64_t serial;
	char boot_id[STORE_BOOT_ID_MAX + 1];
};

/* Both append; `boot_id` has no blank, and `state` is JSON of one line. */
void store_write_snapshot(struct buf *out, const struct store_head *head, const struct buf *state);
void store_write_journal_head(struct buf *out, const struct store_head *head);
void store_write_record(struct buf *out, const struct json *record);

/* The state with `head` filled in; or NULL, and *why is one word: "corrupt", "newer". */
struct json *store_read_snapshot(const struct buf *text, struct store_head *head, const char **why);
/*
 * The records of a journal as an array, up to the first that is not whole; *left_out says how many bytes come after that.  NULL
 * if the first line is none of ours.
 */
struct json *store_read_journal(const struct buf *text, struct store_head *head, size_t *left_out);

#endif

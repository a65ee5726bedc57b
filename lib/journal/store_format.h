/*
 * How the file of journal/store looks: a line that says what it is, and a line of JSON.
 *	oxherd state 1 SERIAL BOOT-ID LENGTH CHECKSUM
 */
#ifndef OX_JOURNAL_STORE_FORMAT_H
#define OX_JOURNAL_STORE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct json;

enum { STORE_BOOT_ID_MAX = 64 };

struct store_head {
	int64_t serial;
	char boot_id[STORE_BOOT_ID_MAX + 1];
};

/* Appends; `boot_id` has no blank, and `state` is JSON of one line. */
void store_write_snapshot(struct buf *out, const struct store_head *head, const struct buf *state);

/* The state with `head` filled in; or NULL, and *why is one word: "corrupt", "newer". */
struct json *store_read_snapshot(const struct buf *text, struct store_head *head, const char **why);

#endif

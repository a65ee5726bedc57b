/*
 * What became of the requests: how many failed and how, how long the others took, and the first failures as text.
 */
#ifndef OX_TESTS_LOAD_TALLY_H
#define OX_TESTS_LOAD_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define FAILURE(NAME, key) FAILED_##NAME,
enum failure {
#include "failures.def"
	FAILURES
};
#undef FAILURE

enum {
	TALLY_NOTES_MAX = 10,
	TALLY_STATUS_MAX = 600,
	TALLY_FINE = 64,                 /* parts that each power of two is cut into */
	TALLY_BUCKETS = 40 * TALLY_FINE, /* up to a day in microseconds */
};

struct tally {
	int64_t ok, failed, retried, idle_closed, connections;
	int64_t kinds[FAILURES];
	int64_t by_status[TALLY_STATUS_MAX];
	int64_t buckets[TALLY_BUCKETS];
	int64_t slowest_us, worst_late_us;
	struct buf notes[TALLY_NOTES_MAX];
	size_t notes_count;
};

const char *tally_key(enum failure kind);
void tally_init(struct tally *t);
void tally_release(struct tally *t);
void tally_ok(struct tally *t, int64_t took_us);
/* `words`: where and what, for the report. */
void tally_failed(struct tally *t, enum failure kind, int status, const char *words);
/* One line of JSON, with its end. */
void tally_write(struct buf *out, const struct tally *t, int64_t ran_us);

#endif

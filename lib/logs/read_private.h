/*
 * Between logs.c and logs_count.c: not for anybody else.
 */
#ifndef OX_LOGS_READ_PRIVATE_H
#define OX_LOGS_READ_PRIVATE_H

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "logs/read.h"
#include "rules/merge.h"

/* Where a line begins that was counted. */
struct log_spot {
	struct log_id id;
	uint64_t offset;
	int64_t when;
};

/* Looking for the newest lines of one log, from its end backwards: a stretch of it after the other is read forwards. */
struct log_count {
	struct log_tail tail;
	struct log_spot end;    /* where the log ended when it began */
	struct log_spot chosen; /* the oldest one that is among the newest so far */
	struct log_id id;       /* of the file that it is in */
	int number;             /* that it had last */
	uint64_t from, to;      /* of the stretch; `to`: nothing from there on is looked at any more */
	uint64_t stretch;
	struct log_spot *spots; /* found in this stretch and not chosen yet, a ring */
	size_t first, len, cap;
	bool is_packed;   /* the file is compressed: read from its beginning each time */
	bool has_dropped; /* the stretch holds older lines than the ring */
	bool has_end, has_chosen, is_walking, is_first, is_at_since, is_over;
};

struct log_member {
	char *id;
	uint32_t app;
	uint16_t instance;
	unsigned int kinds;
};

struct log_feed {
	struct log_tail tail;
	struct vec members; /* of struct log_member *: who writes into it and is asked for */
	struct log_line line;
	const char *id, *stream;
	bool is_dry;
	bool has_joined; /* after the beginning */
	struct log_id told_id;
	uint64_t told_start;
	struct log_count *count;
};

struct logs {
	struct vec sources;       /* of struct log_feed * */
	struct map paths;         /* of the same */
	struct merge_head *heads; /* as many */
	char *grep;               /* or NULL */
	int64_t lines, since_ms, until_ms, from_ms;
	unsigned int kinds;
	uint32_t run;
	bool has_run, follows, has_begun, is_counting, is_waiting;
	struct json *cursor;
	size_t budget;
};

/* Is it asked for?  Sets the id and the stream. */
bool logs_match(struct logs *l, const struct log_feed *s, const struct log_line *line, const char **id,
	const char **stream);

/* logs_count.c */
void logs_count_begin(struct logs *l, struct log_feed *s);
/* True when every tail stands where its newest lines begin; false: ask again in another turn. */
bool logs_count_go(struct logs *l);
void logs_count_end(struct log_feed *s);

#endif

/*
 * One answer of HTTP/1.1 as its bytes come in.  Nothing is kept of it but what the report needs.
 */
#ifndef OX_TESTS_LOAD_ANSWER_H
#define OX_TESTS_LOAD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ANSWER_LINE_MAX = 8192, /* of the head, and of a chunk's size */
	ANSWER_KEPT_MAX = 4096, /* bytes of the body that are searched for words */
};

enum answer_state { ANSWER_MORE, ANSWER_WHOLE, ANSWER_BROKEN };

enum answer_step {
	STEP_STATUS,
	STEP_FIELDS,
	STEP_BODY,   /* `left` bytes to come */
	STEP_TO_END, /* until the connection is closed */
	STEP_CHUNK_SIZE,
	STEP_CHUNK,
	STEP_CHUNK_END,
	STEP_TRAILER,
	STEP_WHOLE,
	STEP_BROKEN,
};

struct answer {
	enum answer_step step;
	int status;
	int64_t left;
	bool has_length, is_chunked, will_close;
	bool has_begun; /* at least one byte has come */
	size_t line_len;
	char line[ANSWER_LINE_MAX + 1];
	size_t kept_len;
	char kept[ANSWER_KEPT_MAX + 1];
};

void answer_init(struct answer *a);
/* More bytes; what comes after a whole answer was not asked for, and breaks it. */
enum answer_state answer_feed(struct answer *a, const char *bytes, size_t len);
/* The connection was closed: ANSWER_WHOLE only for an answer that ends so. */
enum answer_state answer_end(struct answer *a);

#endif

/*
 * How what a request waited for ended: a result for each deploy of an app, and for each instance that failed.  As data; the sentences are made
 * in view/wait_text.
 */
#ifndef OX_MODEL_WAIT_RESULT_H
#define OX_MODEL_WAIT_RESULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/vec.h"

struct json;
struct reason;

struct wait_result {
	char *app;    /* NULL: of none in particular */
	int instance; /* -1: of the app as a whole */
	bool is_ok;
	bool is_continued; /* its sentence continues that of the result before */
	struct reason *reason;
	char *lines; /* what an instance that failed wrote last, a line break before each line; NULL: nothing */
};

struct wait_results {
	struct vec items; /* of struct wait_result * */
	bool is_ok;       /* of the whole: a request may have wanted what is a failure else */
};

#define WAIT_RESULTS_INIT                                                                                    \
	{                                                                                                    \
		.items = VEC_INIT, .is_ok = true,                                                            \
	}

/* These copy the reason and the texts.  A result about the app as a whole, unless `instance` is set then. */
struct wait_result *wait_result_new(
	const char *app, bool is_ok, const struct reason *reason, const char *lines);
/* Of words that an earlier version left: the first line is the text of the reason.  NULL for none. */
struct wait_result *wait_result_from_words(const char *app, bool is_ok, const char *words);
struct wait_result *wait_result_copy(const struct wait_result *r);
void wait_result_free(struct wait_result *r);
/* About as much as it needs to be kept. */
size_t wait_result_size(const struct wait_result *r);

void wait_results_release(struct wait_results *r);
/* Takes the result over; NULL adds nothing. */
void wait_results_add(struct wait_results *r, struct wait_result *result);
void wait_results_add_copies(struct wait_results *to, const struct wait_results *from);

/* Appends it as it is stored: without sentences. */
void wait_result_write(const struct wait_result *r, const char *key, struct buf *out);
/* The same back; NULL for what is none. */
struct wait_result *wait_result_read(const struct json *j);
void wait_results_write(const struct wait_results *r, const char *key, struct buf *out);
void wait_results_read(struct wait_results *r, const struct json *list);

#endif

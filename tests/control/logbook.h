/*
 * Log files written by hand, as the daemon writes them, and what a reader makes of them: four logs in a folder of the test's own.
 */
#ifndef OX_TESTS_CONTROL_LOGBOOK_H
#define OX_TESTS_CONTROL_LOGBOOK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "logs/read.h"

enum { LOGBOOK_PATHS = 4 };

/* Of api:0, of api:1, of the errors of api:0, and one for all. */
extern char logbook_paths[LOGBOOK_PATHS][64];
/* Every line that there is. */
extern const struct logs_query logbook_all;

/* For a test's setup and teardown. */
int logbook_begin(void **state);
int logbook_end(void **state);
#define IN_FOLDER(sentence, function)                                                                        \
	{                                                                                                    \
		.name = (sentence), .test_func = (function), .setup_func = logbook_begin,                    \
		.teardown_func = logbook_end,                                                                \
	}

/* One write of a service: a mark, then the bytes. */
void logbook_say(const char *path, const char *id, enum mark_kind kind, int64_t at, const char *text);
void logbook_say_in_run(
	const char *path, const char *id, enum mark_kind kind, uint32_t run, int64_t at, const char *text);
/* Six lines of three logs. */
void logbook_say_some(void);
/* Without a mark. */
void logbook_append(const char *path, const void *bytes, size_t len);
void logbook_rotate(const char *path);
void logbook_compress(const char *path, int number);

struct logs *logbook_open(const struct logs_query *q);
/* The first three logs. */
struct logs *logbook_ask(const struct logs_query *q);
/* As "api:0 err words\n", with "..." where a piece continues or is continued; `context` is a struct buf *. */
void logbook_line(void *context, const struct logs_line *l);
enum logs_got logbook_read(struct logs *l, struct buf *out);
void logbook_expect_more(struct logs *l, const char *text);
void logbook_expect(const struct logs_query *q, const char *text);
void logbook_has(const char *text, const char *words);

#endif

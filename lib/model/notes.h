/*
 * What a person should read about an app beside what was asked for: that its oxfile was edited and is not applied, that its ports may be taken.
 */
#ifndef OX_MODEL_NOTES_H
#define OX_MODEL_NOTES_H

#include "base/buf.h"
#include "base/vec.h"

struct note {
	char *app;
	char *text; /* one line, which begins with the app: "api: its oxfile …" */
};

struct notes {
	struct vec items; /* of struct note * */
};

#define NOTES_INIT                                                                                           \
	{                                                                                                    \
		.items = VEC_INIT,                                                                           \
	}

/* Nothing where `n` is NULL: then nobody reads it. */
void notes_add(struct notes *n, const char *app, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void notes_release(struct notes *n);
/* Into an object: `notes`, which are lines, and `noted`, the same with whose they are. */
void notes_emit(const struct notes *notes, struct buf *out);

#endif

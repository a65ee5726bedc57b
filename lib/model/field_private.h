/*
 * Between field_read.c (one value) and field_read_lists.c (several, and commands): not for anybody else.
 */
#ifndef OX_MODEL_FIELD_PRIVATE_H
#define OX_MODEL_FIELD_PRIVATE_H

#include "model/fields.h"

/* Everything a reader needs; `member` is where the value goes. */
struct field_reading {
	const struct field *f;
	const struct field_input *in;
	const struct toml_value *value;
	void *member;
	const struct field_context *ctx;
};

/* Both give -1. */
int read_complain(const struct field_reading *r, const char *words);
int read_complain_type(const struct field_reading *r);
/* A string without NUL bytes, which no program could be given; NULL with a complaint. */
const char *read_text(const struct field_reading *r, const struct toml_value *value);
/* A whole number within the row's bounds. */
int read_int(const struct field_reading *r);
int read_bounded(const struct field_reading *r, int64_t value, int64_t *member);

int read_strings(const struct field_reading *r);
int read_watch(const struct field_reading *r);
int read_ints(const struct field_reading *r);
int read_count(const struct field_reading *r);
int read_command(const struct field_reading *r);
int read_env(const struct field_reading *r);

#endif

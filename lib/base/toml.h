/*
 * TOML 1.1, complete: text to a tree in which every key and every value knows its line and column.
 *
 * The tree is read-only.  toml_parse() gives the root table or NULL with exactly one complaint in `d` (such
 * as `oxfile.toml:7:12: expected a value after '='`).  Tables keep the order of the file. Limits:
 * TOML_SIZE_MAX bytes of text, TOML_DEPTH_MAX tables and arrays in each other, however they are written
 * (brackets, dotted keys, headers); beyond is an error, never a crash.  A newline in a string is '\n', also
 * in a file with CRLF.
 */
#ifndef OX_BASE_TOML_H
#define OX_BASE_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum {
	TOML_SIZE_MAX = 1024 * 1024,
	TOML_DEPTH_MAX = 64,
};

enum toml_type {
	TOML_STRING,
	TOML_INTEGER,
	TOML_FLOAT,
	TOML_BOOL,
	TOML_DATETIME, /* with an offset */
	TOML_LOCAL_DATETIME,
	TOML_LOCAL_DATE,
	TOML_LOCAL_TIME,
	TOML_ARRAY,
	TOML_TABLE,
};

/* Parts that a type does not have are zero. */
struct toml_datetime {
	int year, month, day;
	int hour, minute, second;
	int nanosecond;
	int offset_minutes;
};

struct toml_value;

/* The caller names the file of the text first: diags_about(d, "oxfile.toml", text, len). */
struct toml_value *toml_parse(const char *text, size_t len, struct diags *d);
void toml_free(struct toml_value *root);

enum toml_type toml_type(const struct toml_value *v);
/* What a user calls it: "a string", "an array", "a table" … */
const char *toml_type_name(enum toml_type type);
struct place toml_place(const struct toml_value *v);

/* Each asks only values of its own type. */
const char *toml_string(const struct toml_value *v, size_t *len); /* may hold '\0'; len may be NULL */
int64_t toml_integer(const struct toml_value *v);
double toml_float(const struct toml_value *v);
bool toml_bool(const struct toml_value *v);
const struct toml_datetime *toml_datetime(const struct toml_value *v);

/* Arrays and tables: how many members, and the i-th (tables: in the order of the file). */
size_t toml_count(const struct toml_value *v);
const struct toml_value *toml_at(const struct toml_value *v, size_t i);
/* Tables: the i-th member's key and where the key stands. */
const char *toml_key(const struct toml_value *table, size_t i, size_t *len);
struct place toml_key_place(const struct toml_value *table, size_t i);
/* The member of that name, or NULL. */
const struct toml_value *toml_get(const struct toml_value *table, const char *key);

#endif

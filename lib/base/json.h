/*
 * JSON, read strictly and written plainly: our narrow face on cJSON, which only json.c includes.
 *
 * Reading refuses what cJSON would let pass: text after the value, a key that stands twice in one object, NUL
 * bytes and "\u0000" in strings, control characters, invalid UTF-8, numbers that are no JSON, nesting deeper
 * than JSON_DEPTH_MAX, and numbers beyond ±(2^53 - 1), which a double would round (those travel as strings).
 * Keys match with their case.
 *
 * A `struct json` is a tree; the holder of the root frees it with json_free(), members are borrowed from it.
 */
#ifndef OX_BASE_JSON_H
#define OX_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct json;

enum { JSON_DEPTH_MAX = 64 };
#define JSON_INT_MAX 9007199254740991LL

/* At most `size_max` bytes; NULL with words such as "line 1, column 7: expected ':'". */
struct json *json_parse(const char *text, size_t len, size_t size_max, struct err *e);
void json_free(struct json *j);

bool json_is_object(const struct json *j);
bool json_is_array(const struct json *j);
bool json_is_null(const struct json *j);

/* The member of that name, NULL if there is none or `object` is no object (NULL included). */
const struct json *json_get(const struct json *object, const char *key);
/* Walks members of an object or array: JSON_EACH(object, member) { json_key(member) … } */
const struct json *json_first(const struct json *j);
const struct json *json_next(const struct json *member);
#define JSON_EACH(j, member) for ((member) = json_first(j); (member); (member) = json_next(member))
const char *json_key(const struct json *member);
size_t json_count(const struct json *j);

/* The value if it has that type, else the fallback (false).  All accept NULL, so lookups chain. */
const char *json_string(const struct json *j, const char *fallback);
bool json_bool(const struct json *j, bool fallback);
bool json_int(const struct json *j, int64_t *value); /* also an integer written as a string of digits */
bool json_number(const struct json *j, double *value);
/* A member that has that type, else the fallback. */
const char *json_get_string(const struct json *object, const char *key, const char *fallback);
int64_t json_get_int(const struct json *object, const char *key, int64_t fallback);
/* A member from 1 to INT32_MAX - 1, such as a port; else 0. */
int json_get_count(const struct json *object, const char *key);

/* Building.  A setter takes over the child that it is given, and gives back the child it made. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_string(const char *text); /* NULL gives null; bytes that are not UTF-8 become U+FFFD */
struct json *json_new_int(int64_t value);       /* beyond ±(2^53 - 1) it becomes a string */
struct json *json_new_number(double value);     /* not finite: null */
struct json *json_new_bool(bool value);
struct json *json_new_null(void);
struct json *json_clone(const struct json *j);
struct json *json_set(struct json *object, const char *key, struct json *child);
struct json *json_push(struct json *array, struct json *child);

void json_set_string(struct json *object, const char *key, const char *text);
void json_set_int(struct json *object, const char *key, int64_t value);
void json_set_number(struct json *object, const char *key, double value);
void json_set_bool(struct json *object, const char *key, bool value);

/* Appends the text: on one line, or indented by two spaces with a newline at the end. */
void json_write(struct buf *out, const struct json *j);
void json_write_pretty(struct buf *out, const struct json *j);
/* Lays JSON of one line, well-formed and without blanks between its parts, out as json_write_pretty() does. */
void json_indent(struct buf *out, const char *text, size_t len);

#endif

/*
 * JSON written straight into a buf, where a tree would be built only to be written: what is large, or written often.  A comma comes by
 * itself, told from what stands before; `key` is a plain word of ours that needs no escapes, and NULL in an array.  The caller keeps the
 * brackets in pairs and gives no key twice.
 */
#ifndef OX_BASE_JSON_EMIT_H
#define OX_BASE_JSON_EMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* `bracket` is '{' or '[' here, '}' or ']' at the end. */
void emit_open(struct buf *out, const char *key, char bracket);
void emit_close(struct buf *out, char bracket);
/* NULL gives null; bytes that are not UTF-8 become U+FFFD. */
void emit_string(struct buf *out, const char *key, const char *text);
/* Beyond ±(2^53 - 1) it becomes a string, as json_new_int() has it. */
void emit_int(struct buf *out, const char *key, int64_t value);
/* null where it is not known. */
void emit_int_or_null(struct buf *out, const char *key, bool is_known, int64_t value);
/* Not finite: null. */
void emit_number(struct buf *out, const char *key, double value);
void emit_bool(struct buf *out, const char *key, bool value);
void emit_null(struct buf *out, const char *key);
/* A key that may need escapes, such as a path; its value comes next, without a key. */
void emit_key(struct buf *out, const char *key);
/* What is JSON already. */
void emit_text(struct buf *out, const char *key, const char *text, size_t len);

#endif

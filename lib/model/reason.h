/*
 * Why something is as it is, as data: a kind (model/reasons.def) and the fields that its row has; the others are not looked at.  The sentence for
 * people is made where it is shown (view/reason_text).
 *
 * What a reason points to is borrowed where it is written down in place, and its own where reason_copy() or reason_read() made it: that one is freed
 * with reason_free().  NULL is no reason.
 */
#ifndef OX_MODEL_REASON_H
#define OX_MODEL_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct json;

enum reason_kind {
#define REASON(kind, code, fields, doc) REASON_##kind,
#include "model/reasons.def"
#undef REASON
	REASON_KIND_COUNT,
};

enum reason_rule {
#define RULE(id, word) REASON_RULE_##id,
#include "model/reason_rules.def"
#undef RULE
	REASON_RULE_COUNT,
};

enum reason_stands {
#define STANDS(id, word) REASON_STANDS_##id,
#include "model/reason_stands.def"
#undef STANDS
	REASON_STANDS_COUNT,
};

enum { REASON_PORTS_MAX = 4, REASON_DEPTH_MAX = 8 };

struct reason_ports {
	int items[REASON_PORTS_MAX];
	int len;
};

#define REASON_TYPE_COUNT  int64_t
#define REASON_TYPE_INT    int64_t
#define REASON_TYPE_SIGNAL int64_t
#define REASON_TYPE_RULE   int64_t /* of enum reason_rule */
#define REASON_TYPE_STANDS int64_t /* of enum reason_stands */
#define REASON_TYPE_READY  int64_t /* of enum ready_kind */
#define REASON_TYPE_NUMBER double
#define REASON_TYPE_PORTS  struct reason_ports
#define REASON_TYPE_WORDS  const char *
#define REASON_TYPE_TEXT   const char * /* in JSON it is the sentence */
#define REASON_TYPE_BOOL   bool
#define REASON_TYPE_CAUSE  const struct reason *

struct reason {
	enum reason_kind kind;
#define FIELD(type, id, member, key, doc) REASON_TYPE_##type member;
#include "model/reason_fields.def"
#undef FIELD
};

/* A reason in place, for one call: `&REASON_OF(PORT_TAKEN, .port = 3002)`. */
#define REASON_OF(of, ...) ((const struct reason){ .kind = REASON_##of, __VA_ARGS__ })

/* NULL gives NULL. */
struct reason *reason_copy(const struct reason *r);
void reason_free(struct reason *r);
bool reason_equal(const struct reason *a, const struct reason *b);

/* Appends {"code": …, its fields, "text": `text`}, or null for NULL; `text` NULL: without it. */
void reason_write(const struct reason *r, const char *key, const char *text, struct buf *out);
/*
 * The same back; NULL where there is none.  A code that is not known here, or a plain string as version 0.1.0 has it, becomes OTHER with the text.
 */
struct reason *reason_read(const struct json *j);

/* The text of a table's rows, for the manual and for tests. */
const char *reason_code(enum reason_kind kind);
const char *reason_doc(enum reason_kind kind);
size_t reason_field_count(void);
const char *reason_field_key(size_t field);
const char *reason_field_doc(size_t field);
/* Which of them a kind has. */
bool reason_kind_has(enum reason_kind kind, size_t field);
/* The value of a field as it stands in a sentence; false where it is not known, or no field of this kind. */
bool reason_add_field(const struct reason *r, const char *key, size_t key_len, struct buf *out);

#endif

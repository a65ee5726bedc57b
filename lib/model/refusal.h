/*
 * What is refused, and why, for programs: a kind (model/refusals.def) and the fields that its row has.  It goes beside the words of an error, and the
 * control answers with both.
 */
#ifndef OX_MODEL_REFUSAL_H
#define OX_MODEL_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct strings;

enum refusal_kind {
#define REFUSAL(kind, code, fields, doc) REFUSAL_##kind,
#include "model/refusals.def"
#undef REFUSAL
	REFUSAL_KIND_COUNT,
};

#define REFUSAL_TYPE_TEXT   const char *
#define REFUSAL_TYPE_NUMBER int64_t
#define REFUSAL_TYPE_LIST   const struct strings *

/* All borrowed, for one call. */
struct refusal {
	enum refusal_kind kind;
#define FIELD(type, id, member, key, doc) REFUSAL_TYPE_##type member;
#include "model/refusal_fields.def"
#undef FIELD
};

#define REFUSAL_OF(of, ...) (&(const struct refusal){ .kind = REFUSAL_##of, __VA_ARGS__ })

/*
 * As err_set(), with what the words are about.  The error's number is ENOENT for a target that is not there, and EINVAL for one that is no app; it is 0
 * for all others.
 */
int refusal_set(struct err *e, const struct refusal *r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The rows, for the manual and for tests. */
const char *refusal_code(enum refusal_kind kind);
const char *refusal_doc(enum refusal_kind kind);
size_t refusal_field_count(void);
const char *refusal_field_key(size_t field);
const char *refusal_field_doc(size_t field);
bool refusal_has(enum refusal_kind kind, size_t field);

#endif

/*
 * How a reason is made: its fields and kinds as tables, for the files model/reason*.c.
 */
#ifndef OX_MODEL_REASON_PRIVATE_H
#define OX_MODEL_REASON_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/reason.h"

enum reason_field_id {
#define FIELD(type, id, member, key, doc) FIELD_ID_##id,
#include "model/reason_fields.def"
#undef FIELD
	FIELD_COUNT,
};

enum reason_field_type { COUNT, INT, SIGNAL, RULE, STANDS, READY, NUMBER, PORTS, WORDS, TEXT, BOOL, CAUSE };

struct reason_field {
	enum reason_field_type type;
	const char *key;
	const char *doc;
	size_t offset;
};

extern const struct reason_field reason_fields[FIELD_COUNT];

/* False for a code that is not known here. */
bool reason_find_code(const char *code, enum reason_kind *kind);
bool reason_kind_has_cause(enum reason_kind kind);
bool reason_field_is_text(const struct reason_field *f);
/* Of numbers and words: 0 and NULL are not known, but for a count. */
bool reason_field_is_known(const struct reason *r, const struct reason_field *f);

/* The member of a field. */
const void *reason_at(const struct reason *r, const struct reason_field *f);
void *reason_place(struct reason *r, const struct reason_field *f);
int64_t reason_int_at(const struct reason *r, const struct reason_field *f);
const char *reason_words_at(const struct reason *r, const struct reason_field *f);
const struct reason *reason_cause_at(const struct reason *r, const struct reason_field *f);

#endif

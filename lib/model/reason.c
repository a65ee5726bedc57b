#include "model/reason.h"

#include <string.h>

#include "base/signal_name.h"
#include "base/str.h"
#include "model/reason_private.h"

const struct reason_field reason_fields[FIELD_COUNT] = {
#define FIELD(type_, id, member, key_, doc_)                                                                 \
	[FIELD_ID_##id] = {                                                                                  \
		.type = (type_), .key = (key_), .doc = (doc_), .offset = offsetof(struct reason, member)     \
	},
#include "model/reason_fields.def"
#undef FIELD
};

#define F(id) (UINT64_C(1) << FIELD_ID_##id)
static const struct row {
	const char *code;
	uint64_t fields;
	const char *doc;
} rows[REASON_KIND_COUNT] = {
#define REASON(kind, code_, fields_, doc_)                                                                   \
	[REASON_##kind] = { .code = (code_), .fields = (fields_), .doc = (doc_) },
#include "model/reasons.def"
#undef REASON
};
#undef F

const void *reason_at(const struct reason *r, const struct reason_field *f)
{
	return (const char *)r + f->offset;
}

void *reason_place(struct reason *r, const struct reason_field *f)
{
	return (char *)r + f->offset;
}

int64_t reason_int_at(const struct reason *r, const struct reason_field *f)
{
	return *(const int64_t *)reason_at(r, f);
}

const char *reason_words_at(const struct reason *r, const struct reason_field *f)
{
	return *(const char *const *)reason_at(r, f);
}

const struct reason *reason_cause_at(const struct reason *r, const struct reason_field *f)
{
	return *(const struct reason *const *)reason_at(r, f);
}

bool reason_field_is_text(const struct reason_field *f)
{
	return f->type == WORDS || f->type == TEXT;
}

bool reason_field_is_known(const struct reason *r, const struct reason_field *f)
{
	switch (f->type) {
	case COUNT:
		return reason_int_at(r, f) >= 0;
	case NUMBER:
		return *(const double *)reason_at(r, f) != 0;
	case PORTS:
		return ((const struct reason_ports *)reason_at(r, f))->len > 0;
	case WORDS:
	case TEXT:
		return reason_words_at(r, f) && *reason_words_at(r, f);
	case BOOL:
		return *(const bool *)reason_at(r, f);
	case CAUSE:
		return reason_cause_at(r, f) != NULL;
	default:
		return reason_int_at(r, f) != 0;
	}
}

static bool same_ports(const struct reason_ports *a, const struct reason_ports *b)
{
	for (int k = 0; k < a->len && k < b->len; k++)
		if (a->items[k] != b->items[k])
			return false;
	return a->len == b->len;
}

static bool same_field(const struct reason *a, const struct reason *b, const struct reason_field *f)
{
	switch (f->type) {
	case NUMBER:
		return *(const double *)reason_at(a, f) == *(const double *)reason_at(b, f);
	case PORTS:
		return same_ports(reason_at(a, f), reason_at(b, f));
	case WORDS:
	case TEXT:
		return str_eq(reason_words_at(a, f), reason_words_at(b, f));
	case BOOL:
		return *(const bool *)reason_at(a, f) == *(const bool *)reason_at(b, f);
	case CAUSE:
		return reason_equal(reason_cause_at(a, f), reason_cause_at(b, f));
	default:
		return reason_int_at(a, f) == reason_int_at(b, f);
	}
}

bool reason_equal(const struct reason *a, const struct reason *b)
{
	if (!a || !b || a->kind != b->kind)
		return a == b;
	for (size_t k = 0; k < FIELD_COUNT; k++)
		if (reason_kind_has(a->kind, k) && !same_field(a, b, &reason_fields[k]))
			return false;
	return true;
}

/* --- questions ---------------------------------------------------------------------------------------------------------- */

const char *reason_code(enum reason_kind kind)
{
	return rows[kind].code;
}

bool reason_find_code(const char *code, enum reason_kind *kind)
{
	for (int k = 0; code && k < REASON_KIND_COUNT; k++) {
		if (!str_eq(rows[k].code, code))
			continue;
		*kind = (enum reason_kind)k;
		return true;
	}
	return false;
}

const char *reason_doc(enum reason_kind kind)
{
	return rows[kind].doc;
}

size_t reason_field_count(void)
{
	return FIELD_COUNT;
}

const char *reason_field_key(size_t field)
{
	return reason_fields[field].key;
}

const char *reason_field_doc(size_t field)
{
	return reason_fields[field].doc;
}

bool reason_kind_has_cause(enum reason_kind kind)
{
	return reason_kind_has(kind, FIELD_ID_CAUSE);
}

bool reason_kind_has(enum reason_kind kind, size_t field)
{
	return (rows[kind].fields >> field & 1) != 0;
}

/* %g would write ten thousand as 1e+04. */
static void write_number_value(double value, struct buf *out)
{
	if (value >= 9999.5)
		buf_addf(out, "%.0f", value);
	else
		buf_addf(out, "%.4g", value);
}

static void write_field_value(const struct reason *r, const struct reason_field *f, struct buf *out)
{
	switch (f->type) {
	case COUNT:
	case INT:
		buf_addf(out, "%lld", (long long)reason_int_at(r, f));
		break;
	case SIGNAL:
		signal_name_add(out, reason_int_at(r, f));
		break;
	case NUMBER:
		write_number_value(*(const double *)reason_at(r, f), out);
		break;
	case WORDS:
	case TEXT:
		buf_adds(out, reason_words_at(r, f));
		break;
	default:
		break;
	}
}

bool reason_add_field(const struct reason *r, const char *key, size_t key_len, struct buf *out)
{
	for (size_t k = 0; k < FIELD_COUNT; k++) {
		const struct reason_field *f = &reason_fields[k];

		if (!reason_kind_has(r->kind, k) || strlen(f->key) != key_len ||
			memcmp(f->key, key, key_len) != 0)
			continue;
		if (!reason_field_is_known(r, f))
			return false;
		write_field_value(r, f, out);
		return true;
	}
	return false;
}

#include "model/refusal.h"

#include <errno.h>
#include <stdarg.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/json_emit.h"
#include "base/strings.h"

enum refusal_field_id {
#define FIELD(type, id, member, key, doc) FIELD_ID_##id,
#include "model/refusal_fields.def"
#undef FIELD
	FIELD_COUNT,
};

enum refusal_field_type { TEXT, NUMBER, LIST };

static const struct refusal_field {
	enum refusal_field_type type;
	const char *key, *doc;
	size_t offset;
} fields_of_refusals[FIELD_COUNT] = {
#define FIELD(type_, id, member, key_, doc_)                                                                 \
	[FIELD_ID_##id] = {                                                                                  \
		.type = (type_), .key = (key_), .doc = (doc_), .offset = offsetof(struct refusal, member)    \
	},
#include "model/refusal_fields.def"
#undef FIELD
};

#define F(id) (UINT64_C(1) << FIELD_ID_##id)
static const struct refusal_row {
	const char *code;
	uint64_t fields;
	const char *doc;
} rows[REFUSAL_KIND_COUNT] = {
#define REFUSAL(kind, code_, fields_, doc_)                                                                  \
	[REFUSAL_##kind] = { .code = (code_), .fields = (fields_), .doc = (doc_) },
#include "model/refusals.def"
#undef REFUSAL
};
#undef F

static void add_texts(const struct strings *list, const char *key, struct buf *out)
{
	emit_open(out, key, '[');
	for (size_t i = 0; i < list->len; i++)
		emit_string(out, NULL, list->items[i]);
	emit_close(out, ']');
}

static void add_field(const struct refusal *r, const struct refusal_field *f, struct buf *out)
{
	const void *at = (const char *)r + f->offset;

	if (f->type == TEXT && *(const char *const *)at)
		emit_string(out, f->key, *(const char *const *)at);
	else if (f->type == NUMBER && *(const int64_t *)at)
		emit_int(out, f->key, *(const int64_t *)at);
	else if (f->type == LIST && *(const struct strings *const *)at)
		add_texts(*(const struct strings *const *)at, f->key, out);
}

static int number_of(enum refusal_kind kind)
{
	return kind == REFUSAL_NO_TARGET ? ENOENT : kind == REFUSAL_NOT_AN_APP ? EINVAL : 0;
}

int refusal_set(struct err *e, const struct refusal *r, const char *format, ...)
{
	struct buf words = BUF_INIT;
	va_list args;

	ASSERT(r->kind < REFUSAL_KIND_COUNT, "there is no refusal of kind %d", (int)r->kind);
	if (!e)
		return -1;
	va_start(args, format);
	buf_addfv(&words, format, args);
	va_end(args);
	(void)err_set(e, "%s", words.ptr);
	buf_release(&words);
	e->number = number_of(r->kind);
	emit_open(&e->about, NULL, '{');
	emit_string(&e->about, "code", rows[r->kind].code);
	for (size_t k = 0; k < FIELD_COUNT; k++)
		if (refusal_has(r->kind, k))
			add_field(r, &fields_of_refusals[k], &e->about);
	emit_close(&e->about, '}');
	return -1;
}

const char *refusal_code(enum refusal_kind kind)
{
	return rows[kind].code;
}

const char *refusal_doc(enum refusal_kind kind)
{
	return rows[kind].doc;
}

size_t refusal_field_count(void)
{
	return FIELD_COUNT;
}

const char *refusal_field_key(size_t field)
{
	return fields_of_refusals[field].key;
}

const char *refusal_field_doc(size_t field)
{
	return fields_of_refusals[field].doc;
}

bool refusal_has(enum refusal_kind kind, size_t field)
{
	return (rows[kind].fields >> field & 1) != 0;
}

#include "model/reason.h"

#include <string.h>

#include "base/json.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/signal_name.h"
#include "base/str.h"
#include "model/spec.h"

enum field_id {
#define FIELD(type, id, member, key, doc) FIELD_ID_##id,
#include "model/reason_fields.def"
#undef FIELD
	FIELD_COUNT,
};

enum type { COUNT, INT, SIGNAL, RULE, STANDS, READY, NUMBER, PORTS, WORDS, TEXT, BOOL, CAUSE };

struct field {
	enum type type;
	const char *key;
	const char *doc;
	size_t offset;
};

static const struct field fields[FIELD_COUNT] = {
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

static const char *const rule_words[REASON_RULE_COUNT] = {
#define RULE(id, word) [REASON_RULE_##id] = (word),
#include "model/reason_rules.def"
#undef RULE
};

static const char *const stands_words[REASON_STANDS_COUNT] = {
#define STANDS(id, word) [REASON_STANDS_##id] = (word),
#include "model/reason_stands.def"
#undef STANDS
};

static const char *const ready_words[] = {
	[READY_AUTO] = "",
	[READY_ALIVE] = "alive",
	[READY_LISTEN] = "listen",
	[READY_HEALTH] = "health",
	[READY_NOTIFY] = "notify",
	[READY_IPC] = "ipc",
	[READY_NOTIFY_FD] = "notify-fd",
};
enum { READY_COUNT = sizeof(ready_words) / sizeof(ready_words[0]) };

static bool has_field(enum reason_kind kind, size_t field)
{
	return (rows[kind].fields >> field & 1) != 0;
}

static const void *member_at(const struct reason *r, const struct field *f)
{
	return (const char *)r + f->offset;
}

static void *member_place(struct reason *r, const struct field *f)
{
	return (char *)r + f->offset;
}

static int64_t int_at(const struct reason *r, const struct field *f)
{
	return *(const int64_t *)member_at(r, f);
}

static const char *words_at(const struct reason *r, const struct field *f)
{
	return *(const char *const *)member_at(r, f);
}

static const struct reason *cause_at(const struct reason *r, const struct field *f)
{
	return *(const struct reason *const *)member_at(r, f);
}

static bool is_text(const struct field *f)
{
	return f->type == WORDS || f->type == TEXT;
}

/* --- copies ----------------------------------------------------------------------------------------------------------- */

struct reason *reason_copy(const struct reason *r)
{
	struct reason *copy = r ? mem_dup(r, sizeof(*r)) : NULL;

	for (size_t k = 0; copy && k < FIELD_COUNT; k++) {
		const struct field *f = &fields[k];

		/* What the kind does not have stays behind, so that equal ones are written equally. */
		if (is_text(f))
			*(const char **)member_place(copy, f) =
				has_field(r->kind, k) ? mem_strdup(words_at(r, f)) : NULL;
		else if (f->type == CAUSE)
			*(const struct reason **)member_place(copy, f) =
				has_field(r->kind, k) ? reason_copy(cause_at(r, f)) : NULL;
	}
	return copy;
}

void reason_free(struct reason *r)
{
	if (!r)
		return;
	for (size_t k = 0; k < FIELD_COUNT; k++) {
		if (is_text(&fields[k]))
			mem_free(*(char **)member_place(r, &fields[k]));
		else if (fields[k].type == CAUSE)
			reason_free(*(struct reason **)member_place(r, &fields[k]));
	}
	mem_free(r);
}

static bool same_ports(const struct reason_ports *a, const struct reason_ports *b)
{
	for (int k = 0; k < a->len && k < b->len; k++)
		if (a->items[k] != b->items[k])
			return false;
	return a->len == b->len;
}

static bool same_field(const struct reason *a, const struct reason *b, const struct field *f)
{
	switch (f->type) {
	case NUMBER:
		return *(const double *)member_at(a, f) == *(const double *)member_at(b, f);
	case PORTS:
		return same_ports(member_at(a, f), member_at(b, f));
	case WORDS:
	case TEXT:
		return str_eq(words_at(a, f), words_at(b, f));
	case BOOL:
		return *(const bool *)member_at(a, f) == *(const bool *)member_at(b, f);
	case CAUSE:
		return reason_equal(cause_at(a, f), cause_at(b, f));
	default:
		return int_at(a, f) == int_at(b, f);
	}
}

bool reason_equal(const struct reason *a, const struct reason *b)
{
	if (!a || !b || a->kind != b->kind)
		return a == b;
	for (size_t k = 0; k < FIELD_COUNT; k++)
		if (has_field(a->kind, k) && !same_field(a, b, &fields[k]))
			return false;
	return true;
}

/* --- JSON ------------------------------------------------------------------------------------------------------------- */

static void write_signal(const char *key, int64_t signal, struct buf *out)
{
	struct buf name = BUF_INIT;

	signal_name_add(&name, signal);
	emit_string(out, key, name.ptr);
	buf_release(&name);
}

static void write_ports(const char *key, const struct reason_ports *ports, struct buf *out)
{
	emit_open(out, key, '[');
	for (int k = 0; k < ports->len && k < REASON_PORTS_MAX; k++)
		emit_int(out, NULL, ports->items[k]);
	emit_close(out, ']');
}

/* Of numbers and words: 0 and NULL are not known, but for a count. */
static bool is_known(const struct reason *r, const struct field *f)
{
	switch (f->type) {
	case COUNT:
		return int_at(r, f) >= 0;
	case NUMBER:
		return *(const double *)member_at(r, f) != 0;
	case PORTS:
		return ((const struct reason_ports *)member_at(r, f))->len > 0;
	case WORDS:
	case TEXT:
		return words_at(r, f) && *words_at(r, f);
	case BOOL:
		return *(const bool *)member_at(r, f);
	case CAUSE:
		return cause_at(r, f) != NULL;
	default:
		return int_at(r, f) != 0;
	}
}

static void write_field(const struct reason *r, const struct field *f, struct buf *out)
{
	switch (f->type) {
	case COUNT:
	case INT:
		emit_int(out, f->key, int_at(r, f));
		break;
	case SIGNAL:
		write_signal(f->key, int_at(r, f), out);
		break;
	case RULE:
		emit_string(out, f->key, rule_words[int_at(r, f)]);
		break;
	case STANDS:
		emit_string(out, f->key, stands_words[int_at(r, f)]);
		break;
	case READY:
		emit_string(out, f->key, ready_words[int_at(r, f)]);
		break;
	case NUMBER:
		emit_number(out, f->key, *(const double *)member_at(r, f));
		break;
	case PORTS:
		write_ports(f->key, member_at(r, f), out);
		break;
	case WORDS:
	case TEXT:
		emit_string(out, f->key, words_at(r, f));
		break;
	case BOOL:
		emit_bool(out, f->key, true);
		break;
	case CAUSE:
		reason_write(cause_at(r, f), f->key, NULL, out);
		break;
	}
}

void reason_write(const struct reason *r, const char *key, const char *text, struct buf *out)
{
	if (!r) {
		emit_null(out, key);
		return;
	}
	emit_open(out, key, '{');
	emit_string(out, "code", rows[r->kind].code);
	for (size_t k = 0; k < FIELD_COUNT; k++)
		if (has_field(r->kind, k) && is_known(r, &fields[k]) && (!text || fields[k].type != TEXT))
			write_field(r, &fields[k], out);
	if (text)
		emit_string(out, "text", text);
	emit_close(out, '}');
}

static int64_t word_number(const char *const *words, int count, const struct json *j)
{
	int found = 0;

	return str_find(words, count, json_string(j, NULL), &found) ? found : 0;
}

static void read_ports(const struct json *j, struct reason_ports *ports)
{
	const struct json *member = NULL;

	JSON_EACH (j, member) {
		int64_t port = 0;

		if (ports->len < REASON_PORTS_MAX && json_int(member, &port))
			ports->items[ports->len++] = (int)port;
	}
}

static struct reason *read_reason_at(const struct json *j, int depth);

static void read_reason_field(struct reason *r, const struct field *f, const struct json *j, int depth)
{
	void *to = member_place(r, f);

	switch (f->type) {
	case COUNT:
		*(int64_t *)to = -1;
		(void)json_int(j, to);
		break;
	case INT:
		(void)json_int(j, to);
		break;
	case SIGNAL:
		*(int64_t *)to = signal_name_parse(json_string(j, ""));
		break;
	case RULE:
		*(int64_t *)to = word_number(rule_words, REASON_RULE_COUNT, j);
		break;
	case STANDS:
		*(int64_t *)to = word_number(stands_words, REASON_STANDS_COUNT, j);
		break;
	case READY:
		*(int64_t *)to = word_number(ready_words, READY_COUNT, j);
		break;
	case NUMBER:
		(void)json_number(j, to);
		break;
	case PORTS:
		read_ports(j, to);
		break;
	case WORDS:
	case TEXT:
		*(const char **)to = mem_strdup(json_string(j, NULL));
		break;
	case BOOL:
		*(bool *)to = json_bool(j, false);
		break;
	case CAUSE:
		*(const struct reason **)to = read_reason_at(j, depth + 1);
		break;
	}
}

static struct reason *other(const char *text)
{
	return text && *text ? reason_copy(&REASON_OF(OTHER, .text = text)) : NULL;
}

static bool find_code(const char *code, enum reason_kind *kind)
{
	for (int k = 0; code && k < REASON_KIND_COUNT; k++) {
		if (!str_eq(rows[k].code, code))
			continue;
		*kind = (enum reason_kind)k;
		return true;
	}
	return false;
}

static struct reason *read_reason_at(const struct json *j, int depth)
{
	enum reason_kind kind = REASON_OTHER;
	struct reason *r = NULL;

	if (json_string(j, NULL))
		return other(json_string(j, NULL));
	if (!json_is_object(j) || depth > REASON_DEPTH_MAX)
		return NULL;
	if (!find_code(json_string(json_get(j, "code"), NULL), &kind) || kind == REASON_OTHER)
		return other(json_string(json_get(j, "text"), NULL));
	r = mem_zalloc(1, sizeof(*r));
	r->kind = kind;
	for (size_t k = 0; k < FIELD_COUNT; k++)
		if (has_field(kind, k))
			read_reason_field(r, &fields[k], json_get(j, fields[k].key), depth);
	return r;
}

struct reason *reason_read(const struct json *j)
{
	return read_reason_at(j, 1);
}

/* --- questions ---------------------------------------------------------------------------------------------------------- */

const char *reason_code(enum reason_kind kind)
{
	return rows[kind].code;
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
	return fields[field].key;
}

const char *reason_field_doc(size_t field)
{
	return fields[field].doc;
}

bool reason_kind_has(enum reason_kind kind, size_t field)
{
	return has_field(kind, field);
}

/* %g would write ten thousand as 1e+04. */
static void write_number_value(double value, struct buf *out)
{
	if (value >= 9999.5)
		buf_addf(out, "%.0f", value);
	else
		buf_addf(out, "%.4g", value);
}

static void write_field_value(const struct reason *r, const struct field *f, struct buf *out)
{
	switch (f->type) {
	case COUNT:
	case INT:
		buf_addf(out, "%lld", (long long)int_at(r, f));
		break;
	case SIGNAL:
		signal_name_add(out, int_at(r, f));
		break;
	case NUMBER:
		write_number_value(*(const double *)member_at(r, f), out);
		break;
	case WORDS:
	case TEXT:
		buf_adds(out, words_at(r, f));
		break;
	default:
		break;
	}
}

bool reason_add_field(const struct reason *r, const char *key, size_t key_len, struct buf *out)
{
	for (size_t k = 0; k < FIELD_COUNT; k++) {
		const struct field *f = &fields[k];

		if (!has_field(r->kind, k) || strlen(f->key) != key_len || memcmp(f->key, key, key_len) != 0)
			continue;
		if (!is_known(r, f))
			return false;
		write_field_value(r, f, out);
		return true;
	}
	return false;
}

/*
 * A TOML value into the member of a row, or a complaint that says what the row wants.
 */
#include "model/field_private.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/toml.h"
#include "model/field_forms.h"

enum { FEW_MILLISECONDS = 100 }; /* fewer than these are doubted */

static const char *const wants[] = {
	[FIELD_STRING] = "a string",
	[FIELD_BOOL] = "true or false",
	[FIELD_INT] = "a whole number",
	[FIELD_NUMBER] = "a number",
	[FIELD_DURATION] = "a number, or a duration such as \"250ms\", \"10s\" or \"5m\"",
	[FIELD_SIZE] = "a number, or a size such as \"512M\" or \"1G\"",
	[FIELD_WORD] = "one of its words",
	[FIELD_STRINGS] = "a string, or an array of strings",
	[FIELD_INTS] = "a whole number, or an array of them",
	[FIELD_COUNT] = "a number, \"max\", \"max-1\" or \"50%\"",
	[FIELD_COMMAND] = "a command line, or an array of words",
	[FIELD_ENV] = "a table of strings, numbers and booleans",
	[FIELD_WATCH] = "true, false, a path, or an array of paths",
};

const char *field_wants(const struct field *f)
{
	if (f->kind == FIELD_FORMED)
		return f->form->wants;
	return f->flags & FIELD_AUTO ? "a whole number, or \"auto\"" : wants[f->kind];
}

int read_complain_type(const struct field_reading *r)
{
	diags_error(r->ctx->d, toml_place(r->value), "'%s' wants %s, not %s", r->in->key, field_wants(r->f),
		toml_type_name(toml_type(r->value)));
	return -1;
}

int read_complain(const struct field_reading *r, const char *words)
{
	diags_error(r->ctx->d, toml_place(r->value), "'%s': %s", r->in->key, words);
	return -1;
}

const char *read_text(const struct field_reading *r, const struct toml_value *value)
{
	struct field_reading at = *r;
	size_t len = 0;
	const char *text = NULL;

	at.value = value;
	if (toml_type(value) != TOML_STRING) {
		read_complain_type(&at);
		return NULL;
	}
	text = toml_string(value, &len);
	if (strlen(text) == len)
		return text;
	read_complain(&at, "a NUL character cannot be passed on");
	return NULL;
}

static int read_string_field(const struct field_reading *r)
{
	const char *text = read_text(r, r->value);

	if (!text)
		return -1;
	if (!*text && (r->f->flags & FIELD_NONEMPTY))
		return read_complain(r, "an empty string means nothing here");
	mem_free(*(char **)r->member);
	*(char **)r->member = mem_strdup(text);
	return 0;
}

static int read_bool(const struct field_reading *r)
{
	if (toml_type(r->value) != TOML_BOOL)
		return read_complain_type(r);
	*(bool *)r->member = toml_bool(r->value);
	return 0;
}

/* How a bound looks to the user: durations and sizes with their unit. */
static void print_bound(const struct field *f, int64_t value, struct buf *out)
{
	if (f->kind == FIELD_DURATION)
		duration_print(value, out);
	else if (f->kind == FIELD_SIZE)
		size_print(value, out);
	else
		buf_addf(out, "%lld", (long long)value);
}

int read_bounded(const struct field_reading *r, int64_t value, int64_t *member)
{
	struct buf low = BUF_INIT;
	struct buf high = BUF_INIT;
	struct buf is = BUF_INIT;

	if ((!r->f->min && !r->f->max) || (value >= r->f->min && value <= r->f->max)) {
		*member = value;
		return 0;
	}
	print_bound(r->f, r->f->min, &low);
	print_bound(r->f, r->f->max, &high);
	print_bound(r->f, value, &is);
	diags_error(r->ctx->d, toml_place(r->value), "'%s' is %s, outside %s..%s", r->in->key, is.ptr,
		low.ptr, high.ptr);
	buf_release(&low);
	buf_release(&high);
	buf_release(&is);
	return -1;
}

int read_int(const struct field_reading *r)
{
	int64_t number = 0;
	struct diag *complaint = NULL;

	if (toml_type(r->value) == TOML_INTEGER)
		return read_bounded(r, toml_integer(r->value), r->member);
	if (r->f->flags & FIELD_AUTO && str_eq(toml_string(r->value, NULL), "auto")) {
		*(int64_t *)r->member = FIELD_AUTO_VALUE;
		return 0;
	}
	read_complain_type(r);
	if (toml_type(r->value) == TOML_STRING && str_to_int(toml_string(r->value, NULL), &number)) {
		complaint = r->ctx->d->list.items[r->ctx->d->list.len - 1];
		diag_hint(complaint, "leave the quotes away: %s = %lld", r->in->key, (long long)number);
	}
	return -1;
}

static int read_number_field(const struct field_reading *r)
{
	enum toml_type type = toml_type(r->value);
	double number = 0;
	struct buf text = BUF_INIT;

	if (type != TOML_INTEGER && type != TOML_FLOAT)
		return read_complain_type(r);
	number = type == TOML_INTEGER ? (double)toml_integer(r->value) : toml_float(r->value);
	if (number >= (double)r->f->min && number <= (double)r->f->max) {
		*(double *)r->member = number;
		return 0;
	}
	buf_addf(&text, "%g is outside %lld..%lld", number, (long long)r->f->min, (long long)r->f->max);
	read_complain(r, text.ptr);
	buf_release(&text);
	return -1;
}

static const int64_t unit_factors[] = {
	[UNIT_NONE] = 1,
	[UNIT_MS] = 1,
	[UNIT_SECS] = 1000,
	[UNIT_MB] = 1024 * 1024,
	[UNIT_BYTES] = 1,
};

/* Seconds are what most of these mean: `stop_timeout = 10` is written for other programs. */
static void doubt_milliseconds(const struct field_reading *r, int64_t number)
{
	if (r->f->kind != FIELD_DURATION || r->in->unit != UNIT_MS || number <= 0 ||
		number >= FEW_MILLISECONDS)
		return;
	diag_hint(
		diags_warn(r->ctx->d, toml_place(r->value), "'%s' is %lld ms", r->in->key, (long long)number),
		"did you mean \"%llds\"? write \"%lldms\" if not", (long long)number, (long long)number);
}

/* A number in the key's unit, or a text with a unit of its own. */
static int read_measured(const struct field_reading *r, bool (*parse)(const char *, int64_t *))
{
	int64_t factor = unit_factors[r->in->unit];
	int64_t number = 0;
	const char *text = NULL;

	switch (toml_type(r->value)) {
	case TOML_INTEGER:
		if (__builtin_mul_overflow(toml_integer(r->value), factor, &number))
			return read_complain(r, "this number is too large");
		doubt_milliseconds(r, number);
		return read_bounded(r, number, r->member);
	case TOML_FLOAT:
		if (!(toml_float(r->value) > -1e15 && toml_float(r->value) < 1e15))
			return read_complain(r, "this number is too large");
		number = (int64_t)(toml_float(r->value) * (double)factor + 0.5);
		return read_bounded(r, number, r->member);
	case TOML_STRING:
		text = read_text(r, r->value);
		if (!text || !parse(text, &number))
			return text ? read_complain_type(r) : -1;
		return read_bounded(r, number, r->member);
	default:
		return read_complain_type(r);
	}
}

static int read_duration(const struct field_reading *r)
{
	return read_measured(r, duration_parse);
}

static int read_size(const struct field_reading *r)
{
	return read_measured(r, size_parse);
}

static void list_words(const struct field *f, struct buf *out)
{
	for (const struct field_word *w = f->words; w->word; w++) {
		bool is_repeat = w > f->words && w[-1].value == w->value;

		if (!is_repeat)
			buf_addf(out, "%s\"%s\"", w > f->words ? ", " : "", w->word);
	}
}

static int complain_word(const struct field_reading *r, const char *text)
{
	struct str_guess guess = { .typed = text };
	struct buf list = BUF_INIT;
	struct diag *complaint = NULL;

	list_words(r->f, &list);
	complaint = diags_error(
		r->ctx->d, toml_place(r->value), "'%s' is one of %s, not \"%s\"", r->in->key, list.ptr, text);
	for (const struct field_word *w = r->f->words; w->word; w++)
		str_guess_offer(&guess, w->word);
	if (guess.best)
		diag_hint(complaint, "did you mean \"%s\"?", guess.best);
	buf_release(&list);
	return -1;
}

static int store_word(const struct field_reading *r, const char *text)
{
	for (const struct field_word *w = r->f->words; w->word; w++) {
		if (strcmp(w->word, text) != 0)
			continue;
		if (w->is_not_yet) {
			diags_error(r->ctx->d, toml_place(r->value), "%s = \"%s\" is not supported yet",
				r->in->key, text);
			return -1;
		}
		*(int *)r->member = w->value;
		return 0;
	}
	return complain_word(r, text);
}

/* Names of other programs that hold a boolean, or other words, where we hold a word. */
static int read_word_alias(const struct field_reading *r)
{
	bool is_exec_mode = r->in->how == ALIAS_EXEC_MODE;
	const char *text = NULL;

	if (is_exec_mode) {
		text = read_text(r, r->value);
		if (!text)
			return -1;
		if (str_starts(text, "fork"))
			return store_word(r, "each");
		return str_starts(text, "cluster") ? store_word(r, "shared")
						   : read_complain(r, "it is \"fork\" or \"cluster\"");
	}
	if (toml_type(r->value) != TOML_BOOL) {
		diags_error(r->ctx->d, toml_place(r->value), "'%s' wants true or false, not %s", r->in->key,
			toml_type_name(toml_type(r->value)));
		return -1;
	}
	if (r->in->how == ALIAS_RESTART)
		return store_word(r, toml_bool(r->value) ? "always" : "never");
	return store_word(r, toml_bool(r->value) ? "shared" : "each");
}

static int read_word_field(const struct field_reading *r)
{
	const char *text = NULL;

	if (r->in->how != ALIAS_SAME)
		return read_word_alias(r);
	text = read_text(r, r->value);
	return text ? store_word(r, text) : -1;
}

/* A number, an array of numbers and texts, or a text, as one text. */
static int read_joined(const struct field_reading *r, struct buf *joined)
{
	bool takes_lists = r->f->form->takes_lists;
	bool is_array = takes_lists && toml_type(r->value) == TOML_ARRAY;
	size_t count = is_array ? toml_count(r->value) : 1;

	for (size_t i = 0; i < count; i++) {
		struct field_reading one = *r;
		const char *text = NULL;

		one.value = is_array ? toml_at(r->value, i) : r->value;
		buf_adds(joined, i ? "," : "");
		if (takes_lists && toml_type(one.value) == TOML_INTEGER) {
			buf_addf(joined, "%lld", (long long)toml_integer(one.value));
			continue;
		}
		text = read_text(&one, one.value);
		if (!text)
			return -1;
		buf_adds(joined, text);
	}
	return 0;
}

static int read_formed(const struct field_reading *r)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	char *kept = NULL;
	int rc = read_joined(r, &text);

	if (rc == 0)
		kept = r->f->form->read(text.ptr, &e);
	if (rc == 0 && !kept && e.text.len)
		read_complain(r, e.text.ptr);
	else if (rc == 0 && !kept)
		diags_error(r->ctx->d, toml_place(r->value), "'%s' wants %s, not \"%s\"", r->in->key,
			field_wants(r->f), text.ptr);
	err_release(&e);
	buf_release(&text);
	if (!kept)
		return -1;
	mem_free(*(char **)r->member);
	*(char **)r->member = kept;
	return 0;
}

static int (*const readers[])(const struct field_reading *) = {
	[FIELD_STRING] = read_string_field,
	[FIELD_BOOL] = read_bool,
	[FIELD_INT] = read_int,
	[FIELD_NUMBER] = read_number_field,
	[FIELD_DURATION] = read_duration,
	[FIELD_SIZE] = read_size,
	[FIELD_WORD] = read_word_field,
	[FIELD_FORMED] = read_formed,
	[FIELD_STRINGS] = read_strings,
	[FIELD_INTS] = read_ints,
	[FIELD_COUNT] = read_count,
	[FIELD_COMMAND] = read_command,
	[FIELD_ENV] = read_env,
	[FIELD_WATCH] = read_watch,
};

int field_read(
	const struct field *f, const struct field_input *in, struct spec *s, const struct field_context *ctx)
{
	struct field_reading r = {
		.f = f,
		.in = in,
		.value = in->value,
		.member = field_member(f, s),
		.ctx = ctx,
	};

	return readers[f->kind](&r);
}

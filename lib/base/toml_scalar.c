#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/toml_private.h"

static const struct base {
	const char *prefix;
	int base;
	const char *digits;
} decimal = { "", 10, "0123456789" };

static const struct base bases[] = {
	{ "0x", 16, "0123456789abcdefABCDEF" },
	{ "0o", 8, "01234567" },
	{ "0b", 2, "01" },
};

/* What people write who come from another language. */
static const struct {
	const char *typed;
	const char *hint;
} habits[] = {
	{ "True", "TOML writes true" },
	{ "TRUE", "TOML writes true" },
	{ "yes", "TOML writes true" },
	{ "on", "TOML writes true" },
	{ "False", "TOML writes false" },
	{ "FALSE", "TOML writes false" },
	{ "no", "TOML writes false" },
	{ "off", "TOML writes false" },
	{ "null", "TOML has no null: leave the key out" },
	{ "nil", "TOML has no null: leave the key out" },
	{ "None", "TOML has no null: leave the key out" },
	{ "Inf", "TOML writes inf" },
	{ "Infinity", "TOML writes inf" },
	{ "NaN", "TOML writes nan" },
};

/* Quotes that word processors make of " and '. */
static const char *const fancy_quotes[] = { "\u201c", "\u201d", "\u2018", "\u2019", "\u00ab", "`" };

size_t toml_word_len(const struct toml_reader *r)
{
	const char *at = r->at;

	while (at < r->end && !strchr(" \t\r\n,]}#", *at))
		at++;
	return (size_t)(at - r->at);
}

static bool is_toml_word(const char *word, size_t len, const char *text)
{
	return strlen(text) == len && !memcmp(word, text, len);
}

void toml_hint_quotes(const struct toml_reader *r, struct diag *complaint, const char *from)
{
	const char *end = from;
	size_t len = 0;
	char quote = '"';

	while (end < r->end && !strchr("\r\n,]}#", *end))
		end++;
	while (end > from && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	len = (size_t)(end - from);
	if (memchr(from, '"', len) || memchr(from, '\\', len))
		quote = '\'';
	if ((quote == '\'' && memchr(from, '\'', len)) || (size_t)toml_shown_len(from, len) < len)
		diag_hint(complaint, "text stands in quotes");
	else
		diag_hint(complaint, "did you forget the quotes?  %c%.*s%c", quote, (int)len, from, quote);
}

void toml_complain_word(struct toml_reader *r)
{
	char found[16];
	size_t len = toml_word_len(r);
	struct diag *complaint = NULL;

	if (!len) {
		diags_error(r->d, toml_here(r), "expected a value, found %s", toml_found(r, found));
		return;
	}
	complaint = diags_error(r->d, toml_here(r), "'%.*s' is not a value", SHOWN(r->at, len));
	if (toml_next_is(r, "=")) {
		diag_hint(complaint, "one '=' is enough");
		return;
	}
	for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++)
		if (is_toml_word(r->at, len, habits[i].typed)) {
			diag_hint(complaint, "%s", habits[i].hint);
			return;
		}
	for (size_t i = 0; i < sizeof(fancy_quotes) / sizeof(fancy_quotes[0]); i++)
		if (toml_next_is(r, fancy_quotes[i])) {
			diag_hint(complaint, "%s is no quote in TOML: use \" or '", fancy_quotes[i]);
			return;
		}
	toml_hint_quotes(r, complaint, r->at);
}

/* The word's digits to r->scratch, without the underscores between them. */
static int strip_underscores(struct toml_reader *r, const struct base *base, const char *word, size_t len)
{
	buf_clear(&r->scratch);
	for (size_t i = 0; i < len; i++) {
		if (word[i] != '_') {
			buf_addc(&r->scratch, word[i]);
			continue;
		}
		if (i && i + 1 < len && strchr(base->digits, word[i - 1]) &&
			strchr(base->digits, word[i + 1]))
			continue;
		diags_error(r->d, toml_place_of(r, word + i), "in a number '_' stands between two digits");
		return -1;
	}
	return 0;
}

static struct toml_value *complain_size(struct toml_reader *r, size_t len, const char *room)
{
	diags_error(r->d, toml_here(r), "'%.*s' does not fit into %s", SHOWN(r->at, len), room);
	return NULL;
}

static struct toml_value *make_integer(struct toml_reader *r, const struct base *base, size_t len)
{
	struct toml_value *v = toml_value_new(r->tree, TOML_INTEGER, toml_here(r));

	errno = 0;
	v->as.integer = strtoll(r->scratch.ptr, NULL, base->base);
	if (errno)
		return complain_size(r, len, "an integer of 64 bits");
	r->at += len;
	return v;
}

static struct toml_value *make_float(struct toml_reader *r, size_t len)
{
	struct toml_value *v = toml_value_new(r->tree, TOML_FLOAT, toml_here(r));

	v->as.number = strtod(r->scratch.ptr, NULL);
	if (isinf(v->as.number))
		return complain_size(r, len, "a decimal number");
	r->at += len;
	return v;
}

static struct toml_value *read_based(struct toml_reader *r, const struct base *base, size_t len)
{
	if (strip_underscores(r, base, r->at + 2, len - 2) < 0)
		return NULL;
	if (!r->scratch.len || strspn(r->scratch.ptr, base->digits) != r->scratch.len) {
		diags_error(r->d, toml_here(r), "'%.*s' is not a number: after '%s' come the digits %s",
			SHOWN(r->at, len), base->prefix, base->digits);
		return NULL;
	}
	return make_integer(r, base, len);
}

/* The length of ".5", "e-7" and the like at `text`: a mark, perhaps a sign, digits.  0 if it is none. */
static size_t tail_len(const char *text, const char *marks, const char *signs)
{
	size_t sign = 0;
	size_t digits = 0;

	if (!*text || !strchr(marks, *text))
		return 0;
	sign = text[1] && strchr(signs, text[1]) ? 1 : 0;
	digits = strspn(text + 1 + sign, decimal.digits);
	return digits ? 1 + sign + digits : 0;
}

static struct toml_value *complain_zero(struct toml_reader *r, size_t len)
{
	diag_hint(diags_error(r->d, toml_here(r), "'%.*s': a number cannot begin with 0", SHOWN(r->at, len)),
		"octal begins with 0o; text stands in quotes");
	return NULL;
}

static struct toml_value *read_decimal(struct toml_reader *r, size_t len)
{
	const char *text = NULL;
	size_t whole = 0;
	size_t used = 0;

	if (strip_underscores(r, &decimal, r->at, len) < 0)
		return NULL;
	text = r->scratch.ptr + (*r->at == '-' || *r->at == '+');
	whole = strspn(text, decimal.digits);
	used = whole + tail_len(text + whole, ".", "");
	used += tail_len(text + used, "eE", "+-");
	if (!whole || text[used]) {
		toml_complain_word(r);
		return NULL;
	}
	if (*text == '0' && whole > 1)
		return complain_zero(r, len);
	return used == whole ? make_integer(r, &decimal, len) : make_float(r, len);
}

static struct toml_value *read_named(struct toml_reader *r, size_t len)
{
	static const struct {
		const char *word;
		double number;
		enum toml_type type;
		bool truth;
	} names[] = {
		{ "true", 0, TOML_BOOL, true },
		{ "false", 0, TOML_BOOL, false },
		{ "inf", INFINITY, TOML_FLOAT, false },
		{ "+inf", INFINITY, TOML_FLOAT, false },
		{ "-inf", -INFINITY, TOML_FLOAT, false },
		{ "nan", NAN, TOML_FLOAT, false },
		{ "+nan", NAN, TOML_FLOAT, false },
		{ "-nan", -NAN, TOML_FLOAT, false },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct toml_value *v = NULL;

		if (!is_toml_word(r->at, len, names[i].word))
			continue;
		v = toml_value_new(r->tree, names[i].type, toml_here(r));
		if (names[i].type == TOML_BOOL)
			v->as.truth = names[i].truth;
		else
			v->as.number = names[i].number;
		r->at += len;
		return v;
	}
	return NULL;
}

struct toml_value *toml_read_scalar(struct toml_reader *r)
{
	size_t len = toml_word_len(r);
	struct toml_value *v = read_named(r, len);

	r->word = v ? r->at - len : r->at;
	if (v)
		return v;
	if (toml_looks_like_date(r->at, len))
		return toml_read_date(r);
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		if (toml_next_is(r, bases[i].prefix))
			return read_based(r, &bases[i], len);
	if (len && strchr("+-0123456789", *r->at))
		return read_decimal(r, len);
	toml_complain_word(r);
	return NULL;
}

#include <string.h>

#include "base/str.h"
#include "base/toml_private.h"

/* What is being read: its quote, whether there are three of them, where it began. */
struct string {
	char quote;
	bool is_long;
	struct place from;
};

/* A row: the letter, what it stands for, or how many hex digits follow. */
static const struct {
	char letter;
	char byte;
	int digits;
} escapes[] = {
	{ 'b', '\b', 0 },
	{ 't', '\t', 0 },
	{ 'n', '\n', 0 },
	{ 'f', '\f', 0 },
	{ 'r', '\r', 0 },
	{ 'e', 0x1b, 0 },
	{ '"', '"', 0 },
	{ '\\', '\\', 0 },
	{ 'x', 0, 2 },
	{ 'u', 0, 4 },
	{ 'U', 0, 8 },
};

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = NULL;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

static void add_point(struct buf *out, uint32_t point)
{
	static const struct {
		uint32_t below;
		int lead;
		int more;
	} forms[] = { { 0x80, 0, 0 }, { 0x800, 0xc0, 1 }, { 0x10000, 0xe0, 2 }, { 0x110000, 0xf0, 3 } };
	size_t i = 0;

	while (point >= forms[i].below)
		i++;
	buf_addc(out, (char)(forms[i].lead | (int)(point >> (6 * forms[i].more))));
	for (int more = forms[i].more - 1; more >= 0; more--)
		buf_addc(out, (char)(0x80 | (int)(point >> (6 * more) & 0x3f)));
}

/* At the first of `digits` digits. */
static int read_point(struct toml_reader *r, int digits)
{
	const char *escape = r->at - 2;
	uint32_t point = 0;

	for (int i = 0; i < digits; i++) {
		int digit = r->at < r->end ? hex_digit(*r->at) : -1;

		if (digit < 0) {
			diags_error(r->d, toml_place_of(r, escape), "'\\%c' wants %d hex digits after it",
				escape[1], digits);
			return -1;
		}
		point = point << 4 | (uint32_t)digit;
		r->at++;
	}
	if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
		diags_error(r->d, toml_place_of(r, escape), "'%.*s' is no character of Unicode", digits + 2,
			escape);
		return -1;
	}
	add_point(&r->scratch, point);
	return 0;
}

/* A backslash at the end of a line swallows the newline and all blanks up to the next text. */
static bool skip_folded_line(struct toml_reader *r)
{
	struct toml_reader from = *r;

	toml_skip_blanks(r);
	if (!toml_at_newline(r)) {
		*r = from;
		return false;
	}
	while (toml_at_newline(r)) {
		toml_take_newline(r);
		toml_skip_blanks(r);
	}
	return true;
}

/* At the character after the backslash. */
static int read_toml_escape(struct toml_reader *r, const struct string *s)
{
	const char *escape = r->at - 1;

	if (s->is_long && skip_folded_line(r))
		return 0;
	for (size_t i = 0; r->at < r->end && i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		if (escapes[i].letter != *r->at)
			continue;
		r->at++;
		if (escapes[i].digits)
			return read_point(r, escapes[i].digits);
		buf_addc(&r->scratch, escapes[i].byte);
		return 0;
	}
	if (r->at == r->end || toml_at_newline(r))
		diags_error(r->d, toml_place_of(r, escape), "a string ends in the middle of an escape");
	else
		diag_hint(diags_error(r->d, toml_place_of(r, escape), "'\\%.*s' is no escape that TOML knows",
				  (int)str_utf8(r->at, (size_t)(r->end - r->at), NULL), r->at),
			"write \\\\ for a backslash, or use 'single quotes', in which it means itself");
	return -1;
}

static int complain_unclosed_string(struct toml_reader *r, const struct string *s)
{
	struct diag *complaint = NULL;

	if (s->is_long) {
		diag_hint(diags_error(r->d, s->from, "the string that begins here never ends"),
			"it ends with three more %c%c%c", s->quote, s->quote, s->quote);
		return -1;
	}
	complaint = diags_error(r->d, s->from, "a string must end on the line where it began");
	if (toml_at_newline(r))
		diag_hint(complaint,
			"is a %c missing?  Text of several lines stands between %c%c%c and %c%c%c", s->quote,
			s->quote, s->quote, s->quote, s->quote, s->quote, s->quote);
	else
		diag_hint(complaint, "is a %c missing?", s->quote);
	return -1;
}

/* At a quote: how many of it stand in a row. */
static size_t count_quotes(const struct toml_reader *r, char quote)
{
	size_t count = 0;

	while (r->at + count < r->end && r->at[count] == quote)
		count++;
	return count;
}

/* At a quote of a long string: 1 when it ended, with up to two quotes more than the three that end it. */
static int take_long_end(struct toml_reader *r, const struct string *s)
{
	size_t quotes = count_quotes(r, s->quote);

	if (quotes < 3) {
		buf_fill(&r->scratch, s->quote, quotes);
		r->at += quotes;
		return 0;
	}
	if (quotes > 5) {
		diag_hint(diags_error(r->d, toml_place_of(r, r->at + 5),
				  "three quotes end the string, here are %zu in a row", quotes),
			s->quote == '"' ? "write \\\" for a quote inside of it" : "use \"\"\" around it");
		return -1;
	}
	buf_fill(&r->scratch, s->quote, quotes - 3);
	r->at += quotes;
	return 1;
}

/* At something that does not mean itself: 1 when the string ended with it. */
static int read_special(struct toml_reader *r, const struct string *s)
{
	if (toml_at_newline(r)) {
		/* One form of newline for all: a file from another system means the same here. */
		buf_addc(&r->scratch, '\n');
		toml_take_newline(r);
		return 0;
	}
	if (*r->at == '\\') {
		r->at++;
		return read_toml_escape(r, s);
	}
	if (s->is_long)
		return take_long_end(r, s);
	r->at++;
	return 1;
}

static bool is_special(const struct toml_reader *r, const struct string *s)
{
	return *r->at == s->quote || *r->at == '\n' || *r->at == '\r' || (*r->at == '\\' && s->quote == '"');
}

int toml_read_string(struct toml_reader *r)
{
	struct string s = { .quote = *r->at, .from = toml_here(r) };
	int rc = 0;

	buf_clear(&r->scratch);
	s.is_long = count_quotes(r, s.quote) >= 3;
	r->at += s.is_long ? 3 : 1;
	if (s.is_long && toml_at_newline(r))
		toml_take_newline(r);
	while (!rc) {
		const char *from = r->at;

		while (r->at < r->end && !is_special(r, &s))
			r->at++;
		buf_add(&r->scratch, from, (size_t)(r->at - from));
		if (r->at == r->end || (!s.is_long && toml_at_newline(r)))
			return complain_unclosed_string(r, &s);
		rc = read_special(r, &s);
	}
	return rc < 0 ? -1 : 0;
}

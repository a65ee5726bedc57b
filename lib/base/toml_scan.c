#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/toml_private.h"

/* Pieces of the source in messages, in bytes. */
enum { SHOWN_MAX = 60 };

int toml_shown_len(const char *text, size_t len)
{
	size_t shown = len < SHOWN_MAX ? len : SHOWN_MAX;

	while (shown < len && shown && ((unsigned char)text[shown] & 0xc0) == 0x80)
		shown--;
	return (int)shown;
}

struct place toml_place_of(struct toml_reader *r, const char *spot)
{
	if (spot < r->mark) {
		r->mark = r->line_start;
		r->mark_column = 1;
	}
	r->mark_column += (int)str_utf8_count(r->mark, (size_t)(spot - r->mark));
	r->mark = spot;
	return (struct place){ .line = r->line, .column = r->mark_column };
}

struct place toml_here(struct toml_reader *r)
{
	return toml_place_of(r, r->at);
}

bool toml_next_is(const struct toml_reader *r, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(r->end - r->at) >= len && !memcmp(r->at, text, len);
}

/* toml_check_text() has seen to it that a carriage return is half a newline. */
bool toml_at_newline(const struct toml_reader *r)
{
	return r->at < r->end && (*r->at == '\n' || *r->at == '\r');
}

void toml_take_newline(struct toml_reader *r)
{
	r->at += *r->at == '\r' ? 2 : 1;
	r->line++;
	r->line_start = r->at;
	r->mark = r->at;
	r->mark_column = 1;
}

void toml_skip_blanks(struct toml_reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
		r->at++;
}

void toml_skip_rest(struct toml_reader *r)
{
	toml_skip_blanks(r);
	if (r->at == r->end || *r->at != '#')
		return;
	while (r->at < r->end && !toml_at_newline(r))
		r->at++;
}

void toml_skip_lines(struct toml_reader *r)
{
	toml_skip_rest(r);
	while (toml_at_newline(r)) {
		toml_take_newline(r);
		toml_skip_rest(r);
	}
}

const char *toml_found(const struct toml_reader *r, char found[16])
{
	if (r->at == r->end)
		return "the end of the file";
	if (toml_at_newline(r) || *r->at == '#')
		return "the end of the line";
	snprintf(found, 16, "'%.*s'", (int)str_utf8(r->at, (size_t)(r->end - r->at), NULL), r->at);
	return found;
}

static int complain_bytes(struct toml_reader *r)
{
	const char *nul = memchr(r->at, '\0', (size_t)(r->end - r->at));
	bool is_wide = r->line == 1 && (unsigned char)*r->at >= 0xfe;
	struct diag *complaint =
		diags_error(r->d, toml_here(r), "byte 0x%02x is not UTF-8 text", (unsigned char)*r->at);

	if (is_wide && nul)
		diag_hint(complaint, "this looks like UTF-16; save the file as UTF-8");
	else
		diag_hint(complaint, "save the file as UTF-8");
	return -1;
}

static int complain_control(struct toml_reader *r)
{
	unsigned char byte = (unsigned char)*r->at;

	if (byte == '\r') {
		diag_hint(diags_error(r->d, toml_here(r),
				  "a carriage return stands alone, without a newline after it"),
			"lines end with a newline, or with a carriage return and a newline");
		return -1;
	}
	diag_hint(diags_error(r->d, toml_here(r), "the control character U+%04X cannot stand in a TOML file",
			  byte),
		"in a string with \"double quotes\" it is written \\x%02X", byte);
	return -1;
}

static bool is_plain_byte(unsigned char byte)
{
	return (byte >= ' ' && byte < 0x7f) || byte == '\t';
}

/* Once over everything, so that nobody behind has to think of it, comments included. */
int toml_check_text(struct toml_reader *r)
{
	struct toml_reader from = *r;

	while (r->at < r->end) {
		size_t left = (size_t)(r->end - r->at);
		size_t step = 1;

		if (is_plain_byte((unsigned char)*r->at)) {
			r->at++;
			continue;
		}
		if (*r->at == '\n' || (*r->at == '\r' && left > 1 && r->at[1] == '\n')) {
			toml_take_newline(r);
			continue;
		}
		if ((unsigned char)*r->at < 0x80)
			return complain_control(r);
		step = str_utf8(r->at, left, NULL);
		if (!step)
			return complain_bytes(r);
		r->at += step;
	}
	*r = from;
	return 0;
}

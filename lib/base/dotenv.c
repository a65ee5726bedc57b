#include "base/dotenv.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

struct env_reader {
	const char *text;
	const char *end;
	const char *at;
	const char *line_start;
	int line;
	struct diags *d;
	dotenv_found found;
	void *context;
};

static struct place reader_place(const struct env_reader *r, const char *at)
{
	return (struct place){
		.line = r->line,
		.column = (int)str_utf8_count(r->line_start, (size_t)(at - r->line_start)) + 1,
	};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* CRLF ends a line as LF does; a CR elsewhere is a byte like any other. */
static size_t line_end_at(const struct env_reader *r, const char *at)
{
	if (at < r->end && *at == '\n')
		return 1;
	if (at < r->end && *at == '\r' && (at + 1 == r->end || at[1] == '\n'))
		return at + 1 == r->end ? 1 : 2;
	return 0;
}

static bool at_line_end(const struct env_reader *r)
{
	return r->at == r->end || line_end_at(r, r->at);
}

static void skip_blanks(struct env_reader *r)
{
	while (r->at < r->end && is_blank(*r->at))
		r->at++;
}

static void skip_line_end(struct env_reader *r)
{
	r->at += line_end_at(r, r->at);
	r->line++;
	r->line_start = r->at;
}

static void skip_rest(struct env_reader *r)
{
	while (!at_line_end(r))
		r->at++;
}

/* `export ` in front is for shells that read the same file; a variable may have that name all the same. */
static void skip_export(struct env_reader *r)
{
	const char *word = r->at;
	const size_t len = strlen("export");

	if ((size_t)(r->end - r->at) <= len || memcmp(r->at, "export", len) != 0 || !is_blank(r->at[len]))
		return;
	r->at += len;
	skip_blanks(r);
	if (r->at < r->end && *r->at == '=')
		r->at = word;
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

/* More than shells can name: programs read `my.key` and `X-TOKEN` from their environment all the same. */
static bool is_passed_on(const char *name)
{
	size_t len = strspn(name, LETTERS DIGITS "_.-");

	return len && !name[len];
}

/* The name before '=', which is passed over; NULL with a complaint where there is none. */
static char *read_name(struct env_reader *r)
{
	const char *start = r->at;
	const char *stop = NULL;
	char *name = NULL;

	while (!at_line_end(r) && *r->at != '=')
		r->at++;
	if (at_line_end(r)) {
		diag_hint(diags_error(r->d, reader_place(r, start), "there is no '=' in this line"),
			"write NAME=value, or start a comment with '#'");
		return NULL;
	}
	stop = r->at++;
	while (stop > start && is_blank(stop[-1]))
		stop--;
	name = mem_strndup(start, (size_t)(stop - start));
	if (is_passed_on(name))
		return name;
	/* What stands there is not repeated: it may be the rest of somebody's secret. */
	diag_hint(
		diags_error(r->d, reader_place(r, start), "what stands before '=' is no name for a variable"),
		"a name is letters, digits, '_', '.' and '-'");
	mem_free(name);
	return NULL;
}

static void read_bare(struct env_reader *r, struct buf *value)
{
	const char *start = r->at;
	const char *stop = NULL;

	while (!at_line_end(r) && !(*r->at == '#' && is_blank(r->at[-1])))
		r->at++;
	stop = r->at;
	while (stop > start && is_blank(stop[-1]))
		stop--;
	buf_add(value, start, (size_t)(stop - start));
	skip_rest(r);
}

static void read_quoted_escape(struct env_reader *r, struct buf *value)
{
	static const char letters[] = "nrt\\\"$";
	static const char meanings[] = "\n\r\t\\\"$";
	const char *found = r->at + 1 < r->end ? strchr(letters, r->at[1]) : NULL;

	if (found)
		buf_addc(value, meanings[found - letters]);
	else
		buf_addc(value, '\\');
	r->at += found ? 2 : 1;
}

static int read_quoted_value(struct env_reader *r, struct buf *value)
{
	char quote = *r->at;
	struct place opened = reader_place(r, r->at++);

	while (r->at < r->end && *r->at != quote) {
		if (line_end_at(r, r->at)) {
			buf_addc(value, '\n');
			skip_line_end(r);
		} else if (*r->at == '\\' && quote == '"') {
			read_quoted_escape(r, value);
		} else {
			buf_addc(value, *r->at++);
		}
	}
	if (r->at == r->end) {
		diag_hint(diags_error(r->d, opened, "the quote %c is never closed", quote),
			"a value in quotes may span several lines, up to the same quote");
		return -1;
	}
	r->at++;
	skip_blanks(r);
	if (at_line_end(r) || *r->at == '#') {
		skip_rest(r);
		return 0;
	}
	diag_hint(diags_error(r->d, reader_place(r, r->at), "text after the closing quote"),
		"put the whole value in quotes, or a '#' before a comment");
	skip_rest(r);
	return -1;
}

static void read_env_line(struct env_reader *r)
{
	struct buf value = BUF_INIT;
	struct place at;
	char *name = NULL;
	int rc = 0;

	skip_blanks(r);
	if (at_line_end(r))
		return;
	if (*r->at == '#') {
		skip_rest(r);
		return;
	}
	skip_export(r);
	at = reader_place(r, r->at);
	name = read_name(r);
	if (!name) {
		skip_rest(r);
		return;
	}
	skip_blanks(r);
	if (r->at < r->end && (*r->at == '"' || *r->at == '\''))
		rc = read_quoted_value(r, &value);
	else
		read_bare(r, &value);
	if (rc == 0)
		r->found(r->context, name, value.ptr, at);
	buf_release(&value);
	mem_free(name);
}

/* After a NUL nothing is what it seems, so that is looked for first, and alone. */
static int find_nul(struct env_reader *r)
{
	const char *nul = memchr(r->text, '\0', (size_t)(r->end - r->text));

	if (!nul)
		return 0;
	for (const char *c = r->text; c < nul; c++) {
		if (*c == '\n') {
			r->line++;
			r->line_start = c + 1;
		}
	}
	diag_hint(diags_error(r->d, reader_place(r, nul), "a NUL byte"),
		"save the file as plain text in UTF-8");
	return -1;
}

int dotenv_parse(const char *text, size_t len, struct diags *d, dotenv_found found, void *context)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct env_reader r = { .text = text, .d = d, .found = found, .context = context, .line = 1 };
	size_t before = d->errors;

	if (len > DOTENV_SIZE_MAX) {
		diags_error(d, (struct place){ 0 }, "the file is larger than 1 MB (%zu bytes)", len);
		return -1;
	}
	if (!len)
		return 0;
	r.end = text + len;
	r.at = text;
	if (len >= strlen(mark) && !memcmp(text, mark, strlen(mark)))
		r.at += strlen(mark);
	r.line_start = r.at;
	if (find_nul(&r) < 0)
		return -1;
	while (r.at < r.end) {
		read_env_line(&r);
		if (r.at < r.end)
			skip_line_end(&r);
	}
	return d->errors == before ? 0 : -1;
}

int dotenv_is_name(const char *name)
{
	size_t len = strspn(name, LETTERS DIGITS "_");

	return len && !name[len] && !strchr(DIGITS, *name);
}

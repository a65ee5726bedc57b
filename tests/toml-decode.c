/*
 * TOML on stdin to the tagged JSON of toml-test on stdout: {"a": {"type": "integer", "value": "1"}}.
 * What is not TOML is complained about on stderr, and the exit status is 1.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/toml.h"

static void write_tree(struct buf *out, const struct toml_value *v);

static void write_string(struct buf *out, const char *text, size_t len)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte < ' ' || byte == '"' || byte == '\\')
			buf_addf(out, "\\u%04x", byte);
		else
			buf_addc(out, text[i]);
	}
	buf_addc(out, '"');
}

static void write_table(struct buf *out, const struct toml_value *v)
{
	buf_addc(out, '{');
	for (size_t i = 0; i < toml_count(v); i++) {
		size_t len = 0;
		const char *key = toml_key(v, i, &len);

		buf_adds(out, i ? ", " : "");
		write_string(out, key, len);
		buf_adds(out, ": ");
		write_tree(out, toml_at(v, i));
	}
	buf_addc(out, '}');
}

static void write_array(struct buf *out, const struct toml_value *v)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < toml_count(v); i++) {
		buf_adds(out, i ? ", " : "");
		write_tree(out, toml_at(v, i));
	}
	buf_addc(out, ']');
}

static void add_date(struct buf *out, const struct toml_value *v)
{
	const struct toml_datetime *when = toml_datetime(v);

	buf_addf(out, "%04d-%02d-%02d", when->year, when->month, when->day);
}

static void add_time(struct buf *out, const struct toml_value *v)
{
	const struct toml_datetime *when = toml_datetime(v);

	buf_addf(out, "%02d:%02d:%02d", when->hour, when->minute, when->second);
	if (when->nanosecond)
		buf_addf(out, ".%09d", when->nanosecond);
}

static void add_local(struct buf *out, const struct toml_value *v)
{
	add_date(out, v);
	buf_addc(out, 'T');
	add_time(out, v);
}

static void add_datetime(struct buf *out, const struct toml_value *v)
{
	int offset = toml_datetime(v)->offset_minutes;
	int minutes = offset < 0 ? -offset : offset;

	add_local(out, v);
	if (offset)
		buf_addf(out, "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
	else
		buf_addc(out, 'Z');
}

static void add_integer(struct buf *out, const struct toml_value *v)
{
	buf_addf(out, "%lld", (long long)toml_integer(v));
}

static void add_float(struct buf *out, const struct toml_value *v)
{
	if (isnan(toml_float(v)))
		buf_adds(out, "nan");
	else
		buf_addf(out, "%.17g", toml_float(v));
}

static void add_bool(struct buf *out, const struct toml_value *v)
{
	buf_adds(out, toml_bool(v) ? "true" : "false");
}

static void add_string(struct buf *out, const struct toml_value *v)
{
	size_t len = 0;
	const char *text = toml_string(v, &len);

	buf_add(out, text, len);
}

static const struct {
	const char *tag;
	void (*add)(struct buf *out, const struct toml_value *v);
} forms[] = {
	[TOML_STRING] = { "string", add_string },
	[TOML_INTEGER] = { "integer", add_integer },
	[TOML_FLOAT] = { "float", add_float },
	[TOML_BOOL] = { "bool", add_bool },
	[TOML_DATETIME] = { "datetime", add_datetime },
	[TOML_LOCAL_DATETIME] = { "datetime-local", add_local },
	[TOML_LOCAL_DATE] = { "date-local", add_date },
	[TOML_LOCAL_TIME] = { "time-local", add_time },
};

static void write_scalar(struct buf *out, const struct toml_value *v)
{
	struct buf text = BUF_INIT;

	forms[toml_type(v)].add(&text, v);
	buf_addf(out, "{\"type\": \"%s\", \"value\": ", forms[toml_type(v)].tag);
	write_string(out, text.ptr, text.len);
	buf_addc(out, '}');
	buf_release(&text);
}

static void write_tree(struct buf *out, const struct toml_value *v)
{
	if (toml_type(v) == TOML_TABLE)
		write_table(out, v);
	else if (toml_type(v) == TOML_ARRAY)
		write_array(out, v);
	else
		write_scalar(out, v);
}

static void read_all(struct buf *text, FILE *from)
{
	char piece[4096];
	size_t got = 0;

	do {
		got = fread(piece, 1, sizeof(piece), from);
		buf_add(text, piece, got);
	} while (got);
}

static void print_complaint(const struct diag *complaint)
{
	fprintf(stderr, "%s:%d:%d: %s\n", complaint->file, complaint->at.line, complaint->at.column,
		complaint->text);
	if (complaint->hint)
		fprintf(stderr, "\t%s\n", complaint->hint);
}

int main(void)
{
	struct buf text = BUF_INIT;
	struct buf out = BUF_INIT;
	struct diags d = DIAGS_INIT;
	struct toml_value *root = NULL;
	int rc = 1;

	read_all(&text, stdin);
	diags_about(&d, "stdin", text.ptr, text.len);
	root = toml_parse(text.ptr, text.len, &d);
	if (root) {
		write_tree(&out, root);
		buf_addc(&out, '\n');
		rc = fwrite(out.ptr, 1, out.len, stdout) != out.len || fflush(stdout);
	}
	for (size_t i = 0; i < d.list.len; i++)
		print_complaint(d.list.items[i]);
	toml_free(root);
	diags_release(&d);
	buf_release(&out);
	buf_release(&text);
	return rc;
}

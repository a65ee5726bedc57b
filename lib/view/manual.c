#include "view/manual.h"

#include <string.h>

#include "model/fields.h"
#include "model/reason.h"
#include "model/refusal.h"

void manual_text(struct buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_adds(out, "\\&");
	for (; *text; text++) {
		if (*text == '\\')
			buf_adds(out, "\\e");
		else if (*text == '"')
			buf_adds(out, "\\(dq");
		else if (*text == '\'')
			buf_adds(out, "\\(aq");
		else if (*text == '-')
			buf_adds(out, "\\-");
		else
			buf_addc(out, *text);
		/* mandoc wants every sentence on a line of its own. */
		if ((*text == '.' || *text == '?') && text[1] == ' ' && text[2] >= 'A' && text[2] <= 'Z') {
			buf_addc(out, '\n');
			text++;
		}
	}
}

/* The other names of a row, as written in the same table or at the top of the app. */
static void print_aliases(struct buf *out, const struct field *f)
{
	size_t found = 0;

	for (size_t i = 0; i < field_aliases_count; i++) {
		if (strcmp(field_aliases[i].of, f->key) != 0)
			continue;
		buf_addf(out, "%s", found++ ? " ,\n.Ic " : "Also written\n.Ic ");
		manual_text(out, field_aliases[i].key);
	}
	if (found)
		buf_adds(out, " .\n");
}

static void print_value(struct buf *out, const struct field *f)
{
	const char *wants = field_wants(f);

	buf_adds(out, "It is ");
	if (f->kind == FIELD_WORD) {
		for (const struct field_word *w = f->words; w->word; w++) {
			buf_adds(out, w == f->words ? "" : ", ");
			buf_addf(out, "\\(dq%s\\(dq", w->word);
		}
	} else {
		manual_text(out, wants);
	}
	if (f->fallback) {
		buf_adds(out, "; the default is\n.Li ");
		manual_text(out, f->fallback);
		buf_adds(out, " .\n");
	} else {
		buf_adds(out, ".\n");
	}
}

static void print_row(struct buf *out, const struct field *f, const char *name)
{
	buf_adds(out, ".It Ic ");
	manual_text(out, name);
	buf_addc(out, '\n');
	manual_text(out, f->doc);
	buf_addc(out, '\n');
	print_value(out, f);
	print_aliases(out, f);
	if (f->flags & FIELD_NOT_YET)
		buf_adds(out, "Not supported yet.\n");
	if (f->flags & FIELD_NOT_RUN)
		buf_adds(out,
			"Read and checked; the daemon refuses to start an app with it, as it is not built yet.\n");
}

static size_t section_length(const struct field *f)
{
	const char *dot = strchr(f->key, '.');

	return dot ? (size_t)(dot - f->key) : 0;
}

static void print_section(struct buf *out, size_t first)
{
	size_t len = section_length(&fields[first]);
	const char *section = fields[first].key;

	if (len)
		buf_addf(out, ".Ss The table [processes.NAME.%.*s]\n", (int)len, section);
	else
		buf_adds(out, ".Ss The table [processes.NAME]\n");
	for (size_t i = 0; i < field_aliases_count; i++)
		if (field_aliases[i].how == ALIAS_SECTION && strlen(field_aliases[i].of) == len &&
			!strncmp(field_aliases[i].of, section, len))
			buf_addf(out, "Also written\n.Ic [processes.NAME.%s] .\n", field_aliases[i].key);
	buf_adds(out, ".Bl -tag -width Ds\n");
	for (size_t i = first; i < fields_count; i++)
		if (section_length(&fields[i]) == len && !strncmp(fields[i].key, section, len))
			print_row(out, &fields[i], fields[i].key + (len ? len + 1 : 0));
	buf_adds(out, ".El\n");
}

void manual_keys(struct buf *out)
{
	for (size_t i = 0; i < fields_count; i++) {
		size_t len = section_length(&fields[i]);
		bool is_first = true;

		for (size_t k = 0; k < i; k++)
			is_first &= section_length(&fields[k]) != len ||
				strncmp(fields[k].key, fields[i].key, len) != 0;
		if (is_first)
			print_section(out, i);
	}
}

/* --- kinds and the fields that each has: reasons and refusals ------------------------------------------------------------- */

static void begin_kind(struct buf *out, const char *code, const char *doc)
{
	buf_addf(out, ".It Li %s\n", code);
	manual_text(out, doc);
}

static void add_kind_field(struct buf *out, size_t *count, const char *key)
{
	buf_addf(out, "%s%s", (*count)++ ? ", " : " (", key);
}

static void end_kind(struct buf *out, size_t count)
{
	buf_adds(out, count ? ").\n" : ".\n");
}

static void print_field(struct buf *out, const char *key, const char *doc)
{
	buf_addf(out, ".It Va %s\n", key);
	manual_text(out, doc);
	buf_adds(out, ".\n");
}

void manual_reasons(struct buf *out)
{
	for (enum reason_kind kind = 0; kind < REASON_KIND_COUNT; kind++) {
		size_t count = 0;

		begin_kind(out, reason_code(kind), reason_doc(kind));
		for (size_t k = 0; k < reason_field_count(); k++)
			if (reason_kind_has(kind, k))
				add_kind_field(out, &count, reason_field_key(k));
		end_kind(out, count);
	}
}

void manual_reason_fields(struct buf *out)
{
	for (size_t k = 0; k < reason_field_count(); k++)
		print_field(out, reason_field_key(k), reason_field_doc(k));
}

void manual_refusals(struct buf *out)
{
	for (enum refusal_kind kind = 0; kind < REFUSAL_KIND_COUNT; kind++) {
		size_t count = 0;

		begin_kind(out, refusal_code(kind), refusal_doc(kind));
		for (size_t k = 0; k < refusal_field_count(); k++)
			if (refusal_has(kind, k))
				add_kind_field(out, &count, refusal_field_key(k));
		end_kind(out, count);
	}
}

void manual_refusal_fields(struct buf *out)
{
	for (size_t k = 0; k < refusal_field_count(); k++)
		print_field(out, refusal_field_key(k), refusal_field_doc(k));
}

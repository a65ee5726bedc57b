#include "view/topics.h"

#include <string.h>

#include "base/str.h"
#include "model/fields.h"
#include "view/table.h"

enum { WIDTH = 80, INDENT = 2, DEEPER = 6 };

/* The keys that stand in no table of their own. */
static const char app_topic[] = "app";

/* For suggestions; a unit test knows when one is missing. */
static const char *const table_names[] = { "app", "health_check", "deploy", "nginx", "limits", "logs",
	"webhook" };

static size_t table_length(const struct field *f)
{
	const char *dot = strchr(f->key, '.');

	return dot ? (size_t)(dot - f->key) : 0;
}

static bool is_same_table(const struct field *a, const struct field *b)
{
	size_t len = table_length(a);

	return table_length(b) == len && !strncmp(a->key, b->key, len);
}

static bool is_first_of_table(size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (is_same_table(&fields[i], &fields[row]))
			return false;
	return true;
}

static void add_field_name(struct buf *out, const struct field *f)
{
	size_t len = table_length(f);

	if (len)
		buf_add(out, f->key, len);
	else
		buf_adds(out, app_topic);
}

static const char *key_alone(const struct field *f)
{
	size_t len = table_length(f);

	return f->key + (len ? len + 1 : 0);
}

/* The first row of the table with this name, or NULL. */
static const struct field *table_find(const char *word)
{
	for (size_t i = 0; i < field_aliases_count; i++)
		if (field_aliases[i].how == ALIAS_SECTION && str_eq(field_aliases[i].key, word))
			word = field_aliases[i].of;
	for (size_t i = 0; i < fields_count; i++) {
		size_t len = table_length(&fields[i]);

		if (len ? strlen(word) == len && !strncmp(fields[i].key, word, len) : str_eq(word, app_topic))
			return &fields[i];
	}
	return NULL;
}

static bool is_field_key(const struct field *f, const char *word)
{
	if (str_eq(f->key, word) || str_eq(key_alone(f), word))
		return true;
	for (size_t i = 0; i < field_aliases_count; i++)
		if (str_eq(field_aliases[i].of, f->key) && str_eq(field_aliases[i].key, word))
			return true;
	return false;
}

bool topics_know(const char *word)
{
	if (table_find(word))
		return true;
	for (size_t i = 0; i < fields_count; i++)
		if (is_field_key(&fields[i], word))
			return true;
	return false;
}

void topics_offer(struct str_guess *guess)
{
	for (size_t i = 0; i < sizeof(table_names) / sizeof(table_names[0]); i++)
		str_guess_offer(guess, table_names[i]);
	for (size_t i = 0; i < fields_count; i++) {
		str_guess_offer(guess, fields[i].key);
		str_guess_offer(guess, key_alone(&fields[i]));
	}
	for (size_t i = 0; i < field_aliases_count; i++)
		if (field_aliases[i].how == ALIAS_SECTION)
			str_guess_offer(guess, field_aliases[i].key);
}

void topics_names(struct buf *out, const char *before)
{
	for (size_t i = 0; i < fields_count; i++) {
		if (!is_first_of_table(i))
			continue;
		buf_adds(out, before);
		add_field_name(out, &fields[i]);
	}
	for (size_t i = 0; i < field_aliases_count; i++)
		if (field_aliases[i].how == ALIAS_SECTION)
			buf_addf(out, "%s%s", before, field_aliases[i].key);
}

static struct wrap lines(size_t width, size_t indent)
{
	return (struct wrap){ .width = width ? width : WIDTH, .indent = indent };
}

/* "limits, also resource_limits" */
static void add_table_names(struct buf *out, const struct field *f)
{
	size_t start = out->len;

	add_field_name(out, f);
	for (size_t i = 0; i < field_aliases_count; i++)
		if (field_aliases[i].how == ALIAS_SECTION && str_eq(field_aliases[i].of, out->ptr + start))
			buf_addf(out, ", also %s", field_aliases[i].key);
}

void topics_list(struct buf *out, size_t width)
{
	const struct wrap titles = lines(width, 0);
	const struct wrap keys = lines(width, INDENT);

	wrap_text(out,
		"'oxctl help TOPIC' shows the keys of one table of the oxfile; where a command has the same name, 'oxctl help oxfile TOPIC'.",
		&titles);
	for (size_t i = 0; i < fields_count; i++) {
		struct buf text = BUF_INIT;

		if (!is_first_of_table(i))
			continue;
		add_table_names(&text, &fields[i]);
		buf_addc(out, '\n');
		wrap_text(out, text.ptr, &titles);
		buf_clear(&text);
		for (size_t k = i; k < fields_count; k++)
			if (is_same_table(&fields[i], &fields[k]))
				buf_addf(&text, "%s%s", text.len ? ", " : "", key_alone(&fields[k]));
		wrap_text(out, text.ptr, &keys);
		buf_release(&text);
	}
}

/* Within its table where it may stand there; NULL for another table's key of the same name. */
static const char *alias_alone(const struct field_alias *a, const struct field *f)
{
	size_t len = table_length(f);
	const char *name = len && !strncmp(a->key, f->key, len + 1) ? a->key + len + 1 : a->key;

	return str_eq(a->of, f->key) && !str_eq(name, key_alone(f)) ? name : NULL;
}

/* "memory_mb (also memory): a number; default 0" */
static void add_field_head(struct buf *out, const struct field *f)
{
	const char *before = " (also ";

	buf_adds(out, key_alone(f));
	for (size_t i = 0; i < field_aliases_count; i++) {
		const char *name = alias_alone(&field_aliases[i], f);

		if (name)
			buf_addf(out, "%s%s", before, name);
		before = name ? ", " : before;
	}
	buf_adds(out, *before == ',' ? ")" : "");
	buf_adds(out, ": ");
	if (f->kind == FIELD_WORD) {
		for (const struct field_word *w = f->words; w->word; w++)
			buf_addf(out, "%s\"%s\"", w == f->words ? "" : ", ", w->word);
	} else {
		buf_adds(out, field_wants(f));
	}
	if (f->fallback)
		buf_addf(out, "; default %s", f->fallback);
}

static void print_key(struct buf *out, const struct field *f, size_t width)
{
	const struct wrap head = lines(width, INDENT);
	const struct wrap body = lines(width, DEEPER);
	struct buf text = BUF_INIT;

	add_field_head(&text, f);
	wrap_text(out, text.ptr, &head);
	wrap_text(out, f->doc, &body);
	if (f->flags & (FIELD_NOT_YET | FIELD_NOT_RUN))
		wrap_text(out, "Not supported yet.", &body);
	buf_release(&text);
}

static void print_title(struct buf *out, const struct field *f, size_t width)
{
	const struct wrap title = lines(width, 0);
	size_t len = table_length(f);
	struct buf text = BUF_INIT;

	buf_addf(&text, "[processes.NAME%s%.*s]", len ? "." : "", (int)len, f->key);
	for (size_t i = 0; len && i < field_aliases_count; i++)
		if (field_aliases[i].how == ALIAS_SECTION && strlen(field_aliases[i].of) == len &&
			!strncmp(field_aliases[i].of, f->key, len))
			buf_addf(&text, ", also [processes.NAME.%s]", field_aliases[i].key);
	wrap_text(out, text.ptr, &title);
	buf_release(&text);
}

void topics_print(struct buf *out, const char *word, size_t width)
{
	const struct field *table = table_find(word);

	if (table)
		print_title(out, table, width);
	for (size_t i = 0; i < fields_count; i++) {
		const struct field *f = &fields[i];

		if (table ? !is_same_table(table, f) : !is_field_key(f, word))
			continue;
		if (!table)
			print_title(out, f, width);
		print_key(out, f, width);
	}
}

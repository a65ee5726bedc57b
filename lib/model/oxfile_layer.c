/*
 * One table of an oxfile over one spec: every key is a row, another name of a row, or a mistake with a
 * suggestion.
 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/oxfile_private.h"

/* One walk over a table and the tables in it. */
struct layer {
	struct oxfile_reading *r;
	struct spec *s;
	const char **written_as; /* for each row: the name it was given in this layer, or NULL */
};

static void layer_walk(struct layer *layer, const char *prefix, const struct toml_value *table);

struct spec *layer_clone(const struct spec *s, const char *name)
{
	struct spec *copy = spec_clone(s);

	mem_free(copy->name);
	copy->name = mem_strdup(name);
	if (s->places_len)
		copy->places = mem_dup(s->places, s->places_len * sizeof(*copy->places));
	copy->places_len = s->places_len;
	return copy;
}

/* The part of a key that stands in the table `prefix`, or NULL if it stands elsewhere. */
static const char *key_within(const char *key, const char *prefix)
{
	const char *rest = str_starts(key, prefix) ? key + strlen(prefix) : NULL;

	return rest && !strchr(rest, '.') ? rest : NULL;
}

/* A row of another table that has this name: somebody left the table's header away. */
static const char *key_elsewhere(const char *name)
{
	for (size_t i = 0; i < fields_count; i++) {
		const char *dot = strchr(fields[i].key, '.');

		if (dot && !strcmp(dot + 1, name))
			return fields[i].key;
	}
	return NULL;
}

static void complain_unknown(const struct layer *layer, const char *prefix, const char *name, struct place at)
{
	struct str_guess guess = { .typed = name };
	struct diag *complaint = diags_error(layer->r->d, at, "unknown key '%s%s'", prefix, name);
	const char *elsewhere = key_elsewhere(name);

	for (size_t i = 0; i < fields_count; i++) {
		const char *dot = strchr(fields[i].key, '.');

		if (key_within(fields[i].key, prefix))
			str_guess_offer(&guess, key_within(fields[i].key, prefix));
		else if (dot && !*prefix && field_is_section(name))
			str_guess_offer(&guess, fields[i].key);
	}
	for (size_t i = 0; i < field_aliases_count; i++)
		if (key_within(field_aliases[i].key, prefix))
			str_guess_offer(&guess, field_aliases[i].key + strlen(prefix));
	if (!*prefix) {
		static const char *const tables[] = { "health_check", "deploy", "nginx", "limits", "logs",
			"webhook", "profiles" };

		for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
			str_guess_offer(&guess, tables[i]);
	}
	if (elsewhere && (!guess.best || guess.distance))
		diag_hint(complaint, "'%s' belongs into the table '%.*s'", name,
			(int)(strchr(elsewhere, '.') - elsewhere), elsewhere);
	else if (guess.best)
		diag_hint(complaint, "did you mean '%s'?", guess.best);
}

static bool section_is_not_yet(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < fields_count; i++)
		if (!strncmp(fields[i].key, name, len) && fields[i].key[len] == '.' &&
			!(fields[i].flags & FIELD_NOT_YET))
			return false;
	return true;
}

static void walk_section(struct layer *layer, const char *section, const struct field_input *in)
{
	struct buf prefix = BUF_INIT;

	if (section_is_not_yet(section)) {
		diags_error(layer->r->d, in->key_at, "'%s' is not supported yet", in->key);
	} else if (toml_type(in->value) != TOML_TABLE) {
		diags_error(layer->r->d, toml_place(in->value), "'%s' wants a table, not %s", in->key,
			toml_type_name(toml_type(in->value)));
	} else {
		buf_adds(&prefix, section);
		buf_addc(&prefix, '.');
		layer_walk(layer, prefix.ptr, in->value);
	}
	buf_release(&prefix);
}

static void note_place(struct spec *s, size_t row, struct place at)
{
	struct row_place *found = oxfile_row_place(s, row);

	if (!found) {
		s->places = mem_resize(s->places, s->places_len + 1, sizeof(*s->places));
		found = &s->places[s->places_len++];
	}
	*found = (struct row_place){ .row = row, .at = at };
}

static void read_row(struct layer *layer, const struct field *f, const struct field_input *in)
{
	struct oxfile_reading *r = layer->r;
	size_t row = field_index(f);

	if (layer->written_as[row]) {
		diags_error(r->d, in->key_at, "'%s' and '%s' (line %d) mean the same; keep one", in->key,
			layer->written_as[row], oxfile_row_place(layer->s, row)->at.line);
		return;
	}
	layer->written_as[row] = in->key;
	note_place(layer->s, row, toml_place(in->value));
	if (field_read(f, in, layer->s, &r->ctx) < 0)
		return;
	/* What is asked for and not built yet is refused, never swallowed; asking for nothing is fine. */
	if ((f->flags & FIELD_NOT_YET) && !field_equal(f, layer->s, fields_defaults())) {
		diags_error(r->d, in->key_at, "'%s' is not supported yet", in->key);
		field_reset(f, layer->s);
	}
}

static void layer_key(struct layer *layer, const char *prefix, const struct field_input *in)
{
	struct field_input row = *in;
	struct buf key = BUF_INIT;
	const struct field_alias *alias = NULL;
	const struct field *f = NULL;

	buf_adds(&key, prefix);
	buf_adds(&key, in->key);
	alias = field_alias_find(key.ptr);
	f = field_find(alias ? alias->of : key.ptr);
	if (alias && alias->how == ALIAS_SECTION) {
		walk_section(layer, alias->of, in);
	} else if (f) {
		row.unit = alias && alias->unit ? alias->unit : f->unit;
		row.how = alias ? alias->how : ALIAS_SAME;
		read_row(layer, f, &row);
	} else if (!*prefix && field_is_section(in->key)) {
		walk_section(layer, in->key, in);
	} else {
		complain_unknown(layer, prefix, in->key, in->key_at);
	}
	buf_release(&key);
}

/* Keys that are no rows: the reader of apps sees to them. */
static bool is_handled_elsewhere(const struct layer *layer, const char *prefix, const char *key)
{
	if (*prefix || layer->s == layer->r->base)
		return false;
	return !strcmp(key, "profiles") || (layer->r->ctx.is_apps_dialect && !strcmp(key, "name"));
}

static void layer_walk(struct layer *layer, const char *prefix, const struct toml_value *table)
{
	for (size_t i = 0; i < toml_count(table); i++) {
		const struct field_input in = {
			.key = toml_key(table, i, NULL),
			.key_at = toml_key_place(table, i),
			.value = toml_at(table, i),
		};

		if (!is_handled_elsewhere(layer, prefix, in.key))
			layer_key(layer, prefix, &in);
	}
}

void layer_apply(struct oxfile_reading *r, struct spec *s, const char *prefix, const struct toml_value *table)
{
	struct layer layer = {
		.r = r,
		.s = s,
		.written_as = mem_zalloc(fields_count, sizeof(*layer.written_as)),
	};

	layer_walk(&layer, prefix, table);
	mem_free(layer.written_as);
}

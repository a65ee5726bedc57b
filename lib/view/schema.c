#include "view/schema.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/field_forms.h"
#include "model/fields.h"

static struct json *typed(const char *type)
{
	struct json *schema = json_new_object();

	json_set_string(schema, "type", type);
	return schema;
}

static struct json *bounded(const char *type, const struct field *f)
{
	struct json *schema = typed(type);

	if (f->min || f->max) {
		json_set_int(schema, "minimum", f->min);
		json_set_int(schema, "maximum", f->max);
	}
	return schema;
}

static struct json *patterned(const char *pattern)
{
	struct json *schema = typed("string");

	json_set_string(schema, "pattern", pattern);
	return schema;
}

static struct json *array_of(struct json *items)
{
	struct json *schema = typed("array");

	json_set(schema, "items", items);
	return schema;
}

/* Takes both over. */
static struct json *either(struct json *a, struct json *b)
{
	struct json *schema = json_new_object();
	struct json *list = json_set(schema, "anyOf", json_new_array());

	json_push(list, a);
	json_push(list, b);
	return schema;
}

static struct json *words_schema(const struct field_word *words)
{
	struct json *schema = json_new_object();
	struct json *list = json_set(schema, "enum", json_new_array());

	for (; words->word; words++)
		json_push(list, json_new_string(words->word));
	return schema;
}

static struct json *env_schema(void)
{
	struct json *schema = typed("object");
	struct json *value = json_set(schema, "additionalProperties", json_new_object());
	struct json *types = json_set(value, "type", json_new_array());

	json_push(types, json_new_string("string"));
	json_push(types, json_new_string("number"));
	json_push(types, json_new_string("boolean"));
	return schema;
}

static struct json *nonnegative(void)
{
	struct json *schema = typed("number");

	json_set_int(schema, "minimum", 0);
	return schema;
}

static struct json *formed_schema(const struct field_form *form)
{
	struct json *text = form->pattern ? patterned(form->pattern) : typed("string");

	if (!form->takes_lists)
		return text;
	return either(text, either(typed("integer"), array_of(either(typed("integer"), json_clone(text)))));
}

static const struct field_word auto_word[] = { { .word = "auto" }, { .word = NULL } };

static struct json *value_schema(const struct field *f)
{
	switch (f->kind) {
	case FIELD_STRING:
		return typed("string");
	case FIELD_FORMED:
		return formed_schema(f->form);
	case FIELD_BOOL:
		return typed("boolean");
	case FIELD_INT:
		return f->flags & FIELD_AUTO ? either(bounded("integer", f), words_schema(auto_word))
					     : bounded("integer", f);
	case FIELD_NUMBER:
		return bounded("number", f);
	case FIELD_DURATION:
		return either(
			nonnegative(), patterned("^([0-9.]+ *(ms|s|m|h|d|sec|secs|min|hours?|days?))+$"));
	case FIELD_SIZE:
		return either(nonnegative(), patterned("^([0-9.]+ *([KMGT]i?B?|B))+$"));
	case FIELD_WORD:
		return words_schema(f->words);
	case FIELD_STRINGS:
	case FIELD_COMMAND:
		return either(typed("string"), array_of(typed("string")));
	case FIELD_INTS:
		return either(bounded("integer", f), array_of(bounded("integer", f)));
	case FIELD_COUNT:
		return either(bounded("integer", f), patterned("^(max(-[0-9]+)?|[0-9]+%?)$"));
	case FIELD_ENV:
		return env_schema();
	case FIELD_WATCH:
		return either(typed("boolean"), either(typed("string"), array_of(typed("string"))));
	}
	return json_new_object();
}

static struct json *alias_schema(const struct field *f, const struct field_alias *alias)
{
	switch (alias->how) {
	case ALIAS_RESTART:
	case ALIAS_SHARED:
		return typed("boolean");
	case ALIAS_EXEC_MODE:
		return typed("string");
	default:
		return value_schema(f);
	}
}

static void describe(struct json *schema, const struct field *f, const char *before)
{
	struct buf text = BUF_INIT;
	struct json *fallback = NULL;

	buf_addf(&text, "%s%s%s", before, f->doc, f->flags & FIELD_NOT_YET ? " Not supported yet." : "");
	json_set_string(schema, "description", text.ptr);
	/* What a user would write is JSON too, as far as fallbacks go. */
	fallback = f->fallback && !*before ? json_parse(f->fallback, strlen(f->fallback), 1024, NULL) : NULL;
	if (fallback)
		json_set(schema, "default", fallback);
	buf_release(&text);
}

/* The object in `properties` for the table "health_check", made when it is first needed. */
static struct json *section_properties(struct json *root, struct map *sections, const char *name)
{
	struct json *properties = map_get(sections, name);
	struct json *section = NULL;

	if (properties)
		return properties;
	section = json_set(root, name, typed("object"));
	json_set_bool(section, "additionalProperties", false);
	properties = json_set(section, "properties", json_new_object());
	map_put(sections, name, properties);
	return properties;
}

static void add_key(struct json *root, struct map *sections, const char *key, struct json *schema)
{
	const char *dot = strchr(key, '.');
	char *section = NULL;

	if (!dot) {
		json_set(root, key, schema);
		return;
	}
	section = mem_strndup(key, (size_t)(dot - key));
	json_set(section_properties(root, sections, section), dot + 1, schema);
	mem_free(section);
}

static void add_alias(struct json *root, struct map *sections, const struct field_alias *alias)
{
	const struct field *f = field_find(alias->of);
	struct buf before = BUF_INIT;
	struct json *schema = NULL;

	if (!f)
		return;
	schema = alias_schema(f, alias);
	buf_addf(&before, "Another name for %s. ", alias->of);
	describe(schema, f, before.ptr);
	add_key(root, sections, alias->key, schema);
	buf_release(&before);
}

/* Tables that have another name get the same schema under that name. */
static void add_section_aliases(struct json *root)
{
	for (size_t i = 0; i < field_aliases_count; i++) {
		const struct json *section =
			field_aliases[i].how == ALIAS_SECTION ? json_get(root, field_aliases[i].of) : NULL;

		if (section)
			json_set(root, field_aliases[i].key, json_clone(section));
	}
}

static struct json *settings_properties(void)
{
	struct json *root = json_new_object();
	struct map sections = MAP_INIT;

	for (size_t i = 0; i < fields_count; i++) {
		struct json *schema = value_schema(&fields[i]);

		describe(schema, &fields[i], "");
		add_key(root, &sections, fields[i].key, schema);
	}
	for (size_t i = 0; i < field_aliases_count; i++)
		if (field_aliases[i].how != ALIAS_SECTION)
			add_alias(root, &sections, &field_aliases[i]);
	add_section_aliases(root);
	map_release(&sections);
	return root;
}

static struct json *reference(const char *to)
{
	struct json *schema = json_new_object();

	json_set_string(schema, "$ref", to);
	return schema;
}

static struct json *table_of(struct json *members)
{
	struct json *schema = typed("object");

	json_set(schema, "additionalProperties", members);
	return schema;
}

/* An app: all settings, and its profiles; in the other dialect also its name. */
static struct json *app_schema(bool has_name)
{
	struct json *schema = typed("object");
	struct json *properties = NULL;

	json_set_bool(schema, "additionalProperties", false);
	properties = json_set(schema, "properties", settings_properties());
	json_set(properties, "profiles", table_of(reference("#/definitions/settings")));
	if (has_name) {
		json_set(properties, "name", typed("string"));
		json_push(json_set(schema, "required", json_new_array()), json_new_string("name"));
	}
	return schema;
}

static struct json *settings_schema(void)
{
	struct json *schema = typed("object");

	json_set_bool(schema, "additionalProperties", false);
	json_set(schema, "properties", settings_properties());
	return schema;
}

static struct json *logging_schema(void)
{
	struct json *schema = typed("object");
	struct json *properties = NULL;

	json_set_bool(schema, "additionalProperties", false);
	properties = json_set(schema, "properties", json_new_object());
	for (size_t i = 0; i < fields_count; i++) {
		struct json *value = NULL;

		if (strncmp(fields[i].key, "logs.", 5) != 0)
			continue;
		value = value_schema(&fields[i]);
		describe(value, &fields[i], "");
		json_set(properties, fields[i].key + 5, value);
	}
	return schema;
}

struct json *schema_make(void)
{
	struct json *root = json_new_object();
	struct json *properties = NULL;
	struct json *definitions = NULL;
	struct json *version = NULL;

	json_set_string(root, "$schema", "http://json-schema.org/draft-07/schema#");
	json_set_string(root, "title", "oxfile.toml");
	json_set_string(root, "description", "The apps that Oxherd runs.");
	json_set_string(root, "type", "object");
	json_set_bool(root, "additionalProperties", false);
	properties = json_set(root, "properties", json_new_object());
	version = json_set(properties, "version", json_new_object());
	json_push(json_set(version, "enum", json_new_array()), json_new_int(1));
	json_set(properties, "defaults", reference("#/definitions/settings"));
	json_set(properties, "logging", logging_schema());
	json_set(properties, "processes", table_of(reference("#/definitions/process")));
	json_set(properties, "apps", array_of(reference("#/definitions/app")));
	definitions = json_set(root, "definitions", json_new_object());
	json_set(definitions, "settings", settings_schema());
	json_set(definitions, "process", app_schema(false));
	json_set(definitions, "app", app_schema(true));
	return root;
}

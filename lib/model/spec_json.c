/*
 * Specs as JSON and back, row by row: what the daemon remembers of an app.
 */
#include <string.h>

#include "base/argv.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/fields.h"

static struct json *strings_to_json(char *const *items, size_t count)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < count; i++)
		json_push(array, json_new_string(items[i]));
	return array;
}

static struct json *ints_to_json(const struct ints *ints)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < ints->len; i++)
		json_push(array, json_new_int(ints->items[i]));
	return array;
}

static struct json *count_to_json(const struct count *count)
{
	struct json *object = json_new_object();

	json_set_int(object, "kind", count->kind);
	json_set_int(object, "value", count->value);
	return object;
}

static struct json *command_to_json(const struct command *command)
{
	struct json *object = json_new_object();

	if (command->text)
		json_set_string(object, "text", command->text);
	if (command->argv)
		json_set(object, "argv", strings_to_json(command->argv, argv_count(command->argv)));
	return object;
}

struct json *env_to_json(const struct env *env)
{
	struct json *object = json_new_object();

	for (size_t i = 0; i < env->len; i++)
		json_set_string(object, env->items[i].name, env->items[i].value);
	return object;
}

struct json *field_to_json(const struct field *f, const struct spec *s)
{
	const void *member = field_member_const(f, s);
	const struct strings *strings = member;

	switch (f->kind) {
	case FIELD_STRING:
	case FIELD_FORMED:
		return json_new_string(*(char *const *)member);
	case FIELD_BOOL:
		return json_new_bool(*(const bool *)member);
	case FIELD_INT:
	case FIELD_DURATION:
	case FIELD_SIZE:
		return json_new_int(*(const int64_t *)member);
	case FIELD_NUMBER:
		return json_new_number(*(const double *)member);
	case FIELD_WORD:
		return json_new_int(*(const int *)member);
	case FIELD_STRINGS:
	case FIELD_WATCH:
		return strings_to_json(strings->items, strings->len);
	case FIELD_INTS:
		return ints_to_json(member);
	case FIELD_COUNT:
		return count_to_json(member);
	case FIELD_COMMAND:
		return command_to_json(member);
	case FIELD_ENV:
		return env_to_json(member);
	}
	return json_new_null();
}

static int bad_value(const struct field *f, struct err *e)
{
	return err_set(e, "the remembered value of '%s' has the wrong type", f->key);
}

static int string_from_json(const struct json *j, char **member)
{
	const char *text = json_string(j, NULL);

	if (!text && !json_is_null(j))
		return -1;
	*member = mem_strdup(text);
	return 0;
}

static int strings_from_json(const struct json *j, struct strings *member)
{
	const struct json *item = NULL;

	if (!json_is_array(j))
		return -1;
	JSON_EACH (j, item) {
		if (!json_string(item, NULL))
			return -1;
		strings_add(member, json_string(item, NULL));
	}
	return 0;
}

static int ints_from_json(const struct json *j, struct ints *member)
{
	const struct json *item = NULL;

	if (!json_is_array(j))
		return -1;
	JSON_EACH (j, item) {
		int64_t value = 0;

		if (!json_int(item, &value))
			return -1;
		member->items = mem_resize(member->items, member->len + 1, sizeof(*member->items));
		member->items[member->len++] = value;
	}
	return 0;
}

static int count_from_json(const struct json *j, struct count *member)
{
	int64_t kind = 0;

	if (!json_int(json_get(j, "kind"), &kind) || kind < COUNT_NUMBER || kind > COUNT_PERCENT ||
		!json_int(json_get(j, "value"), &member->value))
		return -1;
	member->kind = (int)kind;
	return 0;
}

static int command_from_json(const struct json *j, struct command *member)
{
	struct strings words = { .items = NULL };
	const struct json *argv = json_get(j, "argv");

	if (!json_is_object(j))
		return -1;
	if (argv && strings_from_json(argv, &words) < 0) {
		strings_release(&words);
		return -1;
	}
	if (words.len) {
		words.items = mem_resize(words.items, words.len + 1, sizeof(*words.items));
		words.items[words.len] = NULL;
	}
	member->argv = words.items;
	member->text = mem_strdup(json_string(json_get(j, "text"), NULL));
	return 0;
}

static int env_from_json(const struct json *j, struct env *member)
{
	const struct json *item = NULL;

	if (!json_is_object(j))
		return -1;
	JSON_EACH (j, item) {
		if (!json_string(item, NULL))
			return -1;
		env_put(member, json_key(item), json_string(item, NULL));
	}
	return 0;
}

static int word_from_json(const struct field *f, const struct json *j, int *member)
{
	int64_t value = 0;

	if (!json_int(j, &value))
		return -1;
	for (const struct field_word *w = f->words; w->word; w++) {
		if (w->value == value) {
			*member = w->value;
			return 0;
		}
	}
	return -1;
}

static int bool_from_json(const struct json *j, bool *member)
{
	/* Both fallbacks agree only if it is a boolean. */
	if (json_bool(j, true) != json_bool(j, false))
		return -1;
	*member = json_bool(j, false);
	return 0;
}

/* Nobody could write less or more: as near as the row allows.  What the default has, which may say that nothing is set, is fine. */
static int64_t within_bounds(const struct field *f, int64_t value)
{
	const int64_t *fallback = field_member_const(f, fields_defaults());

	if ((!f->min && !f->max) || value == *fallback ||
		((f->flags & FIELD_AUTO) && value == FIELD_AUTO_VALUE))
		return value;
	return value < f->min ? f->min : value > f->max ? f->max : value;
}

static int int_from_json(const struct field *f, const struct json *j, int64_t *member)
{
	if (!json_int(j, member))
		return -1;
	*member = within_bounds(f, *member);
	return 0;
}

static int number_from_json(const struct field *f, const struct json *j, double *member)
{
	if (!json_number(j, member))
		return -1;
	/* Not a number is neither. */
	if (f->max && !(*member >= (double)f->min))
		*member = (double)f->min;
	else if (f->max && *member > (double)f->max)
		*member = (double)f->max;
	return 0;
}

static int member_from_json(const struct field *f, const struct json *j, void *member)
{
	switch (f->kind) {
	case FIELD_STRING:
	case FIELD_FORMED:
		return string_from_json(j, member);
	case FIELD_BOOL:
		return bool_from_json(j, member);
	case FIELD_INT:
	case FIELD_DURATION:
	case FIELD_SIZE:
		return int_from_json(f, j, member);
	case FIELD_NUMBER:
		return number_from_json(f, j, member);
	case FIELD_WORD:
		return word_from_json(f, j, member);
	case FIELD_STRINGS:
	case FIELD_WATCH:
		return strings_from_json(j, member);
	case FIELD_INTS:
		return ints_from_json(j, member);
	case FIELD_COUNT:
		return count_from_json(j, member);
	case FIELD_COMMAND:
		return command_from_json(j, member);
	case FIELD_ENV:
		return env_from_json(j, member);
	}
	return -1;
}

int field_from_json(const struct field *f, const struct json *j, struct spec *s, struct err *e)
{
	field_release(f, s);
	if (member_from_json(f, j, field_member(f, s)) == 0)
		return 0;
	field_reset(f, s);
	return bad_value(f, e);
}

struct json *spec_to_json(const struct spec *s)
{
	struct json *object = json_new_object();
	struct json *rows = json_new_object();

	json_set_string(object, "name", s->name);
	json_set_string(object, "oxfile", s->oxfile);
	json_set_string(object, "folder", s->folder);
	for (size_t i = 0; i < fields_count; i++)
		if (field_is_set(&fields[i], s))
			json_set(rows, fields[i].key, field_to_json(&fields[i], s));
	json_set(object, "spec", rows);
	if (s->file_env.len)
		json_set(object, "file_env", env_to_json(&s->file_env));
	return object;
}

static int rows_from_json(const struct json *rows, struct spec *s, struct err *e)
{
	const struct json *row = NULL;

	JSON_EACH (rows, row) {
		const struct field *f = field_find(json_key(row));

		if (!f)
			return err_set(e, "there is no key '%s'", json_key(row));
		if (field_from_json(f, row, s, e) < 0)
			return -1;
		/* It is there although it is the default's: somebody wrote it. */
		s->is_delay_written |= f->offset == offsetof(struct spec, restart_delay_ms);
	}
	return 0;
}

struct spec *spec_from_json(const struct json *j, struct err *e)
{
	const char *name = json_string(json_get(j, "name"), NULL);
	const struct json *file_env = json_get(j, "file_env");
	struct spec *s = NULL;

	if (!name) {
		err_set(e, "a remembered app has no name");
		return NULL;
	}
	if (spec_check_name(name, e) < 0)
		return NULL;
	s = spec_new(name);
	s->oxfile = mem_strdup(json_string(json_get(j, "oxfile"), NULL));
	s->folder = mem_strdup(json_string(json_get(j, "folder"), NULL));
	if (rows_from_json(json_get(j, "spec"), s, e) < 0 ||
		(file_env && env_from_json(file_env, &s->file_env) < 0)) {
		err_prefix(e, "%s", name);
		spec_free(s);
		return NULL;
	}
	return s;
}

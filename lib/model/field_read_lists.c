/*
 * The kinds of rows that hold more than one thing: lists, counts, commands, environments.
 */
#include "model/field_private.h"

#include <string.h>

#include "base/argv.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/toml.h"

static int read_string_list(const struct field_reading *r, struct strings *list)
{
	size_t count = toml_type(r->value) == TOML_ARRAY ? toml_count(r->value) : 1;

	if (count > LIST_ITEMS_MAX)
		return read_complain(r, "the list is too long");
	for (size_t i = 0; i < count; i++) {
		bool is_array = toml_type(r->value) == TOML_ARRAY;
		const char *text = read_text(r, is_array ? toml_at(r->value, i) : r->value);

		if (!text) {
			strings_release(list);
			return -1;
		}
		strings_add(list, text);
	}
	return 0;
}

int read_strings(const struct field_reading *r)
{
	struct strings list = { .items = NULL };

	if (read_string_list(r, &list) < 0)
		return -1;
	strings_release(r->member);
	*(struct strings *)r->member = list;
	return 0;
}

int read_watch(const struct field_reading *r)
{
	if (toml_type(r->value) != TOML_BOOL)
		return read_strings(r);
	strings_release(r->member);
	if (toml_bool(r->value))
		strings_add(r->member, ".");
	return 0;
}

int read_ints(const struct field_reading *r)
{
	struct ints list = { .items = NULL };
	bool is_array = toml_type(r->value) == TOML_ARRAY;
	size_t count = is_array ? toml_count(r->value) : 1;
	struct ints *member = r->member;

	if (count > LIST_ITEMS_MAX)
		return read_complain(r, "the list is too long");
	list.items = mem_zalloc(count, sizeof(*list.items));
	for (; list.len < count; list.len++) {
		struct field_reading one = *r;

		one.value = is_array ? toml_at(r->value, list.len) : r->value;
		one.member = &list.items[list.len];
		if (toml_type(one.value) != TOML_INTEGER || read_int(&one) < 0) {
			mem_free(list.items);
			return toml_type(one.value) != TOML_INTEGER ? read_complain_type(&one) : -1;
		}
	}
	mem_free(member->items);
	*member = list;
	return 0;
}

bool count_parse(const char *text, struct count *count)
{
	size_t len = strlen(text);
	char *digits = NULL;
	bool is_ok = false;

	if (str_starts(text, "max")) {
		*count = (struct count){ .kind = COUNT_MAX };
		return !text[3] || (text[3] == '-' && str_to_int(text + 3, &count->value));
	}
	if (len < 2 || text[len - 1] != '%')
		return str_to_int(text, &count->value);
	*count = (struct count){ .kind = COUNT_PERCENT };
	digits = mem_strndup(text, len - 1);
	is_ok = str_to_int(digits, &count->value) && count->value > 0 && count->value <= 1000;
	mem_free(digits);
	return is_ok;
}

int read_count(const struct field_reading *r)
{
	struct count count = { .kind = COUNT_NUMBER };
	const char *text = NULL;

	if (toml_type(r->value) == TOML_INTEGER) {
		count.value = toml_integer(r->value);
	} else {
		text = toml_type(r->value) == TOML_STRING ? read_text(r, r->value) : NULL;
		if (!text || !count_parse(text, &count))
			return read_complain_type(r);
	}
	if (count.kind == COUNT_NUMBER && read_bounded(r, count.value, &count.value) < 0)
		return -1;
	*(struct count *)r->member = count;
	return 0;
}

int read_command(const struct field_reading *r)
{
	struct command command = { .text = NULL };
	struct strings words = { .items = NULL };
	struct err e = ERR_INIT;
	const char *line = NULL;
	int rc = 0;

	if (toml_type(r->value) == TOML_ARRAY) {
		if (read_string_list(r, &words) < 0)
			return -1;
		if (!words.len || !*words.items[0]) {
			strings_release(&words);
			return read_complain(r, "an empty command cannot be run");
		}
		words.items = mem_resize(words.items, words.len + 1, sizeof(*words.items));
		words.items[words.len] = NULL;
		command.argv = words.items;
	} else {
		line = read_text(r, r->value);
		if (!line)
			return -1;
		rc = line[strspn(line, " \t\r\n")] ? argv_check_quotes(line, &e)
						   : err_set(&e, "an empty command cannot be run");
		rc = rc < 0 ? rc : command_from_line(&command, line, &e);
	}
	if (rc < 0) {
		read_complain(r, e.text.ptr);
		err_release(&e);
		return -1;
	}
	command_release(r->member);
	*(struct command *)r->member = command;
	return 0;
}

static int env_value_text(const struct toml_value *value, struct buf *out)
{
	switch (toml_type(value)) {
	case TOML_STRING:
		buf_adds(out, toml_string(value, NULL));
		return 0;
	case TOML_INTEGER:
		buf_addf(out, "%lld", (long long)toml_integer(value));
		return 0;
	case TOML_FLOAT:
		buf_addf(out, "%.15g", toml_float(value));
		return 0;
	case TOML_BOOL:
		buf_adds(out, toml_bool(value) ? "true" : "false");
		return 0;
	default:
		return -1;
	}
}

static int read_env_value(const struct field_reading *r, const char *name, struct env *env)
{
	struct buf text = BUF_INIT;
	struct buf value = BUF_INIT;
	struct err e = ERR_INIT;
	int rc = -1;

	if (toml_type(r->value) == TOML_STRING && !read_text(r, r->value))
		goto out;
	if (env_value_text(r->value, &text) < 0) {
		diags_error(r->ctx->d, toml_place(r->value),
			"the variable '%s' wants a string, a number or a boolean, not %s", name,
			toml_type_name(toml_type(r->value)));
		goto out;
	}
	if (expand_text(text.ptr, r->ctx->environment, r->ctx->is_apps_dialect, &value, &e) < 0) {
		diags_error(r->ctx->d, toml_place(r->value), "%s: %s", name, e.text.ptr);
		goto out;
	}
	env_put(env, name, value.ptr);
	rc = 0;
out:
	buf_release(&text);
	buf_release(&value);
	err_release(&e);
	return rc;
}

int read_env(const struct field_reading *r)
{
	struct env *env = r->member;
	int rc = 0;

	if (toml_type(r->value) != TOML_TABLE)
		return read_complain_type(r);
	if (toml_count(r->value) + env->len > LIST_ITEMS_MAX)
		return read_complain(r, "there are too many variables");
	for (size_t i = 0; i < toml_count(r->value); i++) {
		size_t len = 0;
		const char *name = toml_key(r->value, i, &len);
		struct field_reading one = *r;

		one.value = toml_at(r->value, i);
		if (!len || strlen(name) != len || strchr(name, '=')) {
			diags_error(r->ctx->d, toml_key_place(r->value, i),
				"'%s' cannot be the name of a variable", name);
			rc = -1;
		} else if (read_env_value(&one, name, env) < 0) {
			rc = -1;
		}
	}
	return rc;
}

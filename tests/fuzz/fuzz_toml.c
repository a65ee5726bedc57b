/*
 * Any bytes as TOML: a tree that can be walked, or exactly one complaint.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct toml_value *v, int depth);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static size_t walk_members(const struct toml_value *v, int depth)
{
	bool is_table = toml_type(v) == TOML_TABLE;
	size_t sum = 0;

	for (size_t i = 0; i < toml_count(v); i++) {
		size_t len = 0;
		const char *key = is_table ? toml_key(v, i, &len) : "";

		must(!is_table || strlen(key) != len || toml_get(v, key) == toml_at(v, i));
		must(!is_table || toml_key_place(v, i).line > 0);
		sum += len + walk(toml_at(v, i), depth + 1);
	}
	return sum;
}

static size_t walk(const struct toml_value *v, int depth)
{
	size_t len = 0;

	must(depth <= TOML_DEPTH_MAX + 1);
	must(toml_place(v).line > 0 && toml_place(v).column > 0 && *toml_type_name(toml_type(v)));
	switch (toml_type(v)) {
	case TOML_STRING:
		must(toml_string(v, &len)[len] == '\0');
		return len;
	case TOML_INTEGER:
		return (size_t)toml_integer(v);
	case TOML_FLOAT:
		return toml_float(v) > 0;
	case TOML_BOOL:
		return toml_bool(v);
	case TOML_ARRAY:
	case TOML_TABLE:
		return walk_members(v, depth);
	case TOML_DATETIME:
	case TOML_LOCAL_DATETIME:
	case TOML_LOCAL_DATE:
	case TOML_LOCAL_TIME:
		break;
	}
	must(toml_datetime(v)->month <= 12 && toml_datetime(v)->nanosecond < 1000000000);
	return (size_t)toml_datetime(v)->second;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diags d = DIAGS_INIT;
	struct toml_value *root = NULL;

	diags_about(&d, "fuzz.toml", (const char *)data, size);
	root = toml_parse((const char *)data, size, &d);
	must(d.list.len == (root ? 0U : 1U));
	if (root)
		walk(root, 0);
	toml_free(root);
	diags_release(&d);
	return 0;
}

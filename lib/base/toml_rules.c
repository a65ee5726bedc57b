/*
 * A table is defined once: by its header, by dotted keys below one header, or by braces.  Only what was merely named on
 * the way to a deeper header may still be claimed.
 */
#include "base/toml_private.h"

static struct toml_value *find_in_table(const struct toml_value *table, const struct key *key)
{
	return map_get_n(&table->as.branch->members, key->text, key->len);
}

static bool is_branch(const struct toml_value *v, enum toml_type type, enum branch_kind kind)
{
	return v->type == type && v->as.branch->kind == kind;
}

static const char *what_it_is(const struct toml_value *v)
{
	if (is_branch(v, TOML_TABLE, BRANCH_CLOSED))
		return "an inline table";
	if (is_branch(v, TOML_ARRAY, BRANCH_ROW))
		return "an array of tables";
	return toml_type_name(v->type);
}

void toml_put(struct toml_value *table, const struct key *key, struct toml_value *value)
{
	value->key_at = key->at;
	map_put_n(&table->as.branch->members, key->text, key->len, value);
}

int toml_check_new(struct toml_reader *r, const struct toml_value *table, const struct key *key)
{
	const struct toml_value *v = find_in_table(table, key);

	if (!v)
		return 0;
	diags_error(r->d, key->at, "key '%.*s' stands twice (first at line %d)",
		SHOWN(key->path, key->path_len), v->key_at.line);
	return -1;
}

static struct toml_value *add_toml_table(struct toml_reader *r, struct toml_value *table,
	const struct key *key, enum branch_kind kind, struct place at)
{
	struct toml_value *v = toml_branch_new(r, TOML_TABLE, kind, at, table->as.branch->depth + 1);

	if (v)
		toml_put(table, key, v);
	return v;
}

static struct toml_value *complain_full(
	struct toml_reader *r, const struct toml_value *v, const struct key *key)
{
	struct diag *complaint =
		diags_error(r->d, key->at, "'%.*s' is %s (line %d), nothing can be added to it here",
			SHOWN(key->path, key->path_len), what_it_is(v), v->key_at.line);

	if (is_branch(v, TOML_TABLE, BRANCH_CLOSED))
		diag_hint(complaint, "write it inside of the { }");
	if (is_branch(v, TOML_TABLE, BRANCH_HEADER))
		diag_hint(complaint, "write it below the table's own header");
	return NULL;
}

struct toml_value *toml_enter_dotted(struct toml_reader *r, struct toml_value *table, const struct key *key)
{
	struct toml_value *v = find_in_table(table, key);

	if (!v)
		return add_toml_table(r, table, key, BRANCH_DOTTED, key->at);
	if (is_branch(v, TOML_TABLE, BRANCH_SUPER))
		v->as.branch->kind = BRANCH_DOTTED;
	return is_branch(v, TOML_TABLE, BRANCH_DOTTED) ? v : complain_full(r, v, key);
}

struct toml_value *toml_enter_super(struct toml_reader *r, struct toml_value *table, const struct key *key)
{
	struct toml_value *v = find_in_table(table, key);

	if (!v)
		return add_toml_table(r, table, key, BRANCH_SUPER, key->at);
	if (is_branch(v, TOML_ARRAY, BRANCH_ROW))
		return v->as.branch->items.items[v->as.branch->items.len - 1];
	if (v->type != TOML_TABLE || v->as.branch->kind == BRANCH_CLOSED)
		return complain_full(r, v, key);
	return v;
}

static struct toml_value *complain_unclosed_table(
	struct toml_reader *r, const struct toml_value *v, const struct key *key, struct place at)
{
	int len = toml_shown_len(key->path, key->path_len);

	if (is_branch(v, TOML_TABLE, BRANCH_HEADER)) {
		diags_error(r->d, at, "table '[%.*s]' stands twice (first at line %d)", len, key->path,
			v->at.line);
	} else if (is_branch(v, TOML_TABLE, BRANCH_DOTTED)) {
		diag_hint(
			diags_error(r->d, at,
				"table '[%.*s]' was made by dotted keys (line %d), it cannot have a header too",
				len, key->path, v->at.line),
			"write all of its keys there, or all of them here");
	} else {
		struct diag *complaint =
			diags_error(r->d, at, "'[%.*s]' was %s before, it cannot be a table now (line %d)",
				len, key->path, what_it_is(v), v->key_at.line);

		if (is_branch(v, TOML_ARRAY, BRANCH_ROW))
			diag_hint(complaint, "[[%.*s]] begins the next one of them", len, key->path);
	}
	return NULL;
}

struct toml_value *toml_open_table(
	struct toml_reader *r, struct toml_value *parent, const struct key *key, struct place at)
{
	struct toml_value *v = find_in_table(parent, key);

	if (!v)
		return add_toml_table(r, parent, key, BRANCH_HEADER, at);
	if (!is_branch(v, TOML_TABLE, BRANCH_SUPER))
		return complain_unclosed_table(r, v, key, at);
	v->as.branch->kind = BRANCH_HEADER;
	v->at = at;
	v->key_at = key->at;
	return v;
}

struct toml_value *toml_open_row(
	struct toml_reader *r, struct toml_value *parent, const struct key *key, struct place at)
{
	struct toml_value *row = find_in_table(parent, key);
	struct toml_value *table = NULL;

	if (!row) {
		row = toml_branch_new(r, TOML_ARRAY, BRANCH_ROW, at, parent->as.branch->depth + 1);
		if (!row)
			return NULL;
		toml_put(parent, key, row);
	}
	if (!is_branch(row, TOML_ARRAY, BRANCH_ROW)) {
		diags_error(r->d, at,
			"'[[%.*s]]' was %s before, it cannot be an array of tables now (line %d)",
			SHOWN(key->path, key->path_len), what_it_is(row), row->key_at.line);
		return NULL;
	}
	table = toml_branch_new(r, TOML_TABLE, BRANCH_HEADER, at, row->as.branch->depth + 1);
	if (table)
		vec_push(&row->as.branch->items, table);
	return table;
}

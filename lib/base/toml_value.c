#include "base/toml_private.h"

/* Something in brackets with commas between: an array or an inline table. */
struct list {
	enum toml_type type;
	const char *name;
	const char *close;
	int (*read_member)(struct toml_reader *r, struct toml_value *list);
};

static int read_array_item(struct toml_reader *r, struct toml_value *array)
{
	struct toml_value *item = toml_read_value(r, array->as.branch->depth);

	if (!item)
		return -1;
	vec_push(&array->as.branch->items, item);
	return 0;
}

static const struct list array_list = {
	.type = TOML_ARRAY,
	.name = "array",
	.close = "]",
	.read_member = read_array_item,
};

static const struct list table_list = {
	.type = TOML_TABLE,
	.name = "inline table",
	.close = "}",
	.read_member = toml_read_pair,
};

static struct toml_value *complain_list(
	struct toml_reader *r, const struct list *l, const struct toml_value *list)
{
	char found[16];
	struct diag *complaint = NULL;

	if (r->at == r->end) {
		diag_hint(diags_error(r->d, list->at, "the %s that begins here never ends", l->name),
			"is a '%s' missing?", l->close);
		return NULL;
	}
	complaint = diags_error(r->d, toml_here(r),
		"expected ',' or '%s' in the %s that begins at line %d, found %s", l->close, l->name,
		list->at.line, toml_found(r, found));
	if (r->word && r->line_start <= r->word && *r->at != ']' && *r->at != '}')
		toml_hint_quotes(r, complaint, r->word);
	return NULL;
}

/* At the opening bracket.  Depth is bounded by toml_branch_new(), and with it the recursion. */
static struct toml_value *read_bracketed(struct toml_reader *r, const struct list *l, int depth)
{
	struct toml_value *list = toml_branch_new(r, l->type, BRANCH_CLOSED, toml_here(r), depth + 1);

	if (!list)
		return NULL;
	r->at++;
	toml_skip_lines(r);
	while (!toml_next_is(r, l->close)) {
		if (r->at == r->end)
			return complain_list(r, l, list);
		if (l->read_member(r, list) < 0)
			return NULL;
		toml_skip_lines(r);
		if (toml_next_is(r, l->close))
			break;
		if (!toml_next_is(r, ","))
			return complain_list(r, l, list);
		r->at++;
		toml_skip_lines(r);
	}
	r->at++;
	r->word = NULL;
	return list;
}

static struct toml_value *read_toml_string(struct toml_reader *r)
{
	struct toml_value *v = toml_value_new(r->tree, TOML_STRING, toml_here(r));

	if (toml_read_string(r) < 0)
		return NULL;
	v->as.string.len = r->scratch.len;
	v->as.string.bytes = toml_keep(r->tree, r->scratch.ptr, r->scratch.len);
	return v;
}

struct toml_value *toml_read_value(struct toml_reader *r, int depth)
{
	r->word = NULL;
	switch (*r->at) {
	case '"':
	case '\'':
		return read_toml_string(r);
	case '[':
		return read_bracketed(r, &array_list, depth);
	case '{':
		return read_bracketed(r, &table_list, depth);
	default:
		return toml_read_scalar(r);
	}
}

int toml_read_pair(struct toml_reader *r, struct toml_value *table)
{
	struct key key = { 0 };
	struct toml_value *value = NULL;

	table = toml_read_path(r, table, toml_enter_dotted, &key);
	if (!table)
		return -1;
	if (!toml_next_is(r, "="))
		return toml_complain_after_key(r, &key, "=");
	if (toml_check_new(r, table, &key) < 0)
		return -1;
	r->at++;
	toml_skip_blanks(r);
	if (r->at == r->end || *r->at == '#' || toml_at_newline(r)) {
		diag_hint(diags_error(r->d, toml_here(r), "expected a value after '='"),
			"an empty string is \"\"");
		return -1;
	}
	value = toml_read_value(r, table->as.branch->depth);
	if (!value)
		return -1;
	toml_put(table, &key, value);
	return 0;
}

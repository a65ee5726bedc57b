#include <string.h>

#include "base/toml_private.h"

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		c == '-';
}

static int complain_no_key(struct toml_reader *r)
{
	char found[16];
	bool is_mark = r->at < r->end && strchr(".=[]{},#:", *r->at);
	struct diag *complaint = NULL;

	if (r->at == r->end || toml_at_newline(r) || is_mark) {
		diags_error(r->d, toml_here(r), "expected a key, found %s", toml_found(r, found));
		return -1;
	}
	complaint = diags_error(
		r->d, toml_here(r), "%s cannot stand in a key without quotes", toml_found(r, found));
	diag_hint(complaint, "letters a-z, digits, '_' and '-' can; other keys stand in \"quotes\"");
	return -1;
}

static int read_quoted_key(struct toml_reader *r, struct key *key)
{
	if (toml_next_is(r, "\"\"\"") || toml_next_is(r, "'''")) {
		diags_error(r->d, key->at, "a key cannot be a string of several lines, with three quotes");
		return -1;
	}
	if (toml_read_string(r) < 0)
		return -1;
	key->len = r->scratch.len;
	key->text = toml_keep(r->tree, r->scratch.ptr, key->len);
	return 0;
}

static int read_key_part(struct toml_reader *r, const char *path, struct key *key)
{
	*key = (struct key){ .text = r->at, .at = toml_here(r), .path = path };
	if (r->at < r->end && (*r->at == '"' || *r->at == '\'')) {
		if (read_quoted_key(r, key) < 0)
			return -1;
	} else {
		while (r->at < r->end && is_bare(*r->at))
			r->at++;
		key->len = (size_t)(r->at - key->text);
		if (!key->len)
			return complain_no_key(r);
	}
	key->path_len = (size_t)(r->at - path);
	return 0;
}

struct toml_value *toml_read_path(
	struct toml_reader *r, struct toml_value *table, toml_enter enter, struct key *key)
{
	const char *path = r->at;

	while (table) {
		if (read_key_part(r, path, key) < 0)
			return NULL;
		toml_skip_blanks(r);
		if (!toml_next_is(r, "."))
			break;
		r->at++;
		toml_skip_blanks(r);
		table = enter(r, table, key);
	}
	return table;
}

int toml_complain_after_key(struct toml_reader *r, const struct key *key, const char *expected)
{
	char found[16];
	struct diag *complaint = diags_error(r->d, toml_here(r), "expected '%s' after '%.*s', found %s",
		expected, SHOWN(key->path, key->path_len), toml_found(r, found));

	if (toml_next_is(r, ":") && *expected == '=')
		diag_hint(complaint, "TOML writes '=' where others write ':'");
	else if (r->at < r->end && !strchr("\r\n\"'=[]{},#", *r->at))
		diag_hint(complaint, "a key that holds blanks or other signs stands in \"quotes\"");
	return -1;
}

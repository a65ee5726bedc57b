#include "base/toml.h"

#include "base/toml_private.h"

/* A byte order mark says nothing in UTF-8; editors of other systems put it at the start all the same. */
static const char bom[] = "\xef\xbb\xbf";

/* At '['.  Gives the table that the next keys belong to. */
static struct toml_value *read_header(struct toml_reader *r)
{
	struct place from = toml_here(r);
	bool is_row = toml_next_is(r, "[[");
	const char *close = is_row ? "]]" : "]";
	struct key key = { 0 };
	struct toml_value *parent = NULL;

	r->at += is_row ? 2 : 1;
	toml_skip_blanks(r);
	parent = toml_read_path(r, &r->tree->root, toml_enter_super, &key);
	if (!parent)
		return NULL;
	if (!toml_next_is(r, close)) {
		toml_complain_after_key(r, &key, close);
		return NULL;
	}
	r->at += is_row ? 2 : 1;
	r->word = NULL;
	return is_row ? toml_open_row(r, parent, &key, from) : toml_open_table(r, parent, &key, from);
}

static int expect_line_end(struct toml_reader *r, const char *after)
{
	char found[16];
	struct diag *complaint = NULL;

	toml_skip_rest(r);
	if (r->at == r->end || toml_at_newline(r))
		return 0;
	complaint = diags_error(r->d, toml_here(r), "expected the end of the line after the %s, found %s",
		after, toml_found(r, found));
	if (r->word)
		toml_hint_quotes(r, complaint, r->word);
	return -1;
}

static int read_statements(struct toml_reader *r)
{
	struct toml_value *table = &r->tree->root;

	toml_skip_lines(r);
	while (r->at < r->end) {
		bool is_header = *r->at == '[';

		if (is_header)
			table = read_header(r);
		if (!table || (!is_header && toml_read_pair(r, table) < 0))
			return -1;
		if (expect_line_end(r, is_header ? "header" : "value") < 0)
			return -1;
		toml_skip_lines(r);
	}
	return 0;
}

struct toml_value *toml_parse(const char *text, size_t len, struct diags *d)
{
	struct toml_reader r = { .at = text ? text : "", .line = 1, .d = d, .scratch = BUF_INIT };
	int rc = 0;

	if (len > TOML_SIZE_MAX) {
		diags_error(d, (struct place){ 0 }, "the file has %zu bytes, more than the %d that are read",
			len, TOML_SIZE_MAX);
		return NULL;
	}
	r.end = r.at + len;
	if (toml_next_is(&r, bom))
		r.at += sizeof(bom) - 1;
	r.line_start = r.at;
	r.mark = r.at;
	r.mark_column = 1;
	r.tree = toml_tree_new();
	rc = toml_check_text(&r);
	if (!rc)
		rc = read_statements(&r);
	buf_release(&r.scratch);
	if (!rc)
		return &r.tree->root;
	toml_free(&r.tree->root);
	return NULL;
}

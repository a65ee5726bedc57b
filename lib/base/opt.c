#include "base/opt.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

/* A walk over the words; `next` is the one after that which is being read. */
struct words {
	const struct opt *table;
	char **argv;
	int argc;
	int next;
	struct err *e;
};

/* How the user wrote an option: `--config` or `-c`, for complaints. */
struct spelling {
	const char *dashes;
	int len;
	const char *name;
};

static const struct opt *find_long(const struct opt *table, const char *name, size_t len)
{
	for (const struct opt *row = table; row->name; row++)
		if (strlen(row->name) == len && !memcmp(row->name, name, len))
			return row;
	return NULL;
}

static const struct opt *find_letter(const struct opt *table, char letter)
{
	for (const struct opt *row = table; row->name; row++)
		if (row->letter && row->letter == letter)
			return row;
	return NULL;
}

static int set_value(const struct opt *row, struct spelling as, const char *value, struct err *e)
{
	if (row->kind == OPT_STRING) {
		*(const char **)row->at = value;
		return 0;
	}
	if (str_to_int(value, row->at))
		return 0;
	return err_set(e, "option '%s%.*s' needs a number, not '%s'", as.dashes, as.len, as.name, value);
}

/* `value` is what stands in the same word, or NULL; then the next word is taken. */
static int take_value(struct words *w, const struct opt *row, struct spelling as, const char *value)
{
	if (!value && w->next == w->argc)
		return err_set(w->e, "option '%s%.*s' needs a %s", as.dashes, as.len, as.name,
			row->value ? row->value : "value");
	return set_value(row, as, value ? value : w->argv[w->next++], w->e);
}

static int unknown_long(const struct words *w, struct spelling as)
{
	struct buf typed = BUF_INIT;
	struct str_guess guess = { 0 };

	buf_add(&typed, as.name, (size_t)as.len);
	guess.typed = typed.ptr;
	for (const struct opt *row = w->table; row->name; row++)
		str_guess_offer(&guess, row->name);
	err_set(w->e, "unknown option '--%s'", typed.ptr);
	if (guess.best)
		err_set(w->e, "unknown option '--%s' (did you mean '--%s'?)", typed.ptr, guess.best);
	buf_release(&typed);
	return -1;
}

static int read_long(struct words *w, const char *name)
{
	size_t len = strcspn(name, "=");
	const char *value = name[len] ? name + len + 1 : NULL;
	struct spelling as = { "--", (int)len, name };
	const struct opt *row = find_long(w->table, name, len);

	if (!row)
		return unknown_long(w, as);
	if (row->kind != OPT_FLAG)
		return take_value(w, row, as, value);
	if (value)
		return err_set(w->e, "option '--%s' takes no value", row->name);
	*(bool *)row->at = true;
	return 0;
}

static int unknown_letter(const struct words *w, const char *letters, const char *letter)
{
	size_t len = 0;

	/* `-json` is a word with one dash too few. */
	if (find_long(w->table, letters, strlen(letters)))
		return err_set(w->e, "unknown option '-%s' (did you mean '--%s'?)", letters, letters);
	len = str_utf8(letter, strlen(letter), NULL);
	return err_set(w->e, "unknown option '-%.*s'", len ? (int)len : 1, letter);
}

/* A row of flags, of which the last may take the rest as its value. */
static int read_letters(struct words *w, const char *letters)
{
	for (const char *letter = letters; *letter; letter++) {
		const struct opt *row = find_letter(w->table, *letter);

		if (!row)
			return unknown_letter(w, letters, letter);
		if (row->kind != OPT_FLAG)
			return take_value(
				w, row, (struct spelling){ "-", 1, letter }, letter[1] ? letter + 1 : NULL);
		*(bool *)row->at = true;
	}
	return 0;
}

/* "-" is a file by custom, and -1 a number unless the table has that letter. */
static bool is_option(const struct opt *table, const char *word)
{
	if (word[0] != '-' || !word[1])
		return false;
	return !(word[1] >= '0' && word[1] <= '9') || find_letter(table, word[1]);
}

/* Reads the option at argv[at] and, with it, the word that it may take. */
static int read_option(struct words *w, const char *word)
{
	return word[1] == '-' ? read_long(w, word + 2) : read_letters(w, word + 1);
}

/* Options first, then the rest: the owner of argv still finds every word in it, and its end at the same index. */
static void rearrange(char **argv, const struct vec *options, const struct vec *rest)
{
	for (size_t i = 0; i < options->len; i++)
		argv[i] = options->items[i];
	for (size_t i = 0; i < rest->len; i++)
		argv[options->len + i] = rest->items[i];
}

int opt_parse(const struct opt *table, int argc, char **argv, struct opt_rest *rest, struct err *e)
{
	struct words w = { .table = table, .argv = argv, .argc = argc, .e = e };
	struct vec options = VEC_INIT;
	struct vec left = VEC_INIT;
	int rc = 0;

	*rest = (struct opt_rest){ .after_dashes = -1 };
	while (w.next < argc && rc == 0) {
		int first = w.next++;
		bool is_dashes = rest->after_dashes < 0 && !strcmp(argv[first], "--");
		bool is_argument = rest->after_dashes >= 0 || !is_option(table, argv[first]);

		if (is_dashes)
			rest->after_dashes = (int)left.len;
		else if (!is_argument)
			rc = read_option(&w, argv[first]);
		for (int i = first; i < w.next; i++)
			vec_push(is_argument ? &left : &options, argv[i]);
	}
	if (rc == 0) {
		rearrange(argv, &options, &left);
		rest->items = argv + options.len;
		rest->count = (int)left.len;
	}
	vec_release(&options);
	vec_release(&left);
	return rc;
}

static void add_left_side(struct buf *out, const struct opt *row)
{
	if (row->letter)
		buf_addf(out, "  -%c, --%s", row->letter, row->name);
	else
		buf_addf(out, "      --%s", row->name);
	if (row->value)
		buf_addf(out, " %s", row->value);
}

void opt_help(struct buf *out, const struct opt *table)
{
	struct buf left = BUF_INIT;
	size_t widest = 0;

	for (const struct opt *row = table; row->name; row++) {
		if (!row->help)
			continue;
		buf_clear(&left);
		add_left_side(&left, row);
		if (str_width(left.ptr) > widest)
			widest = str_width(left.ptr);
	}
	for (const struct opt *row = table; row->name; row++) {
		if (!row->help)
			continue;
		buf_clear(&left);
		add_left_side(&left, row);
		buf_adds(out, left.ptr);
		buf_fill(out, ' ', widest - str_width(left.ptr) + 3);
		buf_adds(out, row->help);
		buf_addc(out, '\n');
	}
	buf_release(&left);
}

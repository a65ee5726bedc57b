/*
 * What the files of the TOML reader share; nobody else includes it.
 *
 *	toml.c          the file: headers and `key = value` lines
 *	toml_scan.c     where we are: lines and columns, blanks, comments; and is it text at all
 *	toml_key.c      dotted keys
 *	toml_value.c    any value: arrays, inline tables, and what the next three read
 *	toml_string.c   strings in their four forms
 *	toml_scalar.c   numbers and booleans
 *	toml_date.c     dates and times
 *	toml_rules.c    which table may be opened, entered, added to
 *	toml_tree.c     the tree: its memory, and toml.h's questions about it
 *
 * A function that fails has reported to the reader's diags when it returns -1 or NULL; its caller returns
 * at once, so that there is one complaint and no more.
 */
#ifndef OX_BASE_TOML_PRIVATE_H
#define OX_BASE_TOML_PRIVATE_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/map.h"
#include "base/toml.h"
#include "base/vec.h"

/* How a table or an array came to be, which decides who may add to it. */
enum branch_kind {
	BRANCH_SUPER,  /* named on the way to a deeper header: one header or dotted keys may still claim it */
	BRANCH_HEADER, /* under its own [header], or a member of [[headers]] */
	BRANCH_DOTTED, /* made by dotted keys */
	BRANCH_ROW,    /* the array behind [[headers]] */
	BRANCH_CLOSED, /* written as a value: complete where it stands */
};

struct branch {
	struct branch *next; /* the tree's list of them, so that freeing needs no walk */
	enum branch_kind kind;
	int depth;
	struct map members; /* of a table; values are struct toml_value */
	struct vec items;   /* of an array */
};

struct toml_value {
	enum toml_type type;
	struct place at;
	struct place key_at; /* of a table's member */
	union {
		struct {
			const char *bytes;
			size_t len;
		} string;
		int64_t integer;
		double number;
		bool truth;
		struct toml_datetime *when;
		struct branch *branch;
	} as;
};

/* All memory of a tree hangs here; the root is the first member, so toml_free() finds the rest. */
struct toml_tree {
	struct toml_value root;
	struct branch *branches;
	struct chunk *chunks;
};

struct toml_reader {
	const char *at;
	const char *end;
	int line;
	const char *line_start;
	const char *mark; /* columns are counted on from here, so that a long line is not counted twice */
	int mark_column;
	const char *word; /* where the number or word that was just read began, else NULL */
	struct toml_tree *tree;
	struct diags *d;
	struct buf scratch; /* one string or number at a time */
};

/*
 * One part of a dotted key.  `path` is the source from the key's beginning up to the end of this part, for
 * messages.
 */
struct key {
	const char *text;
	size_t len;
	struct place at;
	const char *path;
	size_t path_len;
};

/*
 * Formats a piece of the source into a message: "'%.*s'", SHOWN(text, len).  Cut, as nobody reads a long one.
 */
#define SHOWN(text, len) toml_shown_len((text), (len)), (text)
int toml_shown_len(const char *text, size_t len);

/* toml_scan.c */
/* UTF-8 without control characters and lone carriage returns; what holds from here on. */
int toml_check_text(struct toml_reader *r);
struct place toml_here(struct toml_reader *r);
/* Of a spot in the line that is being read. */
struct place toml_place_of(struct toml_reader *r, const char *spot);
bool toml_at_newline(const struct toml_reader *r);
void toml_take_newline(struct toml_reader *r);
bool toml_next_is(const struct toml_reader *r, const char *text);
void toml_skip_blanks(struct toml_reader *r);
/* Blanks and a comment, up to the end of the line. */
void toml_skip_rest(struct toml_reader *r);
/* Blanks, comments and newlines. */
void toml_skip_lines(struct toml_reader *r);
/* For "found …": the character here in quotes, or "the end of the line". */
const char *toml_found(const struct toml_reader *r, char found[16]);

/* toml_string.c */
/* At a quote.  The bytes are in r->scratch; a key may not use the form with three quotes. */
int toml_read_string(struct toml_reader *r);

/* toml_scalar.c */
struct toml_value *toml_read_scalar(struct toml_reader *r);
/* The characters up to a blank, comma, closing bracket, comment or the end of the line. */
size_t toml_word_len(const struct toml_reader *r);
/* "'10s' is not a value", with the quotes that were probably forgotten. */
void toml_complain_word(struct toml_reader *r);
/* What begins at `from`, with quotes around it, as a hint. */
void toml_hint_quotes(const struct toml_reader *r, struct diag *complaint, const char *from);

/* toml_date.c */
bool toml_looks_like_date(const char *word, size_t len);
struct toml_value *toml_read_date(struct toml_reader *r);

/* toml_value.c */
/* `depth` is that of the table or array around it. */
struct toml_value *toml_read_value(struct toml_reader *r, int depth);
/* One `a.b = value` into `table`. */
int toml_read_pair(struct toml_reader *r, struct toml_value *table);

/* toml_key.c */
/* Finds the table that a part of a dotted key stands for. */
typedef struct toml_value *(*toml_enter)(
	struct toml_reader *r, struct toml_value *table, const struct key *key);
/*
 * A whole dotted key: enters `table` for all parts but the last, which is left in `key`; gives the table that
 * it belongs into.  Afterwards the reader is at what follows the key, behind blanks.
 */
struct toml_value *toml_read_path(
	struct toml_reader *r, struct toml_value *table, toml_enter enter, struct key *key);
/* What should have followed the key, and does not. */
int toml_complain_after_key(struct toml_reader *r, const struct key *key, const char *expected);

/* toml_tree.c */
struct toml_tree *toml_tree_new(void);
void *toml_take(struct toml_tree *t, size_t size);
/* A copy, with a '\0' behind it. */
const char *toml_keep(struct toml_tree *t, const char *bytes, size_t len);
struct toml_value *toml_value_new(struct toml_tree *t, enum toml_type type, struct place at);
/* A table or an array; NULL with words when it would lie too deep. */
struct toml_value *toml_branch_new(
	struct toml_reader *r, enum toml_type type, enum branch_kind kind, struct place at, int depth);

/* toml_rules.c */
/*
 * That the key is not there yet; asked before its value is read, so that mistakes come in the order of the
 * file.
 */
int toml_check_new(struct toml_reader *r, const struct toml_value *table, const struct key *key);
void toml_put(struct toml_value *table, const struct key *key, struct toml_value *value);
/* For parts of a dotted key, and for those of a header; both make a table where there is none. */
struct toml_value *toml_enter_dotted(struct toml_reader *r, struct toml_value *table, const struct key *key);
struct toml_value *toml_enter_super(struct toml_reader *r, struct toml_value *table, const struct key *key);
/* The table of [header], and a new one in the row of [[header]]; `at` is where the header begins. */
struct toml_value *toml_open_table(
	struct toml_reader *r, struct toml_value *parent, const struct key *key, struct place at);
struct toml_value *toml_open_row(
	struct toml_reader *r, struct toml_value *parent, const struct key *key, struct place at);

#endif

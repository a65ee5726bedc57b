/*
 * THE table of keys: what may stand in an oxfile, once.  Reading, validation, the diff between two revisions,
 * JSON, the editor schema, and the keys section of oxfile(5) are all made from these rows.
 */
#ifndef OX_MODEL_FIELDS_H
#define OX_MODEL_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/spec.h"

struct field_form;
struct toml_value;

/* The kind says the type of the member of struct spec, and which values a user may write for it. */
enum field_kind {
	FIELD_STRING,   /* char * */
	FIELD_BOOL,     /* bool */
	FIELD_INT,      /* int64_t */
	FIELD_NUMBER,   /* double: 80 or 12.5 */
	FIELD_DURATION, /* int64_t, ms: a number in the row's unit, or "250ms", "10s", "5m", "1h" */
	FIELD_SIZE,     /* int64_t, bytes: a number in the row's unit, or "512M", "1G" */
	FIELD_WORD,     /* int: one of the row's words */
	FIELD_FORMED,   /* char *: text of the row's form (model/field_forms.h) */
	FIELD_STRINGS,  /* struct strings: a string or an array of them */
	FIELD_INTS,     /* struct ints: a number or an array of them */
	FIELD_COUNT,    /* struct count: 4, "max", "max-1", "50%" */
	FIELD_COMMAND,  /* struct command: a line, or an array of words */
	FIELD_ENV,      /* struct env: a table of strings, numbers and booleans */
	FIELD_WATCH,    /* struct strings: true (the working folder), false, a path, or paths */
};

/* What a bare number means. */
enum field_unit { UNIT_NONE, UNIT_MS, UNIT_SECS, UNIT_MB, UNIT_BYTES };

struct field_word {
	const char *word;
	int value;
	bool is_not_yet; /* known, refused as not supported yet */
};

enum field_flags {
	FIELD_NOT_YET = 1 << 0,  /* known, refused as not supported yet */
	FIELD_REPLACES = 1 << 1, /* a change needs a new process; the others are applied to the running one */
	FIELD_SECRET = 1 << 2,   /* its value never leaves the daemon */
	FIELD_REQUIRED = 1 << 3,
	FIELD_NONEMPTY = 1 << 4, /* an empty string is an error */
	FIELD_AUTO = 1 << 6, /* FIELD_INT: "auto" may stand there too, which is stored as FIELD_AUTO_VALUE */
	FIELD_NOT_RUN = 1
		<< 5, /* read and checked; the daemon refuses to start an app with it, as not supported yet */
};

enum { FIELD_AUTO_VALUE = -1 };

struct field {
	const char *key; /* "restart_delay_ms"; "health_check.endpoint" stands in its own table */
	enum field_kind kind;
	enum field_unit unit;
	size_t offset;
	int64_t min, max;               /* of the value as stored; both 0: any */
	const char *fallback;           /* as a user would write it; NULL: nothing */
	const struct field_word *words; /* FIELD_WORD: ends with a NULL word */
	const struct field_form *form;  /* FIELD_FORMED */
	unsigned int flags;
	const char *doc;
};

extern const struct field fields[];
extern const size_t fields_count;

/* How another name stands for a row. */
enum alias_how {
	ALIAS_SAME,      /* another spelling; a number may be in another unit */
	ALIAS_SECTION,   /* another name of a whole table */
	ALIAS_RESTART,   /* a boolean: true is "always", false is "never" */
	ALIAS_SHARED,    /* a boolean: true is port_mode "shared", false is "each" */
	ALIAS_EXEC_MODE, /* "fork" is port_mode "each", "cluster" is "shared" */
};

struct field_alias {
	const char *key;      /* as it may be written, a table's name in front: "health_check.url" */
	const char *of;       /* the key of the row (or the name of the table) that it stands for */
	enum field_unit unit; /* what a bare number means here; UNIT_NONE: as in the row */
	enum alias_how how;
};

extern const struct field_alias field_aliases[];
extern const size_t field_aliases_count;

/* By the canonical key; NULL if there is none. */
const struct field *field_find(const char *key);
const struct field_alias *field_alias_find(const char *key);
size_t field_index(const struct field *f);
/* True for "health_check", "limits" …: names of tables inside an app. */
bool field_is_section(const char *name);

void *field_member(const struct field *f, struct spec *s);
const void *field_member_const(const struct field *f, const struct spec *s);

/* What reading a value may ask for besides the value. */
struct field_context {
	struct diags *d;
	char *const *environment; /* NAME=value, NULL-terminated: where ${NAME} in env is looked up */
	bool is_apps_dialect;     /* [[apps]]: $NAME, ~ and $$ are special in env too */
};

/* A value as it was written: under which key, where, and what a bare number means there. */
struct field_input {
	const char *key;
	struct place key_at;
	enum field_unit unit;
	enum alias_how how;
	const struct toml_value *value;
};

/*
 * Reads a value into the row's member.  Returns -1 with a complaint and leaves the member as it was.
 * FIELD_ENV merges: names that are there already are replaced.
 */
int field_read(
	const struct field *f, const struct field_input *in, struct spec *s, const struct field_context *ctx);
/* "a number", "true or false" …: what a row wants, for complaints and the manual. */
const char *field_wants(const struct field *f);
/*
 * Every row at its default, for comparisons; it has no name.  The fallbacks are text: they are parsed at the first call only, and
 * live as long as the program.
 */
const struct spec *fields_defaults(void);
/* Differs from the default; or was written all the same, where that makes a difference. */
bool field_is_set(const struct field *f, const struct spec *s);
/* The row's default. */
void field_reset(const struct field *f, struct spec *s);
void field_release(const struct field *f, struct spec *s);
void field_copy(const struct field *f, struct spec *to, const struct spec *from);
/* For a member that was copied byte by byte: gives it memory of its own. */
void field_own(const struct field *f, struct spec *s);
bool field_equal(const struct field *f, const struct spec *a, const struct spec *b);
/* The value as a user would write it in the oxfile: `"10s"`, `4`, `["a", "b"]`; secrets as "(hidden)". */
void field_print(const struct field *f, const struct spec *s, struct buf *out);
struct json *field_to_json(const struct field *f, const struct spec *s);
int field_from_json(const struct field *f, const struct json *j, struct spec *s, struct err *e);

/* The value of NAME (len letters of it) in such an environment, or NULL. */
const char *environment_get(char *const *environment, const char *name, size_t len);
/*
 * Replaces ${NAME} and ${NAME:-default} from the environment, and $${ by ${; in the [[apps]] dialect also
 * $NAME, $$ and a leading ~. -1 with words for a variable that is not set, or a brace that is not closed.
 */
int expand_text(
	const char *text, char *const *environment, bool is_apps_dialect, struct buf *out, struct err *e);
/* "10s" for 10000: the shortest exact spelling. */
void duration_print(int64_t ms, struct buf *out);
void size_print(int64_t bytes, struct buf *out);
/* "250ms", "10s", "5m", "1h", "1h30m"; false if it is no duration. */
bool duration_parse(const char *text, int64_t *ms);
/* "512M", "1G", "64K", "1024B", also MB, MiB; false if it is no size. */
bool size_parse(const char *text, int64_t *bytes);
/* "max", "max-1", "50%", and a number in digits, as people write it for other programs; false for anything else. */
bool count_parse(const char *text, struct count *count);
/* "SIGTERM" for SIGTERM, TERM, sigterm; NULL if there is no such signal.  Real-time ones as "SIGRTMIN+3". */
char *signal_parse(const char *text);

#endif

/*
 * What can be asked of the brain: the table methods.def as values, and with which parameters.
 */
#ifndef OX_WIRE_METHODS_H
#define OX_WIRE_METHODS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/spec.h"

struct err;
struct json;

enum method {
#define METHOD(id, tag, name, rights, doc) METHOD_##id,
#include "wire/methods.def"
	METHOD_COUNT,
};

enum method_rights {
	METHOD_READ,    /* looks only */
	METHOD_CONTROL, /* changes what runs, as the owner has defined it */
	METHOD_OWNER,   /* for the daemon's user and root alone: it changes what the daemon is */
	METHOD_SECRET,  /* for them too: it looks only, but shows what others may not see */
};

/* METHOD_COUNT, with words and a suggestion in `e`, if there is none of that name. */
enum method method_find(const char *name, struct err *e);
const char *method_name(enum method method);
/* The same as it is typed to oxctl, for messages. */
const char *method_command(enum method method);
const char *method_doc(enum method method);
enum method_rights method_rights(enum method method);
/* Every call is logged with the peer's pid and uid, and answered when it is on disk. */
bool method_changes(enum method method);
/* Only for the daemon's user and root, whatever a list says. */
bool method_is_owners(enum method method);
/*
 * Whom a list lets do what: "status,logs,restart"; "read" stands for every method that only looks, "control" for these and those that change what
 * runs.  Sets the members of `may`, METHOD_COUNT of them.  -1 with words for a name that is none, or of a method that is the owner's.
 */
int method_list(const char *text, bool *may, struct err *e);
/* Every method with its parameters, as lists for oxherd-protocol(7), in mdoc. */
void methods_print_mdoc(struct buf *out);

/*
 * The parameters of a call, decoded once: a struct a method, made from the rows of methods.def.  What is unknown, missing or of a wrong type
 * is refused here, so a reader of such a struct need not check again.
 *
 * What was left out is zero: NULL, false, or a struct whose `is_given` is false.  Texts are borrowed from the JSON that was decoded.
 */

struct param_int {
	int64_t value;
	bool is_given;
};

struct param_strings {
	const char **items;
	size_t count;
	bool is_given;
};

/* Names and values, borrowed for all that they are not const. */
struct param_env {
	struct env env;
	bool is_given;
};

/* 4, "4", "+2", "max", "50%". */
struct param_count {
	const char *text; /* NULL: `number` was written as a number */
	int64_t number;
	bool is_given;
};

struct param_named_count {
	const char *name;
	struct param_count count;
};

struct param_counts {
	struct param_named_count *items;
	size_t count;
	bool is_given;
};

/* The C type of each type of a row. */
#define PARAM_C_STRING  const char *
#define PARAM_C_INT     struct param_int
#define PARAM_C_BOOL    bool
#define PARAM_C_STRINGS struct param_strings
#define PARAM_C_ENV     struct param_env
#define PARAM_C_OBJECT  const struct json *
#define PARAM_C_COUNT   struct param_count
#define PARAM_C_COUNTS  struct param_counts

enum param_type {
	PARAM_STRING,
	PARAM_INT,
	PARAM_BOOL,
	PARAM_STRINGS,
	PARAM_ENV,
	PARAM_OBJECT, /* handed on as it came */
	PARAM_COUNT,
	PARAM_COUNTS,
};

/* struct params_deploy { … bool force; … } and so on. */
#define METHOD(id, tag, name, rights, doc)                                                                   \
	struct params_##tag {                                                                                \
		size_t given; /* how many */
#define ARG(tag, name, type, need, doc) PARAM_C_##type name;
#define END                                                                                                  \
	}                                                                                                    \
	;
#include "wire/methods.def"

struct params {
	enum method method;
	union {
#define METHOD(id, tag, name, rights, doc) struct params_##tag tag;
#include "wire/methods.def"
	};
};

/* -1 with words: "start: unknown parameter 'instance' (did you mean 'instances'?)".  `j` may be NULL, and outlives the parameters. */
int params_decode(struct params *p, enum method method, const struct json *j, struct err *e);
/* Only what params_decode() has made. */
void params_release(struct params *p);
/* The first member of `j` that the method has no parameter for; NULL: it knows them all. */
const char *params_unknown(enum method method, const struct json *j);
/* The first that was given and that only the owner may give, or NULL. */
const char *params_owners(const struct params *p);
/* The member of that name, for what many methods have; NULL if this method has none of that name and type. */
const void *params_member(const struct params *p, const char *name, enum param_type type);
/* Every parameter of a method, as a list for oxherd-protocol(7), in mdoc. */
void params_print_mdoc(struct buf *out, enum method method);

#endif

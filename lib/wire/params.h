/*
 * The parameters of a call, decoded once: a struct a method, made from the rows of methods.def.  What is unknown, missing or of a wrong type
 * is refused here, so a reader of such a struct need not check again.
 *
 * What was left out is zero: NULL, false, or a struct whose `is_given` is false.  Texts are borrowed from the JSON that was decoded.
 */
#ifndef OX_WIRE_PARAMS_H
#define OX_WIRE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/spec.h"
#include "wire/methods.h"

struct err;
struct json;

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

#include "wire/methods.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

enum { OPTIONAL, REQUIRED };

/* Members of a list: each is looked up among all apps.  Only the owner may send a longer one, as the words of a command. */
enum { LIST_MAX = 4096 };

struct arg_type {
	const char *words;
	bool (*is_one)(const struct json *value);
};

struct arg {
	enum method method;
	const char *name;
	const struct arg_type *type;
	int need;
	bool is_owners;
	const char *doc;
};

static bool is_string(const struct json *j)
{
	return json_string(j, NULL) != NULL;
}

static bool is_int(const struct json *j)
{
	int64_t value = 0;

	return !is_string(j) && json_int(j, &value);
}

/* The fallback comes back from whatever is no boolean. */
static bool is_bool(const struct json *j)
{
	return json_bool(j, true) == json_bool(j, false);
}

static bool is_count(const struct json *j)
{
	return is_string(j) || is_int(j);
}

static bool all(const struct json *j, bool (*is_one)(const struct json *))
{
	const struct json *member = NULL;

	JSON_EACH (j, member)
		if (!is_one(member))
			return false;
	return true;
}

static bool is_strings(const struct json *j)
{
	return json_is_array(j) && all(j, is_string);
}

static bool is_env(const struct json *j)
{
	return json_is_object(j) && all(j, is_string);
}

static bool is_counts(const struct json *j)
{
	return json_is_object(j) && all(j, is_count);
}

static const struct arg_type type_STRING = { "a string", is_string };
static const struct arg_type type_INT = { "a whole number", is_int };
static const struct arg_type type_BOOL = { "true or false", is_bool };
static const struct arg_type type_STRINGS = { "an array of strings", is_strings };
static const struct arg_type type_ENV = { "an object of strings", is_env };
static const struct arg_type type_OBJECT = { "an object", json_is_object };
static const struct arg_type type_COUNT = { "a whole number or a string", is_count };
static const struct arg_type type_COUNTS = { "an object of whole numbers or strings", is_counts };

static const struct {
	const char *name;
	enum method_rights rights;
	const char *doc;
} methods[] = {
#define METHOD(id, name, rights, doc) [METHOD_##id] = { name, METHOD_##rights, doc },
#define ARG(id, name, type, need, doc)
#define OWNER_ARG(id, name, type, need, doc)
#include "wire/methods.def"
#undef METHOD
#undef ARG
#undef OWNER_ARG
};

static const struct arg args[] = {
#define METHOD(id, name, rights, doc)
#define ARG(id, name, type, need, doc)       { METHOD_##id, name, &type_##type, need, false, doc },
#define OWNER_ARG(id, name, type, need, doc) { METHOD_##id, name, &type_##type, need, true, doc },
#include "wire/methods.def"
#undef METHOD
#undef ARG
#undef OWNER_ARG
};

enum { ARG_COUNT = sizeof(args) / sizeof(args[0]) };

enum method method_find(const char *name, struct err *e)
{
	struct str_guess guess = { .typed = name };

	for (enum method m = 0; m < METHOD_COUNT; m++) {
		if (str_eq(methods[m].name, name))
			return m;
		str_guess_offer(&guess, methods[m].name);
	}
	if (guess.best)
		err_set(e, "unknown method '%.80s' (did you mean '%s'?)", name, guess.best);
	else
		err_set(e, "unknown method '%.80s'; oxherd-protocol(7) lists them", name);
	return METHOD_COUNT;
}

const char *method_name(enum method method)
{
	return methods[method].name;
}

const char *method_command(enum method method)
{
	static const char *const others[METHOD_COUNT] = {
		[METHOD_APPLY] = "start",
		[METHOD_DAEMON_SHUTDOWN] = "daemon stop",
		[METHOD_DAEMON_UPGRADE] = "daemon upgrade",
	};

	return others[method] ? others[method] : methods[method].name;
}

const char *method_doc(enum method method)
{
	return methods[method].doc;
}

enum method_rights method_rights(enum method method)
{
	return methods[method].rights;
}

bool method_changes(enum method method)
{
	return methods[method].rights == METHOD_CONTROL || methods[method].rights == METHOD_OWNER;
}

bool method_is_owners(enum method method)
{
	return methods[method].rights == METHOD_OWNER || methods[method].rights == METHOD_SECRET;
}

const char *method_owners_param(enum method method, const struct json *params)
{
	for (size_t i = 0; i < ARG_COUNT; i++)
		if (args[i].method == method && args[i].is_owners && json_get(params, args[i].name))
			return args[i].name;
	return NULL;
}

static int allow(const char *name, bool *may, struct err *e)
{
	enum method method = METHOD_COUNT;
	bool is_control = str_eq(name, "control");
	bool is_read = is_control || str_eq(name, "read");

	if (!is_read)
		method = method_find(name, e);
	if (!is_read && method == METHOD_COUNT)
		return -1;
	if (!is_read && method_is_owners(method))
		return err_set(e, "'%s' is for the owner of the daemon alone; leave it out", name);
	for (enum method m = 0; m < METHOD_COUNT; m++)
		may[m] = may[m] || m == method || (is_read && methods[m].rights == METHOD_READ) ||
			(is_control && methods[m].rights == METHOD_CONTROL);
	return 0;
}

int method_list(const char *text, bool *may, struct err *e)
{
	int rc = 0;

	while (*text && rc == 0) {
		size_t len = strcspn(text, ",");
		char *name = mem_strndup(text, len);

		rc = allow(name, may, e);
		mem_free(name);
		text += len + (text[len] == ',');
	}
	return rc;
}

static int check_arg(enum method method, const struct arg *arg, const struct json *member, struct err *e)
{
	if (!arg->type->is_one(member))
		return err_set(e, "%s: '%s' is to be %s", methods[method].name, arg->name, arg->type->words);
	if (!arg->is_owners && json_count(member) > LIST_MAX)
		return err_set(e, "%s: '%s' has %zu members, and %d is the most", methods[method].name,
			arg->name, json_count(member), LIST_MAX);
	return 0;
}

static int check_member(enum method method, const struct json *member, struct err *e)
{
	struct str_guess guess = { .typed = json_key(member) };

	for (size_t i = 0; i < ARG_COUNT; i++) {
		if (args[i].method != method)
			continue;
		if (str_eq(args[i].name, guess.typed))
			return check_arg(method, &args[i], member, e);
		str_guess_offer(&guess, args[i].name);
	}
	if (guess.best)
		return err_set(e, "%s: unknown parameter '%.80s' (did you mean '%s'?)", methods[method].name,
			guess.typed, guess.best);
	return err_set(e, "%s: unknown parameter '%.80s'", methods[method].name, guess.typed);
}

int method_check(enum method method, const struct json *params, struct err *e)
{
	const struct json *member = NULL;

	JSON_EACH (params, member)
		if (check_member(method, member, e) < 0)
			return -1;
	for (size_t i = 0; i < ARG_COUNT; i++)
		if (args[i].method == method && args[i].need == REQUIRED && !json_get(params, args[i].name))
			return err_set(e, "%s: '%s' is missing: %s", methods[method].name, args[i].name,
				args[i].doc);
	return 0;
}

/* A text that starts no macro and holds no escape. */
static void mdoc_text(struct buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_adds(out, "\\&");
	for (; *text; text++) {
		if (*text == '\\')
			buf_adds(out, "\\e");
		else if (*text == '-')
			buf_adds(out, "\\-");
		else
			buf_addc(out, *text);
	}
	buf_addc(out, '\n');
}

static void print_args(struct buf *out, enum method method)
{
	bool is_open = false;

	for (size_t i = 0; i < ARG_COUNT; i++) {
		if (args[i].method != method)
			continue;
		if (!is_open)
			buf_adds(out, ".Bl -tag -width Ds -compact\n");
		is_open = true;
		buf_addf(out, ".It Va %s : %s%s%s\n", args[i].name, args[i].type->words,
			args[i].need == REQUIRED ? ", required" : "",
			args[i].is_owners && !method_is_owners(method) ? ", owner only" : "");
		mdoc_text(out, args[i].doc);
	}
	if (is_open)
		buf_adds(out, ".El\n");
}

void methods_print_mdoc(struct buf *out)
{
	buf_adds(out, ".Bl -tag -width Ds\n");
	for (enum method m = 0; m < METHOD_COUNT; m++) {
		buf_addf(out, ".It Ic %s Pq %s\n", methods[m].name,
			method_is_owners(m)                           ? "owner"
				: methods[m].rights == METHOD_CONTROL ? "control"
								      : "read");
		mdoc_text(out, methods[m].doc);
		print_args(out, m);
	}
	buf_adds(out, ".El\n");
}

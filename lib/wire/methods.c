#include "wire/methods.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/mdoc.h"

static const struct {
	const char *name;
	enum method_rights rights;
	const char *doc;
} methods[] = {
#define METHOD(id, tag, name, rights, doc) [METHOD_##id] = { name, METHOD_##rights, doc },
#include "wire/methods.def"
};

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

	/* A client asks by it whether the daemon is there. */
	may[METHOD_PING] = true;
	while (*text && rc == 0) {
		size_t len = strcspn(text, ",");
		char *name = mem_strndup(text, len);

		rc = allow(name, may, e);
		mem_free(name);
		text += len + (text[len] == ',');
	}
	return rc;
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
		params_print_mdoc(out, m);
	}
	buf_adds(out, ".El\n");
}

/* --- parameters --- */

enum { OPTIONAL, REQUIRED };

/* Members of a list: each is looked up among all apps.  Only the owner may send a longer one, as the words of a command. */
enum { LIST_MAX = 4096 };

/* A row of methods.def, and where its value stands. */
struct param {
	enum method method;
	const char *name;
	enum param_type type;
	size_t offset; /* in the struct of its method */
	int need;
	bool is_owners;
	const char *doc;
};

/* Methods by their tags. */
enum {
#define METHOD(id, tag, name, rights, doc) tag_##tag = METHOD_##id,
#include "wire/methods.def"
};

static const struct param rows[] = {
#define ROW(tag, name, type, need, is_owners, doc)                                                           \
	{ (enum method)tag_##tag, #name, PARAM_##type, offsetof(struct params_##tag, name), need, is_owners, \
		doc },
#define ARG(tag, name, type, need, doc)       ROW(tag, name, type, need, false, doc)
#define OWNER_ARG(tag, name, type, need, doc) ROW(tag, name, type, need, true, doc)
#include "wire/methods.def"
#undef ROW
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

/* --- types --- */

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

static const struct {
	const char *words;
	bool (*is_one)(const struct json *value);
} types[] = {
	[PARAM_STRING] = { "a string", is_string },
	[PARAM_INT] = { "a whole number", is_int },
	[PARAM_BOOL] = { "true or false", is_bool },
	[PARAM_STRINGS] = { "an array of strings", is_strings },
	[PARAM_ENV] = { "an object of strings", is_env },
	[PARAM_OBJECT] = { "an object", json_is_object },
	[PARAM_COUNT] = { "a whole number or a string", is_count },
	[PARAM_COUNTS] = { "an object of whole numbers or strings", is_counts },
};

/* --- values --- */

static void *param_member(const struct params *p, const struct param *row)
{
	return (char *)&p->ping + row->offset;
}

static void decode_strings(struct param_strings *list, const struct json *j)
{
	const struct json *member = NULL;

	list->items = mem_zalloc(json_count(j) + 1, sizeof(*list->items));
	JSON_EACH (j, member)
		list->items[list->count++] = json_string(member, "");
	list->is_given = true;
}

static void decode_env(struct param_env *list, const struct json *j)
{
	const struct json *member = NULL;

	list->env.items = mem_zalloc(json_count(j) + 1, sizeof(*list->env.items));
	JSON_EACH (j, member)
		list->env.items[list->env.len++] = (struct env_var){
			.name = (char *)json_key(member),
			.value = (char *)json_string(member, ""),
		};
	list->is_given = true;
}

static struct param_count decode_count(const struct json *j)
{
	struct param_count count = { .text = json_string(j, NULL), .is_given = true };

	(void)json_int(j, &count.number);
	return count;
}

static void decode_counts(struct param_counts *list, const struct json *j)
{
	const struct json *member = NULL;

	list->items = mem_zalloc(json_count(j) + 1, sizeof(*list->items));
	JSON_EACH (j, member)
		list->items[list->count++] = (struct param_named_count){
			.name = json_key(member),
			.count = decode_count(member),
		};
	list->is_given = true;
}

/* Of a value that is of the type. */
static void decode_value(enum param_type type, void *member, const struct json *j)
{
	struct param_int *number = member;

	switch (type) {
	case PARAM_STRING:
		*(const char **)member = json_string(j, NULL);
		break;
	case PARAM_INT:
		number->is_given = json_int(j, &number->value);
		break;
	case PARAM_BOOL:
		*(bool *)member = json_bool(j, false);
		break;
	case PARAM_STRINGS:
		decode_strings(member, j);
		break;
	case PARAM_ENV:
		decode_env(member, j);
		break;
	case PARAM_OBJECT:
		*(const struct json **)member = j;
		break;
	case PARAM_COUNT:
		*(struct param_count *)member = decode_count(j);
		break;
	case PARAM_COUNTS:
		decode_counts(member, j);
		break;
	}
}

static bool is_given(enum param_type type, const void *member)
{
	switch (type) {
	case PARAM_STRING:
		return *(const char *const *)member != NULL;
	case PARAM_INT:
		return ((const struct param_int *)member)->is_given;
	case PARAM_BOOL:
		return *(const bool *)member;
	case PARAM_STRINGS:
		return ((const struct param_strings *)member)->is_given;
	case PARAM_ENV:
		return ((const struct param_env *)member)->is_given;
	case PARAM_OBJECT:
		return *(const struct json *const *)member != NULL;
	case PARAM_COUNT:
		return ((const struct param_count *)member)->is_given;
	case PARAM_COUNTS:
		return ((const struct param_counts *)member)->is_given;
	}
	return false;
}

static void release_value(enum param_type type, void *member)
{
	if (type == PARAM_STRINGS)
		mem_free(((struct param_strings *)member)->items);
	else if (type == PARAM_ENV)
		mem_free(((struct param_env *)member)->env.items);
	else if (type == PARAM_COUNTS)
		mem_free(((struct param_counts *)member)->items);
}

/* --- a request --- */

static int read_param(struct params *p, const struct param *row, const struct json *j, struct err *e)
{
	const char *method = method_name(p->method);

	if (!types[row->type].is_one(j))
		return err_set(e, "%s: '%s' is to be %s", method, row->name, types[row->type].words);
	if (!row->is_owners && json_count(j) > LIST_MAX)
		return err_set(e, "%s: '%s' has %zu members, and %d is the most", method, row->name,
			json_count(j), LIST_MAX);
	decode_value(row->type, param_member(p, row), j);
	p->ping.given++;
	return 0;
}

static int read_member(struct params *p, const struct json *member, struct err *e)
{
	struct str_guess guess = { .typed = json_key(member) };

	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].method != p->method)
			continue;
		if (str_eq(rows[i].name, guess.typed))
			return read_param(p, &rows[i], member, e);
		str_guess_offer(&guess, rows[i].name);
	}
	if (guess.best)
		return err_set(e, "%s: unknown parameter '%.80s' (did you mean '%s'?)",
			method_name(p->method), guess.typed, guess.best);
	return err_set(e, "%s: unknown parameter '%.80s'", method_name(p->method), guess.typed);
}

const char *params_unknown(enum method method, const struct json *j)
{
	const struct json *member = NULL;

	JSON_EACH (j, member) {
		bool is_known = false;

		for (size_t i = 0; i < ROW_COUNT; i++)
			is_known |= rows[i].method == method && str_eq(rows[i].name, json_key(member));
		if (!is_known)
			return json_key(member);
	}
	return NULL;
}

static int check_required(const struct params *p, struct err *e)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].method == p->method && rows[i].need == REQUIRED &&
			!is_given(rows[i].type, param_member(p, &rows[i])))
			return err_set(e, "%s: '%s' is missing: %s", method_name(p->method), rows[i].name,
				rows[i].doc);
	return 0;
}

int params_decode(struct params *p, enum method method, const struct json *j, struct err *e)
{
	const struct json *member = NULL;
	int rc = 0;

	memset(p, 0, sizeof(*p));
	p->method = method;
	JSON_EACH (j, member)
		rc = rc < 0 ? rc : read_member(p, member, e);
	if (rc == 0)
		rc = check_required(p, e);
	if (rc < 0)
		params_release(p);
	return rc;
}

void params_release(struct params *p)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].method == p->method)
			release_value(rows[i].type, param_member(p, &rows[i]));
	memset(p, 0, sizeof(*p));
	p->method = METHOD_COUNT;
}

const char *params_owners(const struct params *p)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].method == p->method && rows[i].is_owners &&
			is_given(rows[i].type, param_member(p, &rows[i])))
			return rows[i].name;
	return NULL;
}

const void *params_member(const struct params *p, const char *name, enum param_type type)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].method == p->method && rows[i].type == type && str_eq(rows[i].name, name))
			return param_member(p, &rows[i]);
	return NULL;
}

void params_print_mdoc(struct buf *out, enum method method)
{
	bool is_open = false;

	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].method != method)
			continue;
		if (!is_open)
			buf_adds(out, ".Bl -tag -width Ds -compact\n");
		is_open = true;
		buf_addf(out, ".It Va %s : %s%s%s\n", rows[i].name, types[rows[i].type].words,
			rows[i].need == REQUIRED ? ", required" : "",
			rows[i].is_owners && !method_is_owners(method) ? ", owner only" : "");
		mdoc_text(out, rows[i].doc);
	}
	if (is_open)
		buf_adds(out, ".El\n");
}

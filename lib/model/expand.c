/*
 * ${NAME} in values of env.  In [processes.…] files every other `$` is itself; [[apps]] files also know
 * $NAME, $$ and ~.
 */
#include <string.h>

#include "base/err.h"
#include "model/fields.h"

const char *environment_get(char *const *environment, const char *name, size_t len)
{
	for (; environment && *environment; environment++)
		if (!strncmp(*environment, name, len) && (*environment)[len] == '=')
			return *environment + len + 1;
	return NULL;
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t name_length(const char *text)
{
	size_t len = 0;

	if (!is_name_start(*text))
		return 0;
	while (is_name_start(text[len]) || (text[len] >= '0' && text[len] <= '9'))
		len++;
	return len;
}

/* `at` stands on "${"; gives what follows the closing brace, or NULL with words. */
static const char *expand_braces(const char *at, char *const *environment, struct buf *out, struct err *e)
{
	const char *name = at + 2;
	const char *close = strchr(name, '}');
	size_t len = name_length(name);
	const char *fallback = NULL;
	const char *value = NULL;

	if (!close) {
		err_set(e, "'${' is not closed; write $${ for a literal one");
		return NULL;
	}
	if (name[len] == ':' && name[len + 1] == '-')
		fallback = name + len + 2;
	if (!len || (!fallback && name + len != close)) {
		err_set(e, "'%.*s' is not ${NAME} or ${NAME:-default}; write $${ for a literal ${",
			(int)(close + 1 - at), at);
		return NULL;
	}
	value = environment_get(environment, name, len);
	if (fallback && (!value || !*value)) {
		buf_add(out, fallback, (size_t)(close - fallback));
		return close + 1;
	}
	if (!value) {
		err_set(e, "the variable '%.*s' is not set; give it a default with ${%.*s:-…}", (int)len,
			name, (int)len, name);
		return NULL;
	}
	buf_adds(out, value);
	return close + 1;
}

/* The [[apps]] dialect's own forms; gives `at` itself where there is none. */
static const char *expand_apps(
	const char *at, const char *text, char *const *environment, struct buf *out, struct err *e)
{
	size_t len = at[0] == '$' ? name_length(at + 1) : 0;
	const char *value = NULL;

	if (at[0] == '$' && at[1] == '$') {
		buf_addc(out, '$');
		return at + 2;
	}
	if (at[0] == '~' && at == text && (at[1] == '/' || !at[1])) {
		value = environment_get(environment, "HOME", strlen("HOME"));
		buf_adds(out, value ? value : "~");
		return at + 1;
	}
	if (!len)
		return at;
	value = environment_get(environment, at + 1, len);
	if (!value) {
		err_set(e, "the variable '%.*s' is not set; write $$ for a literal $", (int)len, at + 1);
		return NULL;
	}
	buf_adds(out, value);
	return at + 1 + len;
}

int expand_text(
	const char *text, char *const *environment, bool is_apps_dialect, struct buf *out, struct err *e)
{
	const char *at = text;

	while (at && *at) {
		const char *before = at;

		if (at[0] == '$' && at[1] == '$' && at[2] == '{') {
			buf_adds(out, "${");
			at += 3;
		} else if (at[0] == '$' && at[1] == '{') {
			at = expand_braces(at, environment, out, e);
		} else if (is_apps_dialect) {
			at = expand_apps(at, text, environment, out, e);
		}
		if (at == before)
			buf_addc(out, *at++);
	}
	return at ? 0 : -1;
}

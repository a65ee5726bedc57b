/*
 * What an oxfile takes from outside.  ${NAME} in values of env: in [processes.…] files every other `$` is itself; [[apps]] files also know
 * $NAME, $$ and ~.  And env_files, read through a function that the caller brings, so that this room need not touch a disk.
 */
#include <string.h>

#include "base/dotenv.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "model/fields.h"
#include "model/oxfile_private.h"

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

/* --- env_file --- */

static void put_variable(void *context, const char *name, const char *value, struct place at)
{
	struct env *env = context;

	(void)at;
	if (env->len < LIST_ITEMS_MAX || env_get(env, name))
		env_put(env, name, value);
}

static int read_layer_env_file(const struct spec *s, const char *name, oxfile_reader reader, void *context,
	struct env *env, struct diags *d, struct err *e)
{
	char *path = path_join(s->folder, name);
	struct buf bytes = BUF_INIT;
	int rc = reader(context, s, path, &bytes, e);

	if (rc == 0) {
		/* Its lines are not quoted: they hold secrets. */
		diags_about(d, path, NULL, 0);
		rc = dotenv_parse(bytes.ptr, bytes.len, d, put_variable, env);
		diags_about(d, NULL, NULL, 0);
	}
	buf_release(&bytes);
	mem_free(path);
	return rc;
}

void oxfile_settle_shared_port(struct spec *s, struct diags *d)
{
	const struct field *mode = field_find("port_mode");
	const struct row_place *written = oxfile_row_place(s, field_index(mode));
	bool is_alone = s->instances.kind == COUNT_NUMBER && s->instances.value == 1;

	if (s->port_mode != PORT_SHARED || s->port || spec_env_port(s))
		return;
	/* Written for all apps, and this one is a worker. */
	if (is_alone && written && written->is_inherited) {
		field_reset(mode, s);
		return;
	}
	diag_hint(diags_error(d, oxfile_place(s, "port_mode"),
			  "the instances of '%s' share a port, and it is not written which", s->name),
		"add port = 3000, the port that the program listens on");
}

int oxfile_read_env_files(
	struct oxfile *o, oxfile_reader reader, void *context, bool may_be_absent, struct diags *d)
{
	size_t i = 0;
	size_t errors_before = d->errors;
	struct spec *s = NULL;
	struct err e = ERR_INIT;

	VEC_EACH (&o->specs, i, s) {
		struct env env = { .items = NULL };
		bool is_whole = true;

		for (size_t k = 0; k < s->env_file.len; k++) {
			size_t before = d->errors;

			if (read_layer_env_file(s, s->env_file.items[k], reader, context, &env, d, &e) == 0 ||
				d->errors > before)
				continue;
			is_whole = false;
			oxfile_about(o, d);
			if (may_be_absent)
				diags_warn(d, oxfile_place(s, "env_file"), "%s", e.text.ptr);
			else
				diags_error(d, oxfile_place(s, "env_file"), "%s", e.text.ptr);
		}
		env_release(&s->file_env);
		s->file_env = env;
		oxfile_about(o, d);
		if (is_whole && s->env_file.len)
			oxfile_settle_shared_port(s, d);
	}
	oxfile_about(o, d);
	err_release(&e);
	return d->errors == errors_before ? 0 : -1;
}

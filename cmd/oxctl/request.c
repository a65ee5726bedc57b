#include "request.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/toml.h"
#include "cmd.h"
#include "daemon_call.h"
#include "os/file.h"
#include "os/limits.h"
#include "wire/rpc.h"

/* A longer text, its quotes doubled by JSON, may not fit into one request: then the daemon reads the file. */
enum { TEXT_SENT_MAX = 400 * 1024 };

/* And no '\0' within. */
static bool is_utf8_text(const char *text, size_t len)
{
	size_t step = 1;

	for (size_t at = 0; at < len && step; at += step)
		step = text[at] ? str_utf8(text + at, len - at, NULL) : 0;
	return step != 0;
}

int request_add_oxfile(struct json *params, const char *path)
{
	char *whole = load_whole(path);
	char *folder = path_folder(whole);
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	int code = EXIT_DONE;

	if (file_read(path, TOML_SIZE_MAX, &text, &e) < 0 && e.number != EACCES) {
		code = daemon_call_fail(EXIT_USAGE, "%s", e.text.ptr);
	} else {
		json_set_string(params, "oxfile", whole);
		json_set_string(params, "folder", folder);
		/* What JSON cannot hold unchanged is left to the daemon as well: it complains about the place. */
		if (text.len && text.len <= TEXT_SENT_MAX && is_utf8_text(text.ptr, text.len))
			json_set_string(params, "text", text.ptr);
	}
	buf_release(&text);
	err_release(&e);
	mem_free(whole);
	mem_free(folder);
	return code;
}

void request_add_oxfiles(struct json *params, const char *path)
{
	struct json *list = json_set(params, "oxfiles", json_new_array());
	char *whole = load_whole(path);
	char *folder = path_folder(whole);
	char *real = realpath(folder, NULL);
	char *led = path_join(real ? real : folder, path_base(whole));

	json_push(list, json_new_string(whole));
	if (!str_eq(led, whole))
		json_push(list, json_new_string(led));
	mem_free(led);
	mem_free(real);
	mem_free(folder);
	mem_free(whole);
}

void request_add_env(struct json *params)
{
	struct json *env = json_set(params, "env", json_new_object());
	struct map seen = MAP_INIT;

	for (char **item = environ; item && *item; item++) {
		size_t len = strcspn(*item, "=");
		char *name = mem_strndup(*item, len);

		/* As getenv() has it, the first of two counts. */
		if (len && (*item)[len] && is_utf8_text(name, len) && !map_get(&seen, name)) {
			map_put(&seen, name, *item);
			json_set_string(env, name, *item + len + 1);
		}
		mem_free(name);
	}
	map_release(&seen);
}

void request_add_umask(struct json *params)
{
	mode_t mask = umask(077);

	(void)umask(mask);
	json_set_int(params, "umask", mask);
}

void request_add_limits(struct json *params)
{
	struct json *limits = json_set(params, "rlimits", json_new_object());
	struct buf text = BUF_INIT;
	struct rlimit limit;

	for (size_t i = 0; i < limit_kind_count; i++) {
		if (getrlimit(limit_kinds[i].resource, &limit) < 0)
			continue;
		buf_clear(&text);
		limit_write(&text, &limit);
		json_set_string(limits, limit_kinds[i].name, text.ptr);
	}
	buf_release(&text);
}

int request_add_cwd(struct json *params)
{
	char *folder = load_here();

	if (!folder)
		return daemon_call_fail(
			EXIT_FAILED, "cannot tell the folder that we are in: %s", strerror(errno));
	json_set_string(params, "cwd", folder);
	mem_free(folder);
	return EXIT_DONE;
}

/* --- what it is about --- */

int scope_read(struct scope *s, const struct opt_rest *rest)
{
	if (targets_check_all(s->command, s->all, rest) != EXIT_DONE)
		return EXIT_USAGE;
	s->all |= targets_name_all(rest);
	if (s->all && s->config)
		return daemon_call_fail(EXIT_USAGE,
			"%s: --all is for every app, and --config for those of one oxfile; say either",
			s->command);
	if (s->config)
		s->oxfile = mem_strdup(s->config);
	else if (!rest->count && !s->all && file_exists("oxfile.toml"))
		s->oxfile = mem_strdup("oxfile.toml");
	if (s->oxfile || rest->count || s->all)
		return EXIT_DONE;
	return daemon_call_fail(EXIT_USAGE,
		"%s: no oxfile.toml here, and no target named; name an app, use --config FILE, or --all for every app",
		s->command);
}

void scope_add(const struct scope *s, const struct opt_rest *rest, struct json *params)
{
	if (rest->count && !s->all)
		daemon_call_set_strings(params, "targets", rest->items, rest->count);
	if (s->oxfile)
		request_add_oxfiles(params, s->oxfile);
}

/* Version 0.1.0 says so in its message alone. */
static bool is_unknown_parameter(const struct daemon_call *t)
{
	if (!t->data)
		return t->code == RPC_PARAMS && strstr(t->e.text.ptr, "unknown parameter 'oxfiles'");
	return str_eq(json_string(json_get(t->data, "code"), NULL), "unknown_parameter") &&
		str_eq(json_string(json_get(t->data, "parameter"), NULL), "oxfiles");
}

void scope_explain(const struct scope *s, const struct daemon_call *t, int code)
{
	if (code == EXIT_USAGE && s->oxfile && is_unknown_parameter(t))
		daemon_call_fail(code,
			"the daemon is older than this oxctl and does not know which oxfile is meant; name apps, or use 'oxctl "
			"daemon upgrade' first");
}

void scope_release(struct scope *s)
{
	mem_free(s->oxfile);
	s->oxfile = NULL;
}
